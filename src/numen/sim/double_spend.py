"""The article's example under one seed: a has ten coins, and sends them to b and to c.

The payment to b is signed at node 1, the one to c at node 2. Both nodes count on what they got, and
so do b and c, who pass the ten coins on to d at once. Exactly one payment becomes final, and the
one that leans on it; whoever counted on the other is shown why not.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

import msgspec

from numen.base.codec import U256
from numen.base.crypto import SigningKey
from numen.ledger.cell import Account
from numen.ledger.order.certificate import Electorate
from numen.ledger.order.conflict import check_rejection, check_settled
from numen.ledger.transactions import Call, Transaction, read, sign
from numen.node.replica.packet import (
    Cancelled,
    Held,
    Notice,
    Pending,
    Refused,
    Submit,
    read_packet,
    write_packet,
)
from numen.node.replica.plan import Mode
from numen.sim.network import Count, Faults, Network
from numen.sim.people import AGAIN_MS
from numen.sim.town import CHAIN, Scene, Town, scene
from numen.sim.witness import BrokenError

COINS: Final = 10
"""What a has."""

STORM_MS: Final = 1_500
"""How long things go wrong."""

RATES: Final = Faults(crash=5, cut=100)
"""How often."""

_UNTIL: Final = 1 << 40


def pay(key: SigningKey, to: bytes) -> bytes:
    """Sign a payment of ten coins, the first transaction of an account."""
    return sign(Transaction(CHAIN, 0, 0, _UNTIL, (Call(to, U256(COINS), b"", 10_000),)), key)


class Payer:
    """Somebody who pays at one node.

    Args:
        address: By which nodes know this link.
        raw: The payment.
        home: The node.
        electorate: Whom it believes.
        network: Carries what it says.
        deliver: Takes a packet to where it goes.

    Attributes:
        was_taken: Whether the node counted on the payment.
        is_refused: Whether the node's last word was that it does not take the payment.
        payee: Who pays the coins on as soon as the node counts on them.
        must_end: Whether it has to be decided before the run ends.
        end: ``held``, ``rejected`` or ``cancelled``, as it could check; empty before.
    """

    def __init__(
        self,
        address: bytes,
        raw: bytes,
        home: bytes,
        electorate: Electorate,
        network: Network,
        deliver: Callable[[bytes, bytes, bytes], None],
    ) -> None:
        self.address = address
        self.was_taken = False
        self.is_refused = False
        self.must_end = True
        self.payee: Payer | None = None
        self.end = ""
        self._raw, self._id, self._home = raw, read(raw, CHAIN).id, home
        self._electorate, self._network, self._deliver = electorate, network, deliver

    @property
    def is_quiet(self) -> bool:
        """Whether it knows what became of the payment, or nobody ever counted on it."""
        return bool(self.end) or not self.must_end

    def begin(self) -> None:
        """Pay, if it has coins of its own."""
        if self.payee is not None:
            self.pay()

    def pay(self) -> None:
        """Pay, and ask again until it is decided."""
        if not self.end:
            self._deliver(self.address, self._home, write_packet(Submit(self._raw)))
            self._network.plan(AGAIN_MS, self.pay)

    def receive(self, _: bytes, raw: bytes) -> None:
        """The node says something."""
        packet = read_packet(raw)
        self.is_refused = isinstance(packet, Refused)
        if isinstance(packet, Pending):
            if not self.was_taken and self.payee is not None:
                self.payee.pay()
            self.was_taken = True
        elif isinstance(packet, Held):
            check_settled(packet.settled, self._raw, CHAIN, self._electorate)
            self.end = "held"
        elif isinstance(packet, Notice):
            check_rejection(packet.rejection, CHAIN, self._electorate)
            if packet.rejection.rejected.transaction == self._id:
                self.end = "rejected"
        elif isinstance(packet, Cancelled):
            check_rejection(packet.because, CHAIN, self._electorate)
            self.end = "cancelled"


class Report(msgspec.Struct, frozen=True):
    """What came of a run in which everything held that must.

    Attributes:
        seed: Which run.
        winner: ``b`` or ``c``.
        cancelled: Whether somebody had passed on what it did not get, and was told.
        faults: What went wrong.
    """

    seed: int
    winner: str
    cancelled: bool
    faults: Count


@cache
def _scene() -> Scene:
    return scene((Mode.EXECUTE,) * 4, price=0)


def run(seed: int, rates: Faults = RATES) -> Report:
    """Let a pay b at one node and c at another.

    Raises:
        BrokenError: Not exactly one payment is final, or somebody was not told.
    """
    cast, network = _scene(), Network(seed, rates)
    a, b, c = (SigningKey.from_seed(name) for name in (b"a", b"b", b"c"))
    d = SigningKey.from_seed(b"d").address
    town = Town(cast, network, {a.address: Account(COINS), b.address: Account(),
                                c.address: Account(), d: Account()})  # fmt: skip
    first, second = cast.nodes[1], cast.nodes[2]
    links = {
        "a to b": (pay(a, b.address), first),
        "a to c": (pay(a, c.address), second),
        "b to d": (pay(b, d), first),
        "c to d": (pay(c, d), second),
    }
    payers = {
        name: Payer(name.encode().ljust(20), raw, home, cast.electorate, network, town.deliver)
        for name, (raw, home) in links.items()
    }
    payers["a to b"].payee = payers["b to d"]
    payers["a to c"].payee = payers["c to d"]
    for payer in payers.values():
        town.settle(payer)
    town.begin()
    town.wait(STORM_MS)
    winner = _finish(town, payers)
    return Report(seed, winner, _loser(payers, winner).end == "cancelled", network.count)


def _loser(payers: dict[str, Payer], winner: str) -> Payer:
    return payers["c to d" if winner == "b" else "b to d"]


def _finish(town: Town, payers: dict[str, Payer]) -> str:
    """Wait until all is decided, and see that it is decided as it must be; who has the coins."""
    for name in ("b to d", "c to d"):  # who never gets the coins asks in vain
        payers[name].must_end = False
    town.rest()
    town.wait(2 * AGAIN_MS)
    ends = (payers["a to b"].end, payers["a to c"].end)
    if sorted(ends) != ["held", "rejected"]:
        raise BrokenError(f"the payments to b and to c ended as {ends}")
    winner = "b" if ends[0] == "held" else "c"
    last = payers[f"{winner} to d"]
    last.must_end = True
    if not last.was_taken:  # the node that counted on the coins may never have said so
        last.pay()
    town.rest()
    if last.end != "held":
        raise BrokenError(f"the payment of {winner} is {last.end}")
    loser = _loser(payers, winner)
    has_forgotten = town.network.count.crashes > 0 and loser.is_refused
    if loser.end == "held" or (loser.was_taken and not (loser.end or has_forgotten)):
        raise BrokenError(f"a payment of coins that never came is {loser.end or 'not decided'}")
    return winner
