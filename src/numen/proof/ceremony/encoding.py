"""Points as ceremonies hash and exchange them: big-endian, whole or compressed.

Whole: x, then y; an element of Fq2 is its second coefficient, then its first; infinity is zeros.
Compressed: x, with the top bit set where y is the larger of itself and its negative; infinity has
the second bit set. The prime leaves both bits free.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from numen.kernels import curve
from numen.kernels.field import FQ
from numen.proof.bn254 import Q
from numen.proof.errors import FormatError
from numen.proof.felts import Felts, first_not_below
from numen.proof.points import Points, are_in_g2, first_off_curve

_INFINITE, _LARGER = 0x40, 0x80


def whole(group: curve.Group, points: Points) -> bytes:
    """Write points; 64 bytes each in G1, 128 in G2."""
    return _reversed(group, _numbers(points), 2).tobytes()


def whole_of(group: curve.Group, *points: Any) -> bytes:
    """Write points of integers."""
    return whole(group, group.encode(points))


def compressed(group: curve.Group, points: Points) -> bytes:
    """Write the x of points, and which y is meant; 32 bytes each in G1, 64 in G2."""
    numbers = _numbers(points)
    x = _reversed(group, numbers, 2)[:, : 32 * group.degree].copy()
    y = numbers.reshape(len(points), 2 * group.degree, 4)[:, group.degree :]
    decisive = y[:, -1]
    if group.degree == 2:
        decisive = np.where(decisive.any(axis=1, keepdims=True), decisive, y[:, 0])
    x[:, 0] |= np.where(_above(decisive, Q // 2), _LARGER, 0).astype(np.uint8)
    x[:, 0] |= np.where(points.any(axis=1), 0, _INFINITE).astype(np.uint8)
    return x.tobytes()


def read_whole(name: str, group: curve.Group, data: bytes, offset: int) -> Points:
    """Read points that are written whole.

    Args:
        name: Name of the format, for errors.
        group: Where they must be.
        data: So many bytes as they take.
        offset: Where the bytes are in their file, for errors.

    Raises:
        FormatError: A coordinate not below the prime, or a point not in the group.
    """
    size = group.columns * 8
    raw = np.frombuffer(data, dtype=np.uint8).reshape(-1, 2, size // 2)[:, :, ::-1]
    numbers = np.ascontiguousarray(raw).reshape(-1).view("<u8").astype(np.uint64).reshape(-1, 4)
    index = first_not_below(numbers, Q)
    if index is not None:
        at = offset + size * (32 * index // size)
        raise FormatError(name, "a coordinate is not below the prime", at)
    points = FQ.to_montgomery(numbers).reshape(-1, group.columns)
    check_points(name, group, points, offset)
    return points


def check_points(name: str, group: curve.Group, points: Points, offset: int) -> None:
    """Refuse rows that are not points of a group.

    Raises:
        FormatError: At the place of the first, or for G2's subgroup of them all.
    """
    index = first_off_curve(group, points)
    if index is not None:
        at = offset + 8 * group.columns * index
        raise FormatError(name, "a point is not on the curve", at)
    if group is curve.G2 and not are_in_g2(points):
        raise FormatError(name, "a point is on the curve of G2, but not in its subgroup", offset)


def _numbers(points: Points) -> Felts:
    return FQ.from_montgomery(np.ascontiguousarray(points).reshape(-1, 4))


def _reversed(group: curve.Group, numbers: Felts, parts: int) -> NDArray[np.uint8]:
    """Each coordinate's bytes backwards, a row a point."""
    data = numbers.astype("<u8").view(np.uint8)
    swapped = data.reshape(-1, parts, 32 * group.degree)[:, :, ::-1]
    return np.ascontiguousarray(swapped).reshape(-1, parts * 32 * group.degree)


def _above(values: Felts, bound: int) -> NDArray[np.bool_]:
    """Which elements are larger than a number."""
    above = np.zeros(len(values), dtype=bool)
    for limb in range(4):
        edge = np.uint64(bound >> 64 * limb & (1 << 64) - 1)
        column = values[:, limb]
        above = (column > edge) | ((column == edge) & above)
    return above
