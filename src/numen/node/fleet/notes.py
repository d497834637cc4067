"""What a machine of a fleet tells about its jobs: when each began, and how it ended."""

from typing import Literal

import msgspec

from numen.node.fleet.jobs import Failed, Job, Outcome, Proved, Ran, Run

_SHORT = 10


class Began(msgspec.Struct, frozen=True, tag_field="event", tag="began"):
    """A job was taken.

    Attributes:
        job: Its name, in hexadecimal.
        kind: A ``run`` of a program, or the ``proof`` of a segment.
        attempt: How often it was given to a machine, this time included.
    """

    job: str
    kind: Literal["run", "proof"]
    attempt: int


class Ended(msgspec.Struct, frozen=True, tag_field="event", tag="ended"):
    """A job is over, for this machine.

    Attributes:
        job: Its name, in hexadecimal.
        kind: As of `Began`.
        how: It was ``done`` here; its result was ``known`` already; it ``failed`` by its own fault;
            or it was put ``back`` for another machine.
        took_ms: How long this machine had it.
        work: Work units of a run that was done; else 0.
        reason: Why it failed, or was put back; else empty.
    """

    job: str
    kind: Literal["run", "proof"]
    how: Literal["done", "known", "failed", "back"]
    took_ms: int
    work: int = 0
    reason: str = ""


Note = Began | Ended


def kind_of(job: Job) -> Literal["run", "proof"]:
    """What is asked for."""
    return "run" if isinstance(job, Run) else "proof"


def ended(name: str, job: Job, outcome: Outcome, took_ms: int, *, is_new: bool) -> Ended:
    """How a job ended that has an outcome.

    Args:
        name: Of the job.
        job: It.
        outcome: What came of it.
        took_ms: How long it took here.
        is_new: Whether it was done now.
    """
    kind = kind_of(job)
    match outcome:
        case Failed(reason):
            return Ended(name, kind, "failed", took_ms, reason=reason)
        case Ran(_, work) if is_new:
            return Ended(name, kind, "done", took_ms, work)
        case Ran() | Proved():
            return Ended(name, kind, "done" if is_new else "known", took_ms)


def sentence(note: Note) -> str:
    """A note in words."""
    what = "a run" if note.kind == "run" else "the proof of a segment"
    job = f"job {note.job[:_SHORT]}"
    if isinstance(note, Began):
        again = f", given to a machine {note.attempt} times" if note.attempt > 1 else ""
        return f"{job} began: {what}{again}"
    after = f"after {note.took_ms / 1000:.1f} s"
    match note.how:
        case "done":
            worked = f", {note.work:,} work units" if note.work else ""
            return f"{job} ended {after}: {what} is done{worked}"
        case "known":
            return f"{job} ended {after}: its result was known already"
        case "failed":
            return f"{job} failed {after}: {note.reason}"
        case "back":
            return f"{job} goes to another machine {after}: {note.reason}"
