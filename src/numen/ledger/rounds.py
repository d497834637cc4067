"""Hand over messages until there are none: round by round, in an order that nobody can choose.

The messages of a round are in one order. Each address takes its own in that order, while the others
take theirs, in any interleaving or at once; what they send is the next round, in the order of its
causes. So the outcome depends on the messages alone.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Protocol

import msgspec

from numen.ledger.cell import Cell
from numen.ledger.deliver import Handed, Moment, Services, deliver
from numen.ledger.due import Due
from numen.ledger.messages import Message
from numen.ledger.receipts import Receipt
from numen.vm.host import Address

Mail = tuple[int, Message]
"""A message and its place in the round."""


class Crew(Protocol):
    """Who hands messages over: one after another, or on several processors."""

    def hand_over(self, mail: Sequence[Mail], moment: Moment) -> list[tuple[int, Handed]]:
        """Hand over the messages of one round.

        Args:
            mail: The messages, in the order of the round.
            moment: The present block.

        Returns:
            What follows from each, by its place, in any order; nothing for one that was handed
            over before.
        """
        ...

    def credit(self, coins: dict[Address, int]) -> None:
        """Add coins to balances."""
        ...


class Alone:
    """Hands over messages one after another, in the present thread.

    Args:
        cells: Gives the cell of an address.
        services: Gives the code of a digest.
    """

    def __init__(self, cells: Callable[[Address], Cell], services: Services) -> None:
        self._cells = cells
        self._services = services

    def hand_over(self, mail: Sequence[Mail], moment: Moment) -> list[tuple[int, Handed]]:
        found = []
        for place, message in mail:
            handed = deliver(self._cells(message.target), message, moment, self._services)
            if handed is not None:
                found.append((place, handed))
        return found

    def credit(self, coins: dict[Address, int]) -> None:
        for address, amount in coins.items():
            self._cells(address).credit(amount)


class Run(msgspec.Struct, frozen=True):
    """What became of a block's messages.

    Attributes:
        receipts: In the order of handing over.
        left: Messages for which the block had no room, in order.
        fees: Coins for work.
        due: Timers that were set, and answers that must come in time.
    """

    receipts: tuple[Receipt, ...]
    left: tuple[Message, ...]
    fees: int
    due: tuple[Due, ...]


def run(crew: Crew, messages: Iterable[Message], moment: Moment, deliveries_max: int) -> Run:
    """Hand over messages and all that follow from them.

    Args:
        crew: Who does it.
        messages: The first round, in order.
        moment: The present block.
        deliveries_max: Most messages to hand over.
    """
    receipts: list[Receipt] = []
    due: list[Due] = []
    fees = 0
    current = list(messages)
    left: list[Message] = []
    while current:
        room = deliveries_max - len(receipts)
        if len(current) > room:
            current, left = current[:room], current[room:]
        if not current:
            break
        handed = sorted(crew.hand_over(list(enumerate(current)), moment), key=itemgetter(0))
        coins: dict[Address, int] = {}
        current = []
        for _, one in handed:
            receipts.append(one.receipt)
            current += one.messages
            fees += one.fee
            due += one.due
            for to, amount in one.credits:
                coins[to] = coins.get(to, 0) + amount
        crew.credit(coins)
        if left:
            left += current
            break
    return Run(tuple(receipts), tuple(left), fees, tuple(due))
