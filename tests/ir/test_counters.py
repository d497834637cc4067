"""What is recognised as a counter of a loop, and as a test of it."""

import pytest

from numen.ir import flow
from numen.ir.check import check
from numen.ir.counters import Counters
from numen.ir.ops import Op
from numen.ir.parse import parse_module
from numen.ir.passes.registers import Definitions

LOOP = """
program main(n: u64, k: u64) -> u64

func main -> (u64)
entry(n: u64, k: u64):
    zero = const.u64 0
    two = const.u64 2
    jump head(zero, n)
head(i: u64, j: u64):
    more = {test}
    branch more, body(), done()
body():
    three = const.u64 3
    p = {up}
    q = {down}
    jump head(p, q)
done():
    return i
"""

STEPS = {
    "add.u64 i, two": ("i", 1, "two"),
    "add.u64 two, i": ("i", 1, "two"),
    "wrapping_add.u64 i, k": ("i", 1, "k"),
    "sub.u64 i, three": ("i", -1, "three"),
    "wrapping_sub.u64 i, two": ("i", -1, "two"),
}

NO_STEPS = ("sub.u64 two, i", "add.u64 i, i", "add.u64 i, j", "mul.u64 i, two", "add.u64 j, two")


def counters_of(*, test: str = "lt.u64 i, n", up: str, down: str = "sub.u64 j, two") -> Counters:
    module = parse_module(LOOP.format(test=test, up=up, down=down))
    check(module)
    fn = module.functions["main"]
    (loop,) = flow.loops(fn)
    return Counters(fn, loop, Definitions(fn))


@pytest.mark.parametrize("up", STEPS)
def test_a_fixed_step_makes_a_counter(up: str):
    counter = counters_of(up=up).counters["i"]

    assert (counter.reg, counter.sign, counter.step) == STEPS[up]
    assert counter.place == 0
    assert counter.move.dests == ("p",)


@pytest.mark.parametrize("up", NO_STEPS)
def test_another_step_does_not(up: str):
    found = counters_of(up=up).counters

    assert set(found) == {"j"}
    assert found["j"].move.op is Op.SUB


def test_a_test_goes_on_where_it_holds():
    counters = counters_of(test="lt.u64 two, j", up="add.u64 i, two")

    test = counters.test("head")
    assert test is not None
    assert (test.left, test.right) == ("two", "j")
    assert counters.test("body") is None


def test_only_what_is_less_is_tested():
    assert counters_of(test="eq.u64 i, n", up="add.u64 i, two").test("head") is None


def test_constants_and_what_is_made_outside_are_fixed():
    counters = counters_of(up="add.u64 i, two")

    fixed = [reg for reg in ("zero", "n", "three", "i", "more", "p") if counters.is_fixed(reg)]
    assert fixed == ["zero", "n", "three"]
