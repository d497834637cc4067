"""No instruction ever gives a result outside the interval that is claimed for it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ir import intervals
from numen.ir.interp import INTEGERS
from numen.ir.intervals import can_trap, full, hull, meet, result, result_interval, within
from numen.ir.nodes import Instr
from numen.ir.ops import SPECS, Op, is_allowed
from numen.ir.parse import parse_function
from numen.ir.ranges import analyse, proven_indices
from numen.ir.trap import TrapError
from numen.ir.types import BOOL, WORDS, Kind
from tests.strategies.ir import values

PURE = [
    (op, word)
    for op in Op
    if SPECS[op].means is not None
    for word in WORDS.values()
    if is_allowed(op, word)
]


@st.composite
def questions(draw: st.DrawFn) -> tuple[Instr, list[intervals.Interval], list[int]]:
    """An instruction, intervals of its operands, and a value in each."""
    op, word = draw(st.sampled_from(PURE))
    to = None
    if SPECS[op].results == "s":
        targets = [w for w in WORDS.values() if op is Op.CAST or w.kind in _INTEGERS]
        to = draw(st.sampled_from(targets))
    among, chosen = [], []
    for letter in SPECS[op].operands:
        of = BOOL if letter == "b" else word
        low, value, high = sorted(draw(st.tuples(values(of), values(of), values(of))))
        among.append((low, high))
        chosen.append(value)
    return Instr(op, ("x",), tuple("abc"[: len(among)]), word, to), among, chosen


_INTEGERS = (Kind.UNSIGNED, Kind.SIGNED)


@settings(max_examples=300)
@given(question=questions())
def test_a_result_lies_in_its_interval(question):
    instr, among, chosen = question

    claimed = result_interval(instr, among)

    assert within(claimed, full(result(instr)))
    try:
        value = SPECS[instr.op].means(INTEGERS, instr.to or instr.type, *chosen)
    except TrapError:
        assert can_trap(instr, among)
    else:
        assert claimed[0] <= value <= claimed[1]


# fmt: off
TIGHT = {
    # instruction, operands' intervals, result's interval
    "add":      ("add", "u8", [(1, 2), (3, 4)], (4, 6)),
    "add that may overflow": ("add", "u8", [(150, 255), (100, 100)], (250, 255)),
    "add that always does": ("add", "u8", [(200, 255), (100, 100)], (0, 255)),
    "sub":      ("sub", "u8", [(5, 9), (1, 2)], (3, 8)),
    "mul":      ("mul", "i64", [(-3, 2), (-5, 7)], (-21, 15)),
    "wrapping": ("wrapping_add", "u8", [(200, 200), (100, 100)], (0, 255)),
    "div":      ("div", "u8", [(10, 20), (0, 5)], (2, 20)),
    "signed":   ("div", "i64", [(-7, 7), (2, 2)], (-4, 3)),
    "rem":      ("rem", "u8", [(0, 255), (0, 10)], (0, 9)),
    "small":    ("rem", "u8", [(1, 3), (7, 10)], (1, 3)),
    "negative": ("rem", "i64", [(-9, 9), (-5, -5)], (-4, 0)),
    "and":      ("and", "u64", [(0, 2**64 - 1), (0, 15)], (0, 15)),
    "or":       ("or", "u64", [(8, 9), (1, 2)], (8, 15)),
    "xor":      ("xor", "u64", [(8, 9), (1, 2)], (0, 15)),
    "not":      ("not", "u8", [(1, 2)], (253, 254)),
    "shl":      ("shl", "u64", [(1, 3), (0, 4)], (1, 48)),
    "shr":      ("shr", "i64", [(-8, 9), (1, 2)], (-4, 4)),
    "a shift that always traps": ("shr", "u256", [(1, 9), (2**200, 2**200)], (1, 9)),
    "lt":       ("lt", "u8", [(1, 2), (3, 4)], (1, 1)),
    "not lt":   ("lt", "u8", [(4, 5), (3, 4)], (0, 0)),
    "eq":       ("eq", "u8", [(1, 2), (3, 4)], (0, 0)),
    "mul_mod":  ("mul_mod", "u256", [(0, 9), (0, 9), (3, 8)], (0, 7)),
    "sub_mod":  ("sub_mod", "u64", [(0, 9), (0, 9), (3, 8)], (0, 7)),
    "div_mod":  ("div_mod", "u256", [(0, 9), (1, 9), (3, 8)], (0, 7)),
}
# fmt: on


@pytest.mark.parametrize(("op", "word", "among", "expected"), TIGHT.values(), ids=TIGHT)
def test_intervals_are_tight(op, word, among, expected):
    instr = Instr(Op(op), ("x",), tuple("abc"[: len(among)]), WORDS[word])

    assert result_interval(instr, among) == expected


spans = st.tuples(st.integers(-9, 9), st.integers(-9, 9)).map(lambda pair: tuple(sorted(pair)))


@given(a=spans, b=spans)
def test_meet_and_hull_are_what_two_intervals_share_and_need(a, b):
    inside = [x for x in range(-9, 10) if a[0] <= x <= a[1] and b[0] <= x <= b[1]]

    assert within(a, hull(a, b))
    assert within(b, hull(a, b))
    assert meet(a, b) == ((inside[0], inside[-1]) if inside else a)


def ranges_of(text: str) -> dict[str, intervals.Interval]:
    return analyse(parse_function(text))[1]


LOOP = """
func f -> (u64)
start(r: [100 x u64], n: u64):
    zero = const.u64 0
    limit = const.u64 100
    c = lt.u64 limit, n
    m = select.u64 c, limit, n
    jump head(zero, zero)
head(i: u64, x: u64):
    more = lt.u64 i, m
    branch more, body(), done()
body():
    v = get.[100 x u64] r, i
    one = const.u64 1
    j = add.u64 i, one
    mask = const.u64 255
    y = wrapping_add.u64 x, v
    z = and.u64 y, mask
    jump head(j, z)
done():
    w = get.[100 x u64] r, n
    return x
"""


def test_a_loop_widens_and_narrows_again():
    found = ranges_of(LOOP)

    assert found["m"] == (0, 100)
    assert found["i"] == (0, 100)
    assert found["j"] == (1, 100)
    assert found["x"] == (0, 255)


def test_an_index_below_the_length_is_proven():
    assert proven_indices(parse_function(LOOP)) == {("body", 0)}


def test_a_loop_that_counts_down_is_bounded_below():
    found = ranges_of("""
    func f -> (i64)
    start(n: u8):
        m = cast.u8.i64 n
        zero = const.i64 0
        jump head(m)
    head(i: i64):
        more = lt.i64 zero, i
        branch more, body(), done()
    body():
        one = const.i64 1
        j = sub.i64 i, one
        jump head(j)
    done():
        return i
    """)

    assert found["i"] == (0, 255)
    assert found["j"] == (0, 254)


def test_a_value_without_bound_has_the_range_of_its_word():
    found = ranges_of("""
    func f -> (u64)
    start(n: u64):
        one = const.u64 1
        jump head(one)
    head(x: u64):
        y = wrapping_add.u64 x, x
        c = lt.u64 y, n
        branch c, head(y), done()
    done():
        return x
    """)

    # The way back is taken where y is below n, so the greatest word never comes along.
    assert found["y"] == full(WORDS["u64"])
    assert found["x"] == (0, 2**64 - 2)


def chain(length: int) -> str:
    """Loops one in another, each with its own counter."""
    lines = ["func f -> (u64)", "start(n: u64):", "    i0 = const.u64 0", "    jump head0(i0)"]
    for k in range(length):
        inner = f"head{k + 1}(c{k})" if k + 1 < length else f"latch{k}()"
        back = f"head{k - 1}(d{k})" if k else "done()"
        lines += [
            f"head{k}(c{k}: u64):",
            f"    t{k} = lt.u64 c{k}, n",
            f"    branch t{k}, enter{k}(), leave{k}()",
            f"enter{k}():",
            f"    jump {inner}",
            f"leave{k}():",
            f"    o{k} = const.u64 1",
            f"    d{k} = add.u64 c{k}, o{k}",
            f"    jump {back}",
        ]
    last = length - 1
    lines += [
        f"latch{last}():",
        "    one = const.u64 1",
        f"    e = add.u64 c{last}, one",
        f"    jump head{last}(e)",
        "done():",
        "    return i0",
    ]
    return "\n".join(lines)


def test_deep_nests_come_to_an_end():
    found = ranges_of(chain(30))

    assert found["c29"] == (0, 2**64 - 1)
