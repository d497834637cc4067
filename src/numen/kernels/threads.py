"""Native calls side by side: they let go of the GIL, so threads are enough."""

import functools
import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


@functools.cache
def count() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.lru_cache(1)
def _pool(process: int) -> ThreadPoolExecutor:
    # One for each process: a fork copies the pool, but not its threads.
    assert process == os.getpid()
    return ThreadPoolExecutor(count(), thread_name_prefix="numen-kernel")


def run(calls: Sequence[Callable[[], object]]) -> None:
    """Make every call, on as many threads as there are processors; errors are raised here."""
    if len(calls) < 2 or count() < 2:
        for call in calls:
            call()
        return
    for future in [_pool(os.getpid()).submit(call) for call in calls]:
        future.result()


def over_ranges(size: int, least: int, call: Callable[[int, int], object]) -> None:
    """Split ``range(size)`` among the threads and make ``call(start, stop)`` for each part.

    Args:
        size: Length of the whole.
        least: Parts are not made shorter than this.
        call: Must not depend on the order of the parts.
    """
    parts = max(1, min(count(), size // max(1, least)))
    bounds = [size * i // parts for i in range(parts + 1)]
    run([functools.partial(call, start, stop) for start, stop in itertools.pairwise(bounds)])
