"""What a worker may see of the market: everything but the answers of others.

Results travel to a task's verifier alone until the task is settled; in one process they lie in
the same state, so workers look through this window. Answers that can be challenged are for all.
"""

from collections.abc import Iterator

import msgspec

from numen.market.auction import ranked
from numen.market.bisection import Bisection, Side
from numen.market.job import Job, Phase, Seat
from numen.market.message import Execution, Result
from numen.market.moves import Run
from numen.market.task import Task
from numen.market.turn import Market


class OpenTask(msgspec.Struct, frozen=True):
    """A task that seeks workers.

    Attributes:
        identity: Its id.
        task: The task.
        bid: What it bids at this moment.
        request: Digest of the request in force.
        asked: What the looking worker asks already; None without an offer.
    """

    identity: bytes
    task: Task
    bid: int
    request: bytes
    asked: int | None


class OwnSeat(msgspec.Struct, frozen=True):
    """A seat of the worker that looks.

    Attributes:
        identity: Id of the task.
        task: The task.
        seat: Its seat.
        may_reveal: Whether answers open.
        is_last: Whether they open as soon as this seat is bound: all others are.
        commitments: What others in the task have bound themselves to, in the order they came.
    """

    identity: bytes
    task: Task
    seat: Seat
    may_reveal: bool
    is_last: bool
    commitments: tuple[bytes, ...]


class Claimed(msgspec.Struct, frozen=True):
    """Somebody else's answer that can be challenged.

    Attributes:
        identity: Id of the task.
        task: The task.
        result: Digest of the result.
        answer: The answer.
        run: What its worker is bound to.
    """

    identity: bytes
    task: Task
    result: bytes
    answer: bytes
    run: Run


class Fight(msgspec.Struct, frozen=True):
    """A contest in which the worker that looks has to make a move.

    Attributes:
        identity: Id of the task.
        task: The task.
        match: Digest of the match of the seat that it is about.
        answer: The answer that it is about.
        challenger: Who challenged it.
        contest: Where it is.
    """

    identity: bytes
    task: Task
    match: bytes
    answer: bytes
    challenger: bytes
    bisection: Bisection


def claims_of_others(market: Market, worker: bytes, now_ms: int) -> Iterator[Claimed]:
    """Give the answers that a worker may challenge."""
    for job in market.jobs.values():
        if worker in job.challengers or now_ms > job.until_ms:
            continue
        for other, seat, result, run in _claims(job):
            if other != worker:
                yield Claimed(job.identity, job.task, seat.last, result.answer, run)


def own_fights(market: Market, worker: bytes, now_ms: int) -> Iterator[Fight]:
    """Give the contests in which it is a worker's turn."""
    for job in market.jobs.values():
        for other, seat, result, _ in _claims(job):
            for challenger, contest in job.contests.items():
                if contest.heard:
                    continue
                turn = other if contest.bisection.turn is Side.WORKER else challenger
                if turn == worker and now_ms <= contest.bisection.due_ms:
                    yield Fight(
                        job.identity, job.task, seat.match, result.answer, challenger,
                        contest.bisection,
                    )  # fmt: skip


def _claims(job: Job) -> Iterator[tuple[bytes, Seat, Result, Run]]:
    if job.phase is Phase.ANSWERED:
        for worker, seat in job.open_seats().items():
            result = seat.result
            if result is not None and isinstance(result.evidence, Run):
                yield worker, seat, result, result.evidence


def open_tasks(market: Market, worker: bytes, now_ms: int) -> Iterator[OpenTask]:
    """Give the tasks that may seek workers and have not seated this one, best bid first."""
    for order in ranked(market.book, now_ms):
        job = market.jobs.get(order.task)
        if (
            job is None
            or job.phase not in (Phase.SEEKING, Phase.WORKING)
            or now_ms > job.seeks_until_ms
            or worker in job.seats
        ):
            continue
        mine = job.offers.get(worker)
        # Requests are kept in the order they came: the last is in force.
        request = next(reversed(job.requests))
        asked = mine.offer.ask if mine else None
        yield OpenTask(job.identity, job.task, job.bid_at(now_ms), request, asked)


def own_seats(market: Market, worker: bytes, now_ms: int) -> Iterator[OwnSeat]:
    """Give the open seats of a worker."""
    for job in market.jobs.values():
        seat = job.seats.get(worker)
        if seat is None or not seat.is_open:
            continue
        yield OwnSeat(
            job.identity, job.task, seat, job.may_reveal(now_ms),
            job.may_reveal(now_ms, besides=worker), _commitments(job, worker),
        )  # fmt: skip


def _commitments(job: Job, worker: bytes) -> tuple[bytes, ...]:
    return tuple(
        signed.body.commitment
        for other, seat in job.seats.items()
        if other != worker
        for signed in seat.chain
        if isinstance(signed.body, Execution)
    )
