"""Subscriptions of one connection: what it is told without asking.

EvmError
└── TooManySubscriptionsError   the connection has enough of them
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from numen.evm.errors import EvmError
from numen.node.blocks import Sealed, Signed
from numen.node.filters import Kind
from numen.node.logs import LogQuery, find
from numen.node.surface import Event, SealedEvent

SUBSCRIPTIONS_MAX: Final = 128
"""Most subscriptions of a connection."""


class TooManySubscriptionsError(EvmError):
    """The connection has enough subscriptions."""

    def __init__(self) -> None:
        super().__init__(f"a connection has at most {SUBSCRIPTIONS_MAX} subscriptions")


class Subscription(msgspec.Struct, frozen=True):
    """What somebody wants to be told.

    Attributes:
        kind: What it is about.
        query: Which logs.
        is_full: Whether waiting transactions are told in whole, and not by their hashes.
    """

    kind: Kind
    query: LogQuery = LogQuery()
    is_full: bool = False


class Shown(msgspec.Struct, frozen=True):
    """How things are written for a client."""

    head: Callable[[Sealed], object]
    log: Callable[[Sealed, int, int], object]
    waiting: Callable[[Signed, bool], object]
    messages: Callable[[Sealed], Iterable[object]]


class Subscriptions:
    """All of one connection, by number.

    Args:
        prefix: What numbers begin with, so that those of two connections differ.
    """

    def __init__(self, prefix: int = 0) -> None:
        self._prefix = prefix << 32
        self._count = 0
        self._all: dict[int, Subscription] = {}

    def add(self, subscription: Subscription) -> int:
        """Begin one; gives its number.

        Raises:
            TooManySubscriptionsError: There are enough.
        """
        if len(self._all) >= SUBSCRIPTIONS_MAX:
            raise TooManySubscriptionsError
        self._count += 1
        number = self._prefix + self._count
        self._all[number] = subscription
        return number

    def drop(self, number: int) -> bool:
        """End one; whether it was there."""
        return self._all.pop(number, None) is not None

    def told(self, event: Event, shown: Shown) -> Iterator[tuple[int, object]]:
        """What an event tells: the number of a subscription, and a result for it."""
        for number, each in self._all.items():
            if isinstance(event, SealedEvent):
                if each.kind is Kind.BLOCKS:
                    yield number, shown.head(event.sealed)
                elif each.kind is Kind.LOGS:
                    for sealed, index, at in find([event.sealed], each.query):
                        yield number, shown.log(sealed, index, at)
                elif each.kind is Kind.MESSAGES:
                    for message in shown.messages(event.sealed):
                        yield number, message
            elif each.kind is Kind.WAITING:
                yield number, shown.waiting(event.signed, each.is_full)
