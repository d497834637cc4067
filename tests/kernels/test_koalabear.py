"""Vectors of the KoalaBear field, against Python's integers."""

import numpy as np
import pytest

from numen.kernels import koalabear
from numen.kernels.errors import KernelInputError
from numen.kernels.koalabear import PRIME, Matrix

P = PRIME


def reverse(index: int, log: int) -> int:
    return int(f"{index:0{log}b}"[::-1], 2) if log else 0


def points(log: int, shift: int) -> list[int]:
    """The definition of the bit-reversed order."""
    root = koalabear.root(1 << log)
    return [shift * pow(root, reverse(j, log), P) % P for j in range(1 << log)]


def elements(count: int) -> Matrix:
    out = np.random.default_rng(count).integers(0, P, count).astype(np.uint32)
    out[::3], out[1::5] = 0, P - 1
    return out


def test_roots_have_their_order() -> None:
    for log in range(koalabear.TWO_ADICITY + 1):
        root = koalabear.root(1 << log)

        assert pow(root, 1 << log, P) == 1
        assert log == 0 or pow(root, 1 << (log - 1), P) == P - 1


@pytest.mark.parametrize("shift", [1, 3, P - 1])
@pytest.mark.parametrize("log", [0, 1, 2, 5, 13])
def test_domain_is_the_coset_in_reversed_order(log: int, shift: int) -> None:
    assert koalabear.domain(log, shift).tolist() == points(log, shift)


@pytest.mark.parametrize("log", [0, 1, 4, 9])
def test_the_reversed_order_is_its_own_inverse(log: int) -> None:
    order = koalabear.reversed_order(log)

    assert order.tolist() == [reverse(i, log) for i in range(1 << log)]
    assert order[order].tolist() == list(range(1 << log))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 17])
@pytest.mark.parametrize("base", [0, 1, 3, P - 1])
def test_powers(base: int, count: int) -> None:
    assert koalabear.powers(base, count).tolist() == [pow(base, i, P) for i in range(count)]


@pytest.mark.parametrize("count", [0, 1, 7, 8, 255, 256, 257, 1000])
def test_reciprocals(count: int) -> None:
    a = elements(count)

    assert koalabear.inverse(a).tolist() == [pow(int(x), P - 2, P) for x in a]


@pytest.mark.parametrize("factor", [0, 1, 2, P - 1])
def test_scaling(factor: int) -> None:
    a = elements(100)
    out = np.empty_like(a)
    koalabear.scale(out, a, factor)

    assert out.tolist() == [int(x) * factor % P for x in a]


def test_forms_are_multiples_of_the_radix() -> None:
    a = elements(9)
    out = np.empty_like(a)
    koalabear.to_forms(out, a)

    assert out.tolist() == [(int(x) << 32) % P for x in a]


def test_a_number_that_is_not_reduced_is_refused() -> None:
    for place in (0, 7, 99, 100):
        values = np.zeros((101, 1), np.uint32)[:101]
        values[place] = P
        with pytest.raises(KernelInputError, match="not below"):
            koalabear.check(values, "values")
    values[place] = P - 1

    assert koalabear.check(values, "values") is values


@pytest.mark.parametrize("size", [0, 3, (1 << 24) + 1, 1 << 25])
def test_what_is_no_size_of_a_subgroup_is_refused(size: int) -> None:
    with pytest.raises(KernelInputError, match="power of two"):
        koalabear.log_of(size, "it")
