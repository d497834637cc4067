"""The clerk: orders a market as a pure machine, which a hall gives a disk, sockets and a clock.

It applies what is handed in and keeps it as `Clerk.unwritten`; whoever drives it puts that on the
disk before any of the answers leave. A submission that would change nothing is refused in words,
so a message that comes twice is in the record once.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import msgspec

from numen.base.codec import CodecError, encode
from numen.market.contracts.asks import AskError
from numen.market.events import Event
from numen.market.exchange import Submission
from numen.node.market.goods import Gathering, GoodsError
from numen.node.market.notary import Notary
from numen.node.market.replica import (
    Genesis,
    Granted,
    Handed,
    NothingError,
    Passed,
    Replica,
    What,
    submission,
)
from numen.node.market.snapshot import Seal, open_sealed
from numen.node.market.speech import (
    ENTRIES_MAX,
    MESSAGE_BYTES_MAX,
    PART_BYTES_MAX,
    Declined,
    Entries,
    Follow,
    Hand,
    Parcel,
    Part,
    Piece,
    Restart,
    Want,
    Welcome,
)

_BATCH_BYTES: Final = MESSAGE_BYTES_MAX - (64 << 10)
_REASON_MAX: Final = 256


class Tell(msgspec.Struct, frozen=True):
    """Tell the member that spoke.

    Attributes:
        message: What.
    """

    message: Welcome | Declined


class Pass(msgspec.Struct, frozen=True):
    """Pass a parcel on to another member, if it is here.

    Attributes:
        to: Its account.
        parcel: What, with the sender's account.
    """

    to: bytes
    parcel: Parcel


class Keep(msgspec.Struct, frozen=True):
    """Keep goods on the shelf.

    Attributes:
        digest: Their name, which is not checked yet.
        raw: The whole of them.
    """

    digest: bytes
    raw: bytes


class Fetch(msgspec.Struct, frozen=True):
    """Tell the member that spoke a part of goods, or that nobody has brought them.

    Attributes:
        want: What it asked for.
    """

    want: Want


Effect: TypeAlias = Tell | Pass | Keep | Fetch


class Visit:
    """One member, as long as it is here.

    Args:
        account: Whose.

    Attributes:
        account: The same.
        cursor: First entry that it has not been told; None until it asks to follow.
    """

    def __init__(self, account: bytes) -> None:
        self.account = account
        self.cursor: int | None = None
        self.gathering = Gathering()


class Behind(msgspec.Struct, frozen=True):
    """What stands for all entries before those that are kept.

    Attributes:
        seal: The hall's word for it.
        snapshot: Its bytes.
    """

    seal: Seal
    snapshot: bytes


class Clerk:
    """Orders one market.

    Args:
        genesis: What the market begins with.
        notary: Checks evidence.
        kind: What applies entries; a simulation has one that remembers.

    Attributes:
        replica: The market after every entry.
        first: Number of the first entry that is kept.
        entries: Those that are kept, as they are on the disk and on the wire.
        unwritten: The last of them, which are not on the disk yet.
        allows: Raises `AskError` for what this market does not take, whatever the rules say.
    """

    def __init__(self, genesis: Genesis, notary: Notary, kind: type[Replica] = Replica) -> None:
        self.replica = kind(genesis, notary)
        self._notary = notary
        self.first = 0
        self.entries: list[bytes] = []
        self._behind: Behind | None = None
        self.unwritten: list[bytes] = []
        self._happened: list[tuple[Event, ...]] = []
        self.allows: Callable[[Submission], None] = lambda _: None

    def restore(self, raw: bytes) -> tuple[Event, ...]:
        """Take an entry from the disk, and say what came of it.

        Raises:
            CodecError: It is no entry.
            ReplicaError: It does not follow.
        """
        happened = self.replica.read(raw)
        self.entries.append(raw)
        return happened

    def written(self, count: int) -> tuple[Event, ...]:
        """Take note that the first of what was unwritten is on the disk; say what came of it."""
        happened = self._happened[:count]
        del self.unwritten[:count], self._happened[:count]
        return tuple(event for each in happened for event in each)

    def pass_time(self, now_ms: int) -> None:
        """Write down that time has passed, if that changes anything."""
        self.write(Passed(), now_ms)

    def write(self, what: What, now_ms: int) -> str:
        """Write something down and apply it; else say why not: nonsense would fill the disk."""
        entry = self.replica.next(what, now_ms)
        try:
            if isinstance(what, Handed):
                self.allows(submission(what))
            raw = encode(entry, size_max=MESSAGE_BYTES_MAX)
            happened = self.replica.take(entry)
        except (AskError, CodecError, NothingError) as error:
            return error.message
        self.entries.append(raw)
        self.unwritten.append(raw)
        self._happened.append(happened)
        return ""

    def _missing(self, what: What) -> str:
        """Say which goods an entry needs that are not here: it could not be applied by others."""
        missing = self._notary.lacks(self.replica.market, what)
        return f"bring the goods {missing[0].hex()} first" if missing else ""

    @property
    def height(self) -> int:
        """Entries that are on the disk."""
        return self.first + len(self.entries) - len(self.unwritten)

    @classmethod
    def restored(
        cls, genesis: Genesis, behind: Behind, notary: Notary, kind: type[Replica] = Replica
    ) -> "Clerk":
        """Go on from a snapshot.

        Raises:
            SnapshotError: It is of another market, or another hall's.
        """
        state = open_sealed(behind.seal, behind.snapshot, genesis.identity, genesis.hall)
        found = cls(genesis, notary, kind)
        found.replica = kind.restored(genesis, state, notary)
        found.first, found._behind = state.height, behind
        return found

    def go_on(self, behind: Behind) -> None:
        """Forget the entries that a snapshot stands for."""
        height = behind.seal.of.height
        assert self.first <= height <= self.height
        del self.entries[: height - self.first]
        self.first, self._behind = height, behind

    def has_news(self, visit: Visit) -> bool:
        """Whether something is on the disk that a member follows and has not been told."""
        return visit.cursor is not None and visit.cursor < self.height

    def told_next(self, visit: Visit) -> Iterator[Entries | Restart | Piece]:
        """What is on the disk and a member has not been told, as much as fits a message.

        Who is behind the entries that are kept is told the snapshot first.
        """
        if visit.cursor is None or visit.cursor >= self.height:
            return
        if visit.cursor < self.first:
            assert self._behind is not None
            visit.cursor = self.first
            yield from _pieces(self._behind)
            return
        at, end = visit.cursor - self.first, self.height - self.first
        taken = _fitting(self.entries[at : min(end, at + ENTRIES_MAX)])
        visit.cursor += len(taken)
        yield Entries(taken)

    def hear(self, visit: Visit, message: object, now_ms: int) -> Iterator[Effect]:
        """Take what a member says.

        Args:
            visit: Who.
            message: What, of any kind of the language.
            now_ms: The market's time.

        Returns:
            What to do about it, once everything unwritten is on the disk.
        """
        match message:
            case Follow(start) if visit.cursor is None:
                visit.cursor = start
                if self.replica.may_grant(visit.account):
                    self.write(Granted(visit.account), now_ms)
                yield Tell(Welcome(self.replica.genesis, self.replica.height, now_ms))
            case Hand(whats):
                for what in whats:
                    reason = self._missing(what) or self.write(what, now_ms)
                    if reason:
                        yield decline(reason)
            case Parcel(to, what):
                yield Pass(to, Parcel(visit.account, what))
            case Part() as part:
                yield from _gather(visit, part)
            case Want() as want:
                yield Fetch(want)
            case _:
                yield decline("that is not for a hall, or not now")


def decline(reason: str) -> Tell:
    """Say that something is not done, and why."""
    return Tell(Declined(reason[:_REASON_MAX]))


def _pieces(behind: Behind) -> Iterator[Restart | Piece]:
    yield Restart(behind.seal)
    for at in range(0, len(behind.snapshot), PART_BYTES_MAX):
        yield Piece(behind.snapshot[at : at + PART_BYTES_MAX])


def _gather(visit: Visit, part: Part) -> Iterator[Effect]:
    try:
        whole = visit.gathering.add(part)
    except GoodsError as error:
        yield decline(error.message)
        return
    if whole is not None:
        yield Keep(part.digest, whole)


def _fitting(entries: list[bytes]) -> tuple[bytes, ...]:
    """The first of some entries: one at least, and no more than fit into a message."""
    size = 0
    for count, raw in enumerate(entries):
        size += len(raw)
        if count and size > _BATCH_BYTES:
            return tuple(entries[:count])
    return tuple(entries)
