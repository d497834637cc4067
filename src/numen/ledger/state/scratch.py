"""Bytes by key in memory that can be put back to what they were: for chains that tests turn back.

It is no disk: a ledger that has acknowledged a block to somebody keeps it, on one that forgets
nothing.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from numen.ledger.state.kv import MemoryKV

_FAMILY_BYTES = 2
"""Keys are kept in order by their first bytes, so that a scan sorts none but its own."""


class ScratchKV(MemoryKV):
    """Bytes by key, kept as long as the process lives; a scan sorts what came since the last."""

    def __init__(self) -> None:
        super().__init__()
        self._ordered: dict[bytes, list[bytes]] = {}
        self._fresh: dict[bytes, list[bytes]] = {}
        self._before: list[tuple[bytes, bytes | None]] = []
        self._is_watched = False

    @property
    def moment(self) -> int:
        """The present, to come back to; from the first time on, every change is remembered."""
        self._is_watched = True
        return len(self._before)

    def rewind(self, moment: int) -> None:
        """Take back what was changed since a moment."""
        assert 0 <= moment <= len(self._before)
        while len(self._before) > moment:
            self._put(*self._before.pop())

    def forget(self) -> None:
        """Remember no changes any more; there is no moment to come back to."""
        self._before.clear()
        self._is_watched = False

    def scan(self, prefix: bytes, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        names: list[bytes] = []
        for family in sorted(self._ordered.keys() | self._fresh.keys()):
            if not _may_hold(family, prefix):
                continue
            keys = self._in_order(family)
            first = max(bisect_left(keys, prefix), bisect_right(keys, after))
            for at in range(first, len(keys)):
                if not keys[at].startswith(prefix):
                    break
                names.append(keys[at])
        return iter([(name, self._values[name]) for name in names])

    def _in_order(self, family: bytes) -> list[bytes]:
        keys = self._ordered.setdefault(family, [])
        fresh = self._fresh.pop(family, None)
        if fresh:
            keys += fresh
            keys.sort()
        return keys

    def _write(self, key: bytes, value: bytes | None) -> None:
        if self._is_watched:
            self._before.append((key, self._values.get(key)))
        self._put(key, value)

    def _put(self, key: bytes, value: bytes | None) -> None:
        family = key[:_FAMILY_BYTES]
        if value is None:
            if self._values.pop(key, None) is not None:
                keys = self._in_order(family)
                del keys[bisect_left(keys, key)]
            return
        if key not in self._values:
            self._fresh.setdefault(family, []).append(key)
        self._values[key] = value


def _may_hold(family: bytes, prefix: bytes) -> bool:
    return family.startswith(prefix[:_FAMILY_BYTES]) or prefix.startswith(family)
