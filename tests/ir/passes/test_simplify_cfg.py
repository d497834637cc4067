"""Control flow, before and after it is simplified."""

import pytest

from numen.ir.passes.simplify_cfg import simplify_cfg
from tests.ir.passes.before_after import check

CASES = {
    "a decided branch is a jump, and what nothing leads to goes": (
        """
        func f -> (u64)
        start(a: u64, b: u64):
            t = const.bool 1
            branch t, one(a), two(b)
        one(x: u64):
            return x
        two(y: u64):
            return y
        """,
        """
        func f -> (u64)
        start(a: u64, b: u64):
            t = const.bool 1
            return a
        """,
    ),
    "a branch on a turned truth branches the other way": (
        """
        func f -> (u64)
        start(c: bool, a: u64, b: u64):
            n = not.bool c
            branch n, one(), two()
        one():
            return a
        two():
            return b
        """,
        """
        func f -> (u64)
        start(c: bool, a: u64, b: u64):
            n = not.bool c
            branch c, two(), one()
        one():
            return a
        two():
            return b
        """,
    ),
    "arms that only choose arguments become a choice": (
        """
        func f -> (u64)
        start(c: bool, a: u64, b: u64):
            branch c, one(), two()
        one():
            jump join(a)
        two():
            jump join(b)
        join(x: u64):
            return x
        """,
        """
        func f -> (u64)
        start(c: bool, a: u64, b: u64):
            either$0 = select.u64 c, a, b
            return either$0
        """,
    ),
    "a constant among the arguments decides the branch behind the edge": (
        """
        func f -> (u64)
        start(c: bool, d: bool, a: u64, b: u64):
            no = const.bool 0
            branch c, more(), test(no)
        more():
            x = wrapping_add.u64 a, b
            y = lt.u64 x, a
            jump test(y)
        test(both: bool):
            branch both, one(), two()
        one():
            return a
        two():
            return b
        """,
        """
        func f -> (u64)
        start(c: bool, d: bool, a: u64, b: u64):
            no = const.bool 0
            branch c, more(), two()
        more():
            x = wrapping_add.u64 a, b
            y = lt.u64 x, a
            branch y, one(), two()
        one():
            return a
        two():
            return b
        """,
    ),
    "what the branch before decided is decided": (
        """
        func f -> (u64)
        start(c: bool, a: u64):
            branch c, one(), two()
        one():
            x = wrapping_add.u64 a, a
            jump again(x)
        two():
            jump again(a)
        again(y: u64):
            branch c, three(y), four()
        three(z: u64):
            return z
        four():
            return a
        """,
        """
        func f -> (u64)
        start(c: bool, a: u64):
            branch c, one(), four()
        one():
            x = wrapping_add.u64 a, a
            branch c, three(), four()
        three():
            return x
        four():
            return a
        """,
    ),
    "parameters that are always the same, constant, or equal, go": (
        """
        func f -> (u64)
        start(a: u64, c: bool):
            zero = const.u64 0
            jump head(zero, zero, a, c)
        head(i: u64, j: u64, same: u64, go: bool):
            branch go, body(), done()
        body():
            k = add.u64 i, same
            nought = const.u64 0
            d = lt.u64 k, j
            jump head(k, k, same, d)
        done():
            return j
        """,
        """
        func f -> (u64)
        start(a: u64, c: bool):
            zero = const.u64 0
            jump head(zero, c)
        head(i: u64, go: bool):
            branch go, body(), done()
        body():
            k = add.u64 i, a
            nought = const.u64 0
            d = lt.u64 k, i
            jump head(k, d)
        done():
            return i
        """,
    ),
    "a header keeps one way in and one way back": (
        """
        func f -> (u64)
        start(c: bool, a: u64):
            branch c, one(), two()
        one():
            jump ahead(a)
        two():
            x = wrapping_add.u64 a, a
            jump ahead(x)
        ahead(p: u64):
            jump head(p)
        head(i: u64):
            d = lt.u64 i, a
            branch d, body(), done()
        body():
            y = wrapping_mul.u64 i, a
            e = lt.u64 y, i
            branch e, left(), right()
        left():
            z = wrapping_add.u64 y, i
            jump latch(z)
        right():
            jump latch(y)
        latch(j: u64):
            jump head(j)
        done():
            return i
        """,
        """
        func f -> (u64)
        start(c: bool, a: u64):
            branch c, ahead(a), two()
        two():
            x = wrapping_add.u64 a, a
            jump ahead(x)
        ahead(p: u64):
            jump head(p)
        head(i: u64):
            d = lt.u64 i, a
            branch d, body(), done()
        body():
            y = wrapping_mul.u64 i, a
            e = lt.u64 y, i
            branch e, left(), latch(y)
        left():
            z = wrapping_add.u64 y, i
            jump latch(z)
        latch(j: u64):
            jump head(j)
        done():
            return i
        """,
    ),
    "a requirement that is never met ends the program": (
        """
        func f -> (u64)
        start(a: u64):
            no = const.bool 0
            require no, "out of luck" @ "f.py":2:1
            x = add.u64 a, a
            return x
        """,
        """
        func f -> (u64)
        start(a: u64):
            no = const.bool 0
            stop "requirement not met", "out of luck" @ "f.py":2:1
        """,
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_simplify_cfg(before, after):
    check(simplify_cfg, before, after)
