"""Division by powers of two, before and after."""

import pytest

from numen.ir.passes.strength import reduce_strength
from tests.ir.passes.before_after import UNCHANGED, check

CASES = {
    "division by a power of two is a shift, its remainder a mask": (
        """
        func f -> (u64, u64, i64, i64, u64)
        start(a: u64, b: i64):
            eight = const.u64 8
            four = const.i64 4
            seven = const.u64 7
            q = div.u64 a, eight
            r = rem.u64 a, eight
            s = div.i64 b, four
            t = rem.i64 b, four
            u = div.u64 a, seven
            return q, r, s, t, u
        """,
        """
        func f -> (u64, u64, i64, i64, u64)
        start(a: u64, b: i64):
            eight = const.u64 8
            four = const.i64 4
            seven = const.u64 7
            by$0 = const.u64 3
            q = shr.u64 a, by$0
            by$1 = const.u64 7
            r = and.u64 a, by$1
            by$2 = const.i64 2
            s = shr.i64 b, by$2
            by$3 = const.i64 3
            t = and.i64 b, by$3
            u = div.u64 a, seven
            return q, r, s, t, u
        """,
    ),
    "division in the field stays": (
        """
        func f -> (felt)
        start(a: felt):
            two = const.felt 2
            x = div.felt a, two
            return x
        """,
        UNCHANGED,
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_strength(before, after):
    check(reduce_strength, before, after)
