"""Extensions of KoalaBear against polynomials of Python's integers, and by their laws."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from numen.kernels import extension, koalabear, threads
from numen.kernels.errors import KernelInputError
from numen.kernels.extension import Extension
from numen.kernels.koalabear import PRIME, Matrix

P = PRIME
COUNTS = (1, 7, 8, 9, 300)


@pytest.fixture(params=[koalabear.QUARTIC, koalabear.SEXTIC], ids=["quartic", "sextic"])
def e(request: pytest.FixtureRequest) -> Extension:
    return Extension(request.param)


def elements(*shape: int, seed: int = 0) -> Matrix:
    dice = np.random.default_rng(seed)
    out = dice.integers(0, P, shape).astype(np.uint32)
    edges = dice.random(shape)
    out[edges < 0.1], out[edges > 0.9] = 0, P - 1
    return out


def product(a: Sequence[int], b: Sequence[int], tail: Sequence[int]) -> list[int]:
    """Multiply by shifting: a * x is a shift, and the top coefficient times the tail."""
    total, shifted = [0] * len(tail), [int(x) for x in a]
    for y in b:
        total = [(t + int(y) * x) % P for t, x in zip(total, shifted, strict=True)]
        top = shifted[-1]
        shifted = [(x + top * c) % P for x, c in zip([0, *shifted[:-1]], tail, strict=True)]
    return total


def of_each(operation: Callable[..., list[int]], *arrays: Matrix) -> list[list[int]]:
    return [operation(*(row.tolist() for row in rows)) for rows in zip(*arrays, strict=True)]


@pytest.mark.parametrize("count", COUNTS)
def test_products(e: Extension, count: int) -> None:
    a, b = elements(count, e.degree, seed=1), elements(count, e.degree, seed=2)

    assert e.mul(a, b).tolist() == of_each(lambda x, y: product(x, y, e.tail), a, b)


@pytest.mark.parametrize("count", COUNTS)
def test_reciprocals_give_one_and_zero_stays(e: Extension, count: int) -> None:
    a = elements(count, e.degree, seed=3)
    a[count // 2] = 0
    one = np.zeros((count, e.degree), np.uint32)
    one[a.any(axis=1), 0] = 1

    assert np.array_equal(e.mul(a, e.inverse(a)), one)
    assert not e.inverse(a)[count // 2].any()


def test_the_extension_is_a_field(e: Extension) -> None:
    """x**(p**d) is x, and x**(p**k) is not for the proper divisors k of d: x has degree d."""
    x = [0, 1] + [0] * (e.degree - 2)
    power, fixed = x, []
    for k in range(1, e.degree + 1):
        base, power = power, [1] + [0] * (e.degree - 1)
        for bit in f"{P:b}":
            power = product(power, power, e.tail)
            power = product(power, base, e.tail) if bit == "1" else power
        if power == x:
            fixed.append(k)

    assert fixed == [e.degree]


@pytest.mark.parametrize("count", COUNTS)
def test_scaling_is_by_coefficients(e: Extension, count: int) -> None:
    a, factors = elements(count, e.degree), elements(count, seed=4)
    expected = a.astype(np.uint64) * factors[:, None] % P

    assert np.array_equal(e.scale(a, factors), expected)


@pytest.mark.parametrize("count", COUNTS)
def test_reciprocals_of_differences(e: Extension, count: int) -> None:
    points, z = elements(count), elements(1, e.degree, seed=5)[0].tolist()
    differences = np.tile(np.array([-x % P for x in z], np.uint32), (count, 1))
    differences[:, 0] = (differences[:, 0].astype(np.uint64) + points) % P

    assert np.array_equal(e.reciprocals(points, z), e.inverse(differences))


def test_the_reciprocal_at_a_point_itself_is_zero(e: Extension) -> None:
    z = [5] + [0] * (e.degree - 1)

    assert not e.reciprocals(np.array([5], np.uint32), z).any()


@pytest.mark.parametrize("columns", [1, 7, 8, 31, 32, 33, 70])
@pytest.mark.parametrize("rows", [1, 3, 40])
def test_sums_over_rows_and_columns(e: Extension, rows: int, columns: int) -> None:
    matrix = elements(rows, columns, seed=6)
    coefficients, weights = elements(columns, e.degree, seed=7), elements(rows, e.degree, seed=8)
    whole = [a.astype(object) for a in (matrix, coefficients, weights)]

    assert np.array_equal(e.row_sums(matrix, coefficients), whole[0] @ whole[1] % P)
    assert np.array_equal(e.column_sums(weights, matrix), whole[0].T @ whole[2] % P)


def test_sums_of_the_largest_numbers(e: Extension) -> None:
    matrix = np.full((9, 40), P - 1, np.uint32)
    coefficients = np.full((40, e.degree), P - 1, np.uint32)

    assert (e.row_sums(matrix, coefficients) == 40).all()
    assert (e.column_sums(coefficients[:9], matrix) == 9).all()


@pytest.mark.parametrize("count", COUNTS)
def test_quotients_are_added(e: Extension, count: int) -> None:
    out, sums, reciprocals = (elements(count, e.degree, seed=9 + i) for i in range(3))
    factor, value = elements(2, e.degree, seed=12).tolist()

    def quotient(before: list[int], total: list[int], reciprocal: list[int]) -> list[int]:
        top = [x - y for x, y in zip(product(total, factor, e.tail), value, strict=True)]
        rest = product(top, reciprocal, e.tail)
        return [(x + y) % P for x, y in zip(before, rest, strict=True)]

    expected = of_each(quotient, out, sums, reciprocals)
    e.add_quotients(out, sums, reciprocals, factor, value)

    assert out.tolist() == expected


def evaluated(coefficients: Matrix, shift: int) -> Matrix:
    """Polynomials at the points of a coset of their own length, in reversed order."""
    points = koalabear.domain(len(coefficients).bit_length() - 1, shift).tolist()
    total = np.zeros((len(points), coefficients.shape[1]), object)
    for row in coefficients[::-1]:
        total = (total * np.array(points, object)[:, None] + row) % P
    return total.astype(np.uint32)


@pytest.mark.parametrize("log", [0, 1, 3, 4, 7])
def test_folding_combines_the_parts_of_a_polynomial(e: Extension, log: int) -> None:
    coefficients = elements(1 << log, e.degree, seed=13)
    values, beta = evaluated(coefficients, 5), elements(1, e.degree, seed=14)[0].tolist()
    for factor in (1 << k for k in range(log + 1)):
        folded = np.zeros((len(coefficients) // factor, e.degree), np.uint64)
        power = [1] + [0] * (e.degree - 1)
        for i in range(factor):
            part = coefficients[i::factor]
            folded += np.array(of_each(lambda x: product(x, power, e.tail), part), np.uint64)  # noqa: B023
            power = product(power, beta, e.tail)

        found = e.fold(values, beta, factor, 5)

        assert np.array_equal(found, evaluated((folded % P).astype(np.uint32), pow(5, factor, P)))


def test_running_sums_leave_other_columns_alone(e: Extension) -> None:
    matrix, step = elements(1000, e.degree + 3), elements(1, e.degree, seed=15)[0].tolist()
    expected = matrix.astype(np.uint64)
    changes = expected[:-1, 2 : 2 + e.degree] + np.uint64(P) - np.array(step, np.uint64)
    expected[0, 2 : 2 + e.degree] = 0
    expected[1:, 2 : 2 + e.degree] = np.cumsum(changes, axis=0) % P
    e.running_sums(matrix, 2, step)

    assert np.array_equal(matrix, expected)


def test_the_number_of_threads_does_not_show(e: Extension, monkeypatch: pytest.MonkeyPatch) -> None:
    def results() -> list[Matrix]:
        a, b = elements(1 << 13, e.degree), elements(1 << 13, e.degree, seed=1)
        matrix = elements(1 << 13, 9, seed=2)
        beta = b[0].tolist()
        return [
            e.mul(a, b),
            e.inverse(a),
            e.fold(a, beta, 8, 3),
            e.row_sums(matrix, a[:9]),
            e.column_sums(a, matrix),
        ]

    expected = results()
    for workers in (1, 3):
        monkeypatch.setattr(threads, "count", lambda workers=workers: workers)

        assert all(map(np.array_equal, results(), expected))


def test_what_does_not_fit_is_refused(e: Extension) -> None:
    a, short = elements(8, e.degree), elements(8, e.degree - 1)
    unit, large = [1] + [0] * (e.degree - 1), np.full((8, e.degree), P, np.uint32)
    for call in (
        lambda: e.mul(a, a[:4]),
        lambda: e.mul(a, short),
        lambda: e.mul(a, large),
        lambda: e.inverse(large),
        lambda: e.scale(a, large[:, 0].copy()),
        lambda: e.scale(a, a[:4, 0].copy()),
        lambda: e.reciprocals(a[:, 0].copy(), unit[1:]),
        lambda: e.reciprocals(a[:, 0].copy(), [P, *unit[1:]]),
        lambda: e.row_sums(short, a),
        lambda: e.row_sums(large, a[: e.degree]),
        lambda: e.column_sums(a[:4], a),
        lambda: e.add_quotients(a, a[:4], a, unit, unit),
        lambda: e.fold(a[:6], unit, 2, 3),
        lambda: e.fold(a, unit, 16, 3),
        lambda: e.fold(a, unit, 3, 3),
        lambda: e.fold(a, unit, 2, 0),
        lambda: e.running_sums(a, 1, unit),
        lambda: e.running_sums(a, -1, unit),
        lambda: e.running_sums(a, 0, unit[1:]),
    ):
        with pytest.raises(KernelInputError):
            call()


def test_both_extensions_have_their_own_code() -> None:
    assert Extension(koalabear.QUARTIC).kernels is Extension(koalabear.QUARTIC).kernels
    assert Extension(koalabear.QUARTIC).kernels is not Extension(koalabear.SEXTIC).kernels
    assert extension.CHUNK % extension.LANES == 0
