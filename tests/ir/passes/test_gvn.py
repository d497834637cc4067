"""Value numbering, before and after."""

import pytest

from numen.ir.passes.gvn import number_values
from tests.ir.passes.before_after import UNCHANGED, check

CASES = {
    "equal instructions are done once, whatever the order of operands": (
        """
        func f -> (u64, u64, bool)
        start(a: u64, b: u64):
            x = add.u64 a, b
            y = add.u64 b, a
            z = sub.u64 a, b
            w = sub.u64 b, a
            c = eq.u64 x, y
            return y, w, c
        """,
        """
        func f -> (u64, u64, bool)
        start(a: u64, b: u64):
            x = add.u64 a, b
            z = sub.u64 a, b
            w = sub.u64 b, a
            c = eq.u64 x, x
            return x, w, c
        """,
    ),
    "a requirement that was met need not be met again": (
        """
        func f -> ()
        start(c: bool, d: bool):
            require c, "first"
            branch d, one(), two()
        one():
            require c, "second"
            return
        two():
            require d, "third"
            require c, "fourth"
            return
        """,
        """
        func f -> ()
        start(c: bool, d: bool):
            require c, "first"
            branch d, one(), two()
        one():
            return
        two():
            require d, "third"
            return
        """,
    ),
    "what one arm computed is not known in the other": (
        """
        func f -> (u64)
        start(c: bool, a: u64, b: u64):
            branch c, one(), two()
        one():
            x = add.u64 a, b
            return x
        two():
            y = add.u64 a, b
            return y
        """,
        UNCHANGED,
    ),
    "an element is read once until something may write it": (
        """
        func f -> (u64, u64, u64)
        start(r: [4 x u64], s: [4 x u64], i: u64):
            own = array.[4 x u64]
            x = get.[4 x u64] r, i
            set.[4 x u64] own, i, x
            y = get.[4 x u64] r, i
            set.[4 x u64] s, i, i
            z = get.[4 x u64] r, i
            return x, y, z
        """,
        """
        func f -> (u64, u64, u64)
        start(r: [4 x u64], s: [4 x u64], i: u64):
            own = array.[4 x u64]
            x = get.[4 x u64] r, i
            set.[4 x u64] own, i, x
            set.[4 x u64] s, i, i
            z = get.[4 x u64] r, i
            return x, x, z
        """,
    ),
    "what was written is known without reading": (
        """
        func f -> (u64, u64)
        start(r: [4 x u64], i: u64, j: u64, v: u64):
            set.[4 x u64] r, i, v
            x = get.[4 x u64] r, i
            set.[4 x u64] r, j, x
            y = get.[4 x u64] r, i
            return x, y
        """,
        """
        func f -> (u64, u64)
        start(r: [4 x u64], i: u64, j: u64, v: u64):
            set.[4 x u64] r, i, v
            set.[4 x u64] r, j, v
            y = get.[4 x u64] r, i
            return v, y
        """,
    ),
    "a callee may write what it is given, and nothing else": (
        """
        func f -> (u64, u64)
        start(i: u64):
            a = array.[4 x u64]
            b = array.[4 x u64]
            set.[4 x u64] a, i, i
            set.[4 x u64] b, i, i
            call g(a)
            x = get.[4 x u64] a, i
            y = get.[4 x u64] b, i
            return x, y
        """,
        """
        func f -> (u64, u64)
        start(i: u64):
            a = array.[4 x u64]
            b = array.[4 x u64]
            set.[4 x u64] a, i, i
            set.[4 x u64] b, i, i
            call g(a)
            x = get.[4 x u64] a, i
            return x, i
        """,
    ),
    "a loop may have written what was read before it": (
        """
        func f -> (u64)
        start(r: [4 x u64], i: u64):
            x = get.[4 x u64] r, i
            jump head(x)
        head(n: u64):
            y = get.[4 x u64] r, i
            set.[4 x u64] r, i, n
            c = lt.u64 y, n
            branch c, head(y), done()
        done():
            return y
        """,
        UNCHANGED,
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_gvn(before, after):
    check(number_values, before, after)
