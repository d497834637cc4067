"""The transform against its definition, and against its inverse."""

import random

import numpy as np
import pytest

from numen.kernels import ntt
from numen.kernels.bn254 import FR
from numen.kernels.errors import KernelInputError
from numen.kernels.field import integers, words

P = FR.prime


def polynomial(size: int, seed: int = 0) -> list[int]:
    rng = random.Random(seed)
    return [rng.choice([0, 1, P - 1, rng.randrange(P)]) for _ in range(size)]


def values(coefficients: list[int], shift: int) -> list[int]:
    """The definition."""
    size = len(coefficients)
    points = [shift * pow(ntt.root(size), i, P) % P for i in range(size)]
    return [sum(c * pow(x, k, P) for k, c in enumerate(coefficients)) % P for x in points]


@pytest.mark.parametrize("shift", [1, 7, P - 1])
@pytest.mark.parametrize("size", [1, 2, 4, 8, 64])
def test_forward_is_evaluation(size: int, shift: int) -> None:
    coefficients = polynomial(size)

    assert integers(ntt.forward(words(coefficients), shift)) == values(coefficients, shift)


@pytest.mark.parametrize("shift", [1, 5])
@pytest.mark.parametrize("size", [1, 2, 16, 1 << 11, 1 << 13, 1 << 16])
def test_inverse_undoes_forward(size: int, shift: int) -> None:
    a = words(polynomial(size))

    assert np.array_equal(ntt.inverse(ntt.forward(a, shift), shift), a)
    assert np.array_equal(ntt.forward(ntt.inverse(a, shift), shift), a)


@pytest.mark.parametrize("size", [1 << 12, 1 << 15])
def test_a_large_transform_is_right_where_it_is_looked_at(size: int) -> None:
    coefficients = polynomial(size, seed=1)
    result = integers(ntt.forward(words(coefficients)))
    for i in (0, 1, size // 2, size - 1):
        x, total = pow(ntt.root(size), i, P), 0
        for c in reversed(coefficients):
            total = (total * x + c) % P

        assert result[i] == total


def test_the_product_of_polynomials_is_the_product_of_values() -> None:
    a, b = polynomial(8, 1) + [0] * 8, polynomial(8, 2) + [0] * 8
    at_points = [
        x * y % P for x, y in zip(*(integers(ntt.forward(words(c))) for c in (a, b)), strict=True)
    ]
    product = [sum(a[j] * b[k - j] for j in range(k + 1)) % P for k in range(16)]

    assert integers(ntt.inverse(words(at_points))) == product


def test_the_root_is_primitive() -> None:
    for log in (0, 1, 2, 10, 28):
        size = 1 << log

        assert pow(ntt.root(size), size, P) == 1
        assert size == 1 or pow(ntt.root(size), size // 2, P) == P - 1


@pytest.mark.parametrize("size", [0, 3, 12])
def test_a_size_that_is_no_power_of_two_is_refused(size: int) -> None:
    with pytest.raises(KernelInputError):
        ntt.forward(np.zeros((size, 4), np.uint64))


def test_a_size_above_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ntt, "SIZE_MAX", 8)
    ntt.forward(words([0] * 8))

    with pytest.raises(KernelInputError):
        ntt.forward(words([0] * 16))


def test_a_coset_of_zero_is_refused() -> None:
    with pytest.raises(KernelInputError):
        ntt.inverse(words([1, 2]), P)
