"""The record of a market: a snapshot or the genesis, then entries, on disk before they are told.

    RecordError       what is on disk is no record of a market

It is a folder of parts. A part is an embedded log of the ledger (`numen.ledger.order.embedded`)
that begins with what was before it: ``log-0`` with the genesis, ``log-N`` with the seal of
``snapshot-N``, the market after N entries. To go on in a new part, its snapshot is written first,
then its log, and only when both are on the disk does the part before it go; so whenever the process
is killed, the newest part that begins is whole. What is kept in memory is the newest part.
"""

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from numen.base.codec import U64, CodecError, decode, encode
from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.ledger.order.embedded import Embedded
from numen.ledger.order.files import lock
from numen.ledger.order.sequencer import BATCH_BYTES_MAX, READ_MAX, OrderError
from numen.ledger.order.sequencer import Entry as Written
from numen.market.events import Event
from numen.node.market.clerk import Behind, Clerk
from numen.node.market.notary import Notary
from numen.node.market.replica import Genesis, Marked, ReplicaError
from numen.node.market.snapshot import SNAPSHOT_BYTES_MAX, Seal, SnapshotError, seal
from numen.node.market.speech import MESSAGE_BYTES_MAX
from numen.proof.files import FileError, read_file, write_file

PART_ENTRIES: Final = 16_384
"""Entries after which a part is full, and a snapshot begins another."""

PART_BYTES: Final = 64 << 20
"""The same, by their bytes."""

GROUP_MAX: Final = 256
"""Most entries that one sync writes."""

GROUP_BYTES_MAX: Final = 2 << 20
"""Bytes after which a sync takes no more."""

_LOG: Final = logging.getLogger("numen.market")
_BEGINNING: Final = "beginning"
_ENTRIES: Final = "entries"
_LOG_NAME: Final = re.compile(r"log-(0|[1-9][0-9]{0,15})")

assert GROUP_BYTES_MAX + MESSAGE_BYTES_MAX < BATCH_BYTES_MAX


class RecordError(NumenError):
    """What is on disk is no record of a market."""


class Beginning(msgspec.Struct, frozen=True, array_like=True):
    """What a part begins with.

    Attributes:
        genesis: What the market began with.
        seal: Of the snapshot that the part goes on from; None for the genesis.
        told: Bytes of the file of events that belong to what was before; see `serve`.
    """

    genesis: Genesis
    seal: Seal | None
    told: U64


class Group(msgspec.Struct, frozen=True, array_like=True):
    """Entries that one sync wrote, in their canonical bytes."""

    entries: Annotated[tuple[bytes, ...], Meta(min_length=1, max_length=GROUP_MAX)]


class Teller(Protocol):
    """Who is told what happened, and keeps it."""

    def add(self, happened: tuple[Event, ...]) -> None:
        """Take note of what happened."""

    def sync(self) -> int:
        """See to it that all that was told is on the disk; how many bytes that is."""


class Record:
    """A market on disk. Use `Record.open`.

    Attributes:
        clerk: Who orders it, with everything that is on the disk.
        told: As in `Beginning`.
    """

    def __init__(self, folder: Path, owned: int, log: Embedded, told: int, clerk: Clerk) -> None:
        self._folder, self._lock, self._log = folder, owned, log
        self._turn = asyncio.Lock()
        self._full_at = clerk.first + PART_ENTRIES
        self._bytes = 0
        self.told = told
        self.clerk = clerk

    @classmethod
    async def open(
        cls, folder: Path, genesis: Genesis, notary: Notary
    ) -> "tuple[Record, list[Event]]":
        """Open a record, or begin one; what happened since its snapshot is given too.

        Args:
            folder: Made if it is missing.
            genesis: What to begin with, if there is no record.
            notary: Checks evidence.

        Raises:
            RecordError: It is no record of a market, or of another hall's.
            BrokenLogError: Another process has it.
        """
        if folder.is_file():
            raise RecordError(f"{folder} is a file, of another version of Numen")
        folder.mkdir(parents=True, exist_ok=True)
        owned = lock(folder)
        try:
            return await cls._open(folder, owned, genesis, notary)
        except BaseException:
            os.close(owned)
            raise

    @classmethod
    async def _open(
        cls, folder: Path, owned: int, genesis: Genesis, notary: Notary
    ) -> "tuple[Record, list[Event]]":
        for number in sorted(_parts(folder), reverse=True):
            log = await Embedded.open(folder / f"log-{number}")
            try:
                if await log.head() > 0:
                    record, happened = await cls._read(folder, owned, log, genesis.hall, notary)
                    _tidy(folder, keep=number)
                    return record, happened
            except BaseException:
                await log.close()
                raise
            await log.close()  # its process was killed before it began
        log = await Embedded.open(folder / "log-0")
        await log.append([Written(_BEGINNING, encode(Beginning(genesis, None, 0)))], {})
        return cls(folder, owned, log, 0, Clerk(genesis, notary)), []

    @classmethod
    async def _read(
        cls, folder: Path, owned: int, log: Embedded, hall: bytes, notary: Notary
    ) -> "tuple[Record, list[Event]]":
        record: Record | None = None
        happened: list[Event] = []
        position = 1
        while records := await log.read(position, READ_MAX):
            for found in records:
                try:
                    if record is None:
                        beginning = decode(Beginning, found.body)
                        clerk = _begun(folder, beginning, hall, notary)
                        record = cls(folder, owned, log, beginning.told, clerk)
                    else:
                        happened += record._restore(found.body)
                except (CodecError, FileError, ReplicaError, SnapshotError) as error:
                    raise RecordError(f"entry {found.position} of the record: {error}") from error
            position = records[-1].position + 1
        assert record is not None
        return record, happened

    @property
    def is_full(self) -> bool:
        """Whether it is time for another part."""
        return self.clerk.height >= self._full_at or self._bytes >= PART_BYTES

    async def write(self) -> tuple[Event, ...]:
        """Put on the disk what the clerk wrote since, all of it; say what came of it.

        Raises:
            OrderError: The disk refuses; nothing was told to anybody.
        """
        async with self._turn:
            return await self._write()

    async def _write(self) -> tuple[Event, ...]:
        waiting = tuple(self.clerk.unwritten)
        if not waiting:
            return ()
        groups = [encode(Group(raws), size_max=BATCH_BYTES_MAX) for raws in _grouped(waiting)]
        # Queued in order, and synced together.
        if len(groups) == 1:
            await self._log.append([Written(_ENTRIES, groups[0])], {})
        else:
            await asyncio.gather(
                *(self._log.append([Written(_ENTRIES, raw)], {}) for raw in groups)
            )
        self._bytes += sum(map(len, waiting))
        return self.clerk.written(len(waiting))

    async def compact(self, key: SigningKey, now_ms: int, teller: Teller) -> None:
        """Go on in a new part, behind a snapshot of everything so far.

        A market that is too large for a snapshot, or a disk that refuses, leaves all as it is.

        Args:
            key: The hall's, which seals.
            now_ms: The market's time.
            teller: Is told what happened before.
        """
        async with self._turn:
            teller.add(await self._write())
            self._full_at, self._bytes = self.clerk.height + PART_ENTRIES, 0
            replica = self.clerk.replica
            # Nothing waits between here and there, so the state is the one that is written.
            raw, genesis = replica.snapshot(), replica.genesis
            if len(raw) > SNAPSHOT_BYTES_MAX:
                return
            sealed = seal(key, genesis.identity, replica.height, replica.head, raw)
            self.clerk.write(Marked(sealed.of.state), now_ms)
            try:
                await self._begin(Beginning(genesis, sealed, teller.sync()), raw)
            except (FileError, OrderError, OSError) as error:
                _LOG.warning("no snapshot: %s", error)
                return
            self.clerk.go_on(Behind(sealed, raw))
            await asyncio.to_thread(_tidy, self._folder, sealed.of.height)

    async def _begin(self, beginning: Beginning, snapshot: bytes) -> None:
        """Begin a part, so that it is whole or not there."""
        assert beginning.seal is not None
        number = beginning.seal.of.height
        path = self._folder / f"snapshot-{number}"
        await asyncio.to_thread(write_file, path, snapshot)
        log = await Embedded.open(self._folder / f"log-{number}")
        try:
            await log.append([Written(_BEGINNING, encode(beginning))], {})
            await asyncio.to_thread(_sync_folder, self._folder)
        except BaseException:
            await log.close()
            raise
        await self._log.close()
        self._log, self.told = log, beginning.told

    async def close(self) -> None:
        """Let go of the folder."""
        await self._log.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _restore(self, body: bytes) -> list[Event]:
        group = decode(Group, body, size_max=BATCH_BYTES_MAX)
        self._bytes += len(body)
        return [event for raw in group.entries for event in self.clerk.restore(raw)]


def _begun(folder: Path, beginning: Beginning, hall: bytes, notary: Notary) -> Clerk:
    """The clerk that a part begins with."""
    genesis, sealed = beginning.genesis, beginning.seal
    if genesis.hall != hall:
        raise RecordError(
            "the record is of another hall",
            hint="open it with the key that began it, or name another folder",
        )
    if sealed is None:
        return Clerk(genesis, notary)
    path = folder / f"snapshot-{sealed.of.height}"
    raw = read_file(path, size_max=SNAPSHOT_BYTES_MAX)
    return Clerk.restored(genesis, Behind(sealed, raw), notary)


def _grouped(waiting: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Cut entries into groups that fit a batch of the log."""
    group: list[bytes] = []
    size = 0
    for raw in waiting:
        if group and (size + len(raw) > GROUP_BYTES_MAX or len(group) == GROUP_MAX):
            yield tuple(group)
            group, size = [], 0
        group.append(raw)
        size += len(raw)
    yield tuple(group)


def _parts(folder: Path) -> Iterator[int]:
    for path in folder.iterdir():
        if found := _LOG_NAME.fullmatch(path.name):
            yield int(found[1])


def _tidy(folder: Path, keep: int) -> None:
    """Remove the parts but one, and what a killed process left half-made."""
    kept = (f"log-{keep}", f"snapshot-{keep}")
    for path in _others(folder, kept):
        with contextlib.suppress(OSError):
            path.unlink()


def _others(folder: Path, kept: Iterable[str]) -> list[Path]:
    whole = tuple(kept)
    files = [p for p in folder.iterdir() if p.name.startswith(("log-", "snapshot-", ".snapshot-"))]
    # SQLite keeps files of its own beside a log, and so does its lock.
    return [p for p in files if re.split(r"(?<=[0-9])[-.]", p.name)[0] not in whole]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
