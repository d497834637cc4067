"""Commitments hide and bind; credibility asks for as many answers as reputations need."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.market import quorum
from numen.market.dice import Dice
from numen.market.quorum import answers_wanted, consensus, weight
from numen.market.reputation import Entry, Standing, after
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


def colluders(trust: int, share_percent: int, tasks: int, honest_percent: int) -> tuple[int, int]:
    """Run tasks with colluders who always agree on one wrong answer.

    Args:
        trust: Of the tasks.
        share_percent: How many of a hundred workers collude.
        tasks: How many tasks to run.
        honest_percent: In how many of a hundred tasks colluders answer right all the same.

    Returns:
        Wrong results, and replicas used in the second half of the tasks.
    """
    dice = Dice(b"colluders")
    people = [bytes([i]) * 20 for i in range(100)]
    bad = set(people[:share_percent])
    standings = dict.fromkeys(people, Standing())
    wrong = replicas = 0
    for number in range(tasks):
        pool, answers, found = list(people), {}, None
        lie = RIGHT if dice.below(100) < honest_percent else WRONG
        while found is None and pool:
            worker = dice.choice([w for w in pool if not standings[w].is_doubtful] or pool)
            pool.remove(worker)
            answers[worker] = lie if worker in bad else RIGHT
            scores = {w: standings[w].score for w in answers}
            found = consensus(answers, scores, trust)
        wrong += found == WRONG
        replicas += len(answers) if number >= tasks // 2 else 0
        for worker, answer in answers.items():
            entry = Entry(bytes(32), answer == found, len(answers) > 1)
            standings[worker] = after(standings[worker], entry)
    return wrong, replicas


@pytest.mark.parametrize(("share_percent", "honest_percent"), [(20, 0), (30, 0), (20, 90)], ids=str)
def test_colluders_get_nothing_through_for_two_and_a_half_answers(share_percent, honest_percent):
    """The bar: at most 2.5 answers a task in the long run, fewer than 1 wrong in 1000."""
    wrong, replicas = colluders(100, share_percent, 4000, honest_percent)

    assert wrong * 1000 < 4000
    assert replicas <= 2000 * 5 // 2
