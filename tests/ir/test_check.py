"""The check refuses each way in which a module can be malformed, and names the spot."""

import pytest

from numen.ir.check import CheckError, call_order, check, storage_bytes
from numen.ir.parse import parse_module

GOOD = """
program main(n: u64, b: list[u64, 4]) -> u64

func next -> (u64)
start(x: u64):
    one = const.u64 1
    y = add.u64 x, one
    return y

func main -> (u64)
start(n: u64, b: [4 x u64]):
    zero = const.u64 0
    m = memory[64]
    jump head(zero, zero)
head(i: u64, sum: u64):
    more = lt.u64 i, n
    branch more, body(), done()
body():
    v = get.[4 x u64] b, i
    sum2 = add.u64 sum, v
    i2 = call next(i)
    jump head(i2, sum2)
done():
    store.u64 m, zero, sum
    w = load.u64 m, zero
    return w
""".replace("m = memory[64]", "m = memory.memory[64]")

# fmt: off
# ruff: noqa: E501
BROKEN = {
    "a register defined twice": ("v = get.[4 x u64] b, i", "i = get.[4 x u64] b, i", "twice"),
    "an undefined register": ("add.u64 sum, v", "add.u64 sum, q", "q is not defined"),
    "a use that its definition does not dominate": ("return w", "return v", "may not be defined"),
    "a use above its definition": (
        "v = get.[4 x u64] b, i\n    sum2 = add.u64 sum, v",
        "sum2 = add.u64 sum, v\n    v = get.[4 x u64] b, i",
        "may not be defined",
    ),
    "operands of another type": ("add.u64 sum, v", "add.u64 sum, more", "reads more as u64"),
    "a suffix the op cannot have": ("lt.u64 i, n", "lt.felt i, n", "cannot have the suffix"),
    "too few operands": ("add.u64 sum, v", "add.u64 sum", "takes 2 operands, not 1"),
    "a result nobody writes": ("store.u64 m, zero, sum", "z = store.u64 m, zero, sum", "writes 0"),
    "an unknown callee": ("call next(i)", "call prev(i)", "no function is called prev"),
    "a call with other arguments": ("call next(i)", "call next(more)", "reads more as u64"),
    "recursion": ("y = add.u64 x, one", "y = call next(x)", "recursion: next calls next"),
    "an unknown block": ("jump head(i2, sum2)", "jump tail(i2, sum2)", "no edge may lead to tail"),
    "an edge to the entry": ("jump head(i2, sum2)", "jump start(i2, b)", "no edge may lead"),
    "an edge with other arguments": ("jump head(i2, sum2)", "jump head(i2)", "head takes"),
    "a branch on a word": ("branch more", "branch i", "not a bool"),
    "a return of another type": ("return w", "return more", "return gives (bool)"),
    "a constant out of range": ("const.u64 1", "const.u64 -1", "-1 is not a u64"),
    "a constant without value": ("const.u64 1", "const.u64", "lacks its value"),
    "an immediate where none belongs": ("lt.u64 i, n", "lt.u64 3, i, n", "has no immediate"),
    "a meter": ("zero = const.u64 0", "zero = const.u64 0\n    meter 1", "metering pass"),
    "an array too long": ("v = get", "a = array.[99999999 x u8]\n    v = get", "are allowed"),
    "an empty array": ("v = get", "a = array.[0 x u8]\n    v = get", "are allowed"),
    "a reference as block parameter": ("head(i: u64, sum: u64)", "head(i: [2 x u8], sum: u64)", "is a reference"),
    "a memory access without memory": ("load.u64 m, zero", "load.u64 b, zero", "needs a memory"),
    "a slice longer than its array": (
        "v = get",
        "s = slice.[4 x u64].[5 x u64] b, i\n    v = get",
        "is not a part of",
    ),
    "a cast to an array": ("v = get", "s = cast.u64.[5 x u64] i\n    v = get", "cannot give"),
    "data of another length": ("v = get", "s = array.[3 x u8] {1 2}\n    v = get", "2 words of data"),
    "data out of range": ("v = get", "s = array.[2 x u8] {1 256}\n    v = get", "data that is not u8"),
    "a block nobody reaches": ("jump head(zero, zero)", "stop \"unreachable code\", \"\"", "no way leads here"),
    "an interface the entry does not have": ("(n: u64, b", "(n: u32, b", "not the interface's"),
    "a result the entry does not give": ("-> u64\n\nfunc next", "-> u32\n\nfunc next", "not the interface's"),
    "an entry that is not there": ("program main", "program other", "not a function"),
}
# fmt: on


def test_a_good_module_passes():
    check(parse_module(GOOD))


@pytest.mark.parametrize("name", BROKEN)
def test_is_refused(name):
    before, after, message = BROKEN[name]
    assert before in GOOD
    module = parse_module(GOOD.replace(before, after, 1))

    with pytest.raises(CheckError, match=r".") as caught:
        check(module)

    assert message in str(caught.value)


def test_an_error_names_function_block_and_instruction():
    module = parse_module(GOOD.replace("add.u64 sum, v", "add.u64 sum, q"))

    with pytest.raises(CheckError) as caught:
        check(module)

    assert (caught.value.function, caught.value.block, caught.value.instruction) == (
        "main",
        "body",
        1,
    )


def test_storage_counts_frames_on_the_deepest_path_and_the_parameters():
    assert storage_bytes(parse_module(GOOD)) == 64 + 4 * 8


def test_callees_come_before_callers():
    assert call_order(parse_module(GOOD).functions) == ("next", "main")


def test_too_much_storage_is_refused():
    lines = "\n    ".join(f"a{i} = array.[16777216 x u64]" for i in range(3))
    module = parse_module(GOOD.replace("zero = const.u64 0", f"zero = const.u64 0\n    {lines}"))

    with pytest.raises(CheckError, match="bytes of arrays"):
        check(module)


def _chain(count: int) -> str:
    calls = [f"func f{i} -> ()\nstart():\n    call f{i + 1}()\n    return\n" for i in range(count)]
    return (
        "program f0() -> tuple[]\n"
        + "".join(calls)
        + f"func f{count} -> ()\nstart():\n    return\n"
    )


def test_calls_nest_to_the_limit_and_no_deeper():
    check(parse_module(_chain(63)))

    with pytest.raises(CheckError, match="nest deeper"):
        check(parse_module(_chain(64)))
