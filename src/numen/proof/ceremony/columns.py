"""Columns of a sparse matrix, each weighing points: what a circuit's polynomials come to at tau."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from numen.kernels import curve, msm, scaling
from numen.proof.bn254 import R
from numen.proof.felts import Felts, felts_from_ints, ints_from_felts
from numen.proof.points import Points
from numen.proof.r1cs import Matrix

_MANY = 256
"""Entries of a wire that are worth a sum of their own."""

_SHORT = 1 << 16
"""Numbers below are multiplied by apart, because that takes an eighth of the time."""

Places = NDArray[np.int64]


def weigh(group: curve.Group, parts: Sequence[tuple[Matrix, Points]], wire_count: int) -> Points:
    """For each wire the sum over rows of coefficient times the row's point.

    Args:
        group: Where the points are.
        parts: Matrices, each with the points of its rows; their sums are added up.
        wire_count: Columns of the matrices.
    """
    bases, wires, coefficients = [], [], []
    for matrix, points in parts:
        rows = np.repeat(np.arange(matrix.row_count), np.diff(matrix.row_starts))
        bases.append(points[rows])
        wires.append(matrix.wires.astype(np.int64))
        coefficients.append(matrix.coefficients)
    order = np.argsort(np.concatenate(wires), kind="stable")
    keys = np.concatenate(wires)[order]
    return _sum_by_key(
        group,
        np.concatenate(bases)[order],
        np.concatenate(coefficients)[order],
        keys,
        wire_count,
    )


def _sum_by_key(
    group: curve.Group, bases: Points, scalars: Felts, keys: Places, count: int
) -> Points:
    ones, minus = (_equal(scalars, value) for value in (1, R - 1))
    bases[minus] = group.neg(np.ascontiguousarray(bases[minus]))
    hard = ~(ones | minus)
    crowds = np.flatnonzero(np.bincount(keys[hard], minlength=count) > _MANY)
    sums = []
    for wire in crowds:
        mine = hard & (keys == wire)
        total = msm.g1 if group is curve.G1 else msm.g2
        sums.append(total(bases[mine], np.ascontiguousarray(scalars[mine])))
    alone = hard & ~np.isin(keys, crowds)
    _scale(group, bases, scalars, alone)
    rest = ~hard | alone
    out = np.zeros((count, group.columns), np.uint64)
    found, totals = _sum_runs(group, bases[rest], keys[rest])
    out[found] = totals
    if len(crowds):
        out[crowds] = group.add(np.ascontiguousarray(out[crowds]), np.concatenate(sums))
    return out


def _equal(scalars: Felts, value: int) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (scalars == felts_from_ints([value])).all(axis=1)
    return same


def _scale(group: curve.Group, bases: Points, scalars: Felts, chosen: NDArray[np.bool_]) -> None:
    """Multiply the chosen points, in place; short scalars and long ones apart."""
    numbers = ints_from_felts(np.ascontiguousarray(scalars[chosen]))
    short = np.array([min(number, R - number) < _SHORT for number in numbers], dtype=bool)
    places = np.flatnonzero(chosen)
    for mine in (places[short], places[~short]):
        if len(mine):
            some = np.ascontiguousarray(scalars[mine])
            bases[mine] = scaling.multiply(group, np.ascontiguousarray(bases[mine]), some)


def _sum_runs(group: curve.Group, rows: Points, keys: Places) -> tuple[Places, Points]:
    """Add up neighbours of one key, pair by pair, until there is one row for each key."""
    while True:
        is_first = np.ones(len(keys), dtype=bool)
        is_first[1:] = keys[1:] != keys[:-1]
        begins = np.flatnonzero(is_first)
        within = np.arange(len(keys)) - np.repeat(begins, np.diff([*begins, len(keys)]))
        stays = within % 2 == 0
        (goes,) = np.nonzero(~stays)
        if not len(goes):
            return keys, rows
        rows[goes - 1] = group.add(rows[goes - 1], rows[goes])
        rows, keys = rows[stays], keys[stays]
