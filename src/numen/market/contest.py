"""The market's ring: answers that stand until somebody challenges them, and what a contest costs.

A challenger pledges as much as the worker did. Whoever loses the contest loses the pledge, half of
it to the other, half burnt. While contests go on the answer does not settle, and after one that the
challenger lost the window opens again, so that nobody can keep honest challengers out by losing on
purpose, but for `CHALLENGES_MAX` pledges, which is more than any answer is worth.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from numen.base.codec import encode
from numen.market import bisection, events, finding, settlement, stake
from numen.market.bisection import Bisection, Judge, Side
from numen.market.hearing import FINDING_MS, Hearing
from numen.market.job import GRACE_MS, Contest, Job, Phase, Seat, said
from numen.market.message import Result, Signed, check, message_id
from numen.market.moves import Challenge, Midpoint, Move, Run, Stance, Step
from numen.market.offence import CASE_MAX_BYTES, Outcome, fine
from numen.market.stake import NotStakedError, Role
from numen.market.task import Optimistic
from numen.market.turn import MarketError, Turn
from numen.proof.statement import EMPTY_DIFF, claim_digest

CHALLENGES_MAX = 32
"""Most challenges of one answer."""

MOVES_MAX = 128
"""Most messages of one contest."""

STEP_TAKEN = "the step that was left was taken"


class Transcript(msgspec.Struct, frozen=True, array_like=True):
    """All that was said in a contest: what shows who lost it, to anyone.

    Attributes:
        chain: The messages of the seat, from the request to the result.
        moves: The challenge, and every move after it.
    """

    chain: Annotated[tuple[Signed, ...], Meta(min_length=1, max_length=6)]
    moves: Annotated[tuple[Signed, ...], Meta(min_length=1, max_length=MOVES_MAX)]


def claim(turn: Turn, job: Job, worker: bytes, body: Result) -> None:
    """Let an answer stand for as long as the task says, unless it is challenged.

    Raises:
        MarketError: It comes without a commitment to its run, or the two do not fit.
        BisectionError: The commitment is one that cannot be contested.
    """
    policy, run = job.task.policy, body.evidence
    assert isinstance(policy, Optimistic)
    if not isinstance(run, Run):
        raise MarketError("the answer comes without a commitment to its run")
    if body.claim.work != min(run.steps, job.task.work_limit) or body.claim.diff != EMPTY_DIFF:
        raise MarketError("the claim is not about the run that is committed to")
    bisection.check_run(run)
    until_ms = turn.now_ms + policy.window_ms
    turn.change(job, phase=Phase.ANSWERED, claim=body.claim, until_ms=until_ms)
    named = claim_digest(body.claim).hex()
    turn.emit(
        events.Claimed(
            turn.now_ms, job.identity.hex(), worker.hex(), named, run.steps, until_ms
        )
    )  # fmt: skip


def move(turn: Turn, signed: Signed, body: Move) -> None:
    """Take a move: a challenge opens a contest, any other goes on with one."""
    if isinstance(body, Challenge):
        _open(turn, signed, body)
    else:
        _go_on(turn, signed, body)


def _open(turn: Turn, signed: Signed, body: Challenge) -> None:
    """Open a contest, and bind the challenger's pledge."""
    job = turn.job(body.task)
    worker, seat, run = _claimed(job)
    if not turn.market.stakes.is_active(body.challenger, Role.WORKER):
        raise NotStakedError(body.challenger, Role.WORKER)
    if body.result != seat.last or turn.now_ms > job.until_ms:
        raise MarketError("there is no such answer to challenge, or no more time")
    if body.challenger in job.challengers or len(job.challengers) >= CHALLENGES_MAX:
        raise MarketError("it was challenged by the same account, or often enough")
    pledge = job.task.pledge
    stakes, moves = stake.bind(turn.market.stakes, job.identity, body.challenger, pledge)
    turn.set(stakes=stakes)
    turn.move(moves)
    opened = Contest(bisection.begin(run, turn.now_ms), (signed,), said(bytes(32), signed))
    turn.change(
        job,
        contests={**job.contests, body.challenger: opened},
        challengers=(*job.challengers, body.challenger),
    )
    ids = (job.identity.hex(), worker.hex(), body.challenger.hex())
    turn.emit(events.Challenged(turn.now_ms, *ids, pledge, opened.bisection.due_ms))


def _go_on(turn: Turn, signed: Signed, body: Midpoint | Stance | Step) -> None:
    job = turn.job(body.task)
    worker, seat, _ = _claimed(job)
    contest = job.contests.get(body.challenger)
    if contest is None:
        raise MarketError("there is no such contest")
    if not isinstance(body, Stance) and body.worker != worker:
        raise MarketError("the answer is another worker's")
    if contest.heard or turn.now_ms > contest.bisection.due_ms:
        raise MarketError(f"the move was due at {contest.bisection.due_ms} ms")
    moved = msgspec.structs.replace(
        contest, moves=(*contest.moves, signed), head=said(contest.head, signed)
    )
    if isinstance(body, Step):
        _decide(turn, job, seat, moved, body)
        return
    step = _after(contest.bisection, body, turn.now_ms)
    moved = msgspec.structs.replace(moved, bisection=step)
    turn.change(job, contests={**job.contests, body.challenger: moved})
    if isinstance(body, Stance):
        ids = (job.identity.hex(), body.challenger.hex())
        turn.emit(events.Halved(turn.now_ms, *ids, step.low, step.high, step.due_ms))


def _decide(turn: Turn, job: Job, seat: Seat, contest: Contest, body: Step) -> None:
    """Take the step that is left; or, where a contract settles the market, let it be heard."""
    result = seat.result
    assert result is not None
    side = bisection.decide(
        contest.bisection,
        body,
        lambda shown: turn.checker.following(job.task, result.answer, shown),
    )
    if not turn.market.on_ledger:
        _end(turn, job, body.challenger, contest, side, STEP_TAKEN)
        return
    about, until_ms = message_id(body), turn.now_ms + FINDING_MS
    is_true = side is Side.WORKER
    hearing = Hearing(job.identity, body.worker, body.challenger, until_ms, is_true)
    finding.begin(turn, hearing, about)
    heard = msgspec.structs.replace(contest, heard=about)
    turn.change(job, contests={**job.contests, body.challenger: heard})


def conclude(turn: Turn, job: Job, hearing: Hearing, about: bytes) -> None:
    """End a contest as the verifiers found of its last step."""
    contest = job.contests.get(hearing.challenger)
    if contest is not None and contest.heard == about:
        side = Side.WORKER if hearing.holds else Side.CHALLENGER
        _end(turn, job, hearing.challenger, contest, side, STEP_TAKEN)


def drop(turn: Turn, job: Job) -> None:
    """Forget an answer whose worker was judged for something else: nobody is left to defend it."""
    _release(turn, job)
    _seek_again(turn, job)


def _seek_again(turn: Turn, job: Job) -> None:
    turn.change(
        job, phase=Phase.SEEKING, until_ms=0, claim=None, contests={}, challengers=()
    )  # fmt: skip


def _give_up(turn: Turn, job: Job) -> None:
    """The verifiers found nothing in time: nobody is paid, and nobody fined."""
    _release(turn, job)
    until_ms = turn.now_ms + GRACE_MS
    turn.change(job, phase=Phase.FAILED, claim=None, until_ms=until_ms, contests={})


def _release(turn: Turn, job: Job) -> None:
    """Give challengers their pledges back."""
    for other in job.contests:
        stakes, moves = stake.close(turn.market.stakes, job.identity, other, 0, other)
        turn.set(stakes=stakes)
        turn.move(moves)


def watch(turn: Turn, job: Job) -> None:
    """End the contests in which somebody said nothing in time."""
    for challenger, contest in job.contests.items():
        if contest.heard:
            hearing = turn.market.hearings.get(contest.heard)
            if hearing is None or hearing.is_late(turn.now_ms):
                _give_up(turn, job)
                return
            continue
        side = bisection.late(contest.bisection, turn.now_ms)
        if side is not None:
            silent = Side.WORKER if side is Side.CHALLENGER else Side.CHALLENGER
            reason = f"the {silent.value} said nothing in time"
            _end(turn, job, challenger, contest, side, reason)
            return  # the job has changed


def replay(transcript: Transcript, judge: Judge) -> Side | None:
    """Find who won a contest that came to its step, from what was said alone.

    Args:
        transcript: From anyone.
        judge: Takes a step of the run that gives the answer of the transcript.

    Returns:
        Who won; None where it ends before a step was shown, so that only time decided.

    Raises:
        NumenError: It is no contest: something is not signed, or does not follow.
    """
    for signed in (*transcript.chain, *transcript.moves):
        check(signed)
    result = transcript.chain[-1].body if transcript.chain else None
    if not isinstance(result, Result) or not isinstance(result.evidence, Run):
        raise MarketError("the transcript is not about a run")
    opened = transcript.moves[0].body if transcript.moves else None
    if not isinstance(opened, Challenge) or opened.result != message_id(result):
        raise MarketError("the transcript is not about a challenge of its result")
    found = bisection.begin(result.evidence, 0)
    for signed in transcript.moves[1:]:
        body = signed.body
        if not isinstance(body, Midpoint | Stance | Step) or not _is_of(body, opened, result):
            raise MarketError("the transcript has what is no move of the two in their contest")
        if isinstance(body, Step):
            return bisection.decide(found, body, judge)
        found = _after(found, body, 0)
    return None


def _is_of(body: Midpoint | Stance | Step, opened: Challenge, result: Result) -> bool:
    """Whether a move is of a contest, and by who has to make it."""
    is_between = (body.task, body.challenger) == (opened.task, opened.challenger)
    return is_between and (isinstance(body, Stance) or body.worker == result.worker)


def _after(found: Bisection, body: Midpoint | Stance, now_ms: int) -> Bisection:
    if isinstance(body, Midpoint):
        return bisection.halve(found, body, now_ms)
    return bisection.answer(found, body, now_ms)


def _claimed(job: Job) -> tuple[bytes, Seat, Run]:
    """The worker whose answer stands, its seat, and what it is bound to."""
    if job.phase is Phase.ANSWERED and isinstance(job.task.policy, Optimistic):
        for worker, seat in job.open_seats().items():
            if seat.result is not None and isinstance(seat.result.evidence, Run):
                return worker, seat, seat.result.evidence
    raise MarketError("no answer of this task can be challenged")


def _end(
    turn: Turn, job: Job, challenger: bytes, contest: Contest, side: Side, reason: str
) -> None:
    worker, seat, _ = _claimed(job)
    ids = (job.identity.hex(), worker.hex(), challenger.hex())
    at = contest.bisection
    turn.emit(events.Decided(turn.now_ms, *ids, side.value, reason, at.low, at.rounds))
    shown = Transcript(seat.chain, contest.moves), contest.head
    if side is Side.WORKER:
        _slash(turn, job, challenger, worker, job.task.pledge, *shown)
        assert isinstance(job.task.policy, Optimistic)
        rest = {who: found for who, found in job.contests.items() if who != challenger}
        until_ms = max(job.until_ms, turn.now_ms + job.task.policy.window_ms)
        turn.change(job, contests=rest, until_ms=until_ms)
        return
    _slash(turn, job, worker, challenger, seat.pledge, *shown)
    _release(turn, job)
    closed = msgspec.structs.replace(seat, outcome=Outcome.LOST_CONTEST)
    _seek_again(turn, turn.change(job, seats={**job.seats, worker: closed}))


def _slash(
    turn: Turn, job: Job, loser: bytes, winner: bytes, pledge: int, transcript: Transcript,
    head: bytes,
) -> None:  # fmt: skip
    lost = fine(pledge, Outcome.LOST_CONTEST)
    stakes, moves = stake.close(turn.market.stakes, job.identity, loser, lost, winner)
    turn.set(stakes=stakes)
    turn.move(moves)
    evidence = encode(transcript, size_max=CASE_MAX_BYTES)
    turn.emit(
        events.Slashed(
            turn.now_ms, job.identity.hex(), loser.hex(), Outcome.LOST_CONTEST.value, pledge,
            winner.hex(), lost // 2, lost - lost // 2, evidence.hex(),
        )
    )  # fmt: skip
    settlement.score(turn, job, loser, Outcome.LOST_CONTEST, head)
