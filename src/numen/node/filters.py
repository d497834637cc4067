"""What a client asks for piece by piece: new blocks, waiting transactions, or logs.

EvmError
├── UnknownFilterError    no such filter, or it was not asked for too long
└── TooManyFiltersError   there is no room for another
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from numen.evm.errors import EvmError
from numen.node.logs import LogQuery

FILTERS_MAX: Final = 1_000
"""Most filters at a time."""

IDLE_S_MAX: Final = 300
"""A filter that nobody asks for so long is forgotten, as in geth."""

WAITING_MAX: Final = 16_384
"""Most hashes that a filter of waiting transactions keeps; older ones are lost."""


class UnknownFilterError(EvmError):
    """There is no such filter, or nobody asked for it for too long."""

    def __init__(self) -> None:
        super().__init__("filter not found")


class TooManyFiltersError(EvmError):
    """There is no room for another filter."""

    def __init__(self) -> None:
        super().__init__(f"there are {FILTERS_MAX} filters already")


class Kind(StrEnum):
    """What a filter, or a subscription, is about."""

    BLOCKS = "newHeads"
    LOGS = "logs"
    WAITING = "newPendingTransactions"
    MESSAGES = "messages"


class Filter(msgspec.Struct):
    """What a client wants to know next.

    Attributes:
        kind: What it is about.
        query: Which logs.
        first: The first block of interest; None for what comes from the beginning of the filter.
        last: The last one; None for no end.
        next_block: The first block that it has not told of.
        waiting: Hashes that it has not told of.
        asked_s: When it was last asked for.
    """

    kind: Kind
    query: LogQuery
    first: int | None
    last: int | None
    next_block: int
    waiting: list[bytes]
    asked_s: int


class Filters:
    """All filters, by number."""

    def __init__(self) -> None:
        self._filters: dict[int, Filter] = {}
        self._count = 0

    def add(
        self,
        kind: Kind,
        next_block: int,
        now_s: int,
        query: LogQuery | None = None,
        bounds: tuple[int | None, int | None] = (None, None),
    ) -> int:
        """Begin one; gives its number.

        Raises:
            TooManyFiltersError: There is no room.
        """
        idle = [n for n, each in self._filters.items() if now_s - each.asked_s > IDLE_S_MAX]
        for number in idle:
            del self._filters[number]
        if len(self._filters) >= FILTERS_MAX:
            raise TooManyFiltersError
        self._count += 1
        self._filters[self._count] = Filter(
            kind, query or LogQuery(), *bounds, next_block, [], now_s
        )
        return self._count

    def get(self, number: int, now_s: int) -> Filter:
        """One by its number.

        Raises:
            UnknownFilterError: There is none, or nobody asked for it for too long.
        """
        found = self._filters.get(number)
        if found is None or now_s - found.asked_s > IDLE_S_MAX:
            self._filters.pop(number, None)
            raise UnknownFilterError
        found.asked_s = now_s
        return found

    def drop(self, number: int) -> bool:
        """End one; whether it was there."""
        return self._filters.pop(number, None) is not None

    def note_waiting(self, hashes: Iterable[bytes]) -> None:
        """Tell filters of transactions that have come to wait."""
        listening = [each for each in self._filters.values() if each.kind is Kind.WAITING]
        if not listening:
            return
        for tx_hash in hashes:
            for each in listening:
                each.waiting.append(tx_hash)
                del each.waiting[:-WAITING_MAX]

    def rewind(self, next_block: int) -> None:
        """Forget that blocks were told of that are there no more."""
        for each in self._filters.values():
            each.next_block = min(each.next_block, next_block)
