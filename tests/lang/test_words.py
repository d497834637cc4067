# ruff: noqa: E501  (tables: one program, one line)
"""What operators and functions on words give."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ir.types import FIELD_ORDER
from tests.lang.running import reason, run, value

# fmt: off
VALUES = {
    "a + b * 2":                    ("u64", {"a": ("u64", 3), "b": ("u64", 4)}, 11),
    "(a - b) // 2":                 ("i64", {"a": ("i64", 3), "b": ("i64", 10)}, -4),
    "a % b":                        ("i64", {"a": ("i64", 7), "b": ("i64", -4)}, -1),
    "a / b":                        ("felt", {"a": ("felt", 6), "b": ("felt", 3)}, 2),
    "-a":                           ("felt", {"a": ("felt", 1)}, FIELD_ORDER - 1),
    "a ** 5":                       ("felt", {"a": ("felt", 3)}, 243),
    "a ** 0":                       ("u8", {"a": ("u8", 0)}, 1),
    "a ** 63":                      ("i64", {"a": ("i64", -2)}, -(2**63)),
    "a ** n":                       ("i64", {"a": ("i64", -2), "n": ("u8", 63)}, -(2**63)),
    "pow(a, n)":                    ("u64", {"a": ("u64", 3), "n": ("u64", 40)}, 3**40),
    "2 ** n":                       ("u256", {"n": ("u64", 255)}, 2**255),
    "~a":                           ("u8", {"a": ("u8", 5)}, 250),
    "~a + 1":                       ("i64", {"a": ("i64", 5)}, -5),
    "a << 4":                       ("u8", {"a": ("u8", 0x1F)}, 0xF0),
    "a >> n":                       ("i64", {"a": ("i64", -9), "n": ("u64", 1)}, -5),
    "1 << n":                       ("u128", {"n": ("u32", 100)}, 2**100),
    "a & b | a ^ b":                ("u32", {"a": ("u32", 12), "b": ("u32", 10)}, 14),
    "min(a, 3, 9)":                 ("u64", {"a": ("u64", 5)}, 3),
    "max(a, b)":                    ("i64", {"a": ("i64", -5), "b": ("i64", -6)}, -5),
    "abs(a)":                       ("i256", {"a": ("i256", -5)}, 5),
    "u8(a)":                        ("u8", {"a": ("u256", 255)}, 255),
    "u8.wrapping(a)":               ("u8", {"a": ("i64", -1)}, 255),
    "i64.wrapping(a)":              ("i64", {"a": ("u64", 2**64 - 1)}, -1),
    "i64.wrapping(2**63)":          ("i64", {}, -(2**63)),
    "felt(a)":                      ("felt", {"a": ("i64", -1)}, FIELD_ORDER - 1),
    "u256(a)":                      ("u256", {"a": ("felt", FIELD_ORDER - 1)}, FIELD_ORDER - 1),
    "u64(t) + u64(not t)":          ("u64", {"t": ("bool", True)}, 1),
    "bool(a)":                      ("bool", {"a": ("felt", 9)}, True),
    "wrapping_add(a, 1)":           ("u64", {"a": ("u64", 2**64 - 1)}, 0),
    "wrapping_sub(0, a)":           ("u64", {"a": ("u64", 1)}, 2**64 - 1),
    "wrapping_mul(a, a)":           ("i64", {"a": ("i64", 2**62)}, 0),
    "mul_mod(a, a, 10**9 + 7)":     ("u64", {"a": ("u64", 2**63)}, 2**126 % (10**9 + 7)),
    "sub_mod(a, a + 1, 7)":         ("u64", {"a": ("u64", 2**63)}, 6),
    "div_mod(a, 3, 10)":            ("u64", {"a": ("u64", 12)}, 4),
    "div_mod(a, 3, 1)":             ("u64", {"a": ("u64", 12)}, 0),
    "add_mod(a, a, 7)":             ("u64", {"a": ("u64", 2**63)}, 2**64 % 7),
    "a < b <= 9 != a":              ("bool", {"a": ("u8", 3), "b": ("u8", 9)}, True),
    "t and a // b > 0":             ("bool", {"t": ("bool", False), "a": ("u8", 1), "b": ("u8", 0)}, False),
    "t or a // b > 0":              ("bool", {"t": ("bool", True), "a": ("u8", 1), "b": ("u8", 0)}, True),
    "a // b if b != 0 else 7":      ("u64", {"a": ("u64", 1), "b": ("u64", 0)}, 7),
    "(1 if t else 2) + (3 if t else a)": ("u64", {"t": ("bool", False), "a": ("u64", 5)}, 7),
    "t == (a == a)":                ("bool", {"t": ("bool", True), "a": ("felt", 5)}, True),
    "t ^ True":                     ("bool", {"t": ("bool", True)}, False),
    "a + (1 if t else 2)":          ("u32", {"t": ("bool", True), "a": ("u32", 5)}, 6),
    "2**70 // 3":                   ("u128", {}, 2**70 // 3),
    "-7 // 2":                      ("i64", {}, -4),
    "0xff":                         ("u8", {}, 255),
}
# fmt: on


@pytest.mark.parametrize("expression", VALUES)
def test_an_expression_gives_its_value(expression):
    of, names, expected = VALUES[expression]

    found = value(expression, of, **names)

    assert found == expected
    assert type(found) is type(expected)


# fmt: off
TRAPS = {
    "a + 1":              ("u8", {"a": ("u8", 255)}, "overflow"),
    "a - 1":              ("u64", {"a": ("u64", 0)}, "overflow"),
    "-a":                 ("i64", {"a": ("i64", -(2**63))}, "overflow"),
    "abs(a)":             ("i64", {"a": ("i64", -(2**63))}, "overflow"),
    "a // b":             ("i64", {"a": ("i64", -(2**63)), "b": ("i64", -1)}, "overflow"),
    "a ** n":             ("u64", {"a": ("u64", 2), "n": ("u64", 64)}, "overflow"),
    "a % b":              ("u64", {"a": ("u64", 1), "b": ("u64", 0)}, "division by zero"),
    "a / b":              ("felt", {"a": ("felt", 1), "b": ("felt", 0)}, "division by zero"),
    "mul_mod(a, a, b)":   ("u64", {"a": ("u64", 1), "b": ("u64", 0)}, "division by zero"),
    "sub_mod(a, a, b)":   ("u64", {"a": ("u64", 1), "b": ("u64", 0)}, "division by zero"),
    "div_mod(a, b, 9)":   ("u64", {"a": ("u64", 1), "b": ("u64", 6)}, "division by zero"),
    "div_mod(a, a, b)":   ("u64", {"a": ("u64", 1), "b": ("u64", 0)}, "division by zero"),
    "a << n":             ("u64", {"a": ("u64", 1), "n": ("u64", 64)}, "shift too far"),
    "a >> n":             ("u64", {"a": ("u64", 1), "n": ("i64", -1)}, "value does not fit the type"),
    "u8(a)":              ("u8", {"a": ("u64", 256)}, "value does not fit the type"),
    "u64(a)":             ("u64", {"a": ("felt", 2**64)}, "value does not fit the type"),
    "u64(a) + 0":         ("u64", {"a": ("i64", -1)}, "value does not fit the type"),
}
# fmt: on


@pytest.mark.parametrize("expression", TRAPS)
def test_an_expression_traps_where_its_type_ends(expression):
    of, names, expected = TRAPS[expression]

    found = value(expression, of, **names)

    assert reason(found) == expected
    assert (found.place.file, found.place.line) == ("t.py", 2)


@given(st.integers(0, 2**64 - 1), st.integers(0, 20))
def test_powers_of_run_time_exponents_trap_exactly_where_the_result_is_too_wide(base, exponent):
    found = value("a ** n", "u64", a=("u64", base), n=("u64", exponent))
    constant = value(f"a ** {exponent}", "u64", a=("u64", base))

    exact = base**exponent
    for one in (found, constant):
        if exact < 2**64:
            assert one == exact
        else:
            assert reason(one) == "overflow"


def test_plain_functions_compute_in_the_field():
    assert run("def main(a, b):\n    return a + b\n", 1, 2) == 3
    assert run("def main(a, b):\n    return a / b * b\n", 1, 7) == 1
    assert run("def main(a):\n    return a - 1\n", 0) == FIELD_ORDER - 1
    assert run("def main(a, b):\n    return a == b, 1 / a\n", 1, 1) == [True, 1]
    assert (
        run("def twice(a):\n    return a * 2\ndef main(a):\n    return twice(twice(a))\n", 3) == 12
    )
    assert run("def main(a):\n    return [a, a * a, 1]\n", 3) == [3, 9, 1]


def test_standard_mathematics_agrees_with_python():
    source = (
        "from numen.std.math import gcd, isqrt, log2, power_mod, power_mod256\n"
        "def main(a: u64, b: u64) -> tuple[u64, u64, u64, u64, u256]:\n"
        "    big = power_mod256(u256(a), 2**200, 2**255 - 19)\n"
        "    return gcd(a, b), isqrt(a), log2(a), power_mod(a, b, 2**64 - 59), big\n"
    )
    for a, b in [(1, 0), (12, 18), (2**64 - 1, 2**63), (2**32, 3), (10**12, 10**6)]:
        expected = [
            math.gcd(a, b),
            math.isqrt(a),
            a.bit_length() - 1,
            pow(a, b, 2**64 - 59),
            pow(a, 2**200, 2**255 - 19),
        ]
        assert run(source, a, b) == expected
