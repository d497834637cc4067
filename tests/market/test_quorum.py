"""Commitments hide and bind; credibility asks for as many answers as reputations need."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.market import quorum
from numen.market.quorum import answers_wanted, consensus, weight
from numen.proof.statement import Claim, commit_output

TASK, OTHER = keccak256(b"task"), keccak256(b"other task")
RIGHT, WRONG = keccak256(b"right"), keccak256(b"wrong")
workers = st.integers(0, 9).map(lambda i: bytes([i]) * 20)
answer_maps = st.dictionaries(workers, st.sampled_from([RIGHT, WRONG, TASK]), max_size=10)
score_maps = st.dictionaries(workers, st.integers(0, 60), max_size=10)


def claim(output: bytes) -> Claim:
    return Claim(keccak256(b"program"), keccak256(b"inputs"), commit_output(output), 7)


def test_a_commitment_binds_every_part():
    ann, bob, salt = b"a" * 20, b"b" * 20, b"s" * 32
    mine = quorum.commit(TASK, ann, claim(b"5"), salt)

    assert mine == quorum.commit(TASK, ann, claim(b"5"), salt)
    assert mine != quorum.commit(TASK, bob, claim(b"5"), salt), "a copy cannot be opened"
    assert mine != quorum.commit(OTHER, ann, claim(b"5"), salt)
    assert mine != quorum.commit(TASK, ann, claim(b"6"), salt)
    assert mine != quorum.commit(TASK, ann, claim(b"5"), b"t" * 32)


@pytest.mark.parametrize(("score", "wanted"), [(0, 2), (8, 2), (9, 2), (11, 2), (12, 3), (30, 9)])
def test_weights_follow_the_published_formula(score, wanted):
    assert weight(score) == wanted


def test_a_weight_is_bounded():
    assert weight(2**60) == quorum.WEIGHT_MAX


@given(answers=answer_maps, scores=score_maps, trust=st.integers(1, 10_000))
def test_consensus_is_sarmentas_credibility_in_fractions(answers, scores, trust):
    products = {}
    for worker, answer in answers.items():
        products[answer] = products.get(answer, 1) * weight(scores.get(worker, 0))
    total = 1 + sum(products.values())
    credible = {a for a, p in products.items() if Fraction(p, total) > 1 - Fraction(1, trust)}

    found = consensus(answers, scores, trust)

    if trust >= 2:
        assert len(credible) <= 1
        assert found == next(iter(credible), None)
    else:
        assert (found in credible) == bool(answers)


@given(answers=answer_maps, scores=score_maps, trust=st.integers(1, 1000))
def test_the_order_of_answers_decides_nothing(answers, scores, trust):
    backwards = dict(reversed(answers.items()))

    assert consensus(answers, scores, trust) == consensus(backwards, scores, trust)


@pytest.mark.parametrize(("trust", "wanted"), [(1, 1), (2, 1), (3, 2), (10, 4), (100, 7)])
def test_unknown_workers_are_asked_until_their_agreement_is_enough(trust, wanted):
    queue = [bytes([i]) * 20 for i in range(12)]

    assert answers_wanted({}, {}, trust, queue) == max(wanted, 1)


@given(answers=answer_maps, scores=score_maps, trust=st.integers(2, 1000), spare=st.integers(0, 5))
def test_the_answers_wanted_are_enough_and_one_fewer_is_not(answers, scores, trust, spare):
    queue = [bytes([100 + i]) * 20 for i in range(30)]
    count = answers_wanted(answers, scores, trust, queue)
    leading = None
    if count:
        weights = quorum.group_weights(answers, scores)
        leading = min(weights, key=lambda c: (-weights[c], c), default=bytes(32))

    def agreed(n):
        return consensus(answers | dict.fromkeys(queue[:n], leading), scores, trust)

    if not count:
        assert consensus(answers, scores, trust) is not None
    else:
        assert agreed(count) is not None or count == len(queue)
        assert agreed(count - 1) is None
