"""Multi-scalar multiplication: the sum of many points, each times its scalar.

Pippenger's algorithm with signed digits: each window of bits sorts the points into buckets, sums
every bucket (affine sums that share inversions), and weighs the sums. Windows are shared among
threads; a result is an exact affine point, so it does not depend on how.

Source: Pippenger, "On the evaluation of powers and related problems", FOCS 1976.
"""

import itertools

import numpy as np

from numen.kernels import arrays, curve, field, threads
from numen.kernels.arrays import Digits, Words

_BITS_MIN, _BITS_MAX = 3, 15

_PART_FACTOR = 32
"""Points that a thread sorts at a time, for each bucket: the sums of the part before cost a
thirty-second part more."""


def g1(points: Words, scalars: Words) -> Words:
    """The sum of ``scalars[i] * points[i]`` in G1.

    Args:
        points: Affine Montgomery rows, shape ``(n, 8)``, of the curve; zero is infinity.
        scalars: Plain numbers below the order, shape ``(n, 4)``.

    Returns:
        One row, shape ``(1, 8)``.

    Raises:
        KernelInputError: The arrays do not fit, or a scalar is not reduced.

    Cost: 2**14 points 0.14 s, 2**17 points 0.8 s of processor time. Memory beside the arguments:
    72 bytes a point for digits, and at most 34 MiB a thread, however many points there are.
    """
    return _sum(curve.G1, points, scalars)


def g2(points: Words, scalars: Words) -> Words:
    """The sum of ``scalars[i] * points[i]`` in G2; rows of 16 limbs.

    Cost: three times the time of `g1`, and twice the memory for each thread.

    Raises:
        KernelInputError: As for `g1`.
    """
    return _sum(curve.G2, points, scalars)


def window_bits(size: int) -> int:
    """The size of digit that takes the least work for so many points."""
    # A window costs a sum of 6.5 products for each point, and two Jacobian ones of 27 together
    # for each bucket.
    costs = {
        bits: (13 * size + 54 * (1 << (bits - 1))) * (255 // bits + 1)
        for bits in range(_BITS_MIN, _BITS_MAX + 1)
    }
    return min(costs, key=costs.__getitem__)


def _sum(group: curve.Group, points: Words, scalars: Words) -> Words:
    size = len(group.check(points, "points"))
    arrays.check(scalars, 4, "scalars", size)
    field.FR.check_reduced(scalars, "scalars")
    bits = window_bits(size)
    digits, count = curve.recode(group, scalars, bits)
    sums = np.zeros((count, 12 * group.degree), np.uint64)
    # Threads take the next window when they are free: the top one is nearly empty.
    order = itertools.count()

    def work() -> None:
        job = _Windows(group, points, digits, bits)
        while (window := next(order)) < count:
            job.sum_window(window, sums)

    threads.run([work] * min(threads.count(), count))
    out = np.empty((1, group.columns), np.uint64)
    group.call("combine", arrays.address(out), arrays.address(sums), count, bits)
    return out


class _Windows:
    """One thread's memory, and its work on one window after another."""

    def __init__(self, group: curve.Group, points: Words, digits: Digits, bits: int) -> None:
        self._group, self._points, self._digits = group, points, digits
        self._buckets = 1 << (bits - 1)
        self._part = min(len(points), _PART_FACTOR * self._buckets) or 1
        self._buffer = np.empty((self._part + self._buckets, group.columns), np.uint64)
        self._sums = np.empty((self._buckets, group.columns), np.uint64)
        self._counts = np.empty(self._buckets, np.int64)
        self._starts = np.empty(self._buckets, np.int64)
        self._memory = curve.Workspace(group.columns)

    def sum_window(self, window: int, out: Words) -> None:
        """Write the sum of one window, a Jacobian point, to its row."""
        self._sums[:] = 0
        for start in range(0, len(self._points), self._part):
            self._add_part(window, start, min(self._part, len(self._points) - start))
        totals = arrays.address(self._sums)
        self._group.call("collect", arrays.address(out, window), totals, self._buckets)

    def _add_part(self, window: int, start: int, size: int) -> None:
        """Add some points, by their digits in a window, to the sums of the buckets."""
        call, address, memory = self._group.call, arrays.address, self._memory
        buffer, counts, starts = map(address, (self._buffer, self._counts, self._starts))
        points, sums, buckets = address(self._points, start), address(self._sums), self._buckets
        digits = address(self._digits, window) + start * self._digits.itemsize
        call("sort", buffer, points, digits, size, counts, starts, sums, buckets)
        call("reduce", buffer, counts, starts, buckets, memory.lists, memory.scratch)
        call("keep", sums, buffer, counts, starts, buckets)
