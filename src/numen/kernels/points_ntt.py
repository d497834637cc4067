"""The inverse number-theoretic transform of points.

From points ``tau**k * P`` it makes ``L_i(tau) * P``, where L are the Lagrange polynomials of the
domain of n-th roots of unity, without anybody knowing tau: what the second phase of a ceremony
starts from.

Decimation in frequency: a level takes (u, v), half a block apart, to (u + v, (u - v) * w**-j). The
factor 1/n costs nothing: the first block of each level multiplies its upper half by it as well.
"""

import numpy as np

from numen.kernels import bn254, curve, scaling
from numen.kernels.arrays import Words
from numen.kernels.errors import KernelInputError
from numen.kernels.ntt import root

SIZE_MAX = 1 << 25
"""Longest transform; its points take 2 GiB (G1) or 4 GiB (G2), twice."""


def inverse(group: curve.Group, points: Words) -> Words:
    """Transform points: ``out[i] = 1/n * sum over k of root(n)**(-i k) * points[k]``.

    Args:
        group: Where the points are.
        points: Affine Montgomery rows, a power of two of them.

    Raises:
        KernelInputError: The shape is another, or the count no power of two up to `SIZE_MAX`.

    Cost: ``n / 2 * log2(n)`` multiples of `scaling.multiply`.
    """
    size = len(group.check(points, "points"))
    if not 1 <= size <= SIZE_MAX or size & (size - 1):
        raise KernelInputError(f"{size} is not a power of two from 1 to {SIZE_MAX}")
    prime, backwards = bn254.FR.prime, pow(root(size), -1, bn254.FR.prime)
    twiddles = [1]
    for _ in range(size // 2 - 1):
        twiddles.append(twiddles[-1] * backwards % prime)
    share = pow(size, -1, prime)
    plain = scaling.split(twiddles)
    shared = scaling.split([share * twiddle % prime for twiddle in twiddles])
    work, half = points.copy(), size // 2
    while half:
        _level(group, work, half, plain, shared)
        half //= 2
    work[:1] = scaling.multiply_split(group, work[:1].copy(), shared[:, :, :1])
    return work[_reversed(size)]


def _level(
    group: curve.Group, work: Words, half: int, plain: scaling.Split, shared: scaling.Split
) -> None:
    """Turn every block of ``2 * half`` points into two."""
    blocks = work.reshape(-1, 2, half, group.columns)
    low = blocks[:, 0].copy().reshape(-1, group.columns)
    high = blocks[:, 1].copy().reshape(-1, group.columns)
    blocks[:, 0] = group.add(low, high).reshape(-1, half, group.columns)
    rest = group.add(low, group.neg(high)).reshape(-1, half, group.columns)
    steps = np.arange(half, dtype=np.int64) * (plain.shape[2] // half)
    blocks[0, 1] = scaling.multiply_split(group, rest[0], shared, steps)
    # The first twiddle of a block is one.
    others = np.ascontiguousarray(rest[1:, 1:]).reshape(-1, group.columns)
    turned = scaling.multiply_split(group, others, plain, np.tile(steps[1:], len(rest) - 1))
    blocks[1:, 1, 0] = rest[1:, 0]
    blocks[1:, 1, 1:] = turned.reshape(len(rest) - 1, half - 1, group.columns)


def _reversed(size: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """For each index, the index of reversed bits."""
    out = np.zeros(1, np.int64)
    while len(out) < size:
        out = np.concatenate([2 * out, 2 * out + 1])
    return out
