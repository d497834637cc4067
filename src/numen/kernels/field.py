"""Arrays of field elements: arithmetic at native speed.

    a = field.FR.to_montgomery(field.words([1, 2, 3]))
    field.integers(field.FR.from_montgomery(field.FR.mul(a, a)))    # [1, 4, 9]

An array has shape ``(n, 4)``, dtype uint64, C order: one element a row, lowest limb first. What a
row means is up to the caller: the number itself ("plain"), or its Montgomery form. Sums work on
either. A product of two forms is a form, and of a form and a plain number a plain number.

Every function raises `KernelInputError` where an array has another shape or type; none looks
at the size of elements. `PrimeField.check_reduced` does, for arrays from outside: elements must be
below the prime, or the numbers (never the memory) are wrong.
"""

import ctypes
import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from numen.kernels import arrays, bn254, compiler, montgomery, threads
from numen.kernels.arrays import Words, integers, words
from numen.kernels.errors import KernelInputError
from numen.kernels.field_code import array_functions
from numen.kernels.options import Options

__all__ = ["FQ", "FR", "PrimeField", "Words", "integers", "words"]

_LEAST = 4096
"""Elements of a part that is worth a thread: a tenth of a millisecond."""


class PrimeField:
    """A prime field, and native code for arrays of its elements.

    The code is compiled, or found in the object cache, at the first call.

    Attributes:
        code: The prime, and its Montgomery form.
    """

    def __init__(self, code: montgomery.Field) -> None:
        self.code = code
        self._functions = functools.cache(self._load)

    @property
    def prime(self) -> int:
        return self.code.prime

    def _load(self, name: str, result: Any, *params: Any) -> Any:
        return self._library.function(name, result, *params)

    @functools.cached_property
    def _library(self) -> compiler.Library:
        text = array_functions(self.code, mulx=montgomery.has_mulx())
        return compiler.load(text, options=Options(passes="O1"))

    def _call(self, name: str, *args: int) -> None:
        self._functions(name, None, *[ctypes.c_void_p] * len(args))(*args)

    def to_montgomery(self, a: Words) -> Words:
        """Plain numbers to their forms; words of any size are reduced."""
        return self._scaled(a, self.code.square_of_radix)

    def from_montgomery(self, a: Words) -> Words:
        """Forms to plain numbers."""
        return self._scaled(a, 1)

    def scale(self, a: Words, scalar: int) -> Words:
        """Every element times a number; the result is of the same kind as ``a``."""
        return self._scaled(a, self.code.encode(scalar % self.prime))

    def _scaled(self, a: Words, factor: int) -> Words:
        arrays.check(a, 4, "a")
        out, scalar = np.empty_like(a), words([factor])

        def part(start: int, stop: int) -> None:
            places = (arrays.address(out, start), arrays.address(a, start))
            self._call("scale", *places, arrays.address(scalar), stop - start)

        threads.over_ranges(len(a), _LEAST, part)
        return out

    def add(self, a: Words, b: Words) -> Words:
        """The sums of elements of two arrays of one length."""
        return self._elementwise("add", a, b)

    def sub(self, a: Words, b: Words) -> Words:
        """The differences of elements of two arrays of one length."""
        return self._elementwise("sub", a, b)

    def mul(self, a: Words, b: Words) -> Words:
        """The Montgomery products of elements of two arrays of one length."""
        return self._elementwise("mul", a, b)

    def neg(self, a: Words) -> Words:
        """Each element's negative."""
        return self._elementwise("neg", a)

    def inverse(self, a: Words) -> Words:
        """The form of each form's reciprocal; 0 for 0.

        Cost: three products an element, and an inversion (380 products) a thread.
        """
        return self._elementwise("inverse", a)

    def _elementwise(self, name: str, *given: Words) -> Words:
        for a, label in zip(given, "ab", strict=False):
            arrays.check(a, 4, label, len(given[0]))
        out = np.empty_like(given[0])

        def part(start: int, stop: int) -> None:
            places = [arrays.address(a, start) for a in (out, *given)]
            self._call(name, *places, stop - start)

        threads.over_ranges(len(out), _LEAST, part)
        return out

    def powers(self, base: int, count: int, first: int = 1) -> Words:
        """The forms of ``first * base**i`` for i below ``count``."""
        if count < 0:
            raise KernelInputError(f"there is no array of {count} powers")
        out = np.empty((count, 4), np.uint64)
        factor = words([self.code.encode(base % self.prime)])

        def part(start: int, stop: int) -> None:
            value = first * pow(base, start, self.prime) % self.prime
            begin = words([self.code.encode(value)])
            places = [arrays.address(out, start), arrays.address(begin), arrays.address(factor)]
            self._call("powers", *places, stop - start)

        threads.over_ranges(count, _LEAST, part)
        return out

    def dot(self, a: Words, b: Words) -> Words:
        """The sum of the Montgomery products of two arrays of one length; shape ``(1, 4)``."""
        arrays.check(a, 4, "a")
        arrays.check(b, 4, "b", len(a))
        out = np.empty((1, 4), np.uint64)
        self._call("dot", *map(arrays.address, (out, a, b)), len(a))
        return out

    def csr_matvec(
        self,
        row_starts: npt.NDArray[Any],
        columns: npt.NDArray[Any],
        coefficients: Words,
        vector: Words,
    ) -> Words:
        """A sparse matrix times a vector.

        Args:
            row_starts: Integers, shape ``(rows + 1,)``: where each row begins in the two
                arrays below, and where the last ends.
            columns: Integers, one for each entry: its column.
            coefficients: Elements, one for each entry.
            vector: One element for each column.

        Returns:
            Elements, shape ``(rows, 4)``: sums of Montgomery products, so plain where one of
            coefficients and vector is plain and the other in form.

        Raises:
            KernelInputError: The arrays do not fit together.
        """
        arrays.check(vector, 4, "vector")
        starts, places = _check_csr(row_starts, columns, coefficients, len(vector))
        out = np.empty((len(starts) - 1, 4), np.uint64)
        given = [arrays.address(a) for a in (out, starts, places, coefficients, vector)]
        threads.over_ranges(
            len(out), _LEAST, lambda start, stop: self._call("rows", *given, start, stop)
        )
        return out

    def csr_vecmat(
        self,
        row_starts: npt.NDArray[Any],
        columns: npt.NDArray[Any],
        coefficients: Words,
        vector: Words,
        column_count: int,
    ) -> Words:
        """A vector times a sparse matrix: element j is the sum over rows of vector * entry.

        Args:
            row_starts: As for `csr_matvec`.
            columns: As for `csr_matvec`.
            coefficients: As for `csr_matvec`.
            vector: One element for each row.
            column_count: Length of the result.

        Raises:
            KernelInputError: The arrays do not fit together.
        """
        starts, places = _check_csr(row_starts, columns, coefficients, column_count)
        arrays.check(vector, 4, "vector", len(starts) - 1)
        out = np.zeros((column_count, 4), np.uint64)
        given = [arrays.address(a) for a in (out, starts, places, coefficients, vector)]
        self._call("columns", *given, len(vector))
        return out

    def check_reduced(self, a: Words, name: str = "array") -> None:
        """See that every word is below the prime.

        Raises:
            KernelInputError: One is not.
        """
        arrays.check(a, 4, name)
        count = self._functions("unreduced", ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
        if wrong := count(arrays.address(a), len(a)):
            raise KernelInputError(f"{name} has {wrong} elements that are not below the prime")


def _check_csr(
    row_starts: npt.NDArray[Any], columns: npt.NDArray[Any], coefficients: Words, width: int
) -> tuple[arrays.Indices, arrays.Indices]:
    places = arrays.check_indices(columns, "columns", width)
    arrays.check(coefficients, 4, "coefficients", len(places))
    starts = arrays.check_indices(row_starts, "row_starts", len(places) + 1)
    if len(starts) == 0 or starts[0] != 0 or starts[-1] != len(places):
        raise KernelInputError("row_starts does not run from 0 to the number of entries")
    if np.any(starts[1:] < starts[:-1]):
        raise KernelInputError("row_starts goes backwards")
    return starts, places


FR = PrimeField(bn254.FR)
"""The scalars of BN254: what circuits compute with."""

FQ = PrimeField(bn254.FQ)
"""The coordinates of BN254."""
