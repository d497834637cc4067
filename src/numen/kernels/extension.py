"""Arrays of elements of an extension of the KoalaBear field: arithmetic at native speed.

    e = extension.Extension(koalabear.QUARTIC)
    e.mul(a, e.inverse(a))

An array has shape ``(n, d)``, dtype uint32, C order: the coefficient of x**i in column i. All
numbers are plain. Single elements are sequences of d integers. Every function raises
`KernelInputError` where an array has another type or shape, or a number is not below the prime.

The values that `Extension.fold` takes are in the bit-reversed order of `numen.kernels.koalabear`.
"""

import functools
from collections.abc import Sequence

import numpy as np

from numen.kernels import koalabear, threads
from numen.kernels.arrays import address
from numen.kernels.errors import KernelInputError
from numen.kernels.extension_code import CHUNK, ROWS, array_functions
from numen.kernels.extension_lanes import Tail, multiply
from numen.kernels.koalabear import PRIME, Matrix, check, check_element
from numen.kernels.koalabear_code import LANES, form
from numen.kernels.native import Kernels
from numen.kernels.options import Options

_LEAST = 1 << 10
"""Elements of a part that is worth a thread."""


class Extension:
    """An extension, and native code for arrays of its elements.

    Attributes:
        tail: Coefficients of x**d, such as `koalabear.QUARTIC`.
        degree: Coefficients of an element.
    """

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.degree = len(tail)
        self.kernels = _kernels(tail)

    def mul(self, a: Matrix, b: Matrix) -> Matrix:
        """The products of elements of two arrays of one length."""
        self._check(a, "a")
        self._check(b, "b", len(a))
        return self._each("mul", [a, b])

    def scale(self, a: Matrix, factors: Matrix) -> Matrix:
        """Every element times one of the field: ``factors`` has shape ``(n,)``."""
        self._check(a, "a")
        check(factors.reshape(-1, 1), "factors", rows=len(a))
        return self._each("scale", [a, factors])

    def inverse(self, a: Matrix) -> Matrix:
        """Reciprocals; 0 for 0.

        Cost: three products an element, and one inversion for 32 vectors of eight.
        """
        return self._each("inverse", [self._check(a, "a")])

    def reciprocals(self, points: Matrix, z: Sequence[int]) -> Matrix:
        """The elements ``1 / (x - z)`` for points x of the field, shape ``(n,)``; 0 for z."""
        check(points.reshape(-1, 1), "points")
        constant = self._constant(z, "z")
        return self._each("inverse", [self._each("differences", [points], constant)])

    def add_quotients(
        self,
        out: Matrix,
        sums: Matrix,
        reciprocals: Matrix,
        factor: Sequence[int],
        value: Sequence[int],
    ) -> None:
        """Add ``(factor * sums - value) * reciprocals`` to an array.

        Args:
            out: Shape ``(n, d)``, changed in place.
            sums: Of one length with it: a combination of columns, from `row_sums`.
            reciprocals: From `reciprocals`.
            factor: An element.
            value: What ``factor * sums`` is at the point z of the reciprocals.
        """
        self._check(out, "out")
        self._check(sums, "sums", len(out))
        self._check(reciprocals, "reciprocals", len(out))
        forms = [form(x) for x in self._constant(factor, "factor").tolist()]
        constants = np.array([*forms, *self._constant(value, "value").tolist()], np.uint32)
        self._each("quotients", [sums, reciprocals], constants, out=out)

    def row_sums(self, matrix: Matrix, coefficients: Matrix) -> Matrix:
        """The sums ``sum_j coefficients[j] * matrix[i, j]`` for each row i.

        Args:
            matrix: Elements of the field, shape ``(n, columns)``.
            coefficients: Shape ``(columns, d)``.

        Returns:
            Shape ``(n, d)``.
        """
        check(matrix, "matrix")
        rows, columns = matrix.shape
        self._check(coefficients, "coefficients", columns)
        chunks = -(-columns // CHUNK)
        table = np.zeros((chunks * CHUNK, self.degree), np.uint32)
        koalabear.to_forms(table[:columns], coefficients)
        table = np.ascontiguousarray(table.reshape(chunks, CHUNK, -1).transpose(0, 2, 1))
        out = np.empty((rows, self.degree), np.uint32)

        def run(to: Matrix, a: Matrix, start: int, stop: int) -> None:
            places = [address(x) for x in (to, a, table)]
            self.kernels.call("row_sums", *places, columns, start, stop)

        # The last chunk of the last rows ends behind the matrix: they are computed in a copy.
        last = min(rows, -(-CHUNK // columns) + 1)
        threads.over_ranges(rows - last, _LEAST, functools.partial(run, out, matrix))
        copy = np.zeros((last * columns + CHUNK,), np.uint32)
        copy[: last * columns] = matrix[rows - last :].reshape(-1)
        run(out[rows - last :], copy, 0, last)
        return out

    def column_sums(self, weights: Matrix, matrix: Matrix) -> Matrix:
        """The sums ``sum_i weights[i] * matrix[i, j]`` for each column j.

        Args:
            weights: Shape ``(n, d)``.
            matrix: Elements of the field, shape ``(n, columns)``.

        Returns:
            Shape ``(columns, d)``.
        """
        check(matrix, "matrix")
        rows, columns = matrix.shape
        self._check(weights, "weights", rows)
        forms = np.empty_like(weights)
        koalabear.to_forms(forms, weights)
        groups = -(-columns // LANES)
        parts: list[Matrix] = []

        def run(a: Matrix, factors: Matrix, start: int, stop: int) -> None:
            sums = np.zeros((groups, self.degree, LANES), np.uint32)
            places = [address(x) for x in (sums, a, factors)]
            self.kernels.call("column_sums", *places, columns, start * ROWS, stop * ROWS)
            parts.append(sums)

        # As for `row_sums`; and rows are taken four at a time.
        last = min(rows, 2 * ROWS + LANES)
        last += (rows - last) % ROWS
        whole = functools.partial(run, matrix, forms)
        threads.over_ranges((rows - last) // ROWS, _LEAST // ROWS, whole)
        padded = last + -last % ROWS
        copy = np.zeros((padded * columns + LANES,), np.uint32)
        copy[: last * columns] = matrix[rows - last :].reshape(-1)
        factors = np.zeros((padded, self.degree), np.uint32)
        factors[:last] = forms[rows - last :]
        run(copy, factors, 0, padded // ROWS)
        total = sum((part.astype(np.uint64) for part in parts), np.uint64(0)) % PRIME
        sums = np.swapaxes(np.asarray(total, np.uint32), 1, 2).reshape(-1, self.degree)
        return np.ascontiguousarray(sums[:columns])

    def fold(self, values: Matrix, beta: Sequence[int], factor: int, shift: int) -> Matrix:
        """Fold the values of a polynomial f over a coset, as FRI does.

        With ``f(x) = sum_i x**i * f_i(x**factor)``, the result are the values of
        ``sum_i beta**i * f_i`` over the coset of the powers.

        Args:
            values: In bit-reversed order, shape ``(n, d)``.
            beta: An element.
            factor: 1, 2, 4, 8, ... up to n.
            shift: Of the coset; that of the result is its power ``shift**factor``.

        Returns:
            In bit-reversed order, shape ``(n / factor, d)``.
        """
        log = koalabear.log_of(len(self._check(values, "values")), "the number of values")
        rounds = koalabear.log_of(factor, "the factor")
        if rounds > log:
            raise KernelInputError(f"{len(values)} values cannot be folded by {factor}")
        if check_element(shift, "the shift") == 0:
            raise KernelInputError("a coset cannot be shifted by zero")
        power = self._constant(beta, "beta").tolist()
        for _ in range(rounds):
            halves = np.empty(len(values) // 2, np.uint32)
            table = koalabear.reversed_roots(log, is_inverse=True)
            koalabear.scale(halves, table, pow(2 * shift, -1, PRIME))
            constant = np.array([form(x) for x in power], np.uint32)
            values = self._fold(values, halves, constant)
            power = multiply(power, power, self.tail)
            shift, log = shift * shift % PRIME, log - 1
        return values

    def running_sums(self, matrix: Matrix, column: int, step: Sequence[int]) -> None:
        """Let each row's element become the sum of those before it, less a step for each, in place.

        Args:
            matrix: Shape ``(n, columns)``. Its numbers must be below the prime, or sums are wrong.
            column: Where the element begins.
            step: An element.
        """
        rows, columns = koalabear.check_words(matrix, "matrix").shape
        if not 0 <= column <= columns - self.degree:
            raise KernelInputError(f"no element begins in column {column} of {columns}")
        places = (koalabear.element(matrix, column), address(self._constant(step, "step")))
        self.kernels.call("running_sums", *places, columns, rows)

    def _fold(self, values: Matrix, halves: Matrix, beta: Matrix) -> Matrix:
        size = len(values) // 2
        padded = size + -size % LANES
        out = np.empty((padded, self.degree), np.uint32)
        if padded != size:
            values, halves = _padded(values, 2 * padded), _padded(halves, padded)

        def part(start: int, stop: int) -> None:
            first = LANES * start
            places = (address(out, first), address(values, 2 * first), address(halves, first))
            self.kernels.call("fold", *places, address(beta), LANES * (stop - start))

        threads.over_ranges(padded // LANES, _LEAST // LANES, part)
        return out[:size]

    def _each(
        self,
        name: str,
        given: Sequence[Matrix],
        constant: Matrix | None = None,
        out: Matrix | None = None,
    ) -> Matrix:
        """Call a function whose results depend on the elements at their index only.

        Args:
            name: Of the function.
            given: Arrays of one length.
            constant: An argument that is the same for all elements.
            out: An array of that length that the function changes.

        Returns:
            The array that was changed, or one that was made.
        """
        size = len(given[0])
        padded = size + -size % LANES
        result = np.empty((padded, self.degree), np.uint32) if out is None else out
        if padded != size:
            given = [_padded(a, padded) for a in given]
            result = _padded(result[:size], padded)
        last = [] if constant is None else [address(constant)]

        def part(first: int, stop: int) -> None:
            places = [address(a, LANES * first) for a in (result, *given)]
            self.kernels.call(name, *places, *last, LANES * (stop - first))

        threads.over_ranges(padded // LANES, _LEAST // LANES, part)
        if out is not None and out is not result:
            out[:] = result[:size]
        return result[:size]

    def _check(self, a: Matrix, name: str, rows: int | None = None) -> Matrix:
        return check(a, name, rows=rows, columns=self.degree)

    def _constant(self, a: Sequence[int], name: str) -> Matrix:
        if len(a) != self.degree:
            raise KernelInputError(f"{name} has {len(a)} coefficients, not {self.degree}")
        return np.array([check_element(x, name) for x in a], np.uint32)


def _padded(a: Matrix, rows: int) -> Matrix:
    out = np.zeros((rows, *a.shape[1:]), np.uint32)
    out[: len(a)] = a
    return out


@functools.cache
def _kernels(tail: Tail) -> Kernels:
    return Kernels(lambda: array_functions(tail), Options(passes="O1"))
