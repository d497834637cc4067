"""A board: the sections that are shown now, and which of them changed since somebody last looked.

There is no queue. Who is slow is given the newest of each section when it comes back for more, and
misses what was between; a board costs the same for one who looks as for many.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

REST_S: Final = 0.25
"""Shortest time between two readings of what is shown."""


SHARE: Final = 20
"""Reading takes at most one part in so many of the process's time."""


class Source(Protocol):
    """What is shown.

    Attributes:
        streams: Gives how many pages are open; set by who serves them.
    """

    streams: Callable[[], int]

    def sections(self) -> Mapping[str, Any]:
        """All sections, as JSON can write them."""

    async def explained(self, identity: str) -> list[str]:
        """Why something went as it did, in sentences.

        Raises:
            NumenError: There is nothing of this id.
        """

    async def tree(self, identity: str) -> Mapping[str, Any]:
        """What followed from a message of a ledger.

        Raises:
            NumenError: There is nothing of this id.
        """

    def metrics(self) -> bytes:
        """Its numbers, in the text format of Prometheus."""


class Board:
    """What is shown of a source.

    Args:
        source: What.
        clock: Seconds that only grow.
    """

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self.source = source
        self._clock = clock
        self._raw: dict[str, bytes] = {}
        self._versions: dict[str, int] = {}
        self._version = 0
        self._next_s = 0.0

    def read(self) -> int:
        """Look at the source, unless that was done a moment ago; the version of what is shown."""
        before_s = self._clock()
        if before_s < self._next_s:
            return self._version
        fresh = {name: msgspec.json.encode(found) for name, found in self.source.sections().items()}
        changed = [name for name, raw in fresh.items() if raw != self._raw.get(name)]
        if changed:
            self._version += 1
            self._raw.update(fresh)
            self._versions.update(dict.fromkeys(changed, self._version))
        after_s = self._clock()
        self._next_s = after_s + max(REST_S, SHARE * (after_s - before_s))
        return self._version

    def since(self, version: int) -> dict[str, bytes]:
        """The sections that changed after a version, each as JSON."""
        return {name: self._raw[name] for name, at in self._versions.items() if at > version}

    def state(self) -> bytes:
        """Everything, as one JSON object."""
        self.read()
        return msgspec.json.encode({name: msgspec.Raw(raw) for name, raw in self._raw.items()})

    async def changed(self, version: int, patience_s: float) -> int:
        """Wait until something changed after a version, or patience ends; the version then."""
        until_s = self._clock() + patience_s
        while (found := self.read()) == version and self._clock() < until_s:
            await asyncio.sleep(REST_S)
        return found
