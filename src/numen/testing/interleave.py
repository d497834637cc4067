"""Every order in which messages may arrive, or as many by chance as one has time for.

On a ledger of many machines, which of two senders' messages comes first at a contract is nobody's
promise: only the order between one sender and one receiver is. A contract is right if it is right
in every such order. Orders are tried without copying state: the test begins again, and takes
another turn where it had a choice.

    def story():
        chain = Chain()
        ...
        return chain, [(ann, token.request(...)), (bob, shop.request(...))]

    for outcome in explore(story):
        assert outcome.chain.balance(shop) == 7
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from numen.ledger.deliver import Handed, Moment
from numen.ledger.messages import Message
from numen.ledger.receipts import Receipt
from numen.ledger.rounds import Alone
from numen.testing.chain import Chain, Person, Request
from numen.vm.host import Address

DELIVERIES_MAX: Final = 10_000
"""Most deliveries of one order, before the test is told that its messages never end."""

ORDERS_MAX: Final = 2_000
"""Orders that are tried, where nobody says otherwise."""

Race = Sequence[tuple[Person, Request]]
"""Requests that race each other, and who sends them."""

Story = Callable[[], tuple[Chain, Race]]
"""Begins anew: a chain, and what races on it."""


class Outcome(msgspec.Struct, frozen=True):
    """What one order came to.

    Attributes:
        chain: The ledger afterwards.
        receipts: What became of each message, in the order of their arrival.
        choices: Which of the messages that could arrive did, at each step.
    """

    chain: Chain
    receipts: tuple[Receipt, ...]
    choices: tuple[int, ...]


class _Track:
    """Takes the turns that it is told, and the first after them; notes how many there were."""

    def __init__(self, turns: Sequence[int], chance: random.Random | None) -> None:
        self._turns = turns
        self._chance = chance
        self.taken: list[int] = []
        self.open: list[int] = []

    def choose(self, count: int) -> int:
        at = len(self.taken)
        if self._chance is not None:
            turn = self._chance.randrange(count)
        else:
            turn = self._turns[at] if at < len(self._turns) else 0
        self.taken.append(turn)
        self.open.append(count)
        return turn


def explore(
    story: Story, *, orders: int = ORDERS_MAX, seed: int | None = None
) -> Iterator[Outcome]:
    """Carry out a story in different orders of arrival.

    Args:
        story: Begins anew.
        orders: Most orders to try.
        seed: Where given, orders are drawn by chance; else they are all tried, one after another,
            and there may be fewer than ``orders``.

    Cost: a story for each order, and there may be exponentially many.
    """
    turns: list[int] | None = []
    chance = random.Random(seed) if seed is not None else None  # noqa: S311  # not for secrets
    for _ in range(orders):
        if turns is None:
            return
        track = _Track(turns, chance)
        chain, requests = story()
        receipts = _play(chain, requests, track)
        yield Outcome(chain, receipts, tuple(track.taken))
        turns = _following(track) if chance is None else []


def _following(track: _Track) -> list[int] | None:
    """The turns of the next order: the last choice that has another is taken differently."""
    turns = list(track.taken)
    while turns:
        turn = turns.pop() + 1
        if turn < track.open[len(turns)]:
            return [*turns, turn]
    return None


def _play(chain: Chain, requests: Race, track: _Track) -> tuple[Receipt, ...]:
    crew = Alone(chain.world.cell, chain.world.service)
    moment = Moment(chain.height + 1, chain.ledger.time_ms + 1, 0)
    piles: dict[tuple[Address, Address], deque[Message]] = {}
    for message in chain.begin(requests, moment):
        _pile(piles, message)
    receipts: list[Receipt] = []
    while piles:
        assert len(receipts) < DELIVERIES_MAX, "the messages never end"
        pair = sorted(piles)[track.choose(len(piles))]
        message = piles[pair].popleft()
        if not piles[pair]:
            del piles[pair]
        ((_, handed),) = crew.hand_over([(0, message)], moment)
        receipts.append(handed.receipt)
        _follow(crew, piles, handed)
    chain.record.add(receipts)
    return tuple(receipts)


def _follow(
    crew: Alone, piles: dict[tuple[Address, Address], deque[Message]], handed: Handed
) -> None:
    for message in handed.messages:
        _pile(piles, message)
    coins: dict[Address, int] = {}
    for to, amount in handed.credits:
        coins[to] = coins.get(to, 0) + amount
    crew.credit(coins)


def _pile(piles: dict[tuple[Address, Address], deque[Message]], message: Message) -> None:
    piles.setdefault((message.source, message.target), deque()).append(message)
