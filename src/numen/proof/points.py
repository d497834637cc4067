"""Arrays of curve points, as kernels take them and `.zkey` files hold them.

A row is an affine point, its coordinates in Montgomery form (times ``2**256`` modulo `Q`), each in
four 64-bit limbs, the least significant first: 8 limbs for a point of G1, 16 for one of G2.
Infinity is all zeros, which is a point of neither curve.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from numen.proof.bn254 import G2, G1Point, G2Point, Q, fq2_multiply, fq2_scale
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

    Coordinates are below `Q`. With k the Montgomery factor, ``(ky)**2 * k = (kx)**3 + b * k**3``.
    """
    values = ints_from_felts(points.reshape(-1, 4))
    if points.shape[1] == G1_LIMBS:
        constant = 3 * MONTGOMERY**3 % Q
        for i, (x, y) in enumerate(zip(values[::2], values[1::2], strict=True)):
            if (y * y * MONTGOMERY - x * x * x - constant) % Q and (x or y):
                return i
        return None
    twisted = fq2_scale(G2.b, MONTGOMERY**3 % Q)
    pairs = list(zip(values[::2], values[1::2], strict=True))
    for i, (u, v) in enumerate(zip(pairs[::2], pairs[1::2], strict=True)):
        cube, square = fq2_multiply(u, fq2_multiply(u, u)), fq2_multiply(v, v)
        left = fq2_scale(square, MONTGOMERY)
        right = (cube[0] + twisted[0]) % Q, (cube[1] + twisted[1]) % Q
        if left != right and (u, v) != ((0, 0), (0, 0)):
            return i
    return None
