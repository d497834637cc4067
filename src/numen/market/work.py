"""The market's workshop: executions, results and votes, and what follows from them in time."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from numen.base.errors import NumenError
from numen.market import contest, desk, events, finding, settlement, vigilance
from numen.market.hardware import check_quote
from numen.market.hearing import FINDING_MS, Hearing
from numen.market.job import DISPUTE_MS, GRACE_MS, OBJECTION_MS, Job, Phase, Seat, tally
from numen.market.message import Assent, Execution, Finding, Result, Signed, Vote
from numen.market.moves import Run
from numen.market.offence import OffenceError, settled_by_votes
from numen.market.quorum import consensus, group_weights
from numen.market.receipt import follow_chain
from numen.market.stake import NotStakedError, Role
from numen.market.task import Hardware, Optimistic, Quorum, Task, policy_kind
from numen.market.turn import Market, MarketError, Turn, verifier_stakes
from numen.proof.statement import Claim, claim_digest, verify_attestation


class Place(NamedTuple):
    """A seat and where it is."""

    job: Job
    worker: bytes
    seat: Seat


def execution(turn: Turn, signed: Signed, identity: bytes, body: Execution) -> None:
    """Bind a worker to an answer."""
    job, worker, seat = _seat_of(turn, lambda s: s.match == body.match)
    if worker != body.worker or not seat.is_open or seat.has_executed:
        raise MarketError("this seat waits for no execution of this worker")
    if turn.now_ms > seat.commit_by_ms:
        raise MarketError(f"an execution was due at {seat.commit_by_ms} ms")
    _extend(turn, Place(job, worker, seat), signed, identity)
    turn.emit(events.Executed(turn.now_ms, job.identity.hex(), worker.hex(), body.commitment.hex()))


def result(turn: Turn, signed: Signed, identity: bytes, body: Result) -> None:
    """Open a worker's answer."""
    job, worker, seat = _seat_of(turn, lambda s: s.last == body.execution)
    if worker != body.worker or not seat.is_open or not seat.has_executed:
        raise MarketError("this seat waits for no result of this worker")
    if not job.may_reveal(turn.now_ms):
        raise MarketError("answers open when every seat is bound to one")
    if turn.now_ms > seat.reveal_by_ms:
        raise MarketError(f"a result was due at {seat.reveal_by_ms} ms")
    follow_chain((*seat.chain, signed))
    verify_attestation(body.worker, body.claim, body.attestation)
    job = _extend(turn, Place(job, worker, seat), signed, identity)
    turn.emit(
        events.Revealed(
            turn.now_ms,
            job.identity.hex(),
            worker.hex(),
            claim_digest(body.claim).hex(),
            body.claim.work,
        )
    )
    if isinstance(job.task.policy, Optimistic):
        contest.claim(turn, job, worker, body)
    elif not isinstance(job.task.policy, Quorum):
        is_shown = _is_shown(turn, job.task, seat, body)
        if turn.market.on_ledger:
            _examine(turn, Place(job, worker, seat), body, identity, is_shown=is_shown)
        elif is_shown:
            settle(turn, job, body.claim, policy_kind(job.task.policy))


def opinion(turn: Turn, signed: Signed, body: Vote | Assent | Finding) -> None:
    """Take what a verifier says of an answer."""
    if isinstance(body, Vote):
        _vote(turn, signed, body)
    elif isinstance(body, Assent):
        _assent(turn, body)
    elif finding.find(turn, signed, body):
        _conclude(turn, turn.market.hearings[body.about], body.about)


def _vote(turn: Turn, signed: Signed, body: Vote) -> None:
    """Take a verifier's own run of a task."""
    job = turn.job(body.task)
    if not turn.market.stakes.is_active(body.verifier, Role.VERIFIER):
        raise NotStakedError(body.verifier, Role.VERIFIER)
    if not isinstance(job.task.policy, Quorum):
        raise MarketError("only quorums are decided by votes")
    if (
        job.phase is Phase.SEEKING
        and job.answers()
        and not desk.eligible(turn.market, job, turn.now_ms)
    ):
        job = _dispute(turn, job, "nobody else offers to answer")
    if job.phase not in (Phase.ANSWERED, Phase.DISPUTED) or body.verifier in job.votes:
        raise MarketError("the task takes no vote of this verifier")
    if (body.claim.program, body.claim.inputs) != (job.task.program, job.task.inputs):
        raise MarketError("the claim is about another program or other inputs")
    verify_attestation(body.verifier, body.claim, body.attestation)
    job = turn.change(job, votes={**job.votes, body.verifier: signed})
    turn.emit(
        events.Voted(
            turn.now_ms,
            job.identity.hex(),
            body.verifier.hex(),
            claim_digest(body.claim).hex(),
        )
    )
    assert job.claim is None or job.phase is not Phase.DISPUTED
    if job.claim is not None and claim_digest(job.claim) != claim_digest(body.claim):
        _dispute(turn, job, "a verifier's own run gave another answer")


def _assent(turn: Turn, body: Assent) -> None:
    """Take a verifier's word that it will not object."""
    job = turn.job(body.task)
    if not turn.market.stakes.is_active(body.verifier, Role.VERIFIER):
        raise NotStakedError(body.verifier, Role.VERIFIER)
    is_open = job.phase is Phase.ANSWERED and isinstance(job.task.policy, Quorum)
    if not is_open or job.claim is None or body.verifier in job.assents:
        raise MarketError("the task waits for no assent of this verifier")
    if claim_digest(job.claim) != body.claim:
        raise MarketError("the assent is to another answer")
    turn.change(job, assents=(*job.assents, body.verifier))
    turn.emit(events.Assented(turn.now_ms, job.identity.hex(), body.verifier.hex()))


def progress(turn: Turn, identity: bytes) -> None:
    """Let a job do what its state and the time allow, until it rests."""
    while identity in turn.market.jobs:
        before = turn.market.jobs[identity]
        _advance(turn, before)
        if turn.market.jobs.get(identity) is before:
            return


def _advance(turn: Turn, job: Job) -> None:
    is_late = job.until_ms and turn.now_ms > job.until_ms
    match job.phase:
        case Phase.SEEKING if turn.now_ms > job.seeks_until_ms:
            _expire(turn, job)
        case Phase.WORKING if not job.open_seats() and not job.is_over:
            turn.change(job, phase=Phase.SEEKING)
        case Phase.WORKING if isinstance(job.task.policy, Quorum) and job.is_tallied(turn.now_ms):
            _tally(turn, job)
        case Phase.WORKING if _is_abandoned(turn, job):
            turn.change(job, phase=Phase.FAILED, until_ms=turn.now_ms + GRACE_MS)
        case Phase.ANSWERED if isinstance(job.task.policy, Optimistic) and not job.open_seats():
            contest.drop(turn, job)
        case Phase.ANSWERED if job.contests:
            contest.watch(turn, job)
        case Phase.ANSWERED if job.claim is not None and (
            is_late or is_unopposed(turn.market, job)
        ):
            settle(turn, job, job.claim, policy_kind(job.task.policy))
        case Phase.DISPUTED:
            _count_votes(turn, job)
        case Phase.EXAMINED if is_late:
            turn.change(job, phase=Phase.FAILED, claim=None, until_ms=turn.now_ms + GRACE_MS)
        case Phase.SETTLED | Phase.FAILED if not job.open_seats():
            fee = job.task.fee if job.phase is Phase.SETTLED else 0
            desk.close(turn, job, job.phase.value, fee)
        case Phase.SETTLED | Phase.FAILED if is_late:
            settlement.close_without_verifier(turn, job)
        case _:
            pass


def settle(turn: Turn, job: Job, claim: Claim, evidence: str) -> None:
    """Let an answer stand."""
    _note(turn, job, claim)
    turn.change(job, phase=Phase.SETTLED, claim=claim, until_ms=turn.now_ms + GRACE_MS)
    digest = claim_digest(claim).hex()
    turn.emit(events.Settled(turn.now_ms, job.identity.hex(), digest, evidence))


def _note(turn: Turn, job: Job, claim: Claim) -> None:
    """Remember whether equal answers that were enough were right, where few gave them."""
    policy, answers = job.task.policy, job.answers()
    if not isinstance(policy, Quorum) or len(answers) > vigilance.ANSWERS_MAX:
        return
    found = consensus(answers, turn.scores(answers), policy.trust)
    if found is not None and len(set(answers.values())) == 1:
        is_lie = found != claim_digest(claim)
        turn.set(calm=vigilance.settled(turn.market.calm, policy.trust, is_lie=is_lie))


def _expire(turn: Turn, job: Job) -> None:
    if job.answers():
        _dispute(turn, job, "no more workers came in time")
    elif job.open_seats():
        turn.change(job, phase=Phase.FAILED, until_ms=turn.now_ms + GRACE_MS)
    else:
        desk.close(turn, job, "expired" if job.withdrawn_ms is None else "cancelled")


def _is_abandoned(turn: Turn, job: Job) -> bool:
    """Tell whether nothing more can come and the verifier has let its time pass."""
    last = max((s.reveal_by_ms for s in job.open_seats().values()), default=0)
    return turn.now_ms > max(last, job.seeks_until_ms) + GRACE_MS


def _tally(turn: Turn, job: Job) -> None:
    policy, answers = job.task.policy, job.answers()
    assert isinstance(policy, Quorum)
    scores = turn.scores(answers)
    found = tally(job, scores, turn.now_ms)
    match found.phase:
        case Phase.ANSWERED:
            assert found.claim is not None
            until, digest = turn.now_ms + OBJECTION_MS, claim_digest(found.claim)
            turn.change(job, phase=found.phase, claim=found.claim, until_ms=until)
            turn.emit(
                events.Answered(
                    turn.now_ms,
                    job.identity.hex(),
                    digest.hex(),
                    len(answers),
                    group_weights(answers, scores)[digest],
                    policy.trust,
                    until,
                )
            )
        case Phase.DISPUTED:
            _dispute(turn, job, found.reason)
        case Phase.FAILED:
            turn.change(job, phase=found.phase, until_ms=turn.now_ms + GRACE_MS)
        case _:
            turn.change(job, phase=found.phase)


def _dispute(turn: Turn, job: Job, reason: str) -> Job:
    until = turn.now_ms + DISPUTE_MS
    turn.emit(events.Disputed(turn.now_ms, job.identity.hex(), reason, until))
    return turn.change(job, phase=Phase.DISPUTED, claim=None, until_ms=until, assents=())


def is_unopposed(market: Market, job: Job) -> bool:
    """Tell whether everybody who may object has said not to, or got the same answer itself."""
    if not isinstance(job.task.policy, Quorum):
        return False
    stakes = market.stakes
    verifiers = [v for v in stakes.stakers if stakes.is_active(v, Role.VERIFIER)]
    return bool(verifiers) and all(v in job.assents or v in job.votes for v in verifiers)


def _count_votes(turn: Turn, job: Job) -> None:
    stakes = verifier_stakes(turn.market)
    for claim in {
        claim_digest(v.body.claim) for v in job.votes.values() if isinstance(v.body, Vote)
    }:
        try:
            settled = settled_by_votes(job.votes_for(claim), job.identity, stakes)
        except OffenceError:
            continue
        settlement.fine_wrong_votes(turn, job.identity, job.votes.values(), settled)
        settle(turn, job, settled, "verifiers")
        return
    if turn.now_ms > job.until_ms:
        turn.change(job, phase=Phase.FAILED, until_ms=turn.now_ms + GRACE_MS)


def _examine(turn: Turn, place: Place, body: Result, about: bytes, *, is_shown: bool) -> None:
    """Let the verifiers look at evidence that a contract cannot check."""
    until_ms = turn.now_ms + FINDING_MS
    hearing = Hearing(place.job.identity, place.worker, b"", until_ms, is_shown)
    finding.begin(turn, hearing, about)
    turn.change(place.job, phase=Phase.EXAMINED, claim=body.claim, until_ms=until_ms)


def _conclude(turn: Turn, hearing: Hearing, about: bytes) -> None:
    """Do what follows from the first decision of a hearing."""
    job = turn.market.jobs.get(hearing.task)
    if job is None:
        return
    assert hearing.holds is not None
    if hearing.challenger:
        contest.conclude(turn, job, hearing, about)
    elif job.phase is Phase.EXAMINED and job.claim is not None:
        if hearing.holds:
            settle(turn, job, job.claim, policy_kind(job.task.policy))
        else:
            turn.change(job, phase=Phase.WORKING, claim=None, until_ms=0)


def _is_shown(turn: Turn, task: Task, seat: Seat, body: Result) -> bool:
    """Tell whether a proof or quote is true. A false one waits for its accusation."""
    if body.evidence is None or isinstance(body.evidence, Run):
        return False
    try:
        if isinstance(task.policy, Hardware):
            match, due_ms = seat.match, turn.market.born_ms + seat.commit_by_ms
            check_quote(task, body.claim, body.evidence, match=match, due_ms=due_ms)
        else:
            turn.checker.check(task, body.claim, body.evidence)
    except NumenError:
        return False
    return True


def _extend(turn: Turn, place: Place, signed: Signed, identity: bytes) -> Job:
    seat = msgspec.structs.replace(place.seat, chain=(*place.seat.chain, signed), last=identity)
    return turn.change(place.job, seats={**place.job.seats, place.worker: seat})


def _seat_of(turn: Turn, fits: Callable[[Seat], bool]) -> Place:
    for job in turn.market.jobs.values():
        for worker, seat in job.seats.items():
            if fits(seat):
                return Place(job, worker, seat)
    raise MarketError("no living task has this seat")
