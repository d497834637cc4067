"""Powers and logarithms are wrong by no more than 0.51 of the last place, on every engine."""

import random
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
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
from tools import exponential

STD = Path(__file__).resolve().parents[3] / "src/numen/lang/std"

ONE = 10**18
U128, I128 = 2**128, 2**127
BOUND = Decimal("0.51")
"""Of the last place, 10**-18; the page of the library states it."""

FINE = Context(prec=110)
LN_2 = FINE.ln(Decimal(2))
HUGE = Decimal(10) ** 60

CALLS = {
    "exp": "exp(i128.wrapping(x))",
    "exp2": "exp2(i128.wrapping(x))",
    "ln": "u128.wrapping(ln(x))",
    "log2": "u128.wrapping(log2(x))",
    "power": "power(x, i128.wrapping(y))",
}


def raised(exponent: Decimal) -> Decimal:
    """A power of e, or something that fits nowhere."""
    return FINE.exp(exponent) if exponent < 100 else HUGE


EXACT: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "exp": lambda x, _: raised(x),
    "exp2": lambda x, _: raised(FINE.multiply(x, LN_2)),
    "ln": lambda x, _: FINE.ln(x),
    "log2": lambda x, _: FINE.divide(FINE.ln(x), LN_2),
    "power": lambda x, y: raised(FINE.multiply(FINE.ln(x), y)),
}


class Exponential(Everywhere):
    """All functions in one program, whose first argument says which is called."""

    def __init__(self) -> None:
        lines = [
            f"from numen.std.exponential import {', '.join(CALLS)}",
            "def main(which: u64, x: u128, y: u128) -> u128:",
        ]
        for which, call in enumerate(CALLS.values()):
            lines += [f"    if which == {which}:", f"        return {call}"]
        super().__init__("\n".join([*lines, "    return 0", ""]))

    def words(self, name: str, x: int, y: int = 0) -> tuple[int, int, int]:
        return list(CALLS).index(name), x % U128, y % U128

    def of(self, name: str, x: int, y: int = 0) -> Any:
        """Call a function; a logarithm has its sign."""
        found = self(*self.words(name, x, y))
        if name in ("ln", "log2") and isinstance(found, int) and found >= I128:
            return found - U128
        return found


@pytest.fixture(scope="module")
def library() -> Exponential:
    return Exponential()


def unscaled(x: int) -> Decimal:
    """The number that an integer stands for."""
    return FINE.divide(Decimal(x), Decimal(ONE))


def check(library: Exponential, name: str, x: int, y: int = 0) -> None:
    """One call is as near as the page says; it may stop only where the result does not fit."""
    exact = FINE.multiply(EXACT[name](unscaled(x), unscaled(y)), Decimal(ONE))
    found = library.of(name, x, y)
    if isinstance(found, Reason):
        assert found in (Reason.REQUIREMENT, Reason.CONVERSION)
        assert exact > U128 - 1, (name, x, y)
    else:
        assert FINE.abs(FINE.subtract(Decimal(found), exact)) <= BOUND, (name, x, y)


def sized(low: int, high: int) -> st.SearchStrategy[int]:
    """Integers of a range, short ones as often as long ones."""
    within = st.integers(low, high)
    short = st.integers(0, 126).flatmap(lambda n: st.integers(-(2**n), 2**n))
    return within | short.map(lambda x: max(low, min(high, x)))


near_one = st.integers(-(10**9), 10**9).map(lambda x: ONE + x)
positive = sized(1, U128 - 1) | near_one


@given(sized(-42 * ONE, 48 * ONE))
def test_exp_is_near(library, x):
    check(library, "exp", x)


@given(sized(-61 * ONE, 69 * ONE))
def test_exp2_is_near(library, x):
    check(library, "exp2", x)


@given(positive)
def test_logarithms_are_near(library, x):
    check(library, "ln", x)
    check(library, "log2", x)


@given(positive, sized(-I128, I128 - 1))
def test_powers_are_near(library, x, y):
    check(library, "power", x, y)


def vectors(name: str) -> list[tuple[int, int]]:
    """Arguments of every size, the ends, and those whose powers fit."""
    dice = random.Random(name)
    found: list[tuple[int, int]] = []
    for _ in range(210):
        size = dice.randrange(1, 128)
        match name:
            case "exp":
                found.append(
                    (dice.randrange(-42 * ONE, 47 * ONE) >> dice.choice([0, 0, 20, 50]), 0)
                )
            case "exp2":
                found.append(
                    (dice.randrange(-60 * ONE, 68 * ONE) >> dice.choice([0, 0, 20, 50]), 0)
                )
            case "ln" | "log2":
                found.append(
                    (dice.choice([dice.getrandbits(size) + 1, ONE + dice.randrange(-999, 999)]), 0)
                )
            case "power":
                x = dice.choice([dice.getrandbits(size) + 2, ONE + 1 + dice.getrandbits(size // 2)])
                logarithm = FINE.ln(unscaled(x))
                wanted = Decimal(dice.randrange(-41 * ONE, 47 * ONE)) / ONE
                y = int(wanted / (logarithm or Decimal(1)) * ONE)
                found.append((x, max(-I128, min(I128 - 1, y))))
    return found


MOST = 47276307437780177293
"""The largest x with e**x below 2**128 - 1/2, both as decimals."""

EDGES = {
    "exp": [0, 1, -1, ONE, -ONE, MOST, MOST + 1, -42 * ONE, -I128, I128 - 1],
    "exp2": [0, 1, -1, ONE, 68 * ONE, -59 * ONE, -60 * ONE, -61 * ONE, -I128, I128 - 1],
    "ln": [1, 2, ONE, ONE - 1, ONE + 1, U128 - 1, U128 // 2],
    "log2": [1, 2, ONE, ONE - 1, ONE + 1, U128 - 1, ONE // 2, ONE * 2**60],
    "power": [],
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_many_results_are_near(library, name):
    tried = vectors(name) + [(x, 0) for x in EDGES[name]]

    assert len(tried) >= 210
    for x, y in tried:
        check(library, name, x, y)


@pytest.mark.parametrize("step", [1, 2, 3, 1000, 10**6, 10**9, 10**12, -1, -2, -1000, -(10**9)])
def test_long_powers_of_what_is_nearly_one_are_near(library, step):
    """Errors of the logarithm are multiplied by up to 2**67 here, and the result has 39 digits."""
    logarithm = FINE.ln(unscaled(ONE + step))
    for wanted in ("47.276", "47", "45", "-40"):
        y = int(FINE.multiply(FINE.divide(Decimal(wanted), logarithm), Decimal(ONE)))
        check(library, "power", ONE + step, y)


def test_what_is_exact_is_exact(library):
    assert library.of("exp", 0) == ONE
    assert library.of("ln", ONE) == library.of("log2", ONE) == 0
    for n in range(-17, 69):
        power = round(Fraction(2) ** n * ONE)
        assert library.of("exp2", n * ONE) == power
        assert library.of("log2", power) == n * ONE
    for x, n in ((3, 20), (5, -12), (7, 2), (10, 20), (10, -18), (1, -100), (4, -3)):
        assert library.of("power", x * ONE, n * ONE) == round(Fraction(x) ** n * ONE)
    assert library.of("power", 2 * ONE, ONE // 2) == 1414213562373095049


def test_powers_of_zero_and_to_zero(library):
    assert library.of("power", 0, 0) == library.of("power", 5, 0) == ONE
    assert library.of("power", 0, 1) == 0
    assert library.of("power", 0, -1) is Reason.REQUIREMENT
    assert library.of("ln", 0) is library.of("log2", 0) is Reason.REQUIREMENT


def test_what_does_not_fit_stops(library):
    for name, x, y in (
        ("exp", MOST + 1, 0), ("exp", I128 - 1, 0), ("exp2", 69 * ONE, 0),
        ("power", U128 - 1, 2 * ONE), ("power", 1, -I128), ("power", U128 - 1, I128 - 1),
    ):  # fmt: skip
        assert library.of(name, x, y) in (Reason.REQUIREMENT, Reason.CONVERSION)
    for name, x, y in (("exp", -I128, 0), ("exp2", -I128, 0), ("power", 1, I128 - 1)):
        assert library.of(name, x, y) == 0


@pytest.mark.slow
def test_a_circuit_raises_to_a_power():
    source = """
from numen.std.exponential import power

def main(x: u128, y: i128) -> u128:
    return power(x, y)
"""
    circuit = compile_circuit(optimise(compile_source(source)))

    found = circuit.witness([3 * ONE // 2, ONE // 3])

    check_witness(circuit.r1cs, found.felts())
    assert list(found.results) == [1144714242553331868]


def test_the_module_is_what_the_constants_give():
    assert (STD / "exponential.numen").read_text() == exponential.render()
