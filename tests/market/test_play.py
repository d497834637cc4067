"""Whole markets under many seeds: liars are caught, honest work is paid, coins are conserved."""

from collections import Counter
from functools import cache

import pytest

from numen.base.codec import decode
from numen.market import events, log
from numen.market.actor import claim_of
from numen.market.coins import Pocket
from numen.market.offence import CASE_MAX_BYTES, Case, judge
from numen.market.play import PlayError
from numen.market.receipt import read, write
from numen.market.task import Quorum
from numen.market.why import explain
from numen.market.worker import Behaviour, Profile
from numen.proof.statement import claim_digest, commit_inputs
from tests.market.record import Record
from tests.market.town import COLLATZ, PEOPLE, QUORUM_JOBS, SNARK_JOBS, Job, Machine, build

SEEDS = range(8)
JOBS = QUORUM_JOBS + SNARK_JOBS
SOUND = (Behaviour.HONEST, Behaviour.SLOW)


@cache
def played(seed: int):
    town = build(seed)
    list(town.play.run())
    return town


def of(town, kind):
    return [e for e in town.play.log if isinstance(e, kind)]


def behaviour(town, address: str) -> Behaviour:
    people = zip(town.workers, town.people, strict=True)
    return next(p.behaviour for key, p in people if key.address.hex() == address)


def truth(town) -> dict[str, str]:
    """Run every task again, and give the digest of the right claim by task."""
    right = {}
    for receipt in town.play.receipts.values():
        task = receipt.messages[0].body.task
        inputs = next(j.inputs for j in JOBS if matches(j, task))
        answer = Machine().run(task.program, inputs, task.work_limit)
        right[receipt.messages[-1].body.task.hex()] = claim_digest(claim_of(task, answer)).hex()
    return right


def matches(job: Job, task) -> bool:
    return (job.program, commit_inputs(job.inputs)) == (task.program, task.inputs)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_answer_that_stands_is_right(seed):
    town = played(seed)
    right = truth(town)

    settled = of(town, events.Settled)
    assert len(settled) == len(JOBS)
    assert all(event.claim == right[event.task] for event in settled)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_wrong_answer_is_fined_with_evidence_that_convicts_again(seed):
    town = played(seed)
    right = truth(town)
    slashed = {(e.task, e.worker): e for e in of(town, events.Slashed)}

    lies = [e for e in of(town, events.Revealed) if e.claim != right[e.task]]
    for lie in lies:
        fine = slashed[lie.task, lie.worker]
        case = decode(Case, bytes.fromhex(fine.evidence), size_max=CASE_MAX_BYTES)
        assert (
            judge(case.accusation, Record(verifier_stakes=stakes(town))).worker.hex() == lie.worker
        )
        assert fine.reward + fine.burnt == fine.pledge


def stakes(town):
    return {key.address: 50_000 for key in town.verifiers}


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_who_worked_soundly_is_ever_fined(seed):
    town = played(seed)

    for event in of(town, events.Slashed):
        assert behaviour(town, event.worker) not in SOUND
    for event in of(town, events.Judged):
        assert (event.outcome == "accepted") <= (behaviour(town, event.worker) in SOUND)


def test_every_way_to_fail_is_met():
    """The seeds together show each kind of offence that these people can commit."""
    found = {e.outcome for seed in SEEDS for e in of(played(seed), events.Slashed)}
    assert found == {"wrong answer", "false proof", "no reveal", "no execution"}


@pytest.mark.parametrize("seed", SEEDS)
def test_coins_are_conserved_and_nothing_stays_bound(seed):
    town = played(seed)
    coins = town.play.market.coins

    assert coins.total() == town.opening.market.coins.total()
    assert coins.in_pocket(Pocket.BID) == coins.in_pocket(Pocket.PLEDGE) == 0
    burnt = sum(e.burnt for e in of(town, events.Slashed))
    assert coins.in_pocket(Pocket.BURNT) == burnt
    assert not town.play.market.jobs
    assert not town.play.market.book.orders


@pytest.mark.parametrize("seed", SEEDS)
def test_the_log_explains_every_wallet_to_the_coin(seed):
    """Start from the opening, apply what the log says, and arrive at the final balances."""
    town = played(seed)
    wallets = Counter(
        {
            a.owner.hex(): n
            for a, n in town.opening.market.coins.balances.items()
            if a.pocket is Pocket.WALLET
        }
    )
    verifier_of, provider_of = {}, {}
    for event in town.play.log:
        match event:
            case events.Posted():
                verifier_of[event.task], provider_of[event.task] = event.verifier, event.provider
                wallets[event.provider] -= event.escrowed
            case events.Raised():
                wallets[provider_of[event.task]] -= event.escrowed
            case events.Judged():
                wallets[event.worker] += event.paid - event.ticketed
            case events.Slashed():
                wallets[event.reporter] += event.reward
            case events.Redeemed():
                wallets[event.recipient] += event.paid
            case events.Closed():
                wallets[verifier_of[event.task]] += event.fee
                wallets[provider_of[event.task]] += event.refunded
    held = town.play.market.coins.balances
    assert {w: n for w, n in wallets.items() if n} == {
        a.owner.hex(): n for a, n in held.items() if a.pocket is Pocket.WALLET
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_paid_in_tickets_is_their_expected_value(seed):
    town = played(seed)
    drawn = of(town, events.Drawn)

    for event in of(town, events.Judged):
        mine = [d for d in drawn if (d.task, d.recipient) == (event.task, event.worker)]
        value = sum(d.face * int(d.win_prob, 16) // (2**256 - 1) for d in mine)
        assert value == event.ticketed
    for event in drawn:
        assert event.won == (int(event.draw, 16) < int(event.win_prob, 16))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_winner_is_redeemed_whole_and_no_loser_is(seed):
    town = played(seed)

    won = {d.ticket: d.face for d in of(town, events.Drawn) if d.won}
    assert {r.ticket: r.paid for r in of(town, events.Redeemed)} == won
    assert not of(town, events.Unredeemed)


def test_honest_work_is_paid_its_price_on_average():
    """Over all seeds, winnings lie within three deviations of what was paid in tickets."""
    drawn = [d for seed in SEEDS for d in of(played(seed), events.Drawn)]
    wins = sum(d.face for d in drawn if d.won)
    odds = [(d.face, int(d.win_prob, 16) / 2**256) for d in drawn]
    mean = sum(face * p for face, p in odds)
    deviation = sum(face * face * p * (1 - p) for face, p in odds) ** 0.5

    assert len(drawn) > 300
    assert abs(wins - mean) < 3 * deviation


def log_bytes(town) -> bytes:
    return b"".join(log.lines(0, {}, town.play.log))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_replays_byte_for_byte(seed):
    again = build(seed)
    list(again.play.run())

    assert log_bytes(again) == log_bytes(played(seed))
    assert again.play.market == played(seed).play.market


def test_seeds_differ():
    assert len({log_bytes(played(seed)) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_receipt_of_a_run_verifies_after_export(seed):
    for receipt in played(seed).play.receipts.values():
        assert read(write(receipt)) == receipt


def test_a_copied_commitment_never_opens():
    """Everyone else is honest; whoever copies is fined for silence, and paid for nothing."""
    people = (Profile(Behaviour.HONEST), Profile(Behaviour.SLOW), Profile(Behaviour.COPY))
    jobs = [Job(COLLATZ, bytes([i]), Quorum(3, 8)) for i in range(27, 31)]
    town = build(5, jobs, people)
    list(town.play.run())
    copier = town.workers[2].address.hex()

    executed = Counter(e.commitment for e in of(town, events.Executed))
    copied = [e for e in of(town, events.Executed) if executed[e.commitment] > 1]
    assert any(e.worker == copier for e in copied), "a commitment was copied to the letter"
    refused = [e for e in of(town, events.Refused) if e.author == copier and e.kind == "result"]
    assert refused
    assert all("opens to something else" in e.reason for e in refused)
    outcomes = {e.outcome for e in of(town, events.Judged) if e.worker == copier}
    assert outcomes <= {"no reveal", "no execution"}
    assert "no reveal" in outcomes


def test_a_bid_that_is_too_low_is_declined_raised_and_then_taken():
    people = tuple(Profile(Behaviour.HONEST, price_per_million=900_000) for _ in range(3))
    town = build(6, [Job(COLLATZ, b"\x1b", Quorum(3, 4), bid=600, price_max=3000)], people)
    list(town.play.run())

    declined, raised = of(town, events.Declined), of(town, events.Raised)
    assert declined
    assert raised
    assert all(d.bid <= d.cost + d.premium for d in declined)
    assert raised[0].before == 600
    assert all(e.bid > e.before for e in raised)
    assert of(town, events.Settled)
    assert town.play.market.coins.total() == town.opening.market.coins.total()


def test_workers_whose_stake_does_not_cover_the_pledge_decline_and_say_so():
    people = tuple(Profile(Behaviour.HONEST) for _ in range(3))
    town = build(6, [Job(COLLATZ, b"\x1b", Quorum(3, 4), bid=2_500, price_max=101_000)], people)
    list(town.play.run())

    declined = of(town, events.Declined)
    assert {each.worker for each in declined} == {key.address.hex() for key in town.workers}
    assert all((each.pledge, each.staked) == (101_000, 100_000) for each in declined)
    assert not of(town, events.Offered)
    header = log.Header(log.FORMAT, 6)
    said = explain(log.Log(header, tuple(town.play.log)), declined[0].task)
    assert any("its stake of 100,000 does not cover it" in line for line in said)
    assert "takes a pledge of 101,000 coins, and the largest stake" in said[-1]


def test_a_bid_under_all_costs_comes_back_whole():
    people = tuple(Profile(Behaviour.HONEST, price_per_million=9_000_000) for _ in range(3))
    town = build(6, [Job(COLLATZ, b"\x1b", Quorum(3, 4), bid=60, price_max=100)], people)
    list(town.play.run())
    (closed,) = of(town, events.Closed)

    assert closed.how == "expired"
    assert closed.paid == closed.fee == 0
    assert town.play.market.coins == town.opening.market.coins


def test_colluders_who_agree_are_caught_when_a_verifier_runs_the_task_again():
    """No honest worker is there to disagree; the verifiers' audits find the lie."""
    people = tuple(Profile(Behaviour.WRONG, lie=b"ours") for _ in range(3))
    jobs = [Job(COLLATZ, bytes([i]), Quorum(3, 4)) for i in range(27, 47)]
    town = build(9, jobs, people)
    list(town.play.run())

    disputes = [e for e in of(town, events.Disputed) if "verifier's own run" in e.reason]
    caught = {e.task for e in of(town, events.Slashed)}
    assert disputes
    assert {e.task for e in disputes} <= caught


def test_reputation_brings_trust_and_saves_answers():
    """The same people, task after task: fewer answers are bought as scores grow."""
    people = tuple(Profile(Behaviour.HONEST) for _ in range(5))
    jobs = [Job(COLLATZ, i.to_bytes(2, "big"), Quorum(5, 8)) for i in range(27, 27 + 80)]
    town = build(2, jobs, people)
    # One after another, so that each task sees the reputations that the one before left.
    list(town.play.run())
    seats = Counter(e.task for e in of(town, events.Matched))
    order = [e.task for e in of(town, events.Posted)]

    early, late = sum(seats[t] for t in order[:10]), sum(seats[t] for t in order[-10:])
    assert late < early


def test_a_run_that_does_not_rest_is_given_up():
    with pytest.raises(PlayError, match="tasks live"):
        list(build(1).play.run(until_ms=700))


def test_the_people_of_the_issue_are_here():
    assert [p.behaviour for p in PEOPLE] == list(Behaviour)
