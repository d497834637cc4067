"""Direct trust is the article's sum, and ages by a shift."""

from hypothesis import given
from hypothesis import strategies as st

from numen.trust import history
from numen.trust.history import NOW, STEPS, History

VERDICTS = st.dictionaries(st.integers(0, 80), st.booleans(), max_size=40)


@given(VERDICTS, st.integers(0, 100))
def test_direct_trust_is_the_sum_of_the_article(verdicts, now):
    steps = [
        step for step, is_trusted in verdicts.items() if is_trusted and 0 <= now - step < STEPS
    ]

    found = history.replay(verdicts.items(), now)

    assert history.direct_trust(found) == sum(2 ** (STEPS - 1 - (now - step)) for step in steps)
    assert history.direct_trust(found) < 2**STEPS
    assert history.intensity(found) == len(steps)


@given(VERDICTS, st.integers(0, 80), st.booleans())
def test_a_step_is_a_shift_and_one_bit(verdicts, now, is_trusted):
    before = history.replay([v for v in verdicts.items() if v[0] <= now], now)

    after = history.record(history.aged(before, 1), is_trusted=is_trusted)

    ok = NOW if is_trusted else 0
    assert history.direct_trust(after) == history.direct_trust(before) >> 1 | ok
    assert after.is_consistent
    assert history.verdict(after) is is_trusted


@given(VERDICTS, st.integers(0, 100), st.integers(0, 40))
def test_ageing_is_replaying_later(verdicts, now, steps):
    known = [v for v in verdicts.items() if v[0] <= now]

    assert history.aged(history.replay(known, now), steps) == history.replay(known, now + steps)


@given(VERDICTS, st.integers(0, 100))
def test_the_verdict_is_the_latest_one(verdicts, now):
    found = history.replay(verdicts.items(), now)
    latest = max((step for step in verdicts if 0 <= now - step < STEPS), default=None)

    assert history.verdict(found) is (None if latest is None else verdicts[latest])
    assert history.age(found) == (STEPS if latest is None else now - latest)


def test_one_attestation_of_now_is_worth_more_than_all_before_it():
    assert history.direct_trust(History(NOW)) > history.direct_trust(History(NOW - 1))
    assert history.intensity(History(NOW)) < history.intensity(History(NOW - 1))


def test_a_second_verdict_of_a_step_takes_the_place_of_the_first():
    assert history.record(History(NOW, 0), is_trusted=False) == History(0, NOW)
