"""Transforms of matrices over KoalaBear, against their definition in Python's integers."""

import numpy as np
import pytest

from numen.kernels import koalabear, lde, lde_code, threads
from numen.kernels.errors import KernelInputError
from numen.kernels.koalabear import PRIME, Matrix

P = PRIME


def matrix(rows: int, columns: int, seed: int = 0) -> Matrix:
    """Elements of all sizes, the smallest and the largest among them."""
    dice = np.random.default_rng(seed)
    out = dice.integers(0, P, (rows, columns)).astype(np.uint32)
    edges = dice.random((rows, columns))
    out[edges < 0.1], out[edges > 0.9] = 0, P - 1
    return out


def reverse(index: int, log: int) -> int:
    return int(f"{index:0{log}b}"[::-1], 2) if log else 0


def value(coefficients: Matrix, column: int, point: int) -> int:
    """A polynomial at a point, by Horner's rule."""
    total = 0
    for coefficient in coefficients[::-1, column]:
        total = (total * point + int(coefficient)) % P
    return total


def points(log: int, shift: int) -> list[int]:
    """The definition of the bit-reversed order."""
    root = koalabear.root(1 << log)
    return [shift * pow(root, reverse(j, log), P) % P for j in range(1 << log)]


@pytest.mark.parametrize("columns", [1, 7, 8, 9, 16, 17, 24, 25, 33])
@pytest.mark.parametrize("log", [0, 1, 2, 3, 6])
def test_interpolated_polynomials_have_the_values(log: int, columns: int) -> None:
    values = matrix(1 << log, columns)
    coefficients = lde.interpolate(values)
    root = koalabear.root(1 << log)

    for row in range(1 << log):
        for column in range(columns):
            assert value(coefficients, column, pow(root, row, P)) == values[row, column]


@pytest.mark.parametrize("columns", [1, 8, 20, 27])
@pytest.mark.parametrize(
    ("log", "blowup", "shift"), [(0, 4, 3), (3, 1, 1), (4, 2, 3), (4, 8, P - 2)]
)
def test_evaluation_is_in_reversed_order(log: int, blowup: int, shift: int, columns: int) -> None:
    coefficients = matrix(1 << log, columns)
    values = lde.evaluate(coefficients, blowup, shift)

    for row, point in enumerate(points(log + blowup.bit_length() - 1, shift)):
        for column in range(columns):
            assert values[row, column] == value(coefficients, column, point)


@pytest.mark.parametrize("log", [10, 11, 12, 15])
def test_long_columns_are_right_where_they_are_looked_at(log: int) -> None:
    values, size = matrix(1 << log, 19), 1 << log
    coefficients, extended = lde.interpolate(values), lde.extend(values, 2, 3)
    root, longer = koalabear.root(size), koalabear.root(2 * size)

    for row in (0, 1, size // 2 + 1, size - 1):
        point = 3 * pow(longer, reverse(row + size, log + 1), P) % P

        assert value(coefficients, 18, pow(root, row, P)) == values[row, 18]
        assert value(coefficients, 3, point) == extended[row + size, 3]


@pytest.mark.parametrize("log", [4, 13])
def test_transforms_are_linear(log: int) -> None:
    a, b = matrix(1 << log, 5, seed=1), matrix(1 << log, 5, seed=2)
    total = ((a.astype(np.uint64) + 3 * b.astype(np.uint64)) % P).astype(np.uint32)
    parts = [lde.extend(m, 2, 5).astype(np.uint64) for m in (a, b)]

    assert np.array_equal(lde.extend(total, 2, 5), (parts[0] + 3 * parts[1]) % P)


def test_the_product_of_values_is_the_product_of_polynomials() -> None:
    a, b = matrix(64, 1, seed=3), matrix(64, 1, seed=4)
    a[32:], b[32:] = 0, 0
    values = [lde.evaluate(m, 1, 1).astype(np.uint64) for m in (a, b)]
    natural = [reverse(j, 6) for j in range(64)]
    product = lde.interpolate((values[0] * values[1] % P).astype(np.uint32)[natural])

    for k in range(64):
        terms = [int(a[i, 0]) * int(b[k - i, 0]) for i in range(k + 1)]
        assert product[k, 0] == sum(terms) % P


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_number_of_threads_does_not_show(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = matrix(1 << 12, 40)
    expected = lde.extend(values, 2, 3)
    monkeypatch.setattr(threads, "count", lambda: workers)

    assert np.array_equal(lde.extend(values, 2, 3), expected)


def test_values_are_left_alone() -> None:
    values = matrix(1 << 11, 9)
    before = values.copy()
    lde.extend(values, 2, 3)

    assert np.array_equal(values, before)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((3, 2), np.uint32),
        np.zeros((0, 2), np.uint32),
        np.zeros((4, 0), np.uint32),
        np.zeros(4, np.uint32),
        np.zeros((4, 2), np.int64),
        np.zeros((4, 4), np.uint32)[:, ::2],
        np.full((4, 2), P, np.uint32),
    ],
)
def test_what_is_no_matrix_of_elements_is_refused(wrong: Matrix) -> None:
    with pytest.raises(KernelInputError):
        lde.interpolate(wrong)
    with pytest.raises(KernelInputError):
        lde.extend(wrong, 2, 3)


@pytest.mark.parametrize(
    ("blowup", "shift"), [(3, 3), (0, 3), (1 << 23, 3), (2, 0), (2, P), (2, -1)]
)
def test_a_coset_that_is_none_is_refused(blowup: int, shift: int) -> None:
    with pytest.raises(KernelInputError):
        lde.evaluate(matrix(4, 1), blowup, shift)


def test_the_shape_of_a_call_has_a_place_for_every_name() -> None:
    assert len(set(lde_code.SHAPE)) == len(lde_code.SHAPE)
