"""The text form: the parser reads what the printer writes, and refuses the rest with a line."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.errors import NumenError
from numen.ir.parse import TextError, parse_function, parse_module
from numen.ir.text import print_function, print_module

EVERYTHING = r"""
program main(private a: felt, b: list[list[u8, 2], 2], p: struct P(x: u8, y: tuple[u8])) -> tuple[]

func main -> ()
start(a: felt, b: [4 x u64], x: u8, y: u8):
    i = const.u64 3 @ "a \"b\".py":1:2
    t = array.[2 x i64] {-1 2}
    m = memory.memory[32]
    c = lt.u64 i, i
    require c, "no, not \u00e9 now"
    w = cast.u64.felt i
    r1, r2 = call other(i, w) @ "f.py":9:9
    branch c, next(i, c), last() @ "f.py":10:1
next(j: u64, d: bool):
    jump last()
last():
    stop "overflow", "why \\ not"

func other -> (u64, felt)
start(i: u64, w: felt):
    return i, w
"""


def test_text_round_trips():
    module = parse_module(EVERYTHING)

    assert parse_module(print_module(module)) == module
    for fn in module.functions.values():
        assert parse_function(print_function(fn)) == fn


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("program", "programme", 2),
        ("const.u64 3", "konst.u64 3", 6),
        ("[2 x i64]", "[2 x i65]", 7),
        ("jump last()", "jump last(", 15),
        ("jump last()", "", 16),
        ('"overflow"', '"overfull"', 17),
        ("memory[32]", "memory[32", 8),
        ('"a \\"b\\".py":1:2', '"a', 6),
    ],
)
def test_what_is_no_module_is_refused_with_its_line(before, after, line):
    assert before in EVERYTHING

    with pytest.raises(TextError) as caught:
        parse_module(EVERYTHING.replace(before, after, 1))

    assert abs(caught.value.place.line - line) <= 1


@given(st.data())
def test_damaged_text_is_refused_politely(data):
    at = data.draw(st.integers(0, len(EVERYTHING)))
    length = data.draw(st.integers(0, 20))
    noise = data.draw(st.text(max_size=10))
    text = EVERYTHING[:at] + noise + EVERYTHING[at + length :]

    with contextlib.suppress(NumenError):
        parse_module(text)
