"""The authenticated map of the state: 32-byte keys to bytes, one root, a number for each version.

Records of a `KV`, by their first byte:

    n number    a page, or a value; numbers are given out once, in order
    v version   its root, the number of its top page, and the next number that was free
    x version   numbers of what the version before had and this one has not
    m           the oldest version and the newest

A new version writes the pages on the ways to what changed, and shares all others. Nothing that a
version names is ever written again, so readers of a version need no lock, and a commit that is cut
off leaves the version before. Pruning deletes what versions from the oldest on had alone.

Cost: a change of m keys among n reads and writes about ``m * log(n / m) / log(36)`` pages of 4 KiB.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from numen.kernels.patricia import locate
from numen.ledger.state.errors import CorruptError, UnknownVersionError
from numen.ledger.state.kv import KV, Writes
from numen.ledger.state.page import (
    EMPTY_ROOT,
    ENTRY,
    KEY_BITS,
    check_page,
    entry_at,
    records,
)
from numen.ledger.state.recent import ABSENT, Recent
from numen.ledger.state.update import Update

VALUE_BYTES_MAX = 1 << 20
"""Longest value of a key."""

HEAD: Final = b"m"
"""Name of the record of the oldest version and the newest."""

_VERSION: Final = struct.Struct(">32sQQ")
_HEAD: Final = struct.Struct(">QQ")
_NUMBER: Final = struct.Struct(">Q")
_KEY: Final = struct.Struct(">cQ")

_PRUNE_BATCH: Final = 256
"""Versions that are pruned in one commit."""


class Version(msgspec.Struct, frozen=True):
    """One state of the map.

    Attributes:
        root: Commits to all keys and values.
        top: Number of the topmost page; 0 where there are no keys.
        free: The lowest number that was given to nothing yet.
    """

    root: bytes
    top: int
    free: int


class Prepared(msgspec.Struct, frozen=True):
    """A version that is computed and not yet written.

    Attributes:
        base: Number of the version it follows.
        version: What it will be.
        records: Its new pages and values, by ascending number.
        stale: What the version before has and this one has not.
        changes: What it changes, by key.
    """

    base: int
    version: Version
    records: dict[int, bytes]
    stale: list[int]
    changes: Mapping[bytes, bytes | None]


class Tree:
    """A map in a `KV`, of which one object at a time may write.

    Raises:
        CorruptError: What lies there is no tree.
    """

    def __init__(self, kv: KV) -> None:
        self._kv = kv
        self._recent = Recent()
        head = kv.get(HEAD)
        if head is None:
            self._first = self._last = 0
            self._newest = Version(EMPTY_ROOT, 0, 1)
        elif len(head) != _HEAD.size:
            raise CorruptError("the head", f"{len(head)} bytes")
        else:
            self._first, self._last = _HEAD.unpack(head)
            self._newest = self.at(self._last)

    @property
    def root(self) -> bytes:
        """The root of the newest version."""
        return self._newest.root

    @property
    def version(self) -> int:
        """The number of the newest version; an empty map is version 0."""
        return self._last

    @property
    def first(self) -> int:
        """The number of the oldest version that was not pruned."""
        return self._first

    def at(self, version: int) -> Version:
        """Find a version.

        Raises:
            UnknownVersionError: It was pruned, or never made.
        """
        if version == 0 == self._first:
            return Version(EMPTY_ROOT, 0, 1)
        raw = self._kv.get(_key(b"v", version)) if self._first <= version <= self._last else None
        if raw is None:
            raise UnknownVersionError(version, self._first, self._last)
        return Version(*_VERSION.unpack(raw))

    def get(self, key: bytes, version: int | None = None) -> bytes | None:
        """The value of a key, or None.

        Args:
            key: 32 bytes.
            version: Which state to look at; the newest by default.

        Raises:
            UnknownVersionError: There is no such version.
        """
        if version is not None:
            return self._read(self.top(version), key)
        value = self._recent.get(key)
        if value is None:
            return self._read(self.top(), key)
        return None if value is ABSENT else value

    def prepare(self, changes: Mapping[bytes, bytes | None]) -> Prepared:
        """Compute the version that follows the newest one; nothing is written.

        Args:
            changes: New values by key of 32 bytes; None forgets the key.
        """
        assert all(
            len(key) == 32 and (value is None or len(value) <= VALUE_BYTES_MAX)
            for key, value in changes.items()
        )
        with self._kv.reading() as get:

            def load(numbers: Sequence[int]) -> list[bytes]:
                raws = [get(_KEY.pack(b"n", number)) for number in numbers]
                pairs = zip(raws, numbers, strict=True)
                return [check_page(_found(raw, number), number) for raw, number in pairs]

            before = self._newest
            update = Update(load, before.free)
            root, top = update.run(before.top, changes) or (before.root, before.top)
        version = Version(root, top, update.free)
        return Prepared(self._last, version, update.records, update.stale, changes)

    def commit(self, prepared: Prepared, also: Writes = ()) -> int:
        """Write a version, at once and for good.

        Args:
            prepared: From `prepare`, with no other commit since.
            also: Records of others to be written in the same batch.

        Returns:
            The number of the version.

        Raises:
            StorageError: The disk refuses; nothing was written.
        """
        assert prepared.base == self._last, "another version was committed since"
        number, new = prepared.base + 1, prepared.version
        writes: list[tuple[bytes, bytes | None]] = [
            (_KEY.pack(b"n", record), data) for record, data in prepared.records.items()
        ]
        writes.append((_key(b"v", number), _VERSION.pack(new.root, new.top, new.free)))
        writes.append((_key(b"x", number), b"".join(map(_NUMBER.pack, prepared.stale))))
        writes.append((HEAD, write_head(self._first, number)))
        self._kv.commit([*writes, *also])
        self._last, self._newest = number, new
        self._recent.note(prepared.changes)
        return number

    def update(self, changes: Mapping[bytes, bytes | None]) -> int:
        """Prepare and commit; the number of the version."""
        return self.commit(self.prepare(changes))

    def prune(self, keep_from: int) -> None:
        """Forget all versions before one, and what they had alone.

        Raises:
            UnknownVersionError: There is no version ``keep_from``.

        Cost: one deletion for each page and value that is forgotten.
        """
        self.at(keep_from)
        while self._first < keep_from:
            stop = min(self._first + _PRUNE_BATCH, keep_from)
            writes: list[tuple[bytes, bytes | None]] = [(HEAD, write_head(stop, self._last))]
            for version in range(self._first, stop):
                writes.append((_key(b"v", version), None))
                writes += [(_key(b"n", number), None) for number in self._stale(version + 1)]
                writes.append((_key(b"x", version + 1), None))
            self._kv.commit(writes)
            self._first = stop

    def roll_back(self, version: int, also: Writes = ()) -> None:
        """Forget all versions after one.

        Raises:
            UnknownVersionError: There is no such version.

        Cost: one deletion for each page and value that the later versions wrote.
        """
        kept = self.at(version)
        writes: list[tuple[bytes, bytes | None]] = [(HEAD, write_head(self._first, version))]
        for number in range(version + 1, self._last + 1):
            writes += [(_key(b"v", number), None), (_key(b"x", number), None)]
        writes += [(_key(b"n", n), None) for n in range(kept.free, self._newest.free)]
        self._kv.commit([*writes, *also])
        self._last, self._newest = version, kept
        self._recent.clear()

    def items(self, version: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """All keys and values of a version, in the order of keys."""
        waiting = [(self.top(version), 0)]
        while waiting:
            page, index = waiting.pop()
            if not page:
                continue
            key, _, number, bits = entry_at(page, index)
            if index + 1 < len(page) // ENTRY.size:
                waiting.append((page, index + 1))
            if bits == KEY_BITS:
                yield key, self.record(number)
            else:
                waiting.append((self.page(number), 0))

    def reachable(self, version: int | None = None) -> Iterator[int]:
        """The numbers of all pages and values of a version."""
        chosen = self._newest if version is None else self.at(version)
        waiting = [chosen.top] if chosen.top else []
        while waiting:
            number = waiting.pop()
            yield number
            for below, is_page in records(self.page(number)):
                if is_page:
                    waiting.append(below)
                else:
                    yield below

    def top(self, version: int | None = None) -> bytes:
        """The topmost page of a version; empty where there are no keys."""
        chosen = self._newest if version is None else self.at(version)
        return self.page(chosen.top) if chosen.top else b""

    def page(self, number: int) -> bytes:
        """Read a page.

        Raises:
            CorruptError: It is missing, or no page.
        """
        return check_page(self.record(number), number)

    def record(self, number: int) -> bytes:
        """Read a page or a value.

        Raises:
            CorruptError: It is missing.
        """
        return _found(self._kv.get(_key(b"n", number)), number)

    def _read(self, page: bytes, key: bytes) -> bytes | None:
        """What a key has below a page, which may be empty."""
        while page:
            place, bits = locate(page, ENTRY.size, key)
            if not bits:
                break
            number = entry_at(page, place)[2]
            if bits == KEY_BITS:
                return self.record(number)
            page = self.page(number)
        return None

    def _stale(self, version: int) -> list[int]:
        raw = self._kv.get(_key(b"x", version))
        if raw is None or len(raw) % _NUMBER.size:
            raise CorruptError(f"version {version}", "no list of what it replaced")
        return [number for (number,) in _NUMBER.iter_unpack(raw)]


def write_head(first: int, last: int) -> bytes:
    """What the record `HEAD` has: the numbers of the oldest version and the newest."""
    return _HEAD.pack(first, last)


def _found(data: bytes | None, number: int) -> bytes:
    if data is None:
        raise CorruptError(f"record {number}", "it is missing")
    return data


def _key(table: bytes, number: int) -> bytes:
    return _KEY.pack(table, number)
