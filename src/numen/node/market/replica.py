"""The market as everybody has it: entries in one order, each chained to the one before.

    ReplicaError      an entry that does not follow from what is there
    NothingError      an entry that would change nothing, and so is not written down

A hall writes down what it is handed and when; whoever applies the same entries has the same market,
coin for coin, and can see that none was left out or changed. An entry that makes no sense stays in
the record and changes nothing, as `numen.market.exchange.step` has it.

Coins are issued once, to the treasury. A market for development grants some to each newcomer.
"""

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from numen.base.codec import U64, decode, digest
from numen.base.crypto import Address, Hash32
from numen.base.eip712 import Domain
from numen.base.errors import NumenError
from numen.market import exchange
from numen.market.coins import Amount, Transfer, issue, wallet
from numen.market.escrow import BATCH_MAX, Redemption
from numen.market.events import Event, Refused, Unredeemed
from numen.market.exchange import Judge, Post, Redeem, Submission, Tick
from numen.market.message import Signed
from numen.market.offence import Accusation
from numen.market.turn import Checker, Market, new_market
from numen.net.channel import FRAME_BYTES_MAX
from numen.node.market.snapshot import State, market_of, state_digest, state_of, write_state

ENTRY_BYTES_MAX: Final = FRAME_BYTES_MAX - 1024
"""Longest entry: one fits a message."""

GRANTS_MAX: Final = 65_536
"""Most accounts that are granted coins."""

_GENESIS_DOMAIN: Final = "numen/market-genesis/1"
_ENTRY_DOMAIN: Final = "numen/market-entry/1"


class Genesis(msgspec.Struct, frozen=True, array_like=True):
    """What a market begins with.

    Attributes:
        domain: Where its tickets count.
        hall: Account of who orders it.
        treasury: Whose coins they are.
        supply: How many coins there are, for ever.
        grant: What each newcomer gets of them; 0 where nothing is given away.
        born_ms: Milliseconds since 1970; the market counts its time from there.
        on_ledger: Whether it is settled on a ledger, as `Market.on_ledger`.
    """

    domain: Domain
    hall: Address
    treasury: Address
    supply: Amount
    grant: Amount
    born_ms: U64
    on_ledger: bool = False

    @property
    def identity(self) -> bytes:
        """Names the market and everything about its beginning; 32 bytes."""
        return digest(_GENESIS_DOMAIN, self)


class Posted(msgspec.Struct, frozen=True, array_like=True, tag="post/1"):
    """A signed message was handed in."""

    signed: Signed


class Judged(msgspec.Struct, frozen=True, array_like=True, tag="judge/1"):
    """A verdict was handed in, with what accuses."""

    signed: Signed
    accusation: Accusation | None


class Redeemed(msgspec.Struct, frozen=True, array_like=True, tag="redeem/1"):
    """Winning tickets were handed in."""

    batch: Annotated[tuple[Redemption, ...], Meta(max_length=BATCH_MAX)]


class Passed(msgspec.Struct, frozen=True, array_like=True, tag="pass/1"):
    """Time has passed."""


class Granted(msgspec.Struct, frozen=True, array_like=True, tag="grant/1"):
    """A newcomer is given coins of the treasury."""

    to: Address


class Marked(msgspec.Struct, frozen=True, array_like=True, tag="mark/1"):
    """The hall says what the market is before this entry: everybody sees whether that is so.

    Attributes:
        state: Digest of the bytes of the market, by `snapshot.state_digest`.
    """

    state: Hash32


Handed: TypeAlias = Posted | Judged | Redeemed
What: TypeAlias = Handed | Passed | Granted | Marked


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One line of the record.

    Attributes:
        number: Its place, from 0.
        at_ms: When, since the market was born; never before the entry before.
        before: Digest of the entry before; of the genesis, for the first.
        what: What happened.
    """

    number: U64
    at_ms: U64
    before: Hash32
    what: What


Watch: TypeAlias = Callable[[Market, Entry, Market, tuple[Event, ...]], None]
"""Told of an entry: the market before it, itself, the market after it, and what happened."""


def _unwatched(_before: Market, _entry: Entry, _after: Market, _events: tuple[Event, ...]) -> None:
    """Nobody is told."""


class ReplicaError(NumenError):
    """An entry does not follow from what is there."""


class NothingError(NumenError):
    """An entry would change nothing; the message says why."""


class Replica:
    """A market, by its entries.

    Args:
        genesis: What it begins with.
        checker: Checks proofs.

    Attributes:
        genesis: The same.
        market: As it is after the last entry.
        height: How many entries there are.
        head: Digest of the last.
        now_ms: When the last was written.
        checker: Checks proofs.
        watch: Told of each entry as it is applied.
    """

    def __init__(self, genesis: Genesis, checker: Checker) -> None:
        self.genesis = genesis
        coins = issue({genesis.treasury: genesis.supply})
        self.market: Market = new_market(
            genesis.domain, coins, genesis.born_ms, on_ledger=genesis.on_ledger
        )
        self.height = 0
        self.head = genesis.identity
        self.now_ms = 0
        self.watch: Watch = _unwatched
        self.checker = checker
        self._granted: set[bytes] = set()

    @classmethod
    def restored(cls, genesis: Genesis, state: State, checker: Checker) -> "Replica":
        """A market as a snapshot has it."""
        found = cls(genesis, checker)
        found.market = market_of(state)
        found.height, found.head, found.now_ms = state.height, state.head, state.now_ms
        found._granted = set(state.granted)
        return found

    def snapshot(self) -> bytes:
        """All of it, as `numen.node.market.snapshot` writes it. Cost: linear in the market."""
        state = state_of(self.market, self.height, self.head, self.now_ms, self._granted)
        return write_state(state)

    def next(self, what: What, now_ms: int) -> Entry:
        """Write an entry that would follow; it is not applied."""
        return Entry(self.height, max(now_ms, self.now_ms), self.head, what)

    def read(self, raw: bytes) -> tuple[Event, ...]:
        """Take the next entry in its canonical bytes, and say what happened.

        Raises:
            CodecError: The bytes are no entry.
            ReplicaError: It does not follow; nothing has changed.
        """
        return self.apply(decode(Entry, raw, size_max=ENTRY_BYTES_MAX))

    def apply(self, entry: Entry) -> tuple[Event, ...]:
        """Take the next entry, and say what happened.

        Raises:
            ReplicaError: It does not follow; nothing has changed.
        """
        if (entry.number, entry.before) != (self.height, self.head):
            raise ReplicaError(f"entry {entry.number} does not follow entry {self.height - 1}")
        if entry.at_ms < self.now_ms:
            raise ReplicaError(f"entry {entry.number} is older than the one before")
        market, happened = self._step(entry)
        self._advance(entry, market, happened)
        return happened

    def take(self, entry: Entry) -> tuple[Event, ...]:
        """Take an entry of one's own, from `next`, if anything comes of it.

        Raises:
            NothingError: Nothing would; nothing has changed.
        """
        market, happened = self._step(entry)
        if market is self.market and not isinstance(entry.what, Marked):
            reasons = [e.reason for e in happened if isinstance(e, Refused | Unredeemed)]
            raise NothingError(reasons[0] if reasons else "nothing would come of it")
        self._advance(entry, market, happened)
        return happened

    def _step(self, entry: Entry) -> tuple[Market, tuple[Event, ...]]:
        """What an entry makes of the market: the same object where it changes nothing."""
        match entry.what:
            case Granted(to):
                return self._grant(to), ()
            case Marked(state):
                if state_digest(self.snapshot()) != state:
                    raise ReplicaError("the hall says that the market is another than it is")
                return self.market, ()
            case Posted() | Judged() | Redeemed() | Passed() as what:
                return exchange.step(self.market, submission(what), entry.at_ms, self.checker)

    def _advance(self, entry: Entry, market: Market, happened: tuple[Event, ...]) -> None:
        self.watch(self.market, entry, market, happened)
        if isinstance(entry.what, Granted):
            self._granted.add(entry.what.to)
        self.market = market
        self.height += 1
        self.head = digest(_ENTRY_DOMAIN, entry)
        self.now_ms = entry.at_ms

    def may_grant(self, to: bytes) -> bool:
        """Whether somebody has not been granted coins yet, and there are some."""
        left = self.market.coins.balance(wallet(self.genesis.treasury))
        is_new = to not in self._granted and len(self._granted) < GRANTS_MAX
        return is_new and 0 < self.genesis.grant <= left and to != self.genesis.treasury

    def _grant(self, to: bytes) -> Market:
        if not self.may_grant(to):
            raise ReplicaError(f"0x{to.hex()} may not be granted coins")
        source = wallet(self.genesis.treasury)
        move = Transfer(source, wallet(to), self.genesis.grant, "grant")
        return msgspec.structs.replace(self.market, coins=self.market.coins.apply((move,)))


def handed(submission: Submission) -> Handed | None:
    """What a submission is written down as; None for time, which nobody hands in."""
    match submission:
        case Post(signed):
            return Posted(signed)
        case Judge(signed, accusation):
            return Judged(signed, accusation)
        case Redeem(batch):
            return Redeemed(batch)
        case Tick():
            return None


def submission(what: Handed | Passed) -> Submission:
    """What an entry hands in."""
    match what:
        case Posted(signed):
            return Post(signed)
        case Judged(signed, accusation):
            return Judge(signed, accusation)
        case Redeemed(batch):
            return Redeem(batch)
        case Passed():
            return Tick()
