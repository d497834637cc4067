"""State on disk in this process: LMDB, a memory-mapped tree that is copied where it changes.

LMDB writes changed pages to free ones, waits until the disk has them, and only then writes the one
page that names the new tree; so a crash leaves the tree before or the tree after. Opening reads
that page and nothing else. One process writes at a time; others wait. The file must not lie on a
network drive.

Memory: what is read is mapped, and given back by the system when it is short.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import lmdb

from numen.ledger.state.errors import StorageError, StorageFullError
from numen.ledger.state.kv import Get, Writes, check_sizes

MAP_BYTES_FIRST = 1 << 30
"""Addresses reserved at first; doubled when they run out. They take no room on the disk."""

MAP_BYTES_MAX = 1 << 42
"""Default bound on what a store may hold."""

SCAN_PAIRS = 1024
"""How many pairs a scan reads at a time, so that none keeps old pages from being reused."""


class LmdbKV:
    """Bytes by key in a directory.

    Args:
        directory: Made if it is missing.
        limit_bytes: Most that the store may hold.
        is_durable: Whether a commit waits for the disk. Where it does not, a crash of the machine
            may lose or damage the store, a crash of the process does not.

    Raises:
        StorageError: The directory cannot be used.
    """

    def __init__(
        self, directory: Path, *, limit_bytes: int = MAP_BYTES_MAX, is_durable: bool = True
    ) -> None:
        self._limit_bytes = limit_bytes
        self._path = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._env = lmdb.open(
                str(directory),
                map_size=min(MAP_BYTES_FIRST, limit_bytes),
                sync=is_durable,
                metasync=is_durable,
                max_dbs=0,
                readahead=False,
            )
        except (OSError, lmdb.Error) as error:
            raise StorageError(f"{directory} cannot be opened: {error}") from error
        self._map_bytes: int = self._env.info()["map_size"]

    def get(self, key: bytes) -> bytes | None:
        with self.reading() as get:
            return get(key)

    @contextmanager
    def reading(self) -> Iterator[Get]:
        with self._reading() as reading:
            yield reading.get  # type: ignore[misc]  # its other form is for buffers

    def commit(self, writes: Writes) -> None:
        batch = list(writes)
        check_sizes(batch)
        while True:
            try:
                self._write(batch)
            except lmdb.MapFullError:
                self._grow()
            except lmdb.MapResizedError:
                self._env.set_mapsize(0)  # another process made it larger
            except lmdb.Error as error:
                raise StorageError(f"{self._path}: {error}") from error
            else:
                return

    def scan(self, prefix: bytes, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        last = after
        while True:
            found = self._next(prefix, last)
            yield from found
            if len(found) < SCAN_PAIRS:
                return
            last = found[-1][0]

    def close(self) -> None:
        self._env.close()

    def _reading(self) -> lmdb.Transaction:
        try:
            return self._env.begin()
        except lmdb.MapResizedError:
            self._env.set_mapsize(0)  # another process made it larger
            return self._env.begin()

    def _write(self, batch: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Write in order, those that stand together and delete nothing by one call."""
        with self._env.begin(write=True) as writing, writing.cursor() as cursor:
            for is_kept, pairs in groupby(batch, lambda write: write[1] is not None):
                if is_kept:
                    cursor.putmulti((key, value) for key, value in pairs if value is not None)
                else:
                    for key, _ in pairs:
                        writing.delete(key)

    def _grow(self) -> None:
        if self._map_bytes >= self._limit_bytes:
            raise StorageFullError(self._limit_bytes)
        self._map_bytes = min(2 * self._map_bytes, self._limit_bytes)
        self._env.set_mapsize(self._map_bytes)

    def _next(self, prefix: bytes, after: bytes) -> list[tuple[bytes, bytes]]:
        """Some pairs that come after a key."""
        found: list[tuple[bytes, bytes]] = []
        with self._reading() as reading, reading.cursor() as cursor:
            if not cursor.set_range(max(prefix, after)):
                return found
            for key, value in cursor:
                assert isinstance(key, bytes)
                assert isinstance(value, bytes)
                if not key.startswith(prefix) or len(found) == SCAN_PAIRS:
                    break
                if key > after:
                    found.append((key, value))
        return found
