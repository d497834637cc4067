"""The process of a campaign that runs cases; it may be killed at any time.

It reads a `Job` from its standard input and writes a line of JSON for every case, and an empty line
now and then while one takes long. Silence means that something hangs.
"""

import sys
import time

import msgspec

from numen.evm.fuzz.trial import Court, Plan

_BEAT_NS = 2 * 10**9
"""Nanoseconds between signs of life."""


class Job(msgspec.Struct, frozen=True):
    """Which cases a worker runs.

    Attributes:
        plan: What the campaign does.
        first: Index of its first case.
        stride: How many workers there are: it runs every ``stride``-th case.
    """

    plan: Plan
    first: int
    stride: int


class _Pulse:
    """Shows on standard output that the worker lives."""

    def __init__(self) -> None:
        self._last = time.monotonic_ns()

    def beat(self) -> None:
        now = time.monotonic_ns()
        if now - self._last > _BEAT_NS:
            self._last = now
            _say(b"")


def main() -> None:
    """Run cases until somebody kills the process or no longer listens."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    court, pulse = Court(job.plan), _Pulse()
    index = job.first
    _say(b"")
    while True:
        _say(msgspec.json.encode(court.try_case(index, pulse.beat)))
        index += job.stride


def _say(line: bytes) -> None:
    try:
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
