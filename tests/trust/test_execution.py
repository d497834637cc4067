"""High trust applies a diff, low trust executes it, and nobody is never looked at."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from numen.trust.execution import (
    ONE,
    Policy,
    Standing,
    Treatment,
    after_applying,
    decide,
    is_drawn,
)
from numen.trust.history import NOW

POLICY = Policy()
WELL_KNOWN = Standing(9, NOW, True, 40, 0, 1000)
DIFF = bytes(32)
NEVER = next(
    s for s in map(bytes, ([n] * 32 for n in range(256))) if not is_drawn(s, DIFF, POLICY.audit)
)

STANDINGS = st.builds(
    Standing, st.integers(0, 12), st.integers(0, 2 * NOW - 1), st.booleans(),
    st.integers(0, 60), st.integers(0, 60), st.integers(0, 2000), st.integers(0, 2000),
)  # fmt: skip


def changed(**fields):
    return decide(msgspec.structs.replace(WELL_KNOWN, **fields), 10, POLICY, NEVER, DIFF)


def test_a_node_of_high_trust_is_believed():
    decision = decide(WELL_KNOWN, 10, POLICY, NEVER, DIFF)

    assert decision.treatment is Treatment.APPLY
    assert decision.score == ONE


def test_each_part_that_is_missing_means_to_execute():
    lacking = [
        {"breach": 0},
        {"freshness": 0},
        {"accepted": 0},
        {"faults": 40},
        {"is_trusted": False},
        {"pledge": 9},
    ]

    for fields in lacking:
        decision = changed(**fields)
        assert decision.treatment is Treatment.EXECUTE, fields
        assert decision.reason


def test_a_score_is_said_in_percent():
    assert changed(accepted=7).reason == "the score 35% is below 50%"
    assert changed(accepted=10, breach=3).reason == "the score 37.5% is below 50%"
    assert changed().reason == "the score 100% is at least 50%"


@given(STANDINGS, st.integers(0, 3000), st.binary(min_size=32, max_size=32))
def test_what_is_applied_unseen_never_exceeds_the_pledge(standing, value, diff):
    decision = decide(standing, value, POLICY, b"secret", diff)

    if decision.treatment is Treatment.APPLY:
        after = after_applying(standing, value, is_audited=False)
        assert after.exposure <= standing.pledge
        assert decision.score >= POLICY.score
        assert not is_drawn(b"secret", diff, POLICY.audit)
    assert 0 <= decision.score <= ONE


@given(STANDINGS, st.integers(0, 3000))
def test_more_of_anything_good_is_never_trusted_less(standing, value):
    better = msgspec.structs.replace(
        standing,
        breach=standing.breach + 1,
        accepted=standing.accepted + 1,
        pledge=standing.pledge + 1,
    )
    order = [Treatment.EXECUTE, Treatment.AUDIT, Treatment.APPLY]

    one, other = (decide(s, value, POLICY, NEVER, DIFF) for s in (standing, better))

    assert other.score >= one.score
    assert order.index(other.treatment) >= order.index(one.treatment)


def test_an_audit_that_passed_clears_what_was_unseen():
    standing = WELL_KNOWN
    for _ in range(100):
        decision = decide(standing, 300, POLICY, NEVER, DIFF)
        is_audited = decision.treatment is Treatment.AUDIT
        standing = after_applying(standing, 300, is_audited=is_audited)
        assert standing.exposure <= standing.pledge

    assert (
        decide(msgspec.structs.replace(standing, exposure=900), 300, POLICY, NEVER, DIFF).treatment
        is Treatment.AUDIT
    )


def test_audits_are_as_frequent_as_asked_and_cannot_be_foreseen():
    diffs = [n.to_bytes(32, "big") for n in range(20_000)]

    mine = {diff for diff in diffs if is_drawn(b"mine", diff, 20_000)}
    other = {diff for diff in diffs if is_drawn(b"other", diff, 20_000)}

    assert 300 < len(mine) < 500
    assert len(mine & other) < 40
    assert not any(is_drawn(b"mine", diff, 0) for diff in diffs)
    assert all(is_drawn(b"mine", diff, ONE) for diff in diffs[:100])
