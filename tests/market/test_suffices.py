"""What is enough for whom is a partial order, and never more is taken for less."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.market.suffices import SOUND_BITS, suffices
from numen.market.task import Hardware, Optimistic, Quorum, Snark, Stark
from numen.proof.quote import Tcb

digests = st.sampled_from([bytes([n]) * 32 for n in range(2)])
sets = st.sampled_from([(b"a" * 32,), (b"b" * 32,), (b"a" * 32, b"b" * 32)])
bits = st.sampled_from([0, SOUND_BITS - 1, SOUND_BITS, 100])
versions = st.sampled_from([None, (1, 1, 1, 1), (1, 2, 1, 1), (2, 1, 1, 1)])
policies = (
    st.builds(Quorum, st.just(3), st.sampled_from([1, 4, 100]))
    | st.builds(Optimistic, st.sampled_from([1_000, 9_000]))
    | st.builds(Snark, digests, st.none() | digests)
    | st.builds(Stark, bits, bits)
    | st.builds(
        Hardware, digests, st.sampled_from(["snp", "tpm"]), sets, sets,
        st.sampled_from([Tcb.UNRATED, Tcb.UP_TO_DATE]), versions, st.sampled_from([0, 5]),
    )
)  # fmt: skip
ages = st.integers(0, 9)

KEY = Snark(bytes(32))
QUOTE = Hardware(bytes(32), "tpm", (b"a" * 32,), (b"b" * 32,))


@given(policy=policies)
def test_whatever_was_shown_is_enough_for_who_asks_for_it_anew(policy):
    assert suffices(policy, policy)


@given(one=policies, two=policies, three=policies, age_ms=ages)
def test_enough_for_enough_is_enough(one, two, three, age_ms):
    if suffices(one, two) and suffices(two, three, age_ms=age_ms):
        assert suffices(one, three, age_ms=age_ms)


@given(had=policies, wanted=policies, age_ms=ages, more_ms=ages)
def test_what_is_older_is_enough_for_nobody_else(had, wanted, age_ms, more_ms):
    if suffices(had, wanted, age_ms=age_ms + more_ms):
        assert suffices(had, wanted, age_ms=age_ms)


@pytest.mark.parametrize(
    ("had", "wanted", "is_enough"),
    [
        (Quorum(3, 100), Quorum(5, 4), True),
        (Quorum(3, 4), Quorum(3, 5), False),
        (Stark(), Quorum(3, 10**6), True),
        (Stark(), Optimistic(600_000), True),
        (Stark(0, 40), Quorum(3, 4), False),
        (Stark(96, 0), Stark(0, 90), True),
        (Stark(0, 100), Stark(96, 0), False),
        (Stark(), KEY, False),
        (KEY, msgspec.structs.replace(KEY, proving=b"p" * 32), True),
        (KEY, Snark(b"k" * 32), False),
        (KEY, Quorum(3, 1), False),
        (Optimistic(9_000), Optimistic(1_000), True),
        (Optimistic(1_000), Optimistic(9_000), False),
        (Optimistic(600_000), Quorum(3, 1), False),
        (Quorum(64, 10**6), Optimistic(1_000), False),
        (QUOTE, Quorum(3, 1), False),
    ],
    ids=repr,
)
def test_the_order(had, wanted, is_enough):
    assert suffices(had, wanted) is is_enough


def test_a_quote_ages_and_is_enough_for_who_trusts_as_much_or_more():
    wanted = msgspec.structs.replace(QUOTE, age_max_ms=50)
    assert suffices(QUOTE, wanted, age_ms=50)
    assert not suffices(QUOTE, wanted, age_ms=51)
    assert not suffices(QUOTE, QUOTE, age_ms=1)
    more = msgspec.structs.replace(wanted, roots=(b"z" * 32, *QUOTE.roots))
    assert suffices(QUOTE, more, age_ms=50)
    assert not suffices(more, wanted, age_ms=0)
