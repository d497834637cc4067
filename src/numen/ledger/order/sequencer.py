"""A log that everybody reads in one order, and that takes an entry only where its writer expects.

OrderError
├── BatchError          a batch that no log takes: too large, or it contradicts itself
├── ConflictError       something was written first where the batch expected nothing
├── UnavailableError    the log did not answer; the same batch may be appended again
└── BrokenLogError      what is kept is no log, or belongs to somebody else at the moment

A log has numbered places, from 1 without gaps. An entry is bytes under a subject; the log does not
look into it. A batch is appended whole or not at all, and only if the last entry of each subject
that it names stands where the batch expects: that is the article's "consensus can only accept one
state", for as many accounts as a block touches. Who reads a conflict knows that somebody was first,
and `Sequencer.read` says who.

Nothing rests on a log being honest: entries are blocks, chained and signed by their makers, and
`numen.ledger.order.certificate` makes them final.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from numen.base.codec import U64, CodecError, decode, digest, encode
from numen.base.crypto import Hash32
from numen.base.errors import NumenError

ENTRIES_MAX: Final = 256
"""Most entries of a batch."""

BATCH_BYTES_MAX: Final = 4 << 20
"""Most bytes of all entries of a batch."""

READ_MAX: Final = 1024
"""Most records that one read returns."""

READ_BYTES_MAX: Final = 16 << 20
"""Bytes after which a read returns, with one record at least."""

SUBJECT_MAX: Final = 128
"""Longest subject."""

BLOCKS: Final = "block"
"""Subject of the blocks."""

_DOMAIN: Final = "numen/batch/1"
_SUBJECT = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_ROOM_BYTES: Final = 1 << 20
"""Room for subjects, places and lengths beside the entries of a batch."""

WRITTEN_BYTES_MAX: Final = BATCH_BYTES_MAX + _ROOM_BYTES
"""Most bytes of a batch as it is written."""

assert ENTRIES_MAX * 2 * (SUBJECT_MAX + 32) < _ROOM_BYTES

Subject = Annotated[str, Meta(max_length=SUBJECT_MAX)]


class OrderError(NumenError):
    """Root of what can go wrong about the order."""


class BatchError(OrderError):
    """A batch that no log takes."""


class ConflictError(OrderError):
    """Something was written first.

    Attributes:
        subject: Where.
        expected: Place of the last entry there, as the batch had it.
        found: Its place, where the log tells; else None.
    """

    def __init__(self, subject: str, expected: int, found: int | None) -> None:
        last = "another" if found is None else str(found)
        super().__init__(f"{subject}: entry {expected} was expected to be the last and {last} is")
        self.subject = subject
        self.expected = expected
        self.found = found


class UnavailableError(OrderError):
    """The log did not answer. The batch may be in it: append the same again to find out."""


class BrokenLogError(OrderError):
    """What is kept is no log of ours, or is in use by another process."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What is written.

    Attributes:
        subject: Words of ``a-z 0-9 _ -`` with points between them, at most `SUBJECT_MAX` letters.
        body: Any bytes; for the log they are just bytes.
    """

    subject: Subject
    body: bytes


class Record(msgspec.Struct, frozen=True):
    """An entry at its place.

    Attributes:
        position: Its place, from 1.
        subject: Under which it was written.
        body: What was written.
    """

    position: int
    subject: str
    body: bytes


class Expectation(msgspec.Struct, frozen=True, array_like=True):
    """Where the last entry of a subject stands; 0 for none."""

    subject: Subject
    position: U64


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Entries that belong together, and what they build on."""

    entries: tuple[Entry, ...]
    expect: tuple[Expectation, ...]


class Prepared(msgspec.Struct, frozen=True):
    """A batch that a log can take.

    Attributes:
        entries: At least one.
        expect: Place expected for each subject, all of them subjects of entries.
        id: Digest of both: a batch with the same is the same batch, appended again.
    """

    entries: tuple[Entry, ...]
    expect: Mapping[str, int]
    id: Hash32


class Sequencer(Protocol):
    """An engine that keeps the log. All of them pass one suite of tests."""

    async def append(self, batch: Sequence[Entry], expect: Mapping[str, int]) -> int:
        """Write a batch, durably.

        Args:
            batch: From 1 to `ENTRIES_MAX` entries, which get places one after another.
            expect: For subjects of the batch, the place of the last entry there, 0 for none.
                A batch of several entries expects something of one at least.

        Returns:
            The place of the batch's last entry. A batch that was appended before is not appended
            again, and gets the place it has.

        Raises:
            BatchError: No log takes it.
            ConflictError: Another batch was first; nothing was written.
            UnavailableError: It is not known whether it was written.
        """
        ...

    async def read(self, start: int, limit: int) -> tuple[Record, ...]:
        """Read up to ``limit`` records from a place on, in order; fewer where they are many bytes.

        Raises:
            UnavailableError: The log did not answer.
        """
        ...

    def subscribe(self, start: int) -> AsyncIterator[Record]:
        """Read from a place on and go on for ever, each record once and in order.

        Raises:
            UnavailableError: The log did not answer, or was closed.
        """
        ...

    async def head(self) -> int:
        """Give the last place that is taken, 0 when none is."""
        ...

    async def last(self, subject: str) -> int:
        """Give the place of the last entry under a subject, 0 for none."""
        ...

    async def close(self) -> None:
        """Finish what was begun, and let go of the log."""
        ...


def account(address: bytes) -> str:
    """The subject of an account."""
    return f"acct.{address.hex()}"


def prepare(batch: Sequence[Entry], expect: Mapping[str, int]) -> Prepared:
    """Check a batch before any log sees it.

    Raises:
        BatchError: It is empty or too large, a subject is none, or the expectations do not fit.
    """
    if not 0 < len(batch) <= ENTRIES_MAX:
        raise BatchError(f"{len(batch)} entries where 1 to {ENTRIES_MAX} are allowed")
    size = sum(len(entry.body) for entry in batch)
    if size > BATCH_BYTES_MAX:
        raise BatchError(f"{size} bytes where at most {BATCH_BYTES_MAX} are allowed")
    if len(batch) > 1 and not expect:
        raise BatchError("several entries, and nothing is expected of any subject")
    subjects = [check_subject(entry.subject) for entry in batch]
    for subject, position in expect.items():
        if subjects.count(subject) != 1:
            raise BatchError(f"{subject}: expected at {position}, so it has exactly one entry")
        if not 0 <= position < 1 << 63:
            raise BatchError(f"{subject}: {position} is no place")
    whole = _write(tuple(batch), expect)
    return Prepared(tuple(batch), dict(expect), digest(_DOMAIN, whole))


def write_batch(prepared: Prepared) -> bytes:
    """Write a batch as its id is taken of it."""
    return _write(prepared.entries, prepared.expect)


def read_batch(raw: bytes) -> Prepared:
    """Read a batch from anyone; there is one way to write each.

    Raises:
        BatchError: It is none, or no log takes it.
    """
    try:
        batch = decode(Batch, raw, size_max=WRITTEN_BYTES_MAX)
    except CodecError as error:
        raise BatchError(str(error)) from error
    prepared = prepare(batch.entries, {each.subject: each.position for each in batch.expect})
    if digest(_DOMAIN, raw) != prepared.id:
        raise BatchError("its expectations are not ordered by their subjects, each once")
    return prepared


def _write(entries: tuple[Entry, ...], expect: Mapping[str, int]) -> bytes:
    places = tuple(Expectation(subject, expect[subject]) for subject in sorted(expect))
    return encode(Batch(entries, places), size_max=WRITTEN_BYTES_MAX)


def check_subject(subject: str) -> str:
    """Give a subject back if it is one.

    Raises:
        BatchError: It is none.
    """
    if len(subject) > SUBJECT_MAX or not _SUBJECT.fullmatch(subject):
        raise BatchError(f"{subject[:SUBJECT_MAX]!r} is no subject")
    return subject


def check_range(start: int, limit: int) -> None:
    """Refuse places and counts that no read can have.

    Raises:
        BatchError: The start is below 1, or the limit not between 1 and `READ_MAX`.
    """
    if start < 1 or not 0 < limit <= READ_MAX:
        raise BatchError(f"no read of {limit} records from {start}: 1 to {READ_MAX}, from 1 on")
