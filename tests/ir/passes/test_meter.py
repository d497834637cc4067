"""What a run is charged, and where the meters stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ir import interp
from numen.ir.check import check
from numen.ir.nodes import Module
from numen.ir.ops import Op
from numen.ir.parse import parse_module
from numen.ir.passes.meter import CHARGE_MAX, meter, meter_blocks
from numen.ir.trap import Reason

COUNT = """
program main(start: {word}, bound: {word}, step: {word}) -> {word}

func main -> ({word})
entry(start: {word}, bound: {word}, step: {word}):
    one = const.{word} 1
    two = const.{word} {two}
    jump head(start)
head(i: {word}):
    more = lt.{word} i, bound
    branch more, body(), done()
body():
    j = {add}.{word} i, {by}
    jump head(j)
done():
    return i
"""


def meters(module: Module) -> list[tuple[str, int, bool]]:
    """Block, charge, and whether it is times a number, of every meter of the entry."""
    return [
        (label, instr.imm, bool(instr.args))
        for label, block in module.functions[module.entry].blocks.items()
        for instr in block.body
        if instr.op is Op.METER
    ]


def counting(add: str, by: str, word: str = "u64", two: int = 2) -> Module:
    return parse_module(COUNT.format(add=add, by=by, word=word, two=two))


# fmt: off
COUNTED = {
    # addition, step, type of the counter, is its charge hoisted
    "by one":                          ("add", "one", "u64", True),
    "by one, wrapping":                ("wrapping_add", "one", "u64", True),
    "by a constant":                   ("add", "two", "u64", True),
    "by a constant, wrapping":         ("wrapping_add", "two", "u64", False),
    "by what the loop does not change": ("add", "step", "u64", True),
    "by that, wrapping":               ("wrapping_add", "step", "u64", False),
    "of a narrow word":                ("add", "step", "u8", True),
    "of a signed word":                ("add", "two", "i64", True),
    "of a signed word, by any step":   ("add", "step", "i64", False),
    "of a word wider than a count":    ("add", "one", "u128", False),
}
# fmt: on


@pytest.mark.parametrize(("add", "by", "word", "is_hoisted"), COUNTED.values(), ids=COUNTED)
def test_which_loops_are_charged_before_they_begin(add, by, word, is_hoisted):
    metered = meter(counting(add, by, word))

    check(metered, is_metered=True)
    assert [place[0] for place in meters(metered) if place[2]] == ["entry"] * is_hoisted
    assert any(place[0] == "body" for place in meters(metered)) != is_hoisted


near = st.integers(0, 40) | st.integers(2**64 - 40, 2**64 - 1)


@given(add=st.sampled_from(["add", "wrapping_add"]), by=st.sampled_from(["one", "two", "step"]),
       start=near, bound=near, step=st.integers(1, 50))  # fmt: skip
def test_a_counted_loop_costs_what_its_blocks_cost(add, by, start, bound, step):
    if bound - start > 100:
        bound = start + 100
    module = counting(add, by)
    apart = interp.run(meter_blocks(module), [start, bound, step], work_limit=10**6)

    together = interp.run(meter(module), [start, bound, step], work_limit=10**6)

    assert together.results == apart.results or apart.trap
    assert together.work == apart.work or apart.trap


@given(start=st.integers(-(2**63), 2**63 - 1), length=st.integers(-3, 60))
def test_a_signed_counter_is_counted_over_zero_too(start, length):
    bound = max(-(2**63), min(start + length, 2**63 - 1))
    module = counting("wrapping_add", "one", "i64")

    together = interp.run(meter(module), [start, bound, 0], work_limit=10**6)

    assert together == interp.run(meter_blocks(module), [start, bound, 0], work_limit=10**6)


@pytest.mark.parametrize("limit", [1, 10**6, 2**64 - 1])
def test_a_loop_that_never_ends_reaches_any_limit_at_once(limit):
    outcome = interp.run(meter(counting("add", "step")), [0, 5, 0], work_limit=limit)

    assert outcome.trap is not None
    assert outcome.trap.reason is Reason.WORK_LIMIT
    assert outcome.work == limit


def test_a_loop_longer_than_any_run_is_refused_at_once():
    text = COUNT.format(add="add", by="one", word="u64", two=2).replace(
        "one = const.u64 1", f"one = const.u64 1\n    most = const.u64 {2**64 - 1}"
    )
    module = parse_module(text.replace("i, bound", "i, most").replace("head(start)", "head(one)"))

    metered = meter(module)

    assert max(charge for _, charge, _ in meters(metered)) == CHARGE_MAX
    assert interp.run(metered, [0, 0, 0], work_limit=10**9).work == 10**9


NEST = """
program main(a: list[u64, 16], n: u64) -> u64

func main -> (u64)
entry(a: [16 x u64], n: u64):
    zero = const.u64 0
    one = const.u64 1
    four = const.u64 4
    jump rows(zero, zero)
rows(i: u64, sum: u64):
    c = lt.u64 i, {rows}
    branch c, columns(zero, sum), done()
columns(j: u64, part: u64):
    d = lt.u64 j, four
    branch d, cell(), next()
cell():
    k = add.u64 j, one
    v = get.[16 x u64] a, j
    s = wrapping_add.u64 part, v
    jump columns(k, s)
next():
    l = add.u64 i, one
    jump rows(l, part)
done():
    return sum
"""


def test_a_nest_of_known_loops_is_one_charge():
    metered = meter(parse_module(NEST.format(rows="four")))

    assert [label for label, _, _ in meters(metered)] == ["entry"]


def test_a_nest_whose_outer_loop_is_not_known_is_two():
    metered = meter(parse_module(NEST.format(rows="n")))

    assert [(label, times) for label, _, times in meters(metered)] == [
        ("entry", False),
        ("entry", True),
    ]


@given(rows=st.integers(0, 9), a=st.lists(st.integers(0, 9), min_size=16, max_size=16))
def test_a_nest_costs_what_its_blocks_cost(rows, a):
    module = parse_module(NEST.format(rows="n"))

    assert interp.run(meter(module), [a, rows], work_limit=10**6) == interp.run(
        meter_blocks(module), [a, rows], work_limit=10**6
    )


DIAMOND = """
program main(c: bool, a: u64) -> u64

func main -> (u64)
entry(c: bool, a: u64):
    branch c, one(), two()
one():
    x = mul.u64 a, a
    jump join(x)
two():
    jump join(a)
join(y: u64):
    z = div.u64 a, y
    return z
"""


def test_blocks_that_run_equally_often_are_charged_together():
    metered = meter(parse_module(DIAMOND))

    # One unit a block, 8 for the division, 2 for the product.
    assert meters(metered) == [("entry", 10, False), ("one", 3, False), ("two", 1, False)]


IRREDUCIBLE = """
program main(c: bool, n: u64) -> u64

func main -> (u64)
entry(c: bool, n: u64):
    zero = const.u64 0
    branch c, left(zero), right(zero)
left(i: u64):
    one = const.u64 1
    j = add.u64 i, one
    jump right(j)
right(k: u64):
    d = lt.u64 k, n
    branch d, left(k), done()
done():
    return k
"""


@pytest.mark.parametrize("c", [0, 1])
def test_a_cycle_of_two_ways_in_is_charged_block_by_block(c):
    module = parse_module(IRREDUCIBLE)

    metered = meter(module)

    assert [label for label, _, _ in meters(metered)] == ["entry", "left", "right", "done"]
    assert interp.run(metered, [c, 9], work_limit=10**6) == interp.run(
        meter_blocks(module), [c, 9], work_limit=10**6
    )


@pytest.mark.parametrize("early", ['require more, "said"', "call check(i)"])
def test_a_loop_that_its_author_can_leave_is_charged_as_it_goes(early):
    text = COUNT.format(add="add", by="one", word="u64", two=2)
    text = text.replace("body():\n", f"body():\n    {early}\n")
    callee = "func check -> ()\nstart(i: u64):\n    return\n"

    metered = meter(parse_module(f"{text}\n{callee}"))

    assert not any(times for _, _, times in meters(metered))


def test_an_iteration_of_a_searching_loop_is_charged_by_one_meter():
    module = parse_module(SEARCH)
    metered = meter(module)

    assert {place[0] for place in meters(metered)} == {"entry", "next"}
    for start in (0, 1, 9):
        apart = interp.run(meter_blocks(module), [start], work_limit=10**6)
        assert interp.run(metered, [start], work_limit=10**6) == apart


def test_a_block_that_jumps_to_itself_keeps_its_charge():
    module = parse_module(FOREVER)

    outcome = interp.run(meter(module), [7], work_limit=1000)

    assert outcome.trap is not None
    assert outcome.trap.reason is Reason.WORK_LIMIT


SEARCH = """
program main(start: u64) -> u64

func main -> (u64)
entry(start: u64):
    one = const.u64 1
    seven = const.u64 7
    jump head(start)
head(i: u64):
    rest = rem.u64 i, seven
    found = eq.u64 rest, one
    branch found, done(), next()
next():
    j = add.u64 i, one
    jump head(j)
done():
    return i
"""

FOREVER = """
program main(x: u64) -> u64

func main -> (u64)
entry(x: u64):
    jump loop(x)
loop(a: u64):
    b = wrapping_mul.u64 a, x
    jump loop(b)
"""
