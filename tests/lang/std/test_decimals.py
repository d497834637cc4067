"""Decimals of 18 places are rounded as Python's decimal rounds, on every engine."""

import math
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ir.pipeline import optimise
from numen.ir.trap import Reason
from numen.lang.compile import compile_source
from numen.proof.circuit import compile_circuit
from numen.proof.r1cs import check_witness
from tests.lang.std.everywhere import Everywhere
from tests.lang.std.rounding import EXACT, MODES, STICKY, rounded
from tests.lang.std.test_floats import SPECIAL, bits, drawn, number

ONE = 10**18
U128, I128 = 2**128, 2**127

Exact = Callable[[Decimal, Decimal, Decimal], Decimal]


def product(x: Decimal, y: Decimal, _: Decimal) -> Decimal:
    return EXACT.divide(EXACT.multiply(x, y), Decimal(ONE))


def quotient(x: Decimal, y: Decimal, _: Decimal) -> Decimal:
    return STICKY.divide(EXACT.multiply(x, Decimal(ONE)), y)


def product_quotient(x: Decimal, y: Decimal, z: Decimal) -> Decimal:
    return STICKY.divide(EXACT.multiply(x, y), z)


UNSIGNED: dict[str, Exact] = {"mul": product, "div": quotient, "mul_div": product_quotient}
SIGNED: dict[str, Exact] = {"mul_signed": product, "div_signed": quotient}

CALLS = {
    "mul": "mul(x, y, mode)",
    "div": "div(x, y, mode)",
    "mul_div": "mul_div(x, y, z, mode)",
    "sqrt": "sqrt(x)",
    "to_places": "to_places(x, u64(y), mode)",
    "mul_signed": "u128.wrapping(mul_signed(i128.wrapping(x), i128.wrapping(y), mode))",
    "div_signed": "u128.wrapping(div_signed(i128.wrapping(x), i128.wrapping(y), mode))",
    "to_places_signed": "u128.wrapping(to_places_signed(i128.wrapping(x), u64(y), mode))",
    "to_float": "u128(to_float(i128.wrapping(x)))",
    "from_float": "u128.wrapping(from_float(u64(x), mode))",
}


class Decimals(Everywhere):
    """All functions in one program, whose first argument says which is called."""

    def __init__(self) -> None:
        lines = [
            f"from numen.std.decimals import {', '.join(CALLS)}",
            "def main(which: u64, x: u128, y: u128, z: u128, mode: u64) -> u128:",
        ]
        for which, call in enumerate(CALLS.values()):
            lines += [f"    if which == {which}:", f"        return {call}"]
        super().__init__("\n".join([*lines, "    return 0", ""]))

    def of(self, name: str, x: int, y: int = 0, z: int = 0, mode: int = 0) -> Any:
        """Call a function on words; a signed result is given as its word."""
        words = (number % U128 for number in (x, y, z))
        return self(list(CALLS).index(name), *words, mode)


@pytest.fixture(scope="module")
def decimals() -> Decimals:
    return Decimals()


lengths = st.integers(0, 128).flatmap(lambda n: st.integers(0, 2**n - 1))
unsigned = lengths | st.sampled_from([0, 1, ONE, ONE - 1, ONE + 1, ONE // 2, U128 - 1])
signed = unsigned.map(lambda x: x - U128 if x >= I128 else x)
modes = st.integers(0, len(MODES) - 1)


def check(decimals: Decimals, name: str, numbers: tuple[int, ...], mode: int) -> None:
    """One call; what does not fit must stop it, and so must a division by zero."""
    exact = (UNSIGNED | SIGNED)[name]
    divisor = {"div": 1, "div_signed": 1, "mul_div": 2}.get(name)
    x, y, z = (Decimal(number) for number in numbers)
    if divisor is not None and numbers[divisor] == 0:
        expected: int | Reason = Reason.DIVISION_BY_ZERO
    else:
        expected = rounded(exact(x, y, z), mode)
        is_signed = name in SIGNED
        fits = -I128 <= expected < I128 if is_signed else expected < U128
        expected = expected % U128 if fits else Reason.CONVERSION
    assert decimals.of(name, *numbers, mode) == expected, (name, numbers, mode)


@pytest.mark.parametrize("name", UNSIGNED)
@given(x=unsigned, y=unsigned, z=unsigned, mode=modes)
def test_unsigned_results_are_rounded_once(decimals, name, x, y, z, mode):
    check(decimals, name, (x, y, z), mode)


@pytest.mark.parametrize("name", SIGNED)
@given(x=signed, y=signed, mode=modes)
def test_signed_results_are_rounded_once(decimals, name, x, y, mode):
    check(decimals, name, (x, y, 0), mode)


@pytest.mark.parametrize("name", [*UNSIGNED, *SIGNED])
def test_many_results_are_rounded_once(decimals, name):
    """Numbers of like sizes, and small ones, of which many quotients end in a half."""
    dice, sign = random.Random(name), -1 if name in SIGNED else 0
    for turn in range(210):
        size = dice.randrange(1, 90)
        numbers = [dice.getrandbits(size) * dice.choice([1, sign or 1]) for _ in range(3)]
        if turn % 3 == 0:
            numbers = [
                dice.choice([1, 3, 5, 25]) * ONE // 2,
                dice.randrange(30) * dice.choice([1, sign or 1]),
                2 * ONE,
            ]
        check(decimals, name, tuple(numbers), turn % len(MODES))


@given(unsigned)
def test_square_roots_are_rounded_down(decimals, x):
    assert decimals.of("sqrt", x) == math.isqrt(x * ONE)


def test_many_square_roots_are_rounded_down(decimals):
    dice = random.Random(1)
    for _ in range(200):
        x = dice.getrandbits(dice.randrange(1, 129))
        assert decimals.of("sqrt", x) == math.isqrt(x * ONE)


@given(signed, st.integers(0, 18), modes)
def test_places_are_dropped_as_quantize_does(decimals, x, places, mode):
    check_places(decimals, x, places, mode)


def test_many_places_are_dropped_as_quantize_does(decimals):
    dice = random.Random(5)
    for turn in range(210):
        places = dice.randrange(19)
        halves = dice.randrange(-99, 100) * 10 ** (18 - places) // 2
        for x in (halves, dice.randrange(-I128, I128) >> dice.randrange(100)):
            check_places(decimals, x, places, turn % len(MODES))


def check_places(decimals: Decimals, x: int, places: int, mode: int) -> None:
    unit = 10 ** (18 - places)
    expected = rounded(STICKY.divide(Decimal(x), Decimal(unit)), mode) * unit
    fits = -I128 <= expected < I128

    assert decimals.of("to_places_signed", x, places, 0, mode) == (
        expected % U128 if fits else Reason.CONVERSION
    )
    if x >= 0:
        assert decimals.of("to_places", x, places, 0, mode) == expected


def test_there_are_no_more_than_18_places(decimals):
    assert decimals.of("to_places", ONE, 19) is Reason.REQUIREMENT
    assert decimals.of("to_places_signed", ONE, 19) is Reason.REQUIREMENT


@given(signed)
def test_decimals_become_the_nearest_floats(decimals, x):
    assert decimals.of("to_float", x) == bits(x / ONE)


def test_many_decimals_become_the_nearest_floats(decimals):
    dice = random.Random(6)
    for _ in range(200):
        x = dice.randrange(-I128, I128) >> dice.randrange(120)
        assert decimals.of("to_float", x) == bits(x / ONE)


def check_float(decimals: Decimals, x: int, mode: int) -> None:
    value = number(x)
    found = decimals.of("from_float", x, 0, 0, mode)
    if not math.isfinite(value):
        assert found is Reason.REQUIREMENT
        return
    expected = rounded(EXACT.multiply(Decimal(value), Decimal(ONE)), mode)
    if -I128 <= expected < I128:
        assert found == expected % U128
    else:
        assert found in (Reason.REQUIREMENT, Reason.CONVERSION)


@given(st.floats(-(2.0**68), 2.0**68).map(bits) | st.integers(0, 2**64 - 1), modes)
def test_floats_become_the_nearest_decimals(decimals, x, mode):
    check_float(decimals, x, mode)


def test_many_floats_become_the_nearest_decimals(decimals):
    dice = random.Random(7)
    for turn in range(200):
        check_float(decimals, drawn(dice), turn % len(MODES))
    for x in SPECIAL:
        check_float(decimals, x, 4)


def test_a_circuit_multiplies_and_divides():
    source = """
from numen.std.decimals import div, mul
from numen.std.rounding import HALF_EVEN, UP

def main(x: u128, y: u128) -> tuple[u128, u128]:
    return mul(x, y, HALF_EVEN), div(x, y, UP)
"""
    circuit = compile_circuit(optimise(compile_source(source)))
    x, y = 10 * ONE + 7, 3 * ONE + 1

    found = circuit.witness([x, y])

    check_witness(circuit.r1cs, found.felts())
    assert list(found.results) == [
        round(EXACT.divide(Decimal(x * y), Decimal(ONE))),
        -(-x * ONE // y),
    ]
