"""Laws of the ledger over random scripts: money, order, answers, and freedom of the schedule."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ledger import tariff
from numen.ledger.deliver import Handed, Moment, deliver
from numen.ledger.messages import NOBODY, Message
from numen.ledger.receipts import Fate, Receipt
from numen.ledger.rounds import Alone, Mail
from numen.ledger.wire import read_message
from numen.vm.host import Kind
from tests.examples import one_in
from tests.ledger.scripts import Ask, Script
from tests.ledger.town import CONTRACTS, PEOPLE, Town

TARGETS = [*CONTRACTS, PEOPLE[1].address, bytes(19) + b"\x05"]


def asks(depth: int) -> st.SearchStrategy[Ask]:
    return st.builds(
        Ask,
        to=st.sampled_from(TARGETS),
        value=st.sampled_from([0, 0, 1, 400, 5000]),
        script=scripts(depth - 1),
        then=st.none() | scripts(depth - 1),
        work=st.sampled_from([0, 0, 90_000, 10**7]),
        deadline=st.sampled_from([0, 0, 1, 3]),
    )


def scripts(depth: int) -> st.SearchStrategy[Script]:
    return st.builds(
        Script,
        writes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=2).map(tuple),
        asks=st.lists(asks(depth), max_size=2).map(tuple) if depth else st.just(()),
        is_failing=st.sampled_from([False, False, False, True]),
        waits=st.booleans(),
        work=st.sampled_from([1, 5_000]),
        timers=st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(-1, 3)), max_size=1
        ).map(tuple),
    )


blocks = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.sampled_from(CONTRACTS), st.sampled_from([0, 70, 10**6]),
            scripts(3),
        ),
        max_size=4,
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip


def play(town: Town, plan: Any) -> list[Receipt]:
    receipts: list[Receipt] = []
    for batch in plan:
        made = town.block(
            *(town.call(to, script, who=who, value=value) for who, to, value, script in batch)
        )
        assert not made.refused
        receipts += made.receipts
    return receipts


def kept_back(town: Town) -> int:
    """Coins for the work of continuations."""
    return sum(
        awaited.price * tariff.work_of(awaited.continuation)
        for cell in town.world._cells.values()
        for awaited in cell.awaits._now.values()
        if awaited is not None
    )


def waiting(town: Town) -> list[Message]:
    own = town.world.cell(NOBODY)
    return [
        read_message(raw)
        for name, raw in own.notes._now.items()
        if raw and name.startswith(b"queue") and len(name) > 5
    ]


def balances(town: Town) -> int:
    return sum(cell.account.balance for cell in town.world._cells.values())


@one_in(3)  # each plays up to three blocks
@given(blocks, st.integers(1, 3))
def test_coins_are_neither_made_nor_lost(plan, price):
    town = Town(price)
    for batch in plan:
        play(town, [batch])
        queued = sum(m.value + m.work * m.price for m in waiting(town))
        assert balances(town) + kept_back(town) + queued == town.supply


@one_in(3)  # each plays up to three blocks
@given(blocks)
def test_messages_of_a_pair_arrive_once_and_in_their_order(plan):
    receipts = play(Town(), plan)
    arrived: dict[tuple[bytes, bytes], list[int]] = {}
    for receipt in receipts:
        message = receipt.message
        arrived.setdefault((message.source, message.target), []).append(message.sequence)

    assert all(counts == list(range(len(counts))) for counts in arrived.values())


@one_in(3)  # each plays up to three blocks
@given(blocks)
def test_every_request_that_is_awaited_is_answered_once(plan):
    town = Town()
    receipts = play(town, plan)
    for _ in range(2):  # past the longest deadline that was asked for
        receipts += [r for _ in range(3) for r in town.block().receipts]
    asked = {r.message.id for r in receipts if r.message.is_awaited}
    answers = [
        r.message.subject
        for r in receipts
        if r.message.kind in (Kind.REPLY, Kind.BOUNCE) and r.fate is not Fate.STALE
    ]

    assert len(answers) == len(set(answers))
    assert set(answers) == asked


@one_in(3)  # each plays up to three blocks
@given(blocks)
def test_a_cause_comes_before_its_effects(plan):
    receipts = play(Town(), plan)
    place = {r.message.id: index for index, r in enumerate(receipts)}
    for index, receipt in enumerate(receipts):
        for sent in receipt.sent:
            assert place[sent] > index
    assert len(place) == len(receipts)


class Shuffled(Alone):
    """Hands over the messages of a round in any order that leaves each address its own."""

    chance = random.Random(0)

    def hand_over(self, mail: Sequence[Mail], moment: Moment) -> list[tuple[int, Handed]]:
        piles: dict[bytes, list[Mail]] = {}
        for place, message in mail:
            piles.setdefault(message.target, []).append((place, message))
        found = []
        while piles:
            target = self.chance.choice(list(piles))
            place, message = piles[target].pop(0)
            handed = deliver(self._cells(target), message, moment, self._services)
            assert handed is not None
            found.append((place, handed))
            if not piles[target]:
                del piles[target]
        return found


@one_in(3)  # each plays up to three blocks
@given(blocks, st.integers(0, 2**32))
def test_any_legal_schedule_comes_to_the_same(plan, seed):
    first, second = Town(), Town()
    receipts = play(first, plan)
    with pytest.MonkeyPatch.context() as patch:
        Shuffled.chance = random.Random(seed)
        patch.setattr("numen.ledger.ledger.Alone", Shuffled)
        again = play(second, plan)

    assert again == receipts
    assert second.ledger.head == first.ledger.head


@one_in(3)  # each plays up to three blocks
@given(blocks, st.integers(2, 3))
def test_any_number_of_lanes_comes_to_the_same(plan, lanes):
    first, second = Town(), Town(lanes=lanes)
    assert play(second, plan) == play(first, plan)
    assert second.ledger.head == first.ledger.head


@one_in(3)  # each plays up to three blocks
@given(blocks)
def test_a_message_that_comes_twice_changes_nothing(plan):
    town = Town()
    receipts = play(town, plan)
    root = town.world.root()
    moment = Moment(99, 99, 1)
    for receipt in receipts:
        cell = town.world.cell(receipt.message.target)
        assert deliver(cell, receipt.message, moment, lambda _: pytest.fail("run again")) is None

    assert town.world.root() == root


@one_in(3)  # each plays up to three blocks
@given(blocks, st.integers(1, 3))
def test_a_block_without_room_leaves_the_rest_to_the_next(plan, room):
    town = Town()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tariff, "DELIVERIES_MAX", room)
        receipts = play(town, plan)
        while town.ledger.pending:
            made = town.block()
            assert len(made.receipts) <= room
            receipts += made.receipts
    arrived: dict[tuple[bytes, bytes], list[int]] = {}
    for receipt in receipts:
        message = receipt.message
        arrived.setdefault((message.source, message.target), []).append(message.sequence)
    assert all(counts == list(range(len(counts))) for counts in arrived.values())


@one_in(3)  # each plays up to three blocks
@given(blocks)
def test_who_checks_a_block_comes_to_what_its_maker_came_to(plan):
    maker, checker = Town(), Town()
    for batch in plan:
        made = maker.block(
            *(maker.call(to, script, who=who, value=value) for who, to, value, script in batch)
        )
        taken = checker.ledger.take(made.block)
        assert taken.receipts == made.receipts
        assert taken.diff == made.diff
    assert checker.ledger.head == maker.ledger.head
