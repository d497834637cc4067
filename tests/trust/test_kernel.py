"""Kernels are a join-semilattice, and grow no further than the roster."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.trust.attestation import check_contradiction
from numen.trust.errors import AttestationError
from numen.trust.history import NOW, STEPS, History
from numen.trust.kernel import AHEAD_MAX, Kernel
from tests.trust.town import kernel_at, sheet, town

MEMBERS, KEYS = town(5)
NOW_STEP = 50

SHEETS = [
    sheet(MEMBERS, KEYS, attester, step, {(attester + 1) % 5: found})
    for attester in range(5)
    for step in (48, 49, 50)
    for found in (History(NOW, 0), History(0, NOW))
]
SOME = st.lists(st.sampled_from(SHEETS), max_size=30)


def joined(*parts):
    kernel = kernel_at(MEMBERS, NOW_STEP)
    for part in parts:
        kernel.merge(part)
    return kernel


@given(SOME, SOME, SOME)
def test_the_order_of_news_does_not_matter(a, b, c):
    assert joined(a, b, c) == joined(c, b, a) == joined(b, c, a)
    assert joined(a, joined(b, c)) == joined(joined(a, b), c)


@given(SOME)
def test_hearing_twice_changes_nothing(a):
    kernel = joined(a)
    before = list(kernel)

    assert kernel.merge(a) == 0
    assert list(kernel) == before


@given(SOME)
def test_the_newest_sheet_of_each_attester_stays(a):
    kernel = joined(a)

    for attester in range(5):
        steps = [signed.sheet.step for signed in a if signed.sheet.attester == attester]
        found = kernel.get(attester)
        assert (found.sheet.step if found else None) == max(steps, default=None)


def test_two_sheets_of_one_step_are_kept_as_a_contradiction():
    kernel = joined(SHEETS)

    assert set(kernel.contradictions) == set(range(5))
    for attester, contradiction in kernel.contradictions.items():
        assert check_contradiction(contradiction, MEMBERS) == attester


def test_what_says_nothing_any_more_is_dropped():
    kernel = joined(SHEETS)
    kernel.advance(50 + STEPS - 1)
    assert len(kernel) == 5

    kernel.advance(50 + STEPS)
    assert len(kernel) == 0
    assert not kernel.put(SHEETS[-1])


def test_a_clock_far_ahead_is_refused():
    kernel = Kernel(MEMBERS)
    kernel.advance(50 - AHEAD_MAX)
    assert kernel.put(SHEETS[-1])

    kernel = Kernel(MEMBERS)
    kernel.advance(49 - AHEAD_MAX)
    with pytest.raises(AttestationError, match="at step"):
        kernel.put(SHEETS[-1])
