"""Loop-invariant code motion, before and after."""

import pytest

from numen.ir.passes.licm import hoist_invariants
from tests.ir.passes.before_after import UNCHANGED, check

CASES = {
    "what does not change in a loop moves before it": (
        """
        func f -> (u64)
        start(n: u64, a: u64, b: u64):
            zero = const.u64 0
            jump head(zero, zero)
        head(i: u64, sum: u64):
            c = lt.u64 i, n
            branch c, body(), done()
        body():
            x = wrapping_mul.u64 a, b
            y = wrapping_add.u64 sum, x
            one = const.u64 1
            j = add.u64 i, one
            jump head(j, y)
        done():
            return sum
        """,
        """
        func f -> (u64)
        start(n: u64, a: u64, b: u64):
            zero = const.u64 0
            x = wrapping_mul.u64 a, b
            one = const.u64 1
            jump head(zero, zero)
        head(i: u64, sum: u64):
            c = lt.u64 i, n
            branch c, body(), done()
        body():
            y = wrapping_add.u64 sum, x
            j = add.u64 i, one
            jump head(j, y)
        done():
            return sum
        """,
    ),
    "what may trap moves only where the loop begins with it": (
        """
        func f -> (u64)
        start(n: u64, a: u64, b: u64):
            zero = const.u64 0
            jump head(zero)
        head(i: u64):
            m = mul.u64 a, b
            c = lt.u64 i, m
            branch c, body(), done()
        body():
            x = div.u64 a, b
            j = add.u64 i, x
            jump head(j)
        done():
            return i
        """,
        """
        func f -> (u64)
        start(n: u64, a: u64, b: u64):
            zero = const.u64 0
            m = mul.u64 a, b
            jump head(zero)
        head(i: u64):
            c = lt.u64 i, m
            branch c, body(), done()
        body():
            x = div.u64 a, b
            j = add.u64 i, x
            jump head(j)
        done():
            return i
        """,
    ),
    "a read moves where the loop writes nothing": (
        """
        func f -> (u64)
        start(n: u64, r: [4 x u64]):
            zero = const.u64 0
            jump head(zero)
        head(i: u64):
            three = const.u64 3
            c = lt.u64 i, n
            branch c, body(), done()
        body():
            x = get.[4 x u64] r, three
            j = add.u64 i, x
            jump head(j)
        done():
            return i
        """,
        """
        func f -> (u64)
        start(n: u64, r: [4 x u64]):
            zero = const.u64 0
            three = const.u64 3
            x = get.[4 x u64] r, three
            jump head(zero)
        head(i: u64):
            c = lt.u64 i, n
            branch c, body(), done()
        body():
            j = add.u64 i, x
            jump head(j)
        done():
            return i
        """,
    ),
    "a read stays where the loop writes": (
        """
        func f -> (u64)
        start(n: u64, r: [4 x u64]):
            zero = const.u64 0
            three = const.u64 3
            jump head(zero)
        head(i: u64):
            c = lt.u64 i, n
            branch c, body(), done()
        body():
            x = get.[4 x u64] r, three
            set.[4 x u64] r, three, i
            j = add.u64 i, x
            jump head(j)
        done():
            return i
        """,
        UNCHANGED,
    ),
    "a loop that is entered by a branch gets a block before it": (
        """
        func f -> (u64)
        start(n: u64, d: bool, a: u64):
            branch d, head(a), done(a)
        head(i: u64):
            c = lt.u64 i, n
            branch c, body(), done(i)
        body():
            x = wrapping_mul.u64 a, n
            j = add.u64 i, x
            jump head(j)
        done(r: u64):
            return r
        """,
        """
        func f -> (u64)
        start(n: u64, d: bool, a: u64):
            branch d, before$0(a), done(a)
        before$0(in$1: u64):
            x = wrapping_mul.u64 a, n
            jump head(in$1)
        head(i: u64):
            c = lt.u64 i, n
            branch c, body(), done(i)
        body():
            j = add.u64 i, x
            jump head(j)
        done(r: u64):
            return r
        """,
    ),
    "what is fixed in a nest moves out of the whole of it": (
        """
        func f -> (u64)
        start(n: u64, d: bool, a: u64):
            branch d, rows(a), done(a)
        rows(i: u64):
            c = lt.u64 i, n
            branch c, columns(i), done(i)
        columns(j: u64):
            e = lt.u64 j, i
            branch e, cell(), rows(j)
        cell():
            x = wrapping_mul.u64 a, n
            y = wrapping_mul.u64 x, i
            z = wrapping_add.u64 y, j
            jump columns(z)
        done(r: u64):
            return r
        """,
        """
        func f -> (u64)
        start(n: u64, d: bool, a: u64):
            branch d, before$2(a), done(a)
        before$2(in$3: u64):
            x = wrapping_mul.u64 a, n
            jump rows(in$3)
        rows(i: u64):
            c = lt.u64 i, n
            branch c, before$0(i), done(i)
        before$0(in$1: u64):
            y = wrapping_mul.u64 x, i
            jump columns(in$1)
        columns(j: u64):
            e = lt.u64 j, i
            branch e, cell(), rows(j)
        cell():
            z = wrapping_add.u64 y, j
            jump columns(z)
        done(r: u64):
            return r
        """,
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_licm(before, after):
    check(hoist_invariants, before, after)
