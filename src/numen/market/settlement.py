"""The market's till: verdicts close seats, pay answers, take fines and change reputations."""

from collections.abc import Iterable

import msgspec

from numen.base.codec import encode
from numen.market import events, offence, reputation, stake
from numen.market.coins import BURNT, Transfer, wallet
from numen.market.escrow import deposit_of
from numen.market.job import Job, Phase, Seat
from numen.market.message import Offer, Recall, Signed, Verdict, Vote
from numen.market.offence import (
    CASE_MAX_BYTES,
    Accusation,
    Case,
    FalseProof,
    Outcome,
    Refuted,
    WrongVote,
)
from numen.market.receipt import Receipt, follow
from numen.market.reputation import Entry
from numen.market.task import Optimistic, Quorum
from numen.market.turn import MarketError, Turn, TurnRecord
from numen.proof.statement import Claim, claim_digest

NO_CLAIM: bytes = bytes(32)
"""What a verdict names where no claim was settled."""


def verdict(turn: Turn, signed: Signed, body: Verdict, accusation: Accusation | None) -> None:
    """Close a seat as its verifier says, if that is what the rules say.

    A fine needs an accusation that proves it; a payment needs the settled answer.
    """
    job = turn.job(body.task)
    seat = job.seats.get(body.worker)
    if seat is None or not seat.is_open or body.verifier != job.task.verifier:
        raise MarketError("this verifier has no such seat to close")
    receipt = Receipt((*seat.chain, signed))
    follow(receipt)
    outcome = _outcome(turn, job, seat, body, accusation)
    if body.outcome != outcome.value:
        raise MarketError(f"the outcome is {outcome.value!r}, not {body.outcome!r}")
    settled = claim_digest(job.claim) if job.claim else NO_CLAIM
    due = (seat.price if outcome is Outcome.ACCEPTED else 0, offence.fine(seat.pledge, outcome))
    if (body.paid, body.fined) != due or body.claim != settled:
        raise MarketError(f"{due[0]} coins are due and {due[1]} to be fined")
    _check_tickets(seat, body)
    turn.emit(
        events.Judged(
            turn.now_ms,
            job.identity.hex(),
            body.worker.hex(),
            outcome.value,
            body.paid,
            body.ticketed,
            body.fined,
            receipt.identity.hex(),
        )
    )
    _close_seat(turn, job, signed, outcome, accusation)
    score(turn, job, body.worker, outcome, receipt.identity)


def close_without_verifier(turn: Turn, job: Job) -> None:
    """Close all seats of a task whose verifier does not: pay what is right, fine nobody."""
    for worker, seat in job.open_seats().items():
        is_right = (
            job.phase is Phase.SETTLED
            and job.claim is not None
            and seat.result is not None
            and claim_digest(seat.result.claim) == claim_digest(job.claim)
        )
        outcome = Outcome.ACCEPTED if is_right else Outcome.RELEASED
        paid = seat.price if is_right else 0
        stakes, moves = stake.close(turn.market.stakes, job.identity, worker, 0, worker)
        turn.set(stakes=stakes)
        turn.move((*moves, Transfer(job.escrow, wallet(worker), paid, "pay")))
        closed = msgspec.structs.replace(seat, outcome=outcome)
        job = turn.change(job, seats={**job.seats, worker: closed}, paid=job.paid + paid)
        turn.emit(
            events.Judged(
                turn.now_ms,
                job.identity.hex(),
                worker.hex(),
                outcome.value,
                paid,
                0,
                0,
                "",
            )
        )


def fine_wrong_votes(turn: Turn, task: bytes, votes: Iterable[Signed], settled: Claim) -> None:
    """Burn a share of the stake of each verifier that voted for another answer.

    Nobody is paid for it: verifiers must not gain by outvoting each other.
    """
    digest, votes = claim_digest(settled), tuple(votes)
    right = tuple(signed for signed in votes if _voted(signed) == digest)
    for signed in votes:
        if _voted(signed) == digest:
            continue
        assert isinstance(signed.body, Vote | Recall)
        verifier, case = offence.voter(signed.body), WrongVote(signed, right)
        held = turn.market.coins.balance(stake.stake_of(verifier))
        lost = offence.fine(held, Outcome.WRONG_VOTE)
        turn.move((Transfer(stake.stake_of(verifier), BURNT, lost, "burn"),))
        turn.emit(
            events.Slashed(
                turn.now_ms,
                task.hex(),
                verifier.hex(),
                Outcome.WRONG_VOTE.value,
                held,
                verifier.hex(),
                0,
                lost,
                encode(Case(case), size_max=CASE_MAX_BYTES).hex(),
            )
        )


def _voted(signed: Signed) -> bytes:
    assert isinstance(signed.body, Vote | Recall)
    return claim_digest(signed.body.claim)


def _outcome(
    turn: Turn, job: Job, seat: Seat, body: Verdict, accusation: Accusation | None
) -> Outcome:
    if isinstance(accusation, WrongVote | Refuted):
        raise MarketError("a vote or a recall closes no seat")
    if accusation is not None:
        if accusation.chain[:3] != seat.chain[:3]:
            raise MarketError("the accusation is of another seat")
        if isinstance(accusation, FalseProof) and turn.market.on_ledger:
            return _refuted(turn, seat)
        found = offence.judge(accusation, TurnRecord(turn, job))
        assert (found.task, found.worker) == (job.identity, body.worker)
        return found.outcome
    if job.phase is Phase.FAILED:
        return Outcome.RELEASED
    if job.phase is not Phase.SETTLED or job.claim is None or seat.result is None:
        raise MarketError("the answer is not settled")
    if claim_digest(seat.result.claim) != claim_digest(job.claim):
        raise MarketError("a wrong answer needs an accusation")
    return Outcome.ACCEPTED


def _refuted(turn: Turn, seat: Seat) -> Outcome:
    """Where a contract settles the market, evidence is false that the verifiers found false."""
    hearing = turn.market.hearings.get(seat.last)
    if hearing is None or hearing.holds is not False:
        raise MarketError("the verifiers have not found the evidence false")
    return Outcome.FALSE_PROOF


def _check_tickets(seat: Seat, body: Verdict) -> None:
    offer = seat.chain[1].body
    assert isinstance(offer, Offer)
    if body.ticketed > body.paid or bool(body.ticketed) != any(body.tickets):
        raise MarketError("the part paid in tickets does not fit the tickets")
    if body.ticketed and (offer.quote is None or body.ticketed % offer.quote.price):
        raise MarketError("the tickets are not those that the worker quoted")


def _close_seat(
    turn: Turn, job: Job, signed: Signed, outcome: Outcome, accusation: Accusation | None
) -> None:
    body = signed.body
    assert isinstance(body, Verdict)
    seat = job.seats[body.worker]
    stakes, moves = stake.close(
        turn.market.stakes, job.identity, body.worker, body.fined, body.verifier
    )
    turn.set(stakes=stakes)
    turn.move(
        (
            *moves,
            # What is paid in tickets comes to back them; only the rest is paid in coins.
            Transfer(job.escrow, deposit_of(job.task.provider), body.ticketed, "back tickets"),
            Transfer(job.escrow, wallet(body.worker), body.paid - body.ticketed, "pay"),
        )
    )
    closed = msgspec.structs.replace(seat, outcome=outcome, verdict=signed)
    turn.change(job, seats={**job.seats, body.worker: closed}, paid=job.paid + body.paid)
    if accusation is not None:
        turn.emit(
            events.Slashed(
                turn.now_ms,
                job.identity.hex(),
                body.worker.hex(),
                outcome.value,
                seat.pledge,
                body.verifier.hex(),
                body.fined // 2,
                body.fined - body.fined // 2,
                encode(Case(accusation), size_max=CASE_MAX_BYTES).hex(),
            )
        )


def score(turn: Turn, job: Job, worker: bytes, outcome: Outcome, receipt: bytes) -> None:
    """Let a worker's reputation feel how a seat ended, or a contest."""
    if outcome is Outcome.RELEASED:
        return
    is_accepted = outcome is Outcome.ACCEPTED
    # One answer among equals, or one that a proof or the verifiers' own run carries.
    is_replicated = is_accepted and (_equal_answers(job) > 1 or bool(job.votes) or _is_proven(job))
    before = turn.market.standing(worker)
    is_lie = outcome in offence.LIES
    standing = reputation.after(before, Entry(receipt, is_accepted, is_replicated, is_lie))
    turn.set(standings={**turn.market.standings, worker: standing})
    turn.emit(
        events.Scored(
            turn.now_ms,
            worker.hex(),
            before.score,
            standing.score,
            receipt.hex(),
            standing.head.hex(),
        )
    )


def _equal_answers(job: Job) -> int:
    assert job.claim is not None
    return len(job.answers_for(job.claim))


def _is_proven(job: Job) -> bool:
    """Whether an accepted answer rests on evidence that was checked: of a quorum nobody does."""
    return not isinstance(job.task.policy, Quorum | Optimistic)
