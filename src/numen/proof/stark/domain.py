"""Evaluation domains: polynomials in coefficients, and their values at powers of roots of unity.

Codewords are in the order of `fri`: row i holds the value at ``3 * g**reverse(i)``, so that the
first rows of a long codeword are the codeword of a shorter one.

Everything here is numpy: readable, and what native transforms are tested against.
"""

import numpy as np
from numpy.typing import NDArray

from numen.proof.stark.field import (
    GENERATOR,
    Element,
    Extension,
    Felts,
    P,
    multiply,
    powers,
    root_of_unity,
    subtract,
)
from numen.proof.stark.fri import reverse

_P = np.uint64(P)


def extend(table: Felts, log_size: int, mask: Felts | None = None) -> Felts:
    """Encode a table: interpolate its columns over the rows, evaluate them over the coset.

    Args:
        table: Shape ``(n, width)``; row i is at ``root_of_unity(log n)**i``.
        log_size: Of the codeword.
        mask: Random coefficients, shape ``(k, width)``, whose polynomial is multiplied with the
            vanishing ``x**n - 1`` and added, which changes no row.
    """
    coefficients = interpolate(table)
    if mask is not None:
        padding = np.zeros_like(mask)
        wide = np.concatenate([coefficients, padding]).astype(np.uint64)
        wide[: len(mask)] += _P - mask
        wide[len(table) :] += mask
        coefficients = (wide % _P).astype(np.uint32)
    return evaluate(coefficients, log_size)


def interpolate(table: Felts) -> Felts:
    """The coefficients of the columns of a table, shape ``(n, width)``."""
    log = len(table).bit_length() - 1
    order = reverse(np.arange(len(table)), log)
    return _inverse(table[order])


def evaluate(coefficients: Felts, log_size: int) -> Felts:
    """Evaluate polynomials over the coset of size ``2**log_size``.

    Args:
        coefficients: Shape ``(m, width)``, m at most the size.
        log_size: See above.
    """
    size, (count, width) = 1 << log_size, coefficients.shape
    work = np.zeros((size, width), dtype=np.uint64)
    work[:count] = multiply(coefficients, powers(GENERATOR, count)[:, None])
    half = size >> 1
    while half:
        view = work.reshape(-1, 2, half, width)
        turns = powers(root_of_unity(half.bit_length()), half).astype(np.uint64)[:, None]
        low, high = view[:, 0], view[:, 1]
        difference = (low + (_P - high)) * turns % _P
        view[:, 0] = (low + high) % _P
        view[:, 1] = difference
        half >>= 1
    return work.astype(np.uint32)


def recover(codeword: Felts) -> Felts:
    """The coefficients of polynomials of fewer coefficients than the codeword has values."""
    unshift = powers(pow(GENERATOR, P - 2, P), len(codeword))
    return multiply(_inverse(codeword), unshift[:, None])


def coefficients(codeword: Felts) -> Felts:
    """As `recover`, of a codeword at the powers of the root themselves."""
    return _inverse(codeword)


def weights(ext: Extension, log_size: int, point: Element) -> Felts:
    """Factors whose sum of products with a codeword is its polynomial at a point outside.

    Over a coset of n points x with shift s, the factors are
    ``(z**n - s**n) / (n s**n) * x / (z - x)``. Shape ``(n, d)``.
    """
    x = multiply(coset(log_size), GENERATOR)
    differences = np.tile(np.array(point, dtype=np.uint32), (len(x), 1))
    differences[:, 0] = subtract(differences[:, 0], x)
    end = pow(GENERATOR, len(x), P)
    factor = ext.subtract(ext.power(point, len(x)), ext.lift(end))
    factor = ext.scale(factor, pow(len(x) * end, P - 2, P))
    quotients = ext.scale_arrays(ext.invert_arrays(differences), x)
    return ext.multiply_arrays(quotients, np.array(factor, dtype=np.uint32))


def weigh(ext: Extension, codeword: Felts, factors: Felts) -> Felts:
    """Add up the rows of a codeword ``(n, width)``, times factors ``(n, d)``; ``(width, d)``."""
    out = np.empty((codeword.shape[1], ext.degree), dtype=np.uint32)
    wide = codeword.astype(np.uint64)
    for k in range(ext.degree):
        products = wide * factors[:, k : k + 1].astype(np.uint64) % _P
        out[:, k] = products.sum(axis=0, dtype=np.uint64) % _P
    return out


def coset(log_size: int) -> Felts:
    """The points of a codeword without the shift, in its order."""
    order = reverse(np.arange(1 << log_size), log_size)
    return powers(root_of_unity(log_size), 1 << log_size)[order]


def following(log_size: int, log_rows: int) -> NDArray[np.int64]:
    """For each place in a codeword, the place of the next row of a table of ``2**log_rows``."""
    places = reverse(np.arange(1 << log_size), log_size)
    step = 1 << (log_size - log_rows)
    return reverse((places + step) % (1 << log_size), log_size)


def _inverse(values: Felts) -> Felts:
    """Interpolate over the subgroup; values in reversed order, coefficients in natural."""
    size, width = values.shape
    work = values.astype(np.uint64)
    half = 1
    while half < size:
        view = work.reshape(-1, 2, half, width)
        root = pow(root_of_unity(half.bit_length()), P - 2, P)
        high = view[:, 1] * powers(root, half).astype(np.uint64)[:, None] % _P
        low = view[:, 0].copy()
        view[:, 0] = (low + high) % _P
        view[:, 1] = (low + (_P - high)) % _P
        half <<= 1
    return (work * np.uint64(pow(size, P - 2, P)) % _P).astype(np.uint32)
