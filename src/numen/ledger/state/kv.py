"""The one thing state asks of a disk: bytes by key, changed in batches that are atomic.

A batch is durable when `KV.commit` returns, and after a crash either all of it is there or nothing.
`MemoryKV` forgets when the process ends; `numen.ledger.state.embedded` has the one on disk.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
    """Bytes by key, kept as long as the process lives; a scan sorts its keys."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    @contextmanager
    def reading(self) -> Iterator[Get]:
        yield self._values.get

    def commit(self, writes: Writes) -> None:
        batch = list(writes)
        check_sizes(batch)
        for key, value in batch:
            self._write(key, value)

    def _write(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def scan(self, prefix: bytes, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        found = [(k, v) for k, v in self._values.items() if k.startswith(prefix) and k > after]
        return iter(sorted(found))

    def close(self) -> None:
        """Nothing to let go of."""


def check_sizes(batch: Sequence[tuple[bytes, bytes | None]]) -> None:
    """See that writes keep to the bounds; who breaks them made a mistake in here."""
    sizes = [len(key) for key, _ in batch]
    assert not sizes or 0 < min(sizes) <= max(sizes) <= KEY_BYTES_MAX, f"a key of {max(sizes)}"
    longest = max([len(value) for _, value in batch if value], default=0)
    assert longest <= VALUE_BYTES_MAX, f"a value of {longest} bytes"
