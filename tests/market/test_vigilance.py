"""Looking again is as seldom as it may be: no liar does better than what was allowed."""

from fractions import Fraction
from functools import cache

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.market import vigilance
from numen.market.job import OBJECTION_MS
from numen.market.task import TRUST_MAX
from numen.market.vigilance import NO_CALM, class_of, is_due, settled, tasks_a_lie
from tests.market.byhand import ANN, BOB, FALSE, TRUE, VERIFIERS, Desk

ONE_IN_MAX = 2**63
"""So seldom that only the calm decides."""


def mark_at(share: Fraction) -> bytes:
    """The least mark that is not below a share of all of them; longer than any where all are."""
    return int(-(-share * 2**64 // 1)).to_bytes(8 + (share == 1), "big")


@pytest.mark.parametrize("trust", [1, 2, 4])
def test_no_strategy_gets_more_through_than_was_allowed(trust):
    """The best of all strategies, exactly: after each task a liar knows how calm the market is."""
    allowed, tasks = tasks_a_lie(trust), 120

    @cache
    def most(left, calm):
        if not left:
            return Fraction(0)
        found = Fraction(allowed, allowed + calm)
        honest = most(left - 1, calm + 1)
        lying = found * most(left - 1, 0) + (1 - found) * (1 + honest)
        return max(honest, lying)

    assert most(tasks, 0) <= Fraction(tasks, allowed)
    # There is no room: who lies at last and once in a while comes near it.
    assert most(tasks, 0) > Fraction(tasks, allowed) / 2


@given(
    trust=st.integers(1, TRUST_MAX),
    calm=st.integers(0, 10**6),
    mark=st.binary(min_size=8, max_size=32),
)
def test_the_chance_is_what_it_should_be(trust, calm, mark):
    known = tuple(calm if place == class_of(trust) else 0 for place in range(len(NO_CALM)))
    chance = Fraction(tasks_a_lie(trust), tasks_a_lie(trust) + calm)
    assert is_due(mark, trust, known, ONE_IN_MAX) == (chance == 1 or mark[:8] < mark_at(chance))
    assert is_due(mark, trust, None, 1)
    if is_due(mark, trust, None, 8):
        assert is_due(mark, trust, known, 8), "at least one in so many, in any case"


def test_who_asks_for_more_is_looked_after_the_more():
    allowed = [tasks_a_lie(trust) for trust in (1, 4, 10, 50, 100, 1000)]
    assert allowed == [1, 4, 10, 250, 1000, 10_000]
    assert class_of(TRUST_MAX) < len(NO_CALM)


@given(st.lists(st.tuples(st.integers(1, TRUST_MAX), st.booleans()), max_size=30))
def test_each_class_is_calm_by_itself(tasks):
    calm, counts = NO_CALM, [0] * len(NO_CALM)
    for trust, is_lie in tasks:
        calm = settled(calm, trust, is_lie=is_lie)
        counts[class_of(trust)] = 0 if is_lie else counts[class_of(trust)] + 1
    assert list(calm) == counts


def calm_of(table):
    return table.market.calm[class_of(4)]


def test_the_market_counts_what_was_right_and_forgets_it_after_a_lie():
    table = Desk()
    table.answer({ANN: TRUE, BOB: TRUE})
    table.wait(OBJECTION_MS + 1)
    assert calm_of(table) == 1

    lied = Desk()
    calm = settled(NO_CALM, 4, is_lie=False)
    lied.market = vigilant(lied.market, calm)
    lied.answer({ANN: FALSE, BOB: FALSE})
    for key in VERIFIERS:
        lied.post(key, lied.vote(key))
    assert calm_of(lied) == 0


def test_lies_that_workers_contradict_leave_the_calm_as_it_is():
    table = Desk()
    table.market = vigilant(table.market, settled(NO_CALM, 4, is_lie=False))
    table.answer({ANN: TRUE, BOB: FALSE})
    for key in VERIFIERS:
        table.post(key, table.vote(key))
    assert table.job.claim is not None
    assert calm_of(table) == 1


def test_many_equal_answers_are_not_counted(monkeypatch):
    monkeypatch.setattr(vigilance, "ANSWERS_MAX", 1)
    table = Desk()
    table.answer({ANN: TRUE, BOB: TRUE})
    table.wait(OBJECTION_MS + 1)
    assert table.market.calm == NO_CALM


def vigilant(market, calm):
    return msgspec.structs.replace(market, calm=calm)
