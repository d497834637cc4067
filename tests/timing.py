"""Bounds on the time of work, told for a quiet machine: a busy one is slower at everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

QUIET_S = 0.008
"""What `_loop` takes where nothing else runs."""


@contextmanager
def seconds_at_most(limit_s: float) -> Iterator[None]:
    """Fail if what is inside takes more time of the processor than that, on a quiet machine."""
    start = process_time()
    yield
    spent = process_time() - start
    slowness = max(1.0, _loop() / QUIET_S) if spent > limit_s else 1.0
    assert spent <= limit_s * slowness, f"{spent:.1f} s, on a machine {slowness:.1f} times slower"


def _loop() -> float:
    start = process_time()
    sum(number * number for number in range(200_000))
    return process_time() - start
