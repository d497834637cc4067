"""The one thing state asks of a disk: bytes by key, changed in batches that are atomic.

A batch is durable when `KV.commit` returns, and after a crash either all of it is there or nothing.
`MemoryKV` forgets when the process ends; `numen.ledger.state.embedded` has the one on disk.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeAlias

Writes: TypeAlias = Iterable[tuple[bytes, bytes | None]]
"""Keys and what they get; None deletes. Of two writes to a key the later one counts."""

Get: TypeAlias = Callable[[bytes], bytes | None]

KEY_BYTES_MAX = 128
"""Longest key."""

VALUE_BYTES_MAX = 1 << 26
"""Longest value."""


class KV(Protocol):
    """Bytes by key, in the order of keys as bytes."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None."""

    def reading(self) -> AbstractContextManager[Get]:
        """For ``with``: a function like `get` whose answers are all of one moment."""

    def commit(self, writes: Writes) -> None:
        """Make a batch of changes, all of them or none; durable when this returns.

        Raises:
            StorageError: The disk refuses. Nothing was changed.
        """

    def scan(self, prefix: bytes, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys that begin with a prefix and come after a key, with their values, as of now."""

    def close(self) -> None:
        """Let go of the disk; nothing else may be called afterwards."""


class MemoryKV:
    """Bytes by key, kept as long as the process lives."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    @contextmanager
    def reading(self) -> Iterator[Get]:
        yield self._values.get

    def commit(self, writes: Writes) -> None:
        for key, value in list(writes):
            check_sizes(key, value)
            if value is not None:
                if key not in self._values:
                    insort(self._keys, key)
                self._values[key] = value
            elif self._values.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]

    def scan(self, prefix: bytes, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        first = bisect_left(self._keys, max(prefix, after))
        found = []
        for key in self._keys[first:]:
            if not key.startswith(prefix):
                break
            if key > after:
                found.append((key, self._values[key]))
        return iter(found)

    def close(self) -> None:
        """Nothing to let go of."""


def check_sizes(key: bytes, value: bytes | None) -> None:
    """See that a write keeps to the bounds; who breaks them made a mistake in here."""
    assert 0 < len(key) <= KEY_BYTES_MAX, f"a key of {len(key)} bytes"
    assert value is None or len(value) <= VALUE_BYTES_MAX, f"a value of {len(value)} bytes"
