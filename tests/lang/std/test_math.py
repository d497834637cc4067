"""Roots of integers, exactly, on every engine."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ir.trap import Reason
from tests.lang.std.everywhere import Everywhere

SOURCE = """
from numen.std.math import gcd, isqrt, isqrt128, isqrt256, log2, log2_256
from numen.std.math import power_mod, power_mod256, root

def main(which: u64, x: u256, n: u64) -> u256:
    if which == 64:
        return u256(isqrt(u64(x)))
    if which == 128:
        return u256(isqrt128(u128(x)))
    if which == 256:
        return u256(isqrt256(x))
    if which == 0:
        return u256(log2_256(x))
    if which == 2:
        return u256(log2(u64(x)))
    if which == 3:
        return u256(gcd(u64(x), n))
    if which == 4:
        return u256(power_mod(u64(x), n, 2**64 - 59))
    if which == 5:
        return power_mod256(x, u256(n), 2**255 - 19)
    return u256(root(u128(x), n))
"""

NEAR = """
from numen.std.math import near_root

LOWS = [0, 1, 2**47, 2**48 - 1]

def main(first: u64, last: u64) -> u64:
    tried: u64 = 0
    for top in range(first, last):
        for low in LOWS:
            n = (top << 48) + low
            root = u128(near_root(n))
            assert (root - 1) * (root - 1) < u128(n) < (root + 1) * (root + 1)
            tried += 1
    return tried
"""

WIDTHS = (64, 128, 256)


@pytest.fixture(scope="module")
def library() -> Everywhere:
    return Everywhere(SOURCE)


def numbers(bits: int) -> st.SearchStrategy[int]:
    """Numbers of every length, squares and their neighbours, and the ends."""
    most = 2**bits - 1
    lengths = st.integers(0, bits).flatmap(lambda n: st.integers(0, 2**n - 1))
    near = st.tuples(st.integers(0, 2 ** (bits // 2) - 1), st.integers(-1, 1))
    squares = near.map(lambda pair: max(0, pair[0] ** 2 + pair[1]))
    return lengths | squares | st.sampled_from([0, 1, 2, 3, most, most - 1, most // 2])


@pytest.mark.parametrize("bits", WIDTHS)
@given(data=st.data())
def test_square_roots_are_python_s(library, bits, data):
    x = data.draw(numbers(bits))

    assert library(bits, x, 0) == math.isqrt(x)


@pytest.mark.parametrize("bits", WIDTHS)
def test_square_roots_of_many_numbers_are_python_s(library, bits):
    dice = random.Random(bits)
    tried = {dice.getrandbits(dice.randrange(1, bits + 1)) for _ in range(120)}
    for length in range(1, bits // 2 + 1, bits // 32):
        square = dice.getrandbits(length) ** 2
        tried |= {square, square + 1, max(square - 1, 0), 2 ** (2 * length) - 1}
    tried |= {2**bits - 1, (2 ** (bits // 2) - 1) ** 2, (2 ** (bits // 2) - 1) ** 2 - 1}

    assert len(tried) >= 150
    assert [library(bits, x, 0) for x in tried] == [math.isqrt(x) for x in tried]


def test_the_first_step_is_good_for_every_start():
    whole = Everywhere(NEAR)

    assert whole(40_000, 40_020) == 80
    assert whole.fast(2**14, 2**16) == 4 * (2**16 - 2**14)


def is_root(found: int, x: int, n: int) -> bool:
    return found**n <= x < (found + 1) ** n


@given(x=numbers(128), n=st.integers(1, 140) | st.just(2**64 - 1))
def test_roots_of_every_degree_are_rounded_down(library, x, n):
    if n > 200:
        assert library(1, x, n) == min(x, 1)
    else:
        assert is_root(library(1, x, n), x, n)


def test_roots_of_many_numbers_are_rounded_down(library):
    dice = random.Random(3)
    tried = [(dice.getrandbits(dice.randrange(1, 129)), dice.randrange(1, 130)) for _ in range(80)]
    for n in (*range(1, 20), *range(20, 129, 5)):
        most = 2 ** (128 // n)
        base = dice.randrange(1, most)
        tried += [(base**n, n), (base**n - 1, n), (2**128 - 1, n)]

    assert len(tried) >= 200
    assert all(is_root(library(1, x, n), x, n) for x, n in tried)


def test_there_is_no_root_of_degree_zero(library):
    assert library(1, 5, 0) is Reason.REQUIREMENT


@given(numbers(256).filter(bool))
def test_the_highest_bit_is_python_s(library, x):
    assert library(0, x, 0) == x.bit_length() - 1


def test_the_highest_bit_of_every_power_of_two_and_below_is_python_s(library):
    for x in (2**n - less for n in range(2, 256) for less in (0, 1)):
        assert library.fast(0, x, 0) == x.bit_length() - 1
        if x < 2**64:
            assert library(2, x, 0) == x.bit_length() - 1


def test_divisors_and_powers_of_many_numbers_are_python_s(library):
    dice = random.Random(4)
    for _ in range(200):
        common = dice.getrandbits(dice.randrange(1, 33))
        x, n = (common * dice.getrandbits(dice.randrange(1, 33)) for _ in range(2))
        assert library(3, x, n) == math.gcd(x, n)
        assert library.fast(4, x, n) == pow(x, n, 2**64 - 59)
        assert library.fast(5, x**4, n) == pow(x**4, n, 2**255 - 19)
