"""Transforms of all columns of a matrix of KoalaBear elements, and their low-degree extension.

`interpolate` finds the polynomials whose values over a subgroup are the columns, `evaluate`
evaluates polynomials over a coset, in the bit-reversed order of `numen.kernels.koalabear`, and
`extend` does both. Columns are transformed sixteen at a time, in two passes over the matrix:
memory besides the result is one buffer of at most 256 KiB a thread and tables of the length of
a column.
"""

import numpy as np

from numen.kernels import koalabear, threads
from numen.kernels.arrays import address
from numen.kernels.errors import KernelInputError
from numen.kernels.koalabear import PRIME, Matrix, check_element
from numen.kernels.koalabear_code import form
from numen.kernels.lde_code import SHAPE, STRIP, transform_functions
from numen.kernels.native import Kernels
from numen.kernels.options import Options

_KERNELS = Kernels(transform_functions, Options(passes="O1"))

_ONE_PASS_LOG = 10
"""Up to so many levels are done in one pass."""

_LEAST_WORDS = 1 << 14
"""Words of a part that is worth a thread."""


def interpolate(values: Matrix) -> Matrix:
    """Find polynomials from their values.

    Args:
        values: Row i holds the values at ``root(n)**i``, shape ``(n, columns)``, n a power of two.

    Returns:
        Coefficients, lowest degree first, of the same shape.

    Raises:
        KernelInputError: A number is not below the prime, or n is not a power of two.

    Memory: one more matrix of that shape.
    """
    koalabear.check(values, "values")
    out = np.empty_like(values)
    _interpolate(out, values, np.empty_like(values))
    return out


def evaluate(coefficients: Matrix, blowup: int, shift: int) -> Matrix:
    """Evaluate polynomials over a coset.

    Args:
        coefficients: Lowest degree first, shape ``(n, columns)``, n a power of two.
        blowup: Length of the coset, divided by n; a power of two.
        shift: The coset is ``shift`` times the subgroup of order ``n * blowup``; not 0.

    Returns:
        Values in bit-reversed order, shape ``(n * blowup, columns)``.

    Raises:
        KernelInputError: A number is not below the prime, or a size is not a power of two, or too
            long.
    """
    koalabear.check(coefficients, "coefficients")
    out = _extended(coefficients, blowup, shift)
    _evaluate(out, coefficients, blowup, shift)
    return out


def extend(values: Matrix, blowup: int, shift: int) -> Matrix:
    """Take values over a subgroup to values over a longer coset: `interpolate`, then `evaluate`.

    Cost: ``(1 + blowup) / 2 * log2(n)`` products an element, some 0.4 ns each.

    Memory besides the result: for a blow-up of 1, one matrix of the shape of ``values``.
    """
    koalabear.check(values, "values")
    out = _extended(values, blowup, shift)
    # The first block serves for what is between the passes, and the last for the coefficients,
    # until it is its turn.
    between = out[: len(values)] if blowup > 1 else np.empty_like(values)
    coefficients = out[len(out) - len(values) :]
    _interpolate(coefficients, values, between)
    _evaluate(out, coefficients, blowup, shift)
    return out


def _extended(a: Matrix, blowup: int, shift: int) -> Matrix:
    koalabear.log_of(blowup, "the blow-up")
    koalabear.log_of(len(a) * blowup, "the length of the coset")
    if check_element(shift, "the shift") == 0:
        raise KernelInputError("a coset cannot be shifted by zero")
    return np.empty((len(a) * blowup, a.shape[1]), np.uint32)


def _interpolate(out: Matrix, values: Matrix, between: Matrix) -> None:
    log = koalabear.log_of(len(values), "the number of rows")
    # The values of a polynomial at reciprocals, taken for coefficients, give n times its own.
    _transform(out, values, between, _zetas(log, 1, is_inverse=True), pow(1 << log, -1, PRIME))


def _evaluate(out: Matrix, coefficients: Matrix, blowup: int, shift: int) -> None:
    size = len(coefficients)
    log = koalabear.log_of(size, "the number of rows")
    bits = koalabear.log_of(blowup, "the blow-up")
    for i in range(blowup):
        exponent = int(f"{i:0{bits}b}"[::-1], 2)
        start = shift * pow(koalabear.root(size * blowup), exponent, PRIME) % PRIME
        block = out[i * size : (i + 1) * size]
        _transform(block, coefficients, block, _zetas(log, start))


def _zetas(log: int, shift: int, *, is_inverse: bool = False) -> Matrix:
    """What the levels of `numen.kernels.lde_code` multiply with, over a coset."""
    roots = koalabear.reversed_roots(log, is_inverse=is_inverse)
    out = np.empty(1 << log, np.uint32)
    out[0] = 0
    for level in range(log):
        factor = pow(shift, 1 << (log - level - 1), PRIME)
        koalabear.scale(out[1 << level : 2 << level], roots[: 1 << level], factor)
    return out


def _transform(
    out: Matrix, a: Matrix, between: Matrix, zetas: Matrix, factor: int | None = None
) -> None:
    """All levels.

    Args:
        out: Values in reversed order; with a factor, in natural order and times the factor.
        a: Coefficients.
        between: Where the first of two passes leaves its result; may be ``out`` without a factor.
        zetas: For each level.
        factor: Of every value.
    """
    log = len(out).bit_length() - 1
    before = log // 2 if log > _ONE_PASS_LOG else 0
    shape = {"columns": out.shape[1], "zetas": address(zetas), "log_rows": log}
    if before:
        step = len(out) >> before
        first = {"log": before, "step": step, "base_step": 1, "start": 1, "block_step": 0}
        _pass("levels", between, a, shape | first)
    size = 1 << (log - before)
    last = {"log": log - before, "step": 1, "base_step": size, "start": 1 << before}
    last |= {"block_step": 1, "factor": form(factor or 0)}
    name = "levels" if factor is None else "levels_reversed"
    _pass(name, out, between if before else a, shape | last)


def _pass(name: str, out: Matrix, a: Matrix, shape: dict[str, int]) -> None:
    strips = -(-shape["columns"] // STRIP)
    items = (len(a) >> shape["log"]) * strips

    def part(first: int, last: int) -> None:
        given = shape | {"first": first, "last": last}
        sizes = np.array([given.get(name, 0) for name in SHAPE], np.int64)
        # The buffer begins with a line of the cache.
        memory = np.empty((STRIP << shape["log"]) + STRIP, np.uint32)
        start = address(memory)
        buffer = start + -start % (4 * STRIP)
        _KERNELS.call(name, address(out), address(a), buffer, address(sizes))

    threads.over_ranges(items, max(1, _LEAST_WORDS >> shape["log"] >> 4), part)
