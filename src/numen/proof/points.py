"""Arrays of curve points, as kernels take them and `.zkey` files hold them.

A row is an affine point, its coordinates in Montgomery form (times ``2**256`` modulo `Q`), each in
four 64-bit limbs, the least significant first: 8 limbs for a point of G1, 16 for one of G2.
Infinity is all zeros, which is a point of neither curve.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from numen.kernels.field import FQ
from numen.proof.bn254 import G2, G1Point, G2Point, Q
from numen.proof.felts import felts_from_ints, ints_from_felts

Points = NDArray[np.uint64]
"""Shape ``(n, 8)`` or ``(n, 16)``, type uint64."""

G1_LIMBS, G2_LIMBS = 8, 16

MONTGOMERY = (1 << 256) % Q
_INVERSE = pow(MONTGOMERY, -1, Q)


def pack_g1(points: Iterable[G1Point]) -> Points:
    """Make an array of affine points."""
    values = [x for point in points for x in (point or (0, 0))]
    return felts_from_ints(x * MONTGOMERY % Q for x in values).reshape(-1, G1_LIMBS)


def pack_g2(points: Iterable[G2Point]) -> Points:
    """Make an array of affine points."""
    values = [x for point in points for pair in (point or ((0, 0), (0, 0))) for x in pair]
    return felts_from_ints(x * MONTGOMERY % Q for x in values).reshape(-1, G2_LIMBS)


def unpack_g1(points: Points) -> list[G1Point]:
    """Read an array back."""
    values = [x * _INVERSE % Q for x in ints_from_felts(points.reshape(-1, 4))]
    pairs = zip(values[::2], values[1::2], strict=True)
    return [pair if pair != (0, 0) else None for pair in pairs]


def unpack_g2(points: Points) -> list[G2Point]:
    """Read an array back."""
    values = [x * _INVERSE % Q for x in ints_from_felts(points.reshape(-1, 4))]
    pairs = list(zip(values[::2], values[1::2], strict=True))
    nothing = (0, 0), (0, 0)
    return [q if q != nothing else None for q in zip(pairs[::2], pairs[1::2], strict=True)]


def first_off_curve(points: Points) -> int | None:
    """Index of the first row that is neither a point of its curve nor infinity, or None.

    Coordinates are below `Q`.
    """
    if points.shape[1] == G1_LIMBS:
        x, y = _columns(points)
        cube = FQ.mul(x, FQ.mul(x, x))
        fails = (FQ.mul(y, y) != FQ.add(cube, _constant(3, len(points)))).any(axis=1)
    else:
        x0, x1, y0, y1 = _columns(points)
        u, v = (x0, x1), (y0, y1)
        cube_0, cube_1 = _fq2_multiply(u, _fq2_multiply(u, u))
        square_0, square_1 = _fq2_multiply(v, v)
        b0, b1 = (_constant(k, len(points)) for k in G2.b)
        fails = (square_0 != FQ.add(cube_0, b0)).any(axis=1)
        fails |= (square_1 != FQ.add(cube_1, b1)).any(axis=1)
    fails &= points.any(axis=1)
    return int(np.argmax(fails)) if fails.any() else None


def _columns(points: Points) -> list[Points]:
    """The coordinates, each an array of elements of Fq."""
    return [np.ascontiguousarray(points[:, k : k + 4]) for k in range(0, points.shape[1], 4)]


def _constant(value: int, count: int) -> Points:
    return np.repeat(felts_from_ints([value * MONTGOMERY % Q]), count, axis=0)


def _fq2_multiply(a: tuple[Points, Points], b: tuple[Points, Points]) -> tuple[Points, Points]:
    low, high = FQ.mul(a[0], b[0]), FQ.mul(a[1], b[1])
    cross = FQ.mul(FQ.add(a[0], a[1]), FQ.add(b[0], b[1]))
    return FQ.sub(low, high), FQ.sub(FQ.sub(cross, low), high)
