"""A task's life as spans: bid, offer, run, commit, reveal, settle, paid.

    task ─┬─ bid                           until the first seat is given
          ├─ seat of a worker ─┬─ offer    until it has a seat
          │                    ├─ run      until it is bound to an answer
          │                    │   └─ compute      as the worker's own process measured it
          │                    ├─ commit   until it may open it, and does
          │                    ├─ reveal   until the answer is settled
          │                    └─ paid     until the seat is judged
          └─ settle                        from the first answer until the answer stands
              └─ check                     a verifier's own run, as its process measured it

All ids follow from the task's: a trace is the first 16 bytes of its id, a span the digest of its
name in it. So the spans of all processes join, and nothing of them is on the wire, where a stranger
could have put it.
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from numen.base.codec import digest
from numen.base.crypto import Hash32
from numen.watch.story import Seat, Task

TRACE_BYTES = 16
SPAN_BYTES = 8


class Span(msgspec.Struct, frozen=True):
    """A stretch of time in a task's life.

    Attributes:
        name: What went on.
        trace: Which task: 16 bytes.
        id: 8 bytes.
        parent: Of the span around it, 8 bytes; empty for the task itself.
        start_ns, end_ns: Since 1970.
        attributes: More about it.
        fault: What went wrong, or empty.
    """

    name: str
    trace: bytes
    id: bytes
    parent: bytes
    start_ns: int
    end_ns: int
    attributes: dict[str, str | int]
    fault: str = ""


class _Name(msgspec.Struct, frozen=True, array_like=True):
    """What the id of a span is the digest of."""

    task: Hash32
    name: Annotated[str, Meta(max_length=32)]
    worker: Annotated[str, Meta(max_length=40)]


def span_id(task: bytes, name: str, worker: str = "") -> bytes:
    """Name a span of a task; 8 bytes.

    Args:
        task: Id of the task.
        name: What went on.
        worker: Whose it is, in hexadecimal; empty for the task's own.
    """
    return digest("numen/span/1", _Name(task, name, worker))[:SPAN_BYTES]


def of_task(task: Task, born_ms: int) -> Iterator[Span]:
    """The life of a task that is over; nothing for one whose id is none.

    Args:
        task: As the events told it.
        born_ms: What its times count from, in milliseconds since 1970.
    """
    raw = bytes.fromhex(task.id)
    if len(raw) != 32:
        return
    life = _Life(raw, born_ms)
    matched = [seat.matched_ms for seat in task.seats.values() if seat.matched_ms]
    revealed = [seat.revealed_ms for seat in task.seats.values() if seat.revealed_ms]
    about: dict[str, str | int] = {
        "numen.task": task.id,
        "numen.program": task.program,
        "numen.policy": task.policy,
        "numen.provider": task.provider,
        "numen.verifier": task.verifier,
        "numen.bid": task.bid,
        "numen.paid": task.paid,
        "numen.fee": task.fee,
    }
    fault = "" if task.settled_ms else task.state
    yield life.span("task", "", task.posted_ms, task.closed_ms, about, fault, parent="")
    first = min(matched, default=task.closed_ms)
    raised: dict[str, str | int] = {"numen.raises": task.raises, "numen.offers": task.offers}
    yield life.span("bid", "", task.posted_ms, first, raised)
    if revealed:
        last = task.settled_ms or task.closed_ms
        evidence: dict[str, str | int] = {"numen.evidence": task.note, "numen.claim": task.claim}
        yield life.span("settle", "", min(revealed), last, evidence, fault)
    for worker, seat in task.seats.items():
        if seat.matched_ms:
            yield from _of_seat(life, task, worker, seat)


def _of_seat(life: "_Life", task: Task, worker: str, seat: Seat) -> Iterator[Span]:
    end_ms = seat.judged_ms or task.closed_ms
    about: dict[str, str | int] = {
        "numen.worker": worker,
        "numen.price": seat.price,
        "numen.pledge": seat.pledge,
        "numen.work": seat.work,
        "numen.outcome": seat.outcome,
        "numen.paid": seat.paid,
        "numen.fined": seat.fined,
    }
    fault = seat.outcome if seat.fined else ""
    yield life.span("seat", worker, seat.offered_ms or seat.matched_ms, end_ms, about, fault)
    # Who is caught is judged before the task is settled.
    settled_ms = min(task.settled_ms or end_ms, end_ms)
    stages = (
        ("offer", seat.offered_ms, seat.matched_ms),
        ("run", seat.matched_ms, seat.executed_ms),
        ("commit", seat.executed_ms, seat.revealed_ms),
        ("reveal", seat.revealed_ms, settled_ms),
        ("paid", settled_ms if seat.paid else 0, seat.judged_ms),
    )
    for name, start_ms, stage_end_ms in stages:
        if start_ms and stage_end_ms:
            yield life.span(name, worker, start_ms, stage_end_ms, {}, parent="seat")


def computed(task: bytes, who: str, took: "Took") -> Span:
    """A worker's own run, as its process measured it: a part of the seat's ``run``.

    Args:
        task: Id of the task, 32 bytes.
        who: Whose run, in hexadecimal.
        took: The run.
    """
    return _measured("compute", task, who, took, span_id(task, "run", who))


def checked(task: bytes, who: str, took: "Took") -> Span:
    """A verifier's own run, as its process measured it: a part of ``settle``."""
    return _measured("check", task, who, took, span_id(task, "settle"))


class Took(msgspec.Struct, frozen=True):
    """A run that was measured.

    Attributes:
        start_ns, end_ns: Since 1970.
        work: Work units.
    """

    start_ns: int
    end_ns: int
    work: int


def _measured(name: str, task: bytes, who: str, took: Took, parent: bytes) -> Span:
    about: dict[str, str | int] = {"numen.who": who, "numen.work": took.work}
    identity = span_id(task, name, who)
    return Span(name, task[:TRACE_BYTES], identity, parent, took.start_ns, took.end_ns, about)


class _Life:
    """Makes the spans of one task."""

    def __init__(self, task: bytes, born_ms: int) -> None:
        self._task, self._born_ms = task, born_ms

    def span(
        self,
        name: str,
        worker: str,
        start_ms: int,
        end_ms: int,
        about: dict[str, str | int],
        fault: str = "",
        parent: str = "task",
    ) -> Span:
        above = span_id(self._task, parent, worker if parent == "seat" else "") if parent else b""
        start_ns = (self._born_ms + start_ms) * 1_000_000
        end_ns = (self._born_ms + max(start_ms, end_ms)) * 1_000_000
        identity = span_id(self._task, name, worker)
        trace = self._task[:TRACE_BYTES]
        return Span(name, trace, identity, above, start_ns, end_ns, about, fault)
