"""Arrays of curve points from outside: are they points of their groups?

A row is an affine point, its coordinates in Montgomery form; infinity is all zeros. This is the
form of the kernels and of `.zkey` files.
"""

import hashlib

import numpy as np

from numen.base.codec import digest
from numen.kernels import curve, msm
from numen.kernels.arrays import Words
from numen.kernels.errors import KernelInputError
from numen.proof.bn254 import is_in_g2

Points = Words
"""Shape ``(n, 8)`` for points of G1, ``(n, 16)`` for points of G2; type uint64."""

_ROUNDS = 10
"""Sums that are looked at. The smallest prime of G2's cofactor is 10069, so that a point outside
the subgroup stays in a random sum's shadow with chance 1/9362, ten times in ``2**-131``."""


def first_off_curve(group: curve.Group, points: Points) -> int | None:
    """Index of the first row that is neither a point of its curve nor infinity, or None.

    Args:
        group: Whose curve.
        points: Rows with coordinates of any size; those not below the prime are refused too.
    """
    if _are_on_curve(group, points):
        return None
    good, bad = 0, len(points)
    while bad - good > 1:
        middle = (good + bad) // 2
        if _are_on_curve(group, points[good:middle]):
            good = middle
        else:
            bad = middle
    return good


def _are_on_curve(group: curve.Group, points: Points) -> bool:
    try:
        group.check_on_curve(points)
    except KernelInputError:
        return False
    return True


def are_in_g2(points: Points) -> bool:
    """Tell whether points of the twist all lie in the subgroup of prime order.

    Of many points, random sums are looked at and not each point. The dice are a hash of the points:
    who wants to cheat would have to find such points by trying ``2**131`` times.

    Cost: ten sums of 16-bit multiples; some 10 microseconds a point.
    """
    if len(points) <= _ROUNDS:
        return all(map(is_in_g2, curve.G2.decode(points)))
    seed = digest("numen/groth16/subgroup/1", points.tobytes())
    dice = hashlib.shake_256(seed).digest(2 * _ROUNDS * len(points))
    rounds = np.frombuffer(dice, dtype="<u2").reshape(_ROUNDS, len(points))
    for dealt in rounds:
        scalars = np.zeros((len(points), 4), dtype=np.uint64)
        scalars[:, 0] = dealt
        (total,) = curve.G2.decode(msm.g2(points, scalars))
        if not is_in_g2(total):
            return False
    return True
