"""Dead code elimination, before and after."""

import pytest

from numen.ir.passes.dce import eliminate_dead_code
from tests.ir.passes.before_after import check

CASES = {
    "what nobody reads goes, what may trap stays": (
        """
        func f -> (u64)
        start(a: u64, b: u64):
            x = wrapping_add.u64 a, b
            y = add.u64 a, b
            z = xor.u64 x, a
            return a
        """,
        """
        func f -> (u64)
        start(a: u64, b: u64):
            y = add.u64 a, b
            return a
        """,
    ),
    "what cannot trap for the constants it reads goes": (
        """
        func f -> (u64)
        start(a: u64, r: [4 x u64]):
            three = const.u64 3
            four = const.u64 4
            x = div.u64 a, three
            y = shr.u64 a, three
            v = get.[4 x u64] r, three
            w = get.[4 x u64] r, four
            c = cast.u64.u128 a
            return a
        """,
        """
        func f -> (u64)
        start(a: u64, r: [4 x u64]):
            four = const.u64 4
            w = get.[4 x u64] r, four
            return a
        """,
    ),
    "parameters that only feed each other around a loop go": (
        """
        func f -> (u64)
        start(a: u64):
            zero = const.u64 0
            jump head(zero, zero)
        head(i: u64, unread: u64):
            c = lt.u64 i, a
            branch c, body(), done()
        body():
            one = const.u64 1
            j = add.u64 i, one
            other = wrapping_add.u64 unread, j
            jump head(j, other)
        done():
            return a
        """,
        """
        func f -> (u64)
        start(a: u64):
            zero = const.u64 0
            jump head(zero)
        head(i: u64):
            c = lt.u64 i, a
            branch c, body(), done()
        body():
            one = const.u64 1
            j = add.u64 i, one
            jump head(j)
        done():
            return a
        """,
    ),
    "a write stays, and so does what it reads; an array nobody uses goes": (
        """
        func f -> ()
        start(r: [4 x u64], a: u64):
            unused = array.[4 x u64]
            one = const.u64 1
            x = wrapping_add.u64 a, one
            set.[4 x u64] r, one, x
            return
        """,
        """
        func f -> ()
        start(r: [4 x u64], a: u64):
            one = const.u64 1
            x = wrapping_add.u64 a, one
            set.[4 x u64] r, one, x
            return
        """,
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_dce(before, after):
    check(eliminate_dead_code, before, after)
