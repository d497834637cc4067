"""Narrowing, before and after."""

import pytest

from numen.ir.passes.narrow import narrow
from tests.ir.passes.before_after import check

CASES = {
    "a counter below a bound is stepped without a check": (
        """
        func f -> (u64)
        start(n: u64):
            zero = const.u64 0
            jump head(zero)
        head(i: u64):
            c = lt.u64 i, n
            branch c, body(), done()
        body():
            one = const.u64 1
            j = add.u64 i, one
            jump head(j)
        done():
            return i
        """,
        """
        func f -> (u64)
        start(n: u64):
            zero = const.u64 0
            jump head(zero)
        head(i: u64):
            c = lt.u64 i, n
            branch c, body(), done()
        body():
            one = const.u64 1
            j = wrapping_add.u64 i, one
            jump head(j)
        done():
            return i
        """,
    ),
    "a step of more than one keeps its check, which shows that the loop is counted": (
        """
        func f -> (u64)
        start(n: u8, s: u64):
            zero = const.u64 0
            m = cast.u8.u64 n
            jump head(zero)
        head(i: u64):
            c = lt.u64 i, m
            branch c, body(), done()
        body():
            two = const.u64 2
            j = add.u64 i, two
            jump head(j)
        done():
            return i
        """,
        """
        func f -> (u64)
        start(n: u8, s: u64):
            zero = const.u64 0
            m = truncate.u8.u64 n
            jump head(zero)
        head(i: u64):
            c = lt.u64 i, m
            branch c, body(), done()
        body():
            two = const.u64 2
            j = add.u64 i, two
            jump head(j)
        done():
            return i
        """,
    ),
    "a requirement that always holds is dropped, and decides branches": (
        """
        func f -> (u64)
        start(a: u8):
            w = cast.u8.u64 a
            big = const.u64 300
            c = lt.u64 w, big
            require c, "small"
            branch c, one(), two()
        one():
            return w
        two():
            return big
        """,
        """
        func f -> (u64)
        start(a: u8):
            w = truncate.u8.u64 a
            big = const.u64 300
            c = const.bool 1
            jump one()
        one():
            return w
        """,
    ),
    "what a requirement says is used after it": (
        """
        func f -> (u64, u64)
        start(a: u64, b: u64):
            ten = const.u64 10
            x = mul.u64 a, ten
            c = lt.u64 a, ten
            require c, "a digit"
            y = mul.u64 a, ten
            return x, y
        """,
        """
        func f -> (u64, u64)
        start(a: u64, b: u64):
            ten = const.u64 10
            x = mul.u64 a, ten
            c = lt.u64 a, ten
            require c, "a digit"
            y = wrapping_mul.u64 a, ten
            return x, y
        """,
    ),
    "a difference that did not trap orders its operands": (
        """
        func f -> (u64, u64)
        start(a: u64):
            five = const.u64 5
            x = sub.u64 a, five
            y = sub.u64 a, five
            return x, y
        """,
        """
        func f -> (u64, u64)
        start(a: u64):
            five = const.u64 5
            x = sub.u64 a, five
            y = wrapping_sub.u64 a, five
            return x, y
        """,
    ),
    "wide words that stay small become narrow": (
        """
        func f -> (u256)
        start(a: u64, b: u64):
            x = cast.u64.u256 a
            y = cast.u64.u256 b
            m = mul.u256 x, y
            s = add.u256 x, y
            q = div.u256 m, s
            return q
        """,
        """
        func f -> (u256)
        start(a: u64, b: u64):
            x = truncate.u64.u256 a
            y = truncate.u64.u256 b
            narrow$0 = truncate.u256.u128 x
            narrow$1 = truncate.u256.u128 y
            narrow$2 = wrapping_mul.u128 narrow$0, narrow$1
            m = truncate.u128.u256 narrow$2
            narrow$3 = truncate.u256.u128 x
            narrow$4 = truncate.u256.u128 y
            narrow$5 = wrapping_add.u128 narrow$3, narrow$4
            s = truncate.u128.u256 narrow$5
            narrow$6 = truncate.u256.u128 m
            narrow$7 = truncate.u256.u128 s
            narrow$8 = div.u128 narrow$6, narrow$7
            q = truncate.u128.u256 narrow$8
            return q
        """,
    ),
    "a wide parameter that stays small becomes narrow": (
        """
        func f -> (u256)
        start(n: u64):
            zero = const.u256 0
            limit = const.u256 1000
            jump head(zero)
        head(i: u256):
            c = lt.u256 i, limit
            branch c, body(), done()
        body():
            one = const.u256 1
            j = add.u256 i, one
            jump head(j)
        done():
            return i
        """,
        """
        func f -> (u256)
        start(n: u64):
            zero = const.u256 0
            limit = const.u256 1000
            narrow$0 = const.u64 0
            jump head(narrow$0)
        head(narrow$1: u64):
            i = truncate.u64.u256 narrow$1
            narrow$2 = truncate.u256.u64 i
            narrow$3 = const.u64 1000
            c = lt.u64 narrow$2, narrow$3
            branch c, body(), done()
        body():
            one = const.u256 1
            narrow$4 = truncate.u256.u64 i
            narrow$5 = const.u64 1
            narrow$6 = wrapping_add.u64 narrow$4, narrow$5
            j = truncate.u64.u256 narrow$6
            narrow$7 = truncate.u256.u64 j
            jump head(narrow$7)
        done():
            return i
        """,
    ),
    "signed division of what is never negative is unsigned": (
        """
        func f -> (i64)
        start(a: u8, b: u8):
            x = cast.u8.i64 a
            y = cast.u8.i64 b
            q = div.i64 x, y
            return q
        """,
        """
        func f -> (i64)
        start(a: u8, b: u8):
            x = truncate.u8.i64 a
            y = truncate.u8.i64 b
            narrow$0 = truncate.i64.u64 x
            narrow$1 = truncate.i64.u64 y
            narrow$2 = div.u64 narrow$0, narrow$1
            q = truncate.u64.i64 narrow$2
            return q
        """,
    ),
    "the lesser of two is bounded by both": (
        """
        func f -> (u64)
        start(a: u64):
            nine = const.u64 9
            c = lt.u64 a, nine
            m = select.u64 c, a, nine
            x = mul.u64 m, m
            return x
        """,
        """
        func f -> (u64)
        start(a: u64):
            nine = const.u64 9
            c = lt.u64 a, nine
            m = select.u64 c, a, nine
            x = wrapping_mul.u64 m, m
            return x
        """,
    ),
    "an index in a nest of loops is computed without checks": (
        """
        func f -> (u64)
        start(r: [16 x u64]):
            zero = const.u64 0
            four = const.u64 4
            one = const.u64 1
            jump rows(zero)
        rows(i: u64):
            c = lt.u64 i, four
            branch c, columns(zero), done()
        columns(j: u64):
            d = lt.u64 j, four
            branch d, cell(), next()
        cell():
            at = mul.u64 i, four
            where = add.u64 at, j
            x = get.[16 x u64] r, where
            k = add.u64 j, one
            jump columns(k)
        next():
            l = add.u64 i, one
            jump rows(l)
        done():
            return i
        """,
        """
        func f -> (u64)
        start(r: [16 x u64]):
            zero = const.u64 0
            four = const.u64 4
            one = const.u64 1
            jump rows(zero)
        rows(i: u64):
            c = lt.u64 i, four
            branch c, columns(zero), done()
        columns(j: u64):
            d = lt.u64 j, four
            branch d, cell(), next()
        cell():
            at = wrapping_mul.u64 i, four
            where = wrapping_add.u64 at, j
            x = get.[16 x u64] r, where
            k = wrapping_add.u64 j, one
            jump columns(k)
        next():
            l = wrapping_add.u64 i, one
            jump rows(l)
        done():
            return i
        """,
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_narrow(before, after):
    check(narrow, before, after)
