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

_FEW = 8
"""So many points are looked at one by one."""

_SOUNDNESS_BITS = 130
"""Points outside the subgroup pass with a chance of two to the minus this."""

_DICE_BITS_MAX = 13
"""The smallest prime of G2's cofactor is 10069: dice of 14 bits could meet it twice."""


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

    Of many points, random sums are looked at and not each point. A point outside the subgroup
    hides in a sum of multiples below ``2**k`` with chance ``2**-k`` at most, because each prime
    of the cofactor is larger. The dice are a hash of the points: who wants to cheat would have
    to try some ``2**130`` sets of points.

    Cost: some 15 sums, each a window of a multi-scalar multiplication; 10 microseconds a point.
    """
    count = len(points)
    if count <= _FEW:
        return all(map(is_in_g2, curve.G2.decode(points)))
    # One window of the sum holds a whole multiple, with a bit for the sign of its digits.
    bits = min(msm.window_bits(count) - 1, _DICE_BITS_MAX)
    seed = digest("numen/groth16/subgroup/1", points.tobytes())
    rounds = -(-_SOUNDNESS_BITS // bits)
    dice = np.frombuffer(hashlib.shake_256(seed).digest(2 * rounds * count), dtype="<u2")
    for dealt in dice.reshape(rounds, count):
        multiples = np.zeros((count, 4), dtype=np.uint64)
        multiples[:, 0] = dealt & ((1 << bits) - 1)
        (total,) = curve.G2.decode(msm.g2(points, multiples))
        if not is_in_g2(total):
            return False
    return True
