# ruff: noqa: E501  (tables: one program, one line)
"""Loops, branches and ways out, and the shape of the blocks they become."""

import pytest

from numen.ir.nodes import Branch
from numen.ir.ops import Op
from numen.lang import compile_source
from tests.lang.running import reason, refusal, run

HEAD = "def main(n: u64) -> u64:\n    s: u64 = 0\n"


def looped(*lines: str) -> str:
    return HEAD + "".join(f"    {line}\n" for line in lines) + "    return s\n"


RANGES = [
    "range(n)",
    "range(2, n)",
    "range(n, 2)",
    "range(2, n, 3)",
    "range(n, 0, -1)",
    "range(n, 2, -3)",
    "range(n - 1, -1, -1)",
    "range(n, -1, -2)",
    "range(0, 7, 7)",
    "range(9, -1, -4)",
    "range(3, 3)",
]


@pytest.mark.parametrize("text", RANGES)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 9])
def test_a_range_gives_what_python_gives(text, n):
    source = looped(f"for i in {text}:", "    s = s * 100 + i + 1")
    expected = 0
    for i in eval(text, {"n": n, "range": range}):
        expected = expected * 100 + i + 1

    found = run(source, n)

    if expected < 2**64:
        assert found == expected
    else:
        assert reason(found) == "overflow"


@pytest.mark.parametrize(
    ("of", "low", "high", "step"),
    [
        ("u8", 250, 255, 10),
        ("u8", 0, 255, 128),
        ("i64", -(2**63), 2**63 - 1, 2**62),
        ("i64", 2**63 - 1, -(2**63), -(2**62)),
        ("u8", 255, 0, -100),
        ("i64", -3, 4, 1),
        ("i128", 5, -5, -4),
    ],
)
def test_a_range_reaches_the_ends_of_its_type(of, low, high, step):
    for ends in (f"{of}({low}), {of}({high})", "a, b"):
        source = (
            f"def main(a: {of}, b: {of}) -> tuple[u64, {of}]:\n    count: u64 = 0\n"
            f"    last: {of} = 0\n    for i in range({ends}, {step}):\n        count += 1\n"
            "        last = i\n    return count, last\n"
        )
        items = range(low, high, step)

        assert run(source, low, high) == [len(items), items[-1]]


# fmt: off
CASES = {
    "break": (looped("for i in range(n):", "    if i == 3:", "        break", "    s += i"), 3),
    "continue": (looped("for i in range(n):", "    if i & 1 == 0:", "        continue", "    s += i"), 25),
    "break of the inner loop": (looped("for i in range(n):", "    for j in range(n):", "        if j > i:", "            break", "        s += 1"), 55),
    "while": (looped("while n > 0:", "    n -= 1", "    s += n"), 45),
    "while True": (looped("while True:", "    s += 1", "    if s > n:", "        break"), 11),
    "return from a loop": (looped("for i in range(n):", "    if i * i > 20:", "        return i"), 5),
    "a condition that stops early": (looped("xs = [1, 2, 3]", "while s < 3 and xs[s] < 9:", "    s += 1"), 3),
    "the variable of a loop is Python's": (looped("i: u64 = 7", "for i in range(n):", "    s += i", "    i = 100", "s += i"), 145),
    "the variable keeps its value after no round": (looped("i: u64 = 7", "for i in range(0):", "    pass", "s = i"), 7),
    "elif": (looped("if n < 5:", "    s = 1", "elif n < 11:", "    s = 2", "else:", "    s = 3"), 2),
    "if True": (looped("if True:", "    t = n", "s = t"), 10),
    "pass": (looped("pass", "if n > 3:", "    pass", "else:", "    s = 1"), 0),
    "a docstring": (HEAD + '    """Words."""\n    return s\n', 0),
    "a bare call": ("def f(xs: list[u64, 1]):\n    xs[0] += 1\n" + looped("xs = [n]", "f(xs)", "f(xs)", "s = xs[0]"), 12),
    "several targets": (looped("t = s = n + 1", "s += t"), 22),
    "a name for what is thrown away": (looped("for _ in range(u8(3)):", "    s += 1", "_, t = (True, n)", "s += t"), 13),
    "names of other functions": ("K = 5\ndef f(K: u64) -> u64:\n    return K\n" + looped("s = f(n) + K"), 15),
    "keyword arguments": ("def f(a: u64, b: u64) -> u64:\n    return a * 100 + b\n" + looped("s = f(b=n, a=2)"), 210),
}
# fmt: on


@pytest.mark.parametrize("name", CASES)
def test_a_program_goes_the_way_python_goes(name):
    source, expected = CASES[name]

    assert run(source, 10) == expected


def test_a_failed_assertion_carries_its_message_and_place():
    trap = run(looped('assert n < 5, "too many"'), 10)

    assert (trap.reason.value, trap.message) == ("requirement not met", "too many")
    assert str(trap) == "t.py:3:5: too many"


def test_an_assertion_of_false_ends_a_way():
    source = (
        "def main(n: u64) -> u64:\n    if n > 5:\n        return n\n    assert False, 'small'\n"
    )

    assert run(source, 6) == 6
    assert run(source, 5).message == "small"


# fmt: off
WAYS = {
    "given in one arm": looped("if n > 5:", "    t = n", "s = t"),
    "given in a loop": looped("while n > 5:", "    t = n", "    n -= 1", "s = t"),
    "given before a continue": looped("for i in range(n):", "    if i > 2:", "        continue", "    t = i", "s = t"),
    "read before it is given": looped("s = t", "t = n"),
    "left by a break": looped("while True:", "    if n > 3:", "        break", "    t = n", "s = t"),
}
# fmt: on


@pytest.mark.parametrize("name", WAYS)
def test_a_variable_that_may_have_no_value_is_not_read(name):
    assert type(refusal(WAYS[name])).__name__ == "FlowError"


def test_a_variable_given_before_every_break_can_be_read():
    source = looped(
        "while True:", "    t = n", "    if n > 3:", "        break", "    n += 1", "s = t"
    )

    assert run(source, 1) == 4


def test_a_counted_loop_has_the_canonical_shape():
    """Head with the count as its first parameter, `lt` and a branch; a latch that adds the step."""
    fn = compile_source(looped("for i in range(n):", "    s += i")).functions["main"]
    label, head = next((at, block) for at, block in fn.blocks.items() if at.startswith("loop"))
    count = head.params[0].reg

    assert [instr.op for instr in head.body] == [Op.LT]
    assert head.body[0].args == (count, fn.params[0].reg)
    assert isinstance(head.end, Branch)
    latch = next(
        block
        for block in fn.blocks.values()
        if f"{label}" in repr(block.end)
        and len(block.body) > 1
        and block.body[-1].op is Op.WRAPPING_ADD
    )
    assert latch.body[-1].args[0] == count
    assert len(head.params) == 2


def test_a_variable_that_a_loop_leaves_alone_is_no_parameter_of_it():
    fn = compile_source(looped("k = n * 2", "for i in range(n):", "    s += k")).functions["main"]
    head = next(block for at, block in fn.blocks.items() if at.startswith("loop"))

    assert len(head.params) == 2


def test_every_instruction_has_a_place():
    source = "TABLE = [1, 2]\n" + looped("for i in range(n):", "    s += TABLE[i & 1] ** i")
    module = compile_source(source)

    for fn in module.functions.values():
        for block in fn.blocks.values():
            assert all(instr.place is not None for instr in block.body)
            if isinstance(block.end, Branch):
                assert block.end.place is not None


def test_cheap_conditions_become_no_branches():
    source = "def main(a: u64, b: u64) -> u64:\n    return a if a < b and b != 3 else b\n"

    assert len(compile_source(source).functions["main"].blocks) == 1
