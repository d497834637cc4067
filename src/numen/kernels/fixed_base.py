"""Many multiples of one point: what a trusted setup consists of.

A table holds every digit's multiple of the base for every window, so that a multiple is a sum of
table entries, one for each window; the sums of many multiples share inversions.
"""

import functools

import numpy as np

from numen.kernels import arrays, curve, field, threads
from numen.kernels.arrays import Words
from numen.kernels.curve_code import BATCH

_BITS_MIN, _BITS_MAX = 4, 13
_TABLE_COUNT = 4
"""Tables that are kept; the largest takes 5 MiB (G1) or 10 MiB (G2)."""


def g1(scalars: Words) -> Words:
    """The multiples of the generator of G1.

    Args:
        scalars: Plain numbers below the order, shape ``(n, 4)``.

    Returns:
        Affine Montgomery rows, shape ``(n, 8)``.

    Raises:
        KernelInputError: The shape is another, or a scalar is not reduced.

    Cost: 5 microseconds a multiple.
    """
    return multiples(curve.G1, scalars)


def g2(scalars: Words) -> Words:
    """The multiples of the generator of G2; rows of 16 limbs, three times the cost of G1.

    Raises:
        KernelInputError: As for `g1`.
    """
    return multiples(curve.G2, scalars)


def multiples(group: curve.Group, scalars: Words, base: Words | None = None) -> Words:
    """The multiples of a point.

    Args:
        group: Where the point is.
        scalars: Plain numbers below the order, shape ``(n, 4)``.
        base: The point, shape ``(1, columns)``; by default the generator.

    Raises:
        KernelInputError: As for `g1`.
    """
    arrays.check(scalars, 4, "scalars")
    field.FR.check_reduced(scalars, "scalars")
    row = group.check(group.generator if base is None else base, "base", 1)
    bits = _table_bits(len(scalars))
    table = _table(group, row.tobytes(), bits)
    digits, windows = curve.recode(group, scalars, bits)
    out = np.zeros((len(scalars), group.columns), np.uint64)

    def part(start: int, stop: int) -> None:
        memory = curve.Workspace(group.columns)
        for window in range(windows):
            places = [arrays.address(out, start), arrays.address(table[window])]
            places.append(arrays.address(digits, window) + 4 * start)
            group.call(
                "accumulate", *places, stop - start, memory.lists, memory.scratch, memory.copies
            )

    threads.over_ranges(len(out), BATCH, part)
    return out


def _table_bits(count: int) -> int:
    """The size of digit that takes the fewest sums, those of the table counted."""
    costs = {
        bits: (255 // bits + 1) * (count + (1 << (bits - 1)))
        for bits in range(_BITS_MIN, _BITS_MAX + 1)
    }
    return min(costs, key=costs.__getitem__)


@functools.lru_cache(_TABLE_COUNT)
def _table(group: curve.Group, base: bytes, bits: int) -> Words:
    """Entry ``[w, i]`` is ``(i + 1) * 2**(bits * w)`` times the base."""
    half, windows = 1 << (bits - 1), 255 // bits + 1
    table = np.empty((windows, half, group.columns), np.uint64)
    first = np.frombuffer(base, np.uint64).reshape(1, -1).copy()
    for entries in table:
        entries[0] = first
        filled = 1
        while filled < half:
            step = np.repeat(entries[filled - 1 : filled], filled, axis=0)
            entries[filled : 2 * filled] = group.add(entries[:filled], step)
            filled *= 2
        last = entries[half - 1 :]
        first = group.add(last, last)
    return table
