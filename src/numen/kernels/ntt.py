"""The number-theoretic transform over the scalars of BN254.

`forward` evaluates a polynomial at n points, `inverse` finds the polynomial of n values. The
points are ``shift * root(n)**i``: a subgroup of n-th roots of unity, or a coset of it. Elements
may be plain or in Montgomery form, and stay so; order is natural on both sides.
"""

import ctypes
import functools
from typing import Any

import numpy as np

from numen.kernels import arrays, bn254, compiler, field, montgomery, threads
from numen.kernels.arrays import Words
from numen.kernels.errors import KernelInputError
from numen.kernels.ntt_code import transform_functions
from numen.kernels.options import Options

SIZE_MAX = 1 << 24
"""Longest transform: its table of twiddles takes 512 MiB."""

_TABLE_COUNT = 2
"""Sizes whose twiddles are kept."""

_LEAST = 2048


def root(size: int) -> int:
    """The primitive n-th root of unity whose powers are the points of a transform.

    Args:
        size: A power of two up to 2**28.
    """
    return pow(bn254.ROOT_OF_UNITY, (1 << bn254.TWO_ADICITY) // size, bn254.FR.prime)


def forward(a: Words, shift: int = 1) -> Words:
    """Evaluate a polynomial.

    Args:
        a: Coefficients, lowest degree first, shape ``(n, 4)``, n a power of two.
        shift: Factor of every point, not 0 modulo the prime.

    Returns:
        Value i is the polynomial at ``shift * root(n)**i``.

    Raises:
        KernelInputError: The shape is another, or n is not a power of two up to `SIZE_MAX`.

    Cost: ``n / 2 * log2(n)`` products, 30 ns each; n more for a shift.
    """
    log = _check(a, shift)
    work = a.copy() if shift == 1 else field.FR.mul(a, field.FR.powers(shift, len(a)))
    if log == 0:
        return work
    _transform(work)
    out = np.empty_like(work)

    def part(start: int, stop: int) -> None:
        _call("reorder", arrays.address(out), arrays.address(work), log, start, stop)

    threads.over_ranges(len(out), _LEAST, part)
    return out


def inverse(a: Words, shift: int = 1) -> Words:
    """Find the polynomial of given values: the inverse of `forward`.

    Args:
        a: Values at ``shift * root(n)**i``, shape ``(n, 4)``, n a power of two.
        shift: Factor of every point, not 0 modulo the prime.

    Raises:
        KernelInputError: As for `forward`.
    """
    log = _check(a, shift)
    if log == 0:
        return a.copy()
    work, out = a.copy(), np.empty_like(a)
    _transform(work)
    prime = bn254.FR.prime
    factor = field.words([bn254.FR.encode(pow(len(a), -1, prime))])

    def part(start: int, stop: int) -> None:
        places = [arrays.address(out), arrays.address(work), log, arrays.address(factor)]
        _call("reorder_inverse", *places, start, stop)

    threads.over_ranges(len(out), _LEAST, part)
    if shift == 1:
        return out
    return field.FR.mul(out, field.FR.powers(pow(shift, -1, prime), len(a)))


def _check(a: Words, shift: int) -> int:
    size = len(arrays.check(a, 4, "a"))
    if not 1 <= size <= SIZE_MAX or size & (size - 1):
        raise KernelInputError(f"{size} is not a power of two from 1 to {SIZE_MAX}")
    if shift % bn254.FR.prime == 0:
        raise KernelInputError("a coset cannot be shifted by zero")
    return size.bit_length() - 1


def _transform(work: Words) -> None:
    """Transform in place; the result is in bit-reversed order."""
    tables = _tables(len(work))
    block = len(work)
    # The top levels are shared by all threads, until there is a block for each of them.
    while block >= 2 * _LEAST and len(work) // block < 2 * threads.count():
        half = block // 2
        for begin in range(0, len(work), block):
            places = (arrays.address(work, begin), half, arrays.address(tables, half))
            threads.over_ranges(half, _LEAST, functools.partial(_call, "level", *places))
        block = half

    def one(begin: int) -> None:
        _call("transform", arrays.address(work, begin), block, arrays.address(tables))

    threads.run([functools.partial(one, begin) for begin in range(0, len(work), block)])


@functools.lru_cache(_TABLE_COUNT)
def _tables(size: int) -> Words:
    """Powers of the 2h-th root at ``[h : 2 * h]``, for each power of two h below the size."""
    out = np.zeros((size, 4), np.uint64)
    half = size // 2
    out[half:] = field.FR.powers(root(size), half)
    while half > 1:
        out[half // 2 : half] = out[half : 2 * half : 2]
        half //= 2
    return out


@functools.cache
def _library() -> compiler.Library:
    text = transform_functions(bn254.FR, mulx=montgomery.has_mulx())
    return compiler.load(text, options=Options(passes="O1"))


@functools.cache
def _function(name: str, count: int) -> Any:
    return _library().function(name, None, *[ctypes.c_void_p] * count)


def _call(name: str, *args: int) -> None:
    _function(name, len(args))(*args)
