"""A follower: what a member of a market knows, hears and says, as a pure machine.

    FollowerError     the hall says what cannot be true

It applies every entry itself, from the beginning or from a snapshot that the hall has sealed. Its
player is one of `numen.market`'s actors: woken when something happened, and now and then, it
answers with acts, which become messages that leave when their delay has passed. Thinking may take
long, as it may run a program: whoever drives the follower is given it as a function without
arguments.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol, TypeAlias

import msgspec

from numen.base.codec import CodecError, decode, encode
from numen.base.errors import NumenError
from numen.market import actor as acts
from numen.market.actor import Act, Actor, Do, Say, Send
from numen.market.events import Event
from numen.market.turn import Market
from numen.node.market.goods import Gathering, GoodsError, name_of
from numen.node.market.notary import Notary, needed
from numen.node.market.replica import Entry, Handed, Replica, ReplicaError, What, handed
from numen.node.market.snapshot import Seal, SnapshotError, open_sealed
from numen.node.market.speech import (
    HANDED_BYTES_MAX,
    HANDED_MAX,
    MESSAGE_BYTES_MAX,
    Absent,
    Bill,
    Declined,
    Entries,
    Hand,
    Parcel,
    Part,
    Payment,
    Piece,
    Restart,
    Want,
    Welcome,
)

ABSENT_MS: Final = 1_000
"""After how long goods that nobody had are asked for again."""

ABSENT_MAX: Final = 4096

PANTRY_MAX: Final = 64
"""Goods that came unasked with a task and are not needed yet; the oldest go first."""

PANTRY_BYTES_MAX: Final = 16 << 10
"""Longest of them."""

UNREAD_BYTES_MAX: Final = 64 << 20
"""Most bytes of entries that wait for the goods they need."""

Thought: TypeAlias = Callable[[], list[Act]]


class FollowerError(NumenError):
    """The hall says what cannot be true, or does not have what is needed."""


class Player(Actor, Protocol):
    """An actor that needs goods before it can act."""

    def lacks(self, replica: Replica) -> Iterable[bytes]:
        """Name the goods it needs now and does not have."""

    def bring(self, raw: bytes) -> None:
        """Take goods that were asked for."""

    @property
    def is_quick(self) -> bool:
        """Whether it runs no program while it thinks."""

    def listen(self, told: Callable[[], None]) -> None:
        """Have somebody told, in any thread, that it has something new to think about."""

    def watch(self, market: Market) -> None:
        """See the market after each entry, in the thread of the follower."""

    def made(self) -> Iterable[bytes]:
        """Give goods away that it made, and that others have to have."""


class Later(msgspec.Struct, frozen=True):
    """A message that leaves after a while.

    Attributes:
        delay_ms: After how long.
        message: What is told the hall.
    """

    delay_ms: int
    message: Hand | Parcel


class Follower:
    """One member's side of a market; it outlives its visits to the hall.

    Args:
        notary: Checks evidence, and keeps the goods that it takes.
        heard: Told of everything that happens, and of what the player says.
        kind: What applies entries; a simulation has one that remembers.

    Attributes:
        replica: The market as it is known; None before the first welcome.
    """

    def __init__(
        self,
        notary: Notary,
        heard: Callable[[tuple[Event, ...]], None],
        kind: type[Replica] = Replica,
    ) -> None:
        self._kind = kind
        self.replica: Replica | None = None
        self._notary, self._heard = notary, heard
        self._unread: deque[bytes] = deque()
        self._goal = 0
        self._ahead_ms = 0
        self._wanted: dict[bytes, Gathering] = {}
        self._pantry: OrderedDict[bytes, bytes] = OrderedDict()
        self._absent_until: dict[bytes, int] = {}
        self._asked: dict[bytes, Callable[[bytes], None]] = {}
        self._restart: Seal | None = None
        self._pieces = bytearray()

    @property
    def start(self) -> int:
        """Number of the first entry that is not known."""
        return 0 if self.replica is None else self.replica.height

    @property
    def is_ready(self) -> bool:
        """Whether all is known that was written when the hall welcomed us."""
        return self.replica is not None and self.replica.height >= self._goal

    def time(self, clock_ms: int) -> int:
        """The market's time, as the hall has it, by one's own clock."""
        assert self.replica is not None
        return max(self.replica.now_ms, clock_ms + self._ahead_ms)

    def enter(self, welcome: Welcome, hall: bytes, clock_ms: int) -> None:
        """Begin a visit.

        Args:
            welcome: What the hall says first.
            hall: The account that it has shown.
            clock_ms: One's own clock.

        Raises:
            FollowerError: It is another market than before, or another hall's.
        """
        if welcome.genesis.hall != hall:
            raise FollowerError("the market is another hall's")
        if self.replica is None:
            self.replica = self._kind(welcome.genesis, self._notary)
        elif self.replica.genesis != welcome.genesis or self.replica.height > welcome.height:
            raise FollowerError("the hall tells another market's story than before")
        self._ahead_ms = welcome.now_ms - clock_ms
        self._goal = welcome.height
        self._wanted.clear()
        self._unread.clear()
        self._restart = None

    def hear(
        self, message: object, player: Player, clock_ms: int
    ) -> Iterator[Want | Declined | Thought]:
        """Take what the hall says.

        Returns:
            What to ask for at once, what the hall declined, and what is to be thought.

        Raises:
            FollowerError: It contradicts itself.
        """
        match message:
            case Entries(entries):
                self._unread.extend(entries)
                if sum(map(len, self._unread)) > UNREAD_BYTES_MAX:
                    raise FollowerError("the hall withholds goods that its record needs")
                yield from self._read(player)
            case Restart(seal):
                self._restart, self._pieces = seal, bytearray()
            case Piece(data):
                self._add(data)
            case Parcel(_, what):
                yield self._receiving(player, _unpacked(what), clock_ms)
            case Part() as part:
                yield from self._gather(part, player)
            case Absent(digest):
                self._wanted.pop(digest, None)
                if self._unread and digest in self._missing():
                    raise FollowerError(f"the hall has lost the goods {digest.hex()}")
                if len(self._absent_until) >= ABSENT_MAX:
                    self._absent_until.clear()
                self._absent_until[digest] = clock_ms + ABSENT_MS
            case Declined() as declined:
                yield declined
            case _:
                raise FollowerError("the hall says what only members say")

    def wants(self, player: Player, clock_ms: int) -> Iterator[Want]:
        """Ask for the goods that are needed, each once."""
        assert self.replica is not None
        for digest in player.lacks(self.replica):
            if clock_ms >= self._absent_until.get(digest, 0):
                yield from self._need(digest, player)

    def fetch(self, digest: bytes, told: Callable[[bytes], None]) -> Iterator[Want]:
        """Ask for goods; whoever is told gets them."""
        self._asked[digest] = told
        yield from self._want(digest)

    def waking(self, player: Player, clock_ms: int) -> Thought:
        """What is to be thought when the player is woken."""
        assert self.replica is not None
        market, now_ms = self.replica.market, self.time(clock_ms)
        return lambda: list(player.wake(market, now_ms))

    def outgoing(self, answered: Iterable[Act]) -> Iterator[Later]:
        """Turn what was thought into messages; what is only said is heard at once."""
        for act in answered:
            if isinstance(act, Say):
                self._heard((act.event,))
            else:
                yield Later(act.delay_ms, _message(act))

    def _receiving(self, player: Player, parcel: acts.Parcel, clock_ms: int) -> Thought:
        assert self.replica is not None
        market, now_ms = self.replica.market, self.time(clock_ms)
        return lambda: list(player.receive(parcel, market, now_ms))

    def _add(self, data: bytes) -> None:
        """Take a piece of a snapshot, and the market of it once it is whole."""
        seal, replica = self._restart, self.replica
        assert replica is not None
        if seal is None or len(self._pieces) + len(data) > seal.of.size:
            raise FollowerError("the hall sends pieces of no snapshot")
        self._pieces += data
        if len(self._pieces) < seal.of.size:
            return
        genesis = replica.genesis
        try:
            state = open_sealed(seal, bytes(self._pieces), genesis.identity, genesis.hall)
        except SnapshotError as error:
            raise FollowerError(f"the hall's snapshot is wrong: {error}") from error
        if state.height <= replica.height:
            raise FollowerError("the hall sends a snapshot of what is known already")
        self._restart, self._pieces = None, bytearray()
        self.replica = self._kind.restored(genesis, state, self._notary)

    def _read(self, player: Player) -> Iterator[Want | Declined | Thought]:
        """Apply entries, as long as the goods are here that they need."""
        assert self.replica is not None
        try:
            while self._unread:
                entry, market = self._next(), self.replica.market
                missing = self._notary.lacks(market, entry.what)
                for name in missing:
                    yield from self._need(name, player)
                if missing and self._notary.lacks(market, entry.what):
                    return
                if any(needed(market, entry.what)):
                    yield _looking(self._notary, market, entry.what)
                self._unread.popleft()
                happened = self.replica.apply(entry)
                player.watch(self.replica.market)
                self._heard(happened)
        except (CodecError, ReplicaError) as error:
            raise FollowerError(f"the hall's record is wrong: {error}") from error

    def _next(self) -> Entry:
        return decode(Entry, self._unread[0], size_max=MESSAGE_BYTES_MAX)

    def _missing(self) -> list[bytes]:
        """Goods without which the record cannot be read on."""
        assert self.replica is not None
        return self._notary.lacks(self.replica.market, self._next().what)

    def _need(self, digest: bytes, player: Player) -> Iterator[Want]:
        """Take goods that came unasked, or ask for them."""
        raw = self._pantry.pop(digest, None)
        if raw is not None and name_of(raw) == digest:
            self._bring(digest, raw, player)
        else:
            yield from self._want(digest)

    def _want(self, digest: bytes) -> Iterator[Want]:
        if digest not in self._wanted:
            self._wanted[digest] = Gathering()
            yield Want(digest, 0)

    def _gather(self, part: Part, player: Player) -> Iterator[Want | Declined | Thought]:
        gathering = self._wanted.get(part.digest)
        if gathering is None:
            self._put_by(part)
            return
        try:
            whole = gathering.add(part)
        except GoodsError as error:
            raise FollowerError(f"the hall sends goods badly: {error}") from error
        if whole is None:
            yield Want(part.digest, part.start + len(part.data))
            return
        del self._wanted[part.digest]
        if name_of(whole) != part.digest:
            raise FollowerError("the hall sends goods under another's name")
        self._bring(part.digest, whole, player)
        yield from self._read(player)

    def _put_by(self, part: Part) -> None:
        """Keep goods that came unasked with a task until they are needed."""
        if part.start == 0 and len(part.data) == part.total <= PANTRY_BYTES_MAX:
            self._pantry[part.digest] = part.data
            if len(self._pantry) > PANTRY_MAX:
                self._pantry.popitem(last=False)

    def _bring(self, digest: bytes, whole: bytes, player: Player) -> None:
        player.bring(whole)
        self._notary.bring(digest, whole)
        if digest in self._asked:
            self._asked.pop(digest)(whole)


def _looking(notary: Notary, market: Market, what: What) -> Thought:
    """What is to be found out about an entry before it is applied."""

    def look() -> list[Act]:
        notary.look(market, what)
        return []

    return look


def together(waiting: Iterable[Hand | Parcel]) -> Iterator[Hand | Parcel]:
    """Hand in with few messages what was to go with many; none is too long."""
    whats: list[Handed] = []
    size = 0
    for message in waiting:
        if isinstance(message, Parcel):
            yield message
            continue
        length = len(encode(message, size_max=HANDED_BYTES_MAX))
        if whats and (size + length > HANDED_BYTES_MAX or len(whats) >= HANDED_MAX):
            yield Hand(tuple(whats))
            whats, size = [], 0
        whats += message.whats
        size += length
    if whats:
        yield Hand(tuple(whats))


def _message(act: Do | Send) -> Hand | Parcel:
    if isinstance(act, Do):
        what = handed(act.submission)
        assert what is not None
        return Hand((what,))
    match act.parcel:
        case acts.Bill(task, worker, price, quote):
            return Parcel(act.to, Bill(task, worker, price, quote))
        case acts.Payment(task, worker, tickets):
            return Parcel(act.to, Payment(task, worker, tickets))


def _unpacked(what: Bill | Payment) -> acts.Parcel:
    match what:
        case Bill(task, worker, price, quote):
            return acts.Bill(task, worker, price, quote)
        case Payment(task, worker, tickets):
            return acts.Payment(task, worker, tickets)
