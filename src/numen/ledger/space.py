"""A mapping that is read from below once, written above, and knows what changed.

Below is what the last block left, on disk; above is what the present block makes of it. The
difference between the two is the block's diff, and throwing the upper part away is how a block is
abandoned.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", int, bytes)
V = TypeVar("V")


class Space(Generic[K, V]):
    """Entries by key; every key has a value, mostly the empty one.

    Args:
        empty: What a key holds that was never written.
        read: Gives what lies below, the empty value where nothing does.

    Attributes:
        taken_back: How often the upper part was thrown away.
    """

    __slots__ = ("_before", "_now", "_read", "empty", "taken_back")

    def __init__(self, empty: V, read: Callable[[K], V] | None = None) -> None:
        self.empty = empty
        self._read: Callable[[K], V] | None = read
        self._now: dict[K, V] = {}
        self._before: dict[K, V] = {}
        self.taken_back = 0

    def __len__(self) -> int:
        """How many keys are in memory."""
        return len(self._now)

    def load(self, key: K) -> V:
        """What a key holds now."""
        now = self._now
        if key in now:
            return now[key]
        value = now[key] = self.empty if self._read is None else self._read(key)
        return value

    def store(self, key: K, value: V) -> None:
        """Let a key hold something else."""
        if key not in self._before:
            self._before[key] = self.load(key)
        self._now[key] = value

    def update(self, entries: Iterable[tuple[K, V]]) -> None:
        """Store many."""
        now, before = self._now, self._before
        for key, value in entries:
            if key not in before:
                before[key] = self.load(key)
            now[key] = value

    def changed(self) -> Iterator[tuple[K, V, V]]:
        """Keys whose value differs from that below, rising: key, value below, value now."""
        for key in sorted(self._before):
            before, now = self._before[key], self._now[key]
            if before != now:
                yield key, before, now

    @property
    def is_changed(self) -> bool:
        return bool(self._before)

    def settle(self) -> None:
        """Take what is above for what is below."""
        self._before.clear()

    def abandon(self) -> None:
        """Be as below again."""
        self._now.update(self._before)
        self._before.clear()
        self.taken_back += 1
