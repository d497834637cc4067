"""Arrays of points of the groups G1 and G2 of BN254.

A point is a row of Montgomery forms: x, then y; all zero is infinity. Rows of G1 have 8 limbs; of
G2 16, each coordinate as its constant and its coefficient of u. This is the order of the files of
circom and snarkjs.

Sums are right for every pair of points of the curve. Rows that are not points give rows that are
not points: `Group.check_on_curve` is for arrays from outside.
"""

import ctypes
import functools
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from numen.kernels import arrays, bn254, compiler, field, montgomery, threads
from numen.kernels.arrays import Digits, Words
from numen.kernels.curve_code import BATCH, LISTS_BYTES
from numen.kernels.errors import KernelInputError
from numen.kernels.msm_code import group_functions
from numen.kernels.options import Options

Coordinate: TypeAlias = int | tuple[int, int]
"""A number of Fq, or the constant and the coefficient of u of a number of Fq2."""

Point: TypeAlias = tuple[Any, Any] | None
"""Two coordinates, or None for infinity."""

_LEAST = 2 * BATCH


class Workspace:
    """Memory for the sums of one thread.

    Attributes:
        lists: Address of the lists of a batch.
        scratch: Address of its elements.
        copies: Address of BATCH points.
    """

    def __init__(self, columns: int) -> None:
        self._lists = np.empty(LISTS_BYTES, np.uint8)
        self._elements = np.empty((BATCH, columns), np.uint64)
        self._copies = np.empty((BATCH, columns), np.uint64)
        self.lists = arrays.address(self._lists)
        self.scratch = arrays.address(self._elements)
        self.copies = arrays.address(self._copies)


class Group:
    """A group of points, and native code for arrays of them.

    Attributes:
        name: ``G1`` or ``G2``.
        degree: Words of a coordinate.
        columns: Limbs of a row.
    """

    def __init__(self, name: str, constant: tuple[int, ...], generator: Point) -> None:
        self.name = name
        self.degree = len(constant)
        self.columns = 8 * self.degree
        self._constant = constant
        self._generator = generator
        self._functions = functools.cache(self._load)

    def _load(self, name: str, result: Any, count: int) -> Any:
        return self._library.function(name, result, *[ctypes.c_void_p] * count)

    @functools.cached_property
    def _library(self) -> compiler.Library:
        text = group_functions(bn254.FQ, self._constant, mulx=montgomery.has_mulx())
        return compiler.load(text, options=Options(passes="O1"))

    def call(self, name: str, *args: int) -> None:
        """Call a function of `numen.kernels.msm_code`; addresses and lengths are the caller's."""
        self._functions(name, None, len(args))(*args)

    @property
    def generator(self) -> Words:
        """The generator that all of Ethereum uses, shape ``(1, columns)``."""
        return self.encode([self._generator])

    def encode(self, points: Iterable[Point]) -> Words:
        """Points of integers as rows; coordinates are taken modulo the prime."""
        numbers: list[int] = []
        for point in points:
            for coordinate in point or ((0,) * self.degree,) * 2:
                numbers += coordinate if isinstance(coordinate, tuple) else (coordinate,)
        plain = field.words([number % bn254.FQ.prime for number in numbers])
        return field.FQ.to_montgomery(plain).reshape(-1, self.columns)

    def decode(self, a: Words) -> list[Point]:
        """Rows as points of integers."""
        self.check(a, "a")
        numbers = field.integers(field.FQ.from_montgomery(a.reshape(-1, 4)))
        size, points = 2 * self.degree, list[Point]()
        for i in range(0, len(numbers), size):
            x, y = numbers[i : i + self.degree], numbers[i + self.degree : i + size]
            if not any((*x, *y)):
                points.append(None)
            else:
                points.append((x[0], y[0]) if self.degree == 1 else ((*x,), (*y,)))
        return points

    def check(self, a: Words, name: str, rows: int | None = None) -> Words:
        """See that an array holds rows of this group; see `arrays.check`."""
        return arrays.check(a, self.columns, name, rows)

    def check_on_curve(self, a: Words, name: str = "array") -> None:
        """See that every row is infinity or a point of the curve, with reduced coordinates.

        For G1 that is all; points of G2's curve need not be of G2, whose order is prime.

        Raises:
            KernelInputError: A row is not.
        """
        self.check(a, name)
        count = self._functions("off_curve", ctypes.c_int64, 2)
        if wrong := count(arrays.address(a), len(a)):
            raise KernelInputError(f"{name} has {wrong} rows that are not points of {self.name}")

    def add(self, a: Words, b: Words) -> Words:
        """The sums of points of two arrays of one length."""
        self.check(a, "a")
        self.check(b, "b", len(a))
        out = np.empty_like(a)

        def part(start: int, stop: int) -> None:
            places = [arrays.address(rows, start) for rows in (out, a, b)]
            memory = Workspace(self.columns)
            self.call("add", *places, stop - start, memory.lists, memory.scratch)

        threads.over_ranges(len(a), _LEAST, part)
        return out

    def neg(self, a: Words) -> Words:
        """Each point's negative."""
        out = self.check(a, "a").copy()
        half = self.columns // 2
        y = np.ascontiguousarray(a[:, half:]).reshape(-1, 4)
        out[:, half:] = field.FQ.neg(y).reshape(-1, half)
        return out


def recode(group: Group, scalars: Words, bits: int) -> tuple[Digits, int]:
    """Scalars as signed digits.

    Args:
        group: Whose code is used.
        scalars: Plain numbers below the order of the group.
        bits: Size of a digit, 2 to 16; digits lie in ``[-2**(bits-1), 2**(bits-1)]``.

    Returns:
        Digits as int32, shape ``(windows, n)``, lowest window first, and the count of windows.
    """
    # One bit more than a scalar has, so that the top digit never borrows.
    windows = (bn254.FR.prime.bit_length() + bits) // bits
    digits = np.empty((windows, len(scalars)), np.int32)
    places = arrays.address(digits), arrays.address(scalars)
    group.call("recode", *places, len(scalars), bits, windows)
    return digits, windows


G1 = Group("G1", bn254.CONSTANT_G1, bn254.GENERATOR_G1)
"""The group over Fq."""

G2 = Group("G2", bn254.CONSTANT_G2, bn254.GENERATOR_G2)
"""The group over Fq2."""
