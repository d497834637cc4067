"""A replica that remembers what entries came to, since everybody applies the same ones.

Applying an entry is a pure function of what was before, so what one machine of a simulation found
holds for the others: an entry is applied once by who wrote it and once by who sees it first.
"""

from typing import ClassVar, Final, NamedTuple

from numen.market.events import Event
from numen.market.turn import Market
from numen.node.market.replica import Entry, Replica

KEPT_MAX: Final = 8192
"""Most entries that are remembered; the oldest go first, and are applied again if need be."""


class After(NamedTuple):
    """What an entry came to."""

    market: Market
    head: bytes
    now_ms: int
    granted: frozenset[bytes]
    happened: tuple[Event, ...]


class Remembering(Replica):
    """A replica that applies no entry that another one has applied."""

    _known: ClassVar[dict[tuple[bytes, Entry], After]] = {}

    def apply(self, entry: Entry) -> tuple[Event, ...]:
        """As `Replica.apply`."""
        key = (self.head, entry)
        after = self._known.get(key)
        if after is None:
            happened = super().apply(entry)
            if len(self._known) >= KEPT_MAX:
                del self._known[next(iter(self._known))]
            granted = frozenset(self._granted)
            self._known[key] = After(self.market, self.head, self.now_ms, granted, happened)
            return happened
        self.market, self.head, self.now_ms = after.market, after.head, after.now_ms
        self.height += 1
        self._granted = set(after.granted)
        return after.happened

    @classmethod
    def forget(cls) -> None:
        """Forget all, before another run."""
        cls._known.clear()
