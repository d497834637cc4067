"""The prime field of the STARK, KoalaBear: p = 2**31 - 2**24 + 1, and its extensions.

An element is a uint32 below p, in arrays of C order: a matrix has shape ``(rows, columns)``. The
Montgomery form with radix 2**32 exists inside kernels only.

Rows over a coset ``shift * H`` stand in **bit-reversed order**: row j belongs to the point
``shift * root(n)**reversed(j)``, where the log2(n) bits of j are reversed. So

- rows 2i and 2i + 1 belong to x and -x, and a fold of a code word takes neighbours;
- rows ``[c * m, (c + 1) * m)``, for m a power of two, are a coset of the subgroup of order m,
  in bit-reversed order themselves;
- the point of row j of a shorter matrix is a power of the point of row ``j << k`` of a longer one.

Elements of an extension of degree d are rows of d columns, the coefficient of x**i in column i.
"""

import functools
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from numen.kernels import threads
from numen.kernels.errors import KernelInputError
from numen.kernels.koalabear_code import (
    GENERATOR,
    LANES,
    PRIME,
    RADIX,
    TWO_ADICITY,
    array_functions,
    form,
)
from numen.kernels.native import Kernels
from numen.kernels.options import Options

__all__ = ["GENERATOR", "PRIME", "QUARTIC", "SEXTIC", "TWO_ADICITY", "Matrix"]

QUARTIC = (3, 0, 0, 0)
"""x**4 = 3, as coefficients: irreducible, because 3 generates the field's group."""

SEXTIC = (PRIME - 1, 0, 0, PRIME - 1, 0, 0)
"""x**6 = -x**3 - 1, the ninth cyclotomic polynomial: irreducible, for p is 2 modulo 9. It is not
x**6 = c for some c, because each c has a cube root."""

Matrix: TypeAlias = npt.NDArray[np.uint32]
"""Rows of elements."""

_KERNELS = Kernels(array_functions, Options(passes="O1"))

_LEAST = 1 << 14
"""Elements of a part that is worth a thread."""


def root(size: int) -> int:
    """The primitive root of unity whose order is ``size``, a power of two up to 2**24."""
    assert size & (size - 1) == 0, size
    assert 1 <= size <= 1 << TWO_ADICITY, size
    return pow(GENERATOR, (PRIME - 1) // size, PRIME)


def check(a: Matrix, name: str, *, rows: int | None = None, columns: int | None = None) -> Matrix:
    """See that an array is a matrix of elements.

    Args:
        a: Any array.
        name: What to call it in the error.
        rows: How many rows it must have, if that is known.
        columns: How many columns it must have, if that is known.

    Returns:
        The array.

    Raises:
        KernelInputError: It has another type, shape or order, or holds a number that is not below
            the prime.
    """
    check_words(a, name, rows=rows, columns=columns)
    found: list[int] = []

    def part(start: int, stop: int) -> None:
        found.append(_KERNELS.ask("unreduced", element(a, start), stop - start))

    threads.over_ranges(a.size, _LEAST, part)
    if any(found):
        raise KernelInputError(f"{name} has a number that is not below {PRIME}")
    return a


def check_words(
    a: Matrix, name: str, *, rows: int | None = None, columns: int | None = None
) -> Matrix:
    """As `check`, for words that may have any value."""
    if not isinstance(a, np.ndarray) or a.dtype != np.uint32 or not a.dtype.isnative:
        raise KernelInputError(f"{name} is not an array of uint32")
    if a.ndim != 2 or a.shape[1] == 0 or (columns is not None and a.shape[1] != columns):
        raise KernelInputError(f"{name} has shape {a.shape}, not (n, {columns or 'columns'})")
    if rows is not None and len(a) != rows:
        raise KernelInputError(f"{name} has {len(a)} rows, not {rows}")
    if not a.flags.c_contiguous or not a.flags.aligned:
        raise KernelInputError(f"{name} is not contiguous, or not aligned: copy it")
    return a


def check_element(value: int, name: str) -> int:
    """See that a number is an element.

    Raises:
        KernelInputError: It is not.
    """
    if not 0 <= value < PRIME:
        raise KernelInputError(f"{name} is {value}, not in range({PRIME})")
    return int(value)


def log_of(size: int, name: str) -> int:
    """The logarithm of a power of two up to 2**`TWO_ADICITY`.

    Raises:
        KernelInputError: It is none.
    """
    if not 1 <= size <= 1 << TWO_ADICITY or size & (size - 1):
        raise KernelInputError(f"{name} is {size}, not a power of two up to 2**{TWO_ADICITY}")
    return size.bit_length() - 1


def domain(log: int, shift: int = 1) -> Matrix:
    """The points ``shift * root(2**log)**i`` in bit-reversed order, shape ``(2**log,)``."""
    size = 1 << log
    if log == 0:
        return np.array([check_element(shift, "shift")], np.uint32)
    half = np.empty(size // 2, np.uint32)
    # A form times a plain number is plain.
    _scale(half, reversed_roots(log), check_element(shift, "shift"))
    out = np.empty((size // 2, 2), np.uint32)
    out[:, 0], out[:, 1] = half, (PRIME - half) % PRIME
    return out.reshape(size)


def reversed_order(log: int) -> npt.NDArray[np.int64]:
    """For each number below 2**log, that with its log bits in reversed order."""
    out = np.zeros(1 << log, np.int64)
    for bit in range(log):
        out[1 << bit : 2 << bit] = out[: 1 << bit] + (1 << (log - 1 - bit))
    return out


def reversed_roots(log: int, *, is_inverse: bool = False) -> Matrix:
    """Montgomery forms of the first half of the powers of ``root(2**log)``, in reversed order.

    Element i is the power with exponent ``reversed(i)``, of ``log - 1`` bits; so every table is
    the beginning of every longer one. At least one element.

    Args:
        log: Logarithm of the order.
        is_inverse: Of the root's reciprocal instead.
    """
    table = _roots(max(log, _ROOTS_LOG_LEAST), is_inverse)
    return table[: max(1, 1 << log >> 1)]


_ROOTS_LOG_LEAST = 12


@functools.lru_cache(4)
def _roots(log: int, is_inverse: bool) -> Matrix:
    out = np.empty(1 << log >> 1, np.uint32)
    out[0] = form(1)
    for level in range(log - 1):
        factor = root(4 << level)
        factor = pow(factor, -1, PRIME) if is_inverse else factor
        scale(out[1 << level : 2 << level], out[: 1 << level], factor)
    return out


def scale(out: Matrix, a: Matrix, factor: int) -> None:
    """Write every element of a vector times a number; what is plain stays so, and a form too."""
    _scale(out, a, form(factor))


def inverse(a: Matrix) -> Matrix:
    """The reciprocals of a vector of elements, shape ``(n,)``; 0 for 0."""
    check(a.reshape(-1, 1), "a")
    padded = np.zeros(len(a) + -len(a) % LANES, np.uint32)
    padded[: len(a)] = a
    out = np.empty_like(padded)

    def part(start: int, stop: int) -> None:
        places = (element(out, LANES * start), element(padded, LANES * start))
        _KERNELS.call("inverse", *places, LANES * (stop - start))

    threads.over_ranges(len(padded) // LANES, _LEAST // LANES, part)
    return out[: len(a)]


def powers(base: int, count: int) -> Matrix:
    """The powers ``base**i`` for i below ``count``, shape ``(count,)``."""
    out = np.ones(max(1, count), np.uint32)
    done = 1
    while done < count:
        step = min(done, count - done)
        scale(out[done : done + step], out[:step], pow(base, done, PRIME))
        done += step
    return out[:count]


def to_forms(out: Matrix, a: Matrix) -> None:
    """Write the Montgomery form of every element of an array."""
    scale(out, a, RADIX % PRIME)


def _scale(out: Matrix, a: Matrix, factor: int) -> None:
    """Write the Montgomery product of every element with one word."""
    assert out.shape == a.shape
    assert out.flags.c_contiguous
    assert a.flags.c_contiguous

    def part(start: int, stop: int) -> None:
        _KERNELS.call("scale", element(out, start), element(a, start), factor, stop - start)

    threads.over_ranges(a.size, _LEAST, part)


def element(a: Matrix, index: int) -> int:
    """Where an element of a contiguous array lies in memory, counted without regard to rows."""
    return int(a.ctypes.data) + 4 * index
