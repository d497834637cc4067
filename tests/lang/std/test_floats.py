"""Floats in integers are those of the processor, to the last bit, on every engine."""

import math
import operator
import random
import struct
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
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
from tests.lang.std.rounding import MODES, rounded

NAN = 0x7FF8 << 48
SIGN = 1 << 63
INFINITY = 0x7FF << 52


def bits(x: float) -> int:
    """A float's bits; there is one NaN."""
    return NAN if math.isnan(x) else int.from_bytes(struct.pack(">d", x), "big")


def number(x: int) -> float:
    """A float of its bits."""
    (found,) = struct.unpack(">d", x.to_bytes(8, "big"))
    assert isinstance(found, float)
    return found


# What IEEE 754 says, by the processor and by exact fractions ---


def nearest(x: Fraction) -> float:
    """Python divides integers with one rounding, subnormals included."""
    try:
        return x.numerator / x.denominator
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def divided(x: float, y: float) -> float:
    if y != 0:
        return x / y
    return math.nan if x == 0 or math.isnan(x) else math.copysign(math.inf, x) * math.copysign(1, y)


def or_nan(function: Callable[..., float]) -> Callable[..., float]:
    """A function of `math`, which raises where IEEE 754 has a NaN."""

    def call(*args: float) -> float:
        try:
            return function(*args)
        except ValueError:
            return math.nan

    return call


def fused(x: float, y: float, z: float) -> float:
    if not all(map(math.isfinite, (x, y, z))):
        return z if math.isfinite(x) and math.isfinite(y) else x * y + z
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    # Where the sum is zero, the signs decide, as they do when the parts are rounded.
    is_signed_zero = exact == 0 and x * y == 0
    return x * y + z if is_signed_zero else nearest(exact)


def extreme(choose: Callable[..., float]) -> Callable[..., float]:
    def call(x: float, y: float) -> float:
        if math.isnan(x) or math.isnan(y):
            return math.nan
        if x == y == 0:
            return math.copysign(0, choose(math.copysign(1, x), math.copysign(1, y)))
        return choose(x, y)

    return call


TWO: dict[str, Callable[[float, float], float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": divided,
    "remainder": or_nan(math.remainder),
    "fmod": or_nan(math.fmod),
    "minimum": extreme(min),
    "maximum": extreme(max),
}
ORDER: dict[str, Callable[[float, float], bool]] = {
    "less": operator.lt,
    "less_equal": operator.le,
    "equal": operator.eq,
}
KINDS: dict[str, Callable[[float], bool]] = {"is_nan": math.isnan, "is_infinite": math.isinf}

CALLS = {
    **{name: f"{name}(x, y)" for name in TWO},
    **{name: f"u64({name}(x, y))" for name in ORDER},
    **{name: f"u64({name}(x))" for name in KINDS},
    "neg": "neg(x)",
    "absolute": "absolute(x)",
    "copysign": "copysign(x, y)",
    "sqrt": "sqrt(x)",
    "fma": "fma(x, y, z)",
    "to_integral": "to_integral(x, y)",
    "from_u64": "from_u64(x)",
    "from_i64": "from_i64(i64.wrapping(x))",
    "from_u128": "from_u128(u128(x) << 64 | u128(y))",
    "to_u64": "to_u64(x, y)",
    "to_i64": "u64.wrapping(to_i64(x, y))",
    "ratio": "ratio(u128(x) << z, u128(y))",
    "from_decimal": "from_decimal(i128(i64.wrapping(x)), i64.wrapping(y))",
}
"""How a function is called with three words."""


class Floats(Everywhere):
    """All functions in one program, whose first argument says which is called."""

    def __init__(self) -> None:
        lines = [
            f"from numen.std.floats import {', '.join(CALLS)}",
            "def main(which: u64, x: u64, y: u64, z: u64) -> u64:",
        ]
        for which, call in enumerate(CALLS.values()):
            lines += [f"    if which == {which}:", f"        return {call}"]
        super().__init__("\n".join([*lines, "    return 0", ""]))

    def of(self, name: str, x: int, y: int = 0, z: int = 0) -> Any:
        """Call a function on words."""
        return self(list(CALLS).index(name), x % 2**64, y % 2**64, z)


@pytest.fixture(scope="module")
def floats() -> Floats:
    return Floats()


# Floats worth trying ---

SPECIAL = [
    bits(x)
    for x in (0.0, 1.0, 1.5, 2.0, 3.0, 0.1, math.pi, math.inf, 2.0**52, 2.0**53,
              2.0**63, 2.0**64, 5e-324)
]  # fmt: skip
SPECIAL += [
    (1 << 52) - 1,
    1 << 52,
    INFINITY - 1,
    INFINITY + 1,
    NAN,
    NAN + 1,
    bits(1.0) - 1,
    bits(1.0) + 1,
]
SPECIAL += [x | SIGN for x in SPECIAL]

fields = st.tuples(st.integers(0, 1), st.integers(1000, 1046), st.integers(0, 52)).flatmap(
    lambda parts: st.integers(0, 2 ** parts[2] - 1).map(
        lambda top: parts[0] << 63 | parts[1] << 52 | top << (52 - parts[2])
    )
)
words = st.integers(0, 2**64 - 1) | st.sampled_from(SPECIAL) | fields


def drawn(dice: random.Random) -> int:
    """A float: special, any, subnormal, or one of which both digits and size are like others'."""
    match dice.randrange(5):
        case 0:
            return dice.choice(SPECIAL)
        case 1:
            return dice.getrandbits(64)
        case 2:
            return dice.getrandbits(1) << 63 | dice.getrandbits(dice.randrange(1, 53))
        case _:
            short = dice.getrandbits(52) & -(1 << dice.randrange(53))
            return dice.getrandbits(1) << 63 | dice.randrange(1000, 1046) << 52 | short


VECTORS = 220


# Tests ---


@pytest.mark.parametrize("name", TWO)
@given(x=words, y=words)
def test_two_floats_give_what_the_processor_does(floats, name, x, y):
    assert floats.of(name, x, y) == bits(TWO[name](number(x), number(y)))


@pytest.mark.parametrize("name", TWO)
def test_many_pairs_give_what_the_processor_does(floats, name):
    dice = random.Random(name)
    for _ in range(VECTORS):
        x, y = drawn(dice), drawn(dice)
        assert floats.of(name, x, y) == bits(TWO[name](number(x), number(y))), (x, y)


@pytest.mark.parametrize("name", TWO)
def test_every_pair_of_special_floats_gives_what_the_processor_does(floats, name):
    which = list(CALLS).index(name)
    for x in SPECIAL:
        for y in SPECIAL:
            assert floats.fast(which, x, y, 0) == bits(TWO[name](number(x), number(y))), (x, y)


@pytest.mark.parametrize("name", ORDER)
def test_every_pair_of_special_floats_is_ordered_as_by_the_processor(floats, name):
    which = list(CALLS).index(name)
    for x in SPECIAL:
        for y in SPECIAL:
            assert floats.fast(which, x, y, 0) == ORDER[name](number(x), number(y)), (x, y)


@given(words, words)
def test_order_kinds_and_signs(floats, x, y):
    check_order_kinds_and_signs(floats, x, y)


def test_order_kinds_and_signs_of_many(floats):
    dice = random.Random(3)
    for _ in range(VECTORS):
        check_order_kinds_and_signs(floats, drawn(dice), drawn(dice))


def check_order_kinds_and_signs(floats: Floats, x: int, y: int) -> None:
    for name, ordered in ORDER.items():
        assert floats.of(name, x, y) == ordered(number(x), number(y))
    for name, kind in KINDS.items():
        assert floats.of(name, x) == kind(number(x))
    assert floats.of("neg", x) == x ^ SIGN
    assert floats.of("absolute", x) == x & ~SIGN
    assert floats.of("copysign", x, y) == x & ~SIGN | y & SIGN


@given(words)
def test_square_roots_are_the_processor_s(floats, x):
    assert floats.of("sqrt", x) == bits(or_nan(math.sqrt)(number(x)))


def test_many_square_roots_are_the_processor_s(floats):
    dice = random.Random(2)
    for x in (*(drawn(dice) for _ in range(VECTORS)), *SPECIAL):
        assert floats.of("sqrt", x) == bits(or_nan(math.sqrt)(number(x))), x


@given(words, words, words)
def test_a_fused_product_and_sum_is_rounded_once(floats, x, y, z):
    expected = fused(number(x), number(y), number(z))

    assert floats.of("fma", x, y, z) == bits(expected)


def test_many_fused_products_and_sums_are_rounded_once(floats):
    dice = random.Random(4)
    for _ in range(VECTORS):
        x, y = drawn(dice), drawn(dice)
        near = bits(-number(x) * number(y))  # so that they cancel, but for the rounding
        for z in (drawn(dice), 0, near, min(near + dice.randrange(3), 2**64 - 1)):
            expected = fused(number(x), number(y), number(z))
            assert floats.of("fma", x, y, z) == bits(expected), (x, y, z)


def test_what_is_added_to_a_product_in_the_middle_decides(floats):
    """The product has 54 bits, and what is far below it says to which side the last one goes."""
    x, y = 2.0**27 + 1, 2.0**26 + 1
    found = set()
    for z in (0.0, -0.0, 2.0**-200, -(2.0**-200), 5e-324, -5e-324):
        expected = bits(fused(x, y, z))
        assert floats.of("fma", bits(x), bits(y), bits(z)) == expected
        found.add(expected)
    assert len(found) == 2


integers = st.integers(0, 64).flatmap(lambda n: st.integers(0, 2**n - 1)) | st.sampled_from(
    [2**53 + 1, 2**54 + 2, 2**63, 2**64 - 1, 2**64 - 2**10, 2**64 - 2**10 - 1]
)


@given(integers, integers)
def test_integers_become_the_nearest_floats(floats, x, y):
    signed = x if x < SIGN else x - 2**64

    assert floats.of("from_u64", x) == bits(float(x))
    assert floats.of("from_i64", x) == bits(float(signed))
    assert floats.of("from_u128", x, y) == bits(float(x << 64 | y))


@given(integers, integers.filter(bool), st.integers(0, 64))
def test_ratios_become_the_nearest_floats(floats, x, y, shift):
    assert floats.of("ratio", x, y, shift) == bits((x << shift) / y)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-38, 38))
def test_decimals_become_the_nearest_floats(floats, digits, exponent):
    found = floats.of("from_decimal", digits, exponent)

    assert found == bits(float(f"{digits}e{exponent}"))


def test_many_numbers_become_the_nearest_floats(floats):
    dice = random.Random(6)
    for _ in range(VECTORS):
        x, y, shift = (
            dice.getrandbits(dice.randrange(1, 65)),
            dice.getrandbits(64),
            dice.randrange(65),
        )
        digits, exponent = dice.randrange(-(10**17), 10**17), dice.randrange(-38, 39)
        assert floats.of("from_u64", x) == bits(float(x))
        assert floats.of("from_i64", -x // 2) == bits(float(-x // 2))
        assert floats.of("from_u128", x, y) == bits(float(x << 64 | y))
        assert floats.of("ratio", x, y, shift) == bits((x << shift) / y)
        assert floats.of("from_decimal", digits, exponent) == bits(float(f"{digits}e{exponent}"))


near_integers = st.tuples(st.integers(-(2**12), 2**12), st.integers(-2, 2)).map(
    lambda pair: bits(pair[0] / 2) + (pair[1] if pair[0] else 0)
)


@given(near_integers | words, st.integers(0, len(MODES) - 1))
def test_floats_become_integers_as_decimal_rounds(floats, x, mode):
    check_integers(floats, x, mode)


def test_many_floats_become_integers_as_decimal_rounds(floats):
    dice = random.Random(8)
    for turn in range(VECTORS):
        half = bits(dice.randrange(-(2**54), 2**54) / 2 ** dice.randrange(56))
        for x in (half, SPECIAL[turn % len(SPECIAL)]):
            check_integers(floats, x, turn % len(MODES))


def check_integers(floats: Floats, x: int, mode: int) -> None:
    value = number(x)
    if not math.isfinite(value):
        assert floats.of("to_u64", x, mode) is Reason.REQUIREMENT
        assert floats.of("to_i64", x, mode) is Reason.REQUIREMENT
        assert floats.of("to_integral", x, mode) == bits(value)
        return
    exact = rounded(Decimal(value), mode)
    is_u64, is_i64 = 0 <= exact < 2**64, -(2**63) <= exact < 2**63
    assert floats.of("to_u64", x, mode) == (exact if is_u64 else Reason.REQUIREMENT)
    assert floats.of("to_i64", x, mode) == (exact % 2**64 if is_i64 else Reason.REQUIREMENT)
    assert floats.of("to_integral", x, mode) == bits(math.copysign(float(exact), value))


@pytest.mark.parametrize("mode", range(len(MODES)))
def test_halves_and_quarters_become_integers_as_decimal_rounds(floats, mode):
    for quarters in range(-13, 14):
        check_integers(floats, bits(quarters / 4), mode)


def test_there_are_no_other_modes(floats):
    assert floats.of("to_i64", bits(1.5), len(MODES)) is Reason.REQUIREMENT


def test_a_circuit_adds_and_multiplies_floats():
    module = optimise(compile_source(CIRCUIT))
    circuit = compile_circuit(module)
    dice = random.Random(9)

    for x, y in [(bits(0.1), bits(0.2)), *((drawn(dice), drawn(dice)) for _ in range(4))]:
        found = circuit.witness([x, y])
        check_witness(circuit.r1cs, found.felts())
        expected = [number(x) + number(y), number(x) * number(y)]
        assert list(found.results) == [bits(value) for value in expected]


CIRCUIT = """
from numen.std.floats import add, mul

def main(x: u64, y: u64) -> tuple[u64, u64]:
    return add(x, y), mul(x, y)
"""
