"""DEEP: the openings outside of the domain are right if quotients have a low degree.

For each column f that is opened as v at z, ``(f(x) - v) / (x - z)`` is a polynomial only if
``f(z) = v``. All columns of a height, at both of their points, are added up with powers of a
challenge, separately for each height.

Source: Ben-Sasson, Goldberg, Kopparty, Saraf, "DEEP-FRI" (2019).
"""

from collections.abc import Callable

import msgspec
import numpy as np

from numen.proof.stark.field import (
    GENERATOR,
    Element,
    Extension,
    Felts,
    P,
    add,
    multiply,
    root_of_unity,
    subtract,
)
from numen.proof.stark.layout import Layout, Matrix, Tree

Rows = Callable[[Tree, Matrix], Felts]
"""Gives the rows of a matrix at the places in question, shape ``(places, width)``."""

Dot = Callable[[Extension, Felts, Felts], Felts]
"""Multiplies rows ``(n, width)`` and weights ``(width, d)``."""


class Batch(msgspec.Struct, frozen=True):
    """The quotients of one matrix at one point, added up.

    Attributes:
        tree: Where the matrix is.
        matrix: Which.
        point: Where it is opened.
        weights: A factor for each of its columns, 0 for those that are not opened there.
        constant: The sum of the opened values times their factors.
    """

    tree: Tree
    matrix: Matrix
    point: Element
    weights: Felts
    constant: Element


def opened(layout: Layout, values: Felts) -> dict[tuple[str, int], Felts]:
    """Cut the opened values up by name of the tree and number of the chip."""
    found, start = {}, 0
    for tree in layout.trees:
        for matrix in tree.matrices:
            found[tree.name, matrix.chip] = values[start : start + matrix.openings]
            start += matrix.openings
    return found


def next_point(ext: Extension, zeta: Element, log_rows: int) -> Element:
    """The point of the next row."""
    return ext.scale(zeta, root_of_unity(log_rows))


def batches(
    layout: Layout, ext: Extension, values: Felts, zeta: Element, gamma: Element
) -> dict[int, list[Batch]]:
    """What is added up at each height."""
    pieces = opened(layout, values)
    found: dict[int, list[Batch]] = {}
    for height in layout.heights:
        matrices = list(layout.batch(height))
        powers = ext.power_arrays(gamma, sum(m.openings for _, m in matrices))
        found[height] = parts = []
        start = 0
        for tree, matrix in matrices:
            piece = pieces[tree.name, matrix.chip]
            factors = powers[start : start + matrix.openings]
            start += matrix.openings
            sums = ext.multiply_arrays(piece, factors)
            width, following = matrix.width, list(matrix.following)
            here = _total(ext, sums[:width])
            parts.append(Batch(tree, matrix, zeta, factors[:width], here))
            if following:
                weights = np.zeros((width, ext.degree), dtype=np.uint32)
                weights[following] = factors[width:]
                point = next_point(ext, zeta, matrix.log_rows)
                parts.append(Batch(tree, matrix, point, weights, _total(ext, sums[width:])))
    return found


def combine(ext: Extension, parts: list[Batch], rows: Rows, points: Felts, dot: Dot) -> Felts:
    """Evaluate the batch of one height.

    Args:
        ext: Where challenges are.
        parts: What is added up.
        rows: The rows of the matrices at the places in question.
        points: Of the codeword there, without the shift of the domain, shape ``(n,)``.
        dot: How rows are weighted.

    Returns:
        Shape ``(n, d)``.
    """
    x = multiply(points, GENERATOR)
    numerators: dict[Element, Felts] = {}
    for part in parts:
        term = subtract(dot(ext, rows(part.tree, part.matrix), part.weights), _array(part.constant))
        known = numerators.get(part.point)
        numerators[part.point] = term if known is None else add(known, term)
    total = np.zeros((len(points), ext.degree), dtype=np.uint32)
    for point, numerator in numerators.items():
        # x - z differs from -z in the first coordinate only.
        divisors = np.tile(_array(ext.negate(point)), (len(points), 1))
        divisors[:, 0] = add(divisors[:, 0], x)
        total = add(total, ext.multiply_arrays(numerator, ext.invert_arrays(divisors)))
    return total


def dot(ext: Extension, rows: Felts, weights: Felts) -> Felts:
    """Multiply rows of the base field and weights of the extension."""
    out = np.empty((len(rows), ext.degree), dtype=np.uint32)
    wide = rows.astype(np.uint64)
    for k in range(ext.degree):
        products = wide * weights[:, k].astype(np.uint64) % np.uint64(P)
        out[:, k] = products.sum(axis=1, dtype=np.uint64) % np.uint64(P)
    return out


def _total(ext: Extension, values: Felts) -> Element:
    summed = values.astype(np.uint64).sum(axis=0) % np.uint64(P)
    return tuple(summed.tolist()) if len(values) else ext.zero


def _array(element: Element) -> Felts:
    return np.array(element, dtype=np.uint32)
