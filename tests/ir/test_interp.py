"""The reference interpreter, where a reader can see what is right."""

import pytest

from numen.ir import interp
from numen.ir.check import check
from numen.ir.parse import parse_module
from numen.ir.trap import Reason
from numen.ir.types import FIELD_ORDER


def binary(op: str, word: str, a: int, b: int):
    text = f"""
    program main(a: {word}, b: {word}) -> {"bool" if op in ("eq", "lt") else word}
    func main -> ({"bool" if op in ("eq", "lt") else word})
    start(a: {word}, b: {word}):
        r = {op}.{word} a, b
        return r
    """
    module = parse_module(text)
    check(module)
    outcome = interp.run(module, [a, b], work_limit=100)
    return outcome.results[0] if outcome.trap is None else outcome.trap.reason


TOP = 2**64 - 1
R = FIELD_ORDER

ROWS = [
    ("add", "u64", TOP, 0, TOP),
    ("add", "u64", TOP, 1, Reason.OVERFLOW),
    ("add", "i64", -(2**63), -1, Reason.OVERFLOW),
    ("add", "felt", R - 1, 1, 0),
    ("sub", "u8", 0, 1, Reason.OVERFLOW),
    ("sub", "felt", 0, 1, R - 1),
    ("mul", "u128", 2**64, 2**64, Reason.OVERFLOW),
    ("mul", "felt", R - 1, R - 1, 1),
    ("wrapping_add", "u8", 255, 2, 1),
    ("wrapping_sub", "i64", -(2**63), 1, 2**63 - 1),
    ("wrapping_mul", "u256", 2**255, 2, 0),
    ("div", "i64", -7, 2, -4),
    ("div", "i64", 7, -2, -4),
    ("div", "i64", -(2**63), -1, Reason.OVERFLOW),
    ("div", "u64", 1, 0, Reason.DIVISION_BY_ZERO),
    ("div", "felt", 1, 2, (R + 1) // 2),
    ("div", "felt", 1, 0, Reason.DIVISION_BY_ZERO),
    ("rem", "i64", -7, 2, 1),
    ("rem", "i64", 7, -2, -1),
    ("rem", "i64", -(2**63), -1, 0),
    ("and", "i64", -1, 12, 12),
    ("xor", "bool", 1, 1, 0),
    ("shl", "u8", 0b1100_0001, 1, 0b1000_0010),
    ("shl", "u8", 1, 8, Reason.SHIFT),
    ("shl", "i64", 1, 63, -(2**63)),
    ("shr", "i64", -3, 1, -2),
    ("shr", "i64", 1, -1, Reason.SHIFT),
    ("eq", "felt", R - 1, R - 1, 1),
    ("lt", "i64", -1, 0, 1),
    ("lt", "u64", TOP, 0, 0),
]


@pytest.mark.parametrize(("op", "word", "a", "b", "want"), ROWS)
def test_binary(op, word, a, b, want):
    assert binary(op, word, a, b) == want


def convert(op: str, source: str, to: str, a: int):
    text = f"""
    program main(a: {source}) -> {to}
    func main -> ({to})
    start(a: {source}):
        r = {op}.{source}.{to} a
        return r
    """
    outcome = interp.run(parse_module(text), [a], work_limit=100)
    return outcome.results[0] if outcome.trap is None else outcome.trap.reason


@pytest.mark.parametrize(
    ("op", "source", "to", "a", "want"),
    [
        ("cast", "u64", "u8", 255, 255),
        ("cast", "u64", "u8", 256, Reason.CONVERSION),
        ("cast", "i64", "u64", -1, Reason.CONVERSION),
        ("cast", "i64", "felt", -1, R - 1),
        ("cast", "u256", "felt", R, 0),
        ("cast", "felt", "u64", R - 1, Reason.CONVERSION),
        ("cast", "u8", "bool", 2, Reason.CONVERSION),
        ("truncate", "u64", "u8", 0x1FF, 0xFF),
        ("truncate", "u64", "i64", TOP, -1),
        ("truncate", "i64", "u128", -1, 2**128 - 1),
    ],
)
def test_conversion(op, source, to, a, want):
    assert convert(op, source, to, a) == want


STORED = """
program main(n: u64) -> list[u64, 4]
func fill -> ()
start(part: [2 x u64], n: u64):
    zero = const.u64 0
    set.[2 x u64] part, zero, n
    return
func main -> ()
start(n: u64, out: [4 x u64]):
    one = const.u64 1
    two = const.u64 2
    data = array.[4 x u64] {10 20 30 40}
    copy.[4 x u64] out, data
    left = slice.[4 x u64].[3 x u64] out, one
    right = slice.[3 x u64].[2 x u64] left, one
    call fill(right, n)
    low = slice.[4 x u64].[2 x u64] out, one
    high = slice.[4 x u64].[2 x u64] out, two
    copy.[2 x u64] low, high
    return
"""


def test_slices_are_views_and_copies_may_overlap():
    outcome = interp.run(parse_module(STORED), [7], work_limit=100)

    assert outcome.results == ([10, 7, 40, 40],)


def test_arguments_are_not_changed():
    text = """
    program main(a: list[u8, 2]) -> tuple[]
    func main -> ()
    start(a: [2 x u8]):
        zero = const.u64 0
        nine = const.u8 9
        set.[2 x u8] a, zero, nine
        return
    """
    given = [1, 2]

    interp.run(parse_module(text), [given], work_limit=9)

    assert given == [1, 2]


@pytest.mark.parametrize(("offset", "fits"), [(0, True), (8, True), (9, False), (TOP, False)])
def test_every_byte_of_a_memory_access_is_inside(offset, fits):
    text = """
    program main(at: u64) -> i64
    func main -> (i64)
    start(at: u64):
        m = memory.memory[16]
        x = const.i64 -2
        store.i64 m, at, x
        y = load.i64 m, at
        return y
    """
    outcome = interp.run(parse_module(text), [offset], work_limit=9)

    assert outcome.results == ((-2,) if fits else None)
    assert (outcome.trap is None) == fits


def test_a_byte_that_is_no_bool_traps_when_read_as_one():
    text = """
    program main(x: u8) -> bool
    func main -> (bool)
    start(x: u8):
        m = memory.memory[1]
        zero = const.u64 0
        store.u8 m, zero, x
        y = load.bool m, zero
        return y
    """
    module = parse_module(text)

    assert interp.run(module, [1], work_limit=9).results == (1,)
    assert interp.run(module, [2], work_limit=9).trap.reason is Reason.CONVERSION


SPIN = """
program main(n: u64) -> tuple[]
func main -> ()
start(n: u64):
    meter 5, n
    jump again()
again():
    meter 3
    jump again()
"""


def test_the_limit_ends_a_loop_and_is_what_is_charged():
    outcome = interp.run(parse_module(SPIN), [2], work_limit=1000)

    assert outcome.trap.reason is Reason.WORK_LIMIT
    assert outcome.work == 1000


def test_edges_pass_arguments_at_once():
    text = """
    program main(a: u8, b: u8) -> tuple[u8, u8]
    func main -> (u8, u8)
    start(a: u8, b: u8):
        yes = const.bool 1
        jump swap(a, b, yes)
    swap(x: u8, y: u8, again: bool):
        no = const.bool 0
        branch again, swap(y, x, no), done()
    done():
        return x, y
    """
    assert interp.run(parse_module(text), [1, 2], work_limit=9).results == (2, 1)
