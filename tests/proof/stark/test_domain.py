"""Transforms, openings outside and folding, beside polynomials evaluated one by one."""

import numpy as np
import pytest

from numen.proof.stark import deep, domain, fri
from numen.proof.stark.field import GENERATOR, P, extension, felts, invert, root_of_unity

RNG = np.random.default_rng(2)


def table(rows: int, width: int) -> np.ndarray:
    return felts(RNG.integers(0, P, size=(rows, width)))


def value(coefficients: list[int], x: int) -> int:
    return sum(c * pow(x, i, P) for i, c in enumerate(coefficients)) % P


def place(i: int, log: int) -> int:
    return int(format(i, f"0{log}b")[::-1], 2) if log else 0


@pytest.mark.parametrize(("rows", "log_size"), [(1, 0), (1, 2), (2, 1), (8, 4), (16, 6)])
def test_a_codeword_holds_the_columns_at_the_points_of_the_coset(rows, log_size):
    columns = table(rows, 3)
    coefficients = domain.interpolate(columns)

    words = domain.extend(columns, log_size)

    root = root_of_unity(rows.bit_length() - 1)
    for j in range(3):
        polynomial = coefficients[:, j].tolist()
        assert [value(polynomial, pow(root, i, P)) for i in range(rows)] == columns[:, j].tolist()
        for i in range(1 << log_size):
            x = GENERATOR * pow(root_of_unity(log_size), place(i, log_size), P)
            assert words[i, j] == value(polynomial, x)
    assert np.array_equal(domain.recover(words)[:rows], coefficients)
    assert not domain.recover(words)[rows:].any()


def test_a_mask_changes_no_row():
    columns, mask = table(8, 2), table(3, 2)
    words = domain.extend(columns, 5, mask)
    coefficients = domain.recover(words)

    root = root_of_unity(3)
    for j in range(2):
        polynomial = coefficients[:, j].tolist()
        assert [value(polynomial, pow(root, i, P)) for i in range(8)] == columns[:, j].tolist()
        assert polynomial[8:11] == mask[:, j].tolist()
    assert not coefficients[11:].any()


def test_the_first_places_of_a_codeword_are_a_shorter_one():
    columns = table(8, 2)

    assert np.array_equal(domain.extend(columns, 6)[:16], domain.extend(columns, 4))


@pytest.mark.parametrize("log_rows", [0, 1, 3])
def test_the_next_row_is_where_it_is_said_to_be(log_rows):
    points = domain.coset(5).tolist()
    after = domain.following(5, log_rows)

    for i in range(32):
        assert points[after[i]] == points[i] * root_of_unity(log_rows) % P


@pytest.mark.parametrize("degree", [4, 6])
def test_a_codeword_is_evaluated_outside_of_its_domain(degree):
    ext = extension(degree)
    columns, point = table(8, 3), tuple(range(5, 5 + degree))
    words = domain.extend(columns, 4)

    found = domain.weigh(ext, words, domain.weights(ext, 4, point))

    for j, column in enumerate(domain.interpolate(columns).T.tolist()):
        total = ext.zero
        for c in reversed(column):
            total = ext.add(ext.multiply(total, point), ext.lift(c))
        assert ext.element(found[j]) == total


@pytest.mark.parametrize("degree", [4, 6])
@pytest.mark.parametrize("log_arity", [1, 2, 3])
def test_folding_joins_the_parts_of_a_polynomial(degree, log_arity):
    ext, log = extension(degree), 6
    coefficients, beta = table(32, degree), tuple(range(3, 3 + degree))
    points = domain.coset(log)
    word = fri.evaluate(ext, coefficients, points)
    arity = 1 << log_arity
    groups = word.reshape(-1, arity, degree)

    folded = fri.fold(ext, groups, invert(points[::arity]), beta)

    # F_0 + beta F_1 + ..., where F_e has every a-th coefficient from e on.
    powers = ext.power_arrays(beta, arity)
    parts = ext.multiply_arrays(coefficients.reshape(-1, arity, degree), powers[None])
    joined = felts(parts.astype(np.int64).sum(axis=1))
    expected = fri.evaluate(ext, joined, domain.coset(log - log_arity))
    assert np.array_equal(folded, expected)
    assert np.array_equal(domain.coefficients(folded)[: len(joined)], joined)


def test_points_of_places_are_those_of_the_coset():
    places = np.arange(16)

    assert np.array_equal(fri.points(places, 4), domain.coset(4))
    assert fri.reverse(places, 4).tolist() == [place(i, 4) for i in range(16)]


def test_rows_are_weighted():
    ext = extension(4)
    rows, weights = table(5, 3), table(3, 4)

    found = deep.dot(ext, rows, weights)

    for i in range(5):
        total = ext.zero
        for j in range(3):
            total = ext.add(total, ext.scale(ext.element(weights[j]), int(rows[i, j])))
        assert ext.element(found[i]) == total
