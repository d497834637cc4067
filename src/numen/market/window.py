"""What a worker may see of the market: everything but the answers of others.

Results travel to a task's verifier alone until the task is settled; in one process they lie in
the same state, so workers look through this window.
"""

from collections.abc import Iterator

import msgspec

from numen.market.auction import ranked
from numen.market.job import Job, Phase, Seat
from numen.market.message import Execution
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
        commitments: What others in the task have bound themselves to, in the order they came.
    """

    identity: bytes
    task: Task
    seat: Seat
    may_reveal: bool
    commitments: tuple[bytes, ...]


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
            job.identity, job.task, seat, job.may_reveal(now_ms), _commitments(job, worker)
        )


def _commitments(job: Job, worker: bytes) -> tuple[bytes, ...]:
    return tuple(
        signed.body.commitment
        for other, seat in job.seats.items()
        if other != worker
        for signed in seat.chain
        if isinstance(signed.body, Execution)
    )
