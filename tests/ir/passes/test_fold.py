"""Constant folding, before and after."""

import pytest

from numen.ir.passes.fold import fold
from tests.ir.passes.before_after import UNCHANGED, check

CASES = {
    "constants are computed, where that does not trap": (
        """
        func f -> (u64, u64)
        start(a: u64):
            x = const.u64 6
            y = const.u64 7
            p = mul.u64 x, y
            z = const.u64 0
            q = div.u64 p, z @ "f.py":3:1
            return p, q
        """,
        """
        func f -> (u64, u64)
        start(a: u64):
            x = const.u64 6
            y = const.u64 7
            p = const.u64 42
            z = const.u64 0
            q = div.u64 p, z @ "f.py":3:1
            return p, q
        """,
    ),
    "what leaves an operand as it is becomes the operand": (
        """
        func f -> (u64, u64, u64)
        start(a: u64, c: bool):
            zero = const.u64 0
            one = const.u64 1
            b = add.u64 zero, a
            d = mul.u64 b, one
            e = shr.u64 d, zero
            g = sub.u64 e, e
            h = and.u64 e, e
            t = const.bool 1
            s = eq.bool c, t
            k = select.u64 s, h, h
            return e, g, k
        """,
        """
        func f -> (u64, u64, u64)
        start(a: u64, c: bool):
            zero = const.u64 0
            one = const.u64 1
            g = const.u64 0
            t = const.bool 1
            return a, g, a
        """,
    ),
    "a truth turned twice is the truth": (
        """
        func f -> (bool, u64)
        start(c: bool, a: u64, b: u64):
            n = not.bool c
            m = not.bool n
            x = select.u64 n, a, b
            return m, x
        """,
        """
        func f -> (bool, u64)
        start(c: bool, a: u64, b: u64):
            n = not.bool c
            x = select.u64 c, b, a
            return c, x
        """,
    ),
    "what is zero where two words are equal is not computed to compare them": (
        """
        func f -> (bool, bool, bool)
        start(a: u64, b: u64):
            zero = const.u64 0
            x = xor.u64 a, b
            d = wrapping_sub.u64 a, b
            s = wrapping_add.u64 a, b
            p = eq.u64 x, zero
            q = eq.u64 zero, d
            r = eq.u64 s, zero
            return p, q, r
        """,
        """
        func f -> (bool, bool, bool)
        start(a: u64, b: u64):
            zero = const.u64 0
            x = xor.u64 a, b
            d = wrapping_sub.u64 a, b
            s = wrapping_add.u64 a, b
            p = eq.u64 a, b
            q = eq.u64 a, b
            r = eq.u64 s, zero
            return p, q, r
        """,
    ),
    "conversions that keep the integer are skipped": (
        """
        func f -> (u64, u8, u128)
        start(a: u64, b: u8):
            w = truncate.u64.u256 a
            n = truncate.u256.u64 w
            s = truncate.u256.u8 w
            v = cast.u8.u64 b
            u = cast.u64.u128 v
            return n, s, u
        """,
        """
        func f -> (u64, u8, u128)
        start(a: u64, b: u8):
            w = truncate.u64.u256 a
            s = truncate.u64.u8 a
            v = cast.u8.u64 b
            u = cast.u8.u128 b
            return a, s, u
        """,
    ),
    "a cast into the field is a remainder and is not skipped": (
        """
        func f -> (u64)
        start(a: u256):
            x = cast.u256.felt a
            y = cast.felt.u64 x
            return y
        """,
        UNCHANGED,
    ),
    "a requirement that holds is dropped, one that does not stays": (
        """
        func f -> ()
        start():
            t = const.bool 1
            n = const.bool 0
            require t, "never said"
            require n, "said"
            return
        """,
        """
        func f -> ()
        start():
            t = const.bool 1
            n = const.bool 0
            require n, "said"
            return
        """,
    ),
    "a checked sum keeps its trap when an operand is known": (
        """
        func f -> (u8)
        start(a: u8):
            x = const.u8 255
            y = add.u8 a, x
            return y
        """,
        UNCHANGED,
    ),
    "the remainder by one is zero, by minus one too": (
        """
        func f -> (i64, i64)
        start(a: i64):
            one = const.i64 1
            minus = const.i64 -1
            x = rem.i64 a, one
            y = rem.i64 a, minus
            return x, y
        """,
        """
        func f -> (i64, i64)
        start(a: i64):
            one = const.i64 1
            minus = const.i64 -1
            x = const.i64 0
            y = const.i64 0
            return x, y
        """,
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_fold(before, after):
    check(fold, before, after)
