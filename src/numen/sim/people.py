"""People who pay each other and send letters, some of whom sign one nonce twice."""

from collections.abc import Callable
from typing import Final

from numen.base.codec import U256
from numen.base.crypto import SigningKey
from numen.ledger.handover import learn
from numen.ledger.order.conflict import ConflictProofError, check_rejection, check_settled
from numen.ledger.stakes import Stakes
from numen.ledger.transactions import Call, Transaction, read, sign
from numen.node.replica.packet import (
    Cancelled,
    Held,
    Notice,
    Packet,
    Pledged,
    Submit,
    Taken,
    read_packet,
    write_packet,
)
from numen.sim.courier import COURIERS, STOPS_MAX, WORK, letter
from numen.sim.network import Network

AGAIN_MS: Final = 700
"""After which somebody who has not heard asks again."""

COINS: Final = 10**12
"""What everybody begins with."""

_UNTIL: Final = 1 << 40


class Person:
    """Somebody with a key, who signs one transaction after the other.

    Args:
        key: Its key.
        chain: Which ledger.
        nodes: Whom it can ask.
        stakes: Bonds as the ledger begins, of those whom it believes.
        network: Carries what it says.
        deliver: Takes a packet to where it goes.
        cheats: In how many thousandths it signs a nonce twice.

    Attributes:
        held: Transactions that are final, as it could check.
        told: Transactions of its own of which it was shown that they do not hold.
        cheated: How often it signed a nonce twice.
        is_done: Whether it begins nothing new.
    """

    def __init__(
        self,
        key: SigningKey,
        chain: int,
        nodes: tuple[bytes, ...],
        stakes: Stakes,
        network: Network,
        deliver: Callable[[bytes, bytes, bytes], None],
        cheats: int,
    ) -> None:
        self.address = key.address
        self.nonce = 0
        self.held: list[bytes] = []
        self.told: set[bytes] = set()
        self.cheated = 0
        self.is_done = False
        self.friends: tuple[bytes, ...] = ()
        self._key, self._chain, self._nodes = key, chain, nodes
        self._stakes, self._network, self._deliver = stakes, network, deliver
        self._cheats = cheats
        self._open: dict[bytes, tuple[bytes, bytes]] = {}

    @property
    def is_quiet(self) -> bool:
        """Whether everything that it signed is decided."""
        return not self._open

    def begin(self) -> None:
        """Sign the next transaction, and go on asking what has become of it."""
        self._sign_next()
        self._ask()

    def receive(self, peer: bytes, raw: bytes) -> None:
        """A node says something; nothing of it is believed unless it can be checked."""
        packet: Packet = read_packet(raw)
        try:
            self._hear(packet)
        except ConflictProofError:  # others vote by now, or it is a lie: see who does, and ask on
            self._deliver(self.address, peer, write_packet(Pledged(len(self._stakes.losses))))
        if not self._open and not self.is_done:
            self._sign_next()
            self._submit()

    def _hear(self, packet: Packet) -> None:
        if isinstance(packet, Taken):
            for shown in packet.shown:
                self._stakes = learn(self._stakes, shown, self._chain)
        elif isinstance(packet, Held) and packet.transaction in self._open:
            signed, _ = self._open[packet.transaction]
            check_settled(packet.settled, signed, self._chain, self._stakes)
            self.held.append(packet.transaction)
            del self._open[packet.transaction]
            self.nonce += 1
        elif isinstance(packet, Notice | Cancelled):
            self._lost(packet)

    def _lost(self, packet: Notice | Cancelled) -> None:
        told = packet.rejection if isinstance(packet, Notice) else packet.because
        check_rejection(told, self._chain, self._stakes)
        lost = told.rejected.transaction
        if lost in self._open:
            assert isinstance(packet, Notice)
            del self._open[lost]
            self.told.add(lost)

    def _sign_next(self) -> None:
        dice = self._network.dice
        signed = [self._sign()]
        if self._network.happens(self._cheats):
            self.cheated += 1
            signed.append(self._sign())
        homes = dice.sample(self._nodes, len(signed))
        ids = [read(raw, self._chain).id for raw in signed]
        self._open = dict(zip(ids, zip(signed, homes, strict=True), strict=True))

    def _sign(self) -> bytes:
        dice = self._network.dice
        if dice.randrange(3):
            to, payload, work = dice.choice(self.friends), b"", 100_000
        else:
            route = bytes(dice.randrange(len(COURIERS)) for _ in range(dice.randint(1, STOPS_MAX)))
            to, payload, work = COURIERS[route[0]], letter(route[1:]), WORK * (len(route) + 1)
        call = Call(to, U256(dice.randint(1, 1000)), payload, work)
        return sign(Transaction(self._chain, self.nonce, 1, _UNTIL, (call,)), self._key)

    def _submit(self) -> None:
        for raw, home in self._open.values():
            self._deliver(self.address, home, write_packet(Submit(raw)))

    def _ask(self) -> None:
        self._submit()
        self._network.plan(AGAIN_MS, self._ask)
