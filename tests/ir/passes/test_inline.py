"""Inlining, before and after."""

import pytest

from numen.ir.check import check
from numen.ir.parse import parse_module
from numen.ir.passes.inline import CALLER_MAX, SMALL, inline_calls
from numen.ir.text import print_module

CASES = {
    "a small function stands where it is called, every time": (
        """
        program main(a: u64) -> u64

        func twice -> (u64)
        start(x: u64):
            y = add.u64 x, x @ "lib.py":2:5
            return y

        func main -> (u64)
        start(a: u64):
            b = call twice(a)
            c = call twice(b)
            return c
        """,
        """
        program main(a: u64) -> u64

        func main -> (u64)
        start(a: u64):
            y$2 = add.u64 a, a @ "lib.py":2:5
            jump after$0(y$2)
        after$0(b: u64):
            y$5 = add.u64 b, b @ "lib.py":2:5
            jump after$3(y$5)
        after$3(c: u64):
            return c
        """,
    ),
    "branches of a callee become branches of the caller": (
        """
        program main(a: u64) -> u64

        func low -> (u64)
        start(x: u64):
            nine = const.u64 9
            c = lt.u64 x, nine
            branch c, small(x), large() @ "lib.py":3:1
        small(y: u64):
            return y
        large():
            stop "overflow", "too large" @ "lib.py":4:1

        func main -> (u64)
        start(a: u64):
            b = call low(a)
            c = add.u64 a, b
            return c
        """,
        """
        program main(a: u64) -> u64

        func main -> (u64)
        start(a: u64):
            nine$5 = const.u64 9
            c$6 = lt.u64 a, nine$5
            branch c$6, small$2(a), large$3() @ "lib.py":3:1
        small$2(y$4: u64):
            jump after$0(y$4)
        large$3():
            stop "overflow", "too large" @ "lib.py":4:1
        after$0(b: u64):
            c = add.u64 a, b
            return c
        """,
    ),
    "what follows a callee that never returns goes": (
        """
        program main(a: u64) -> u64

        func fail -> (u64)
        start():
            stop "unreachable code", "no way" @ "lib.py":4:1

        func main -> (u64)
        start(a: u64):
            b = call fail()
            return b
        """,
        """
        program main(a: u64) -> u64

        func main -> (u64)
        start(a: u64):
            stop "unreachable code", "no way" @ "lib.py":4:1
        """,
    ),
    "references are handed on": (
        """
        program main(a: list[u64, 4]) -> tuple[]

        func clear -> ()
        start(x: [4 x u64], i: u64):
            zero = const.u64 0
            set.[4 x u64] x, i, zero
            return

        func main -> ()
        start(a: [4 x u64]):
            two = const.u64 2
            part = slice.[4 x u64].[4 x u64] a, two
            call clear(part, two)
            return
        """,
        """
        program main(a: list[u64, 4]) -> tuple[]

        func main -> ()
        start(a: [4 x u64]):
            two = const.u64 2
            part = slice.[4 x u64].[4 x u64] a, two
            zero$2 = const.u64 0
            set.[4 x u64] part, two, zero$2
            jump after$0()
        after$0():
            return
        """,
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_inline(before, after):
    once = inline_calls(parse_module(before))

    assert print_module(once) == print_module(parse_module(after))
    assert inline_calls(once) == once


def adder(instructions: int) -> str:
    """A function of so many instructions."""
    lines = [f"    x{i + 1} = wrapping_add.u64 x{i}, x{i}" for i in range(instructions - 1)]
    return "\n".join(
        ["func add -> (u64)", "start(x0: u64):", *lines, f"    return x{instructions - 1}", ""]
    )


def caller(calls: int) -> str:
    lines = [f"    y{i + 1} = call add(y{i})" for i in range(calls)]
    head = ["func main -> (u64)", "start(y0: u64):"]
    return "\n".join([*head, *lines, f"    return y{calls}", ""])


def module(size: int, calls: int) -> str:
    return "\n".join(["program main(y0: u64) -> u64", adder(size), caller(calls)])


@pytest.mark.parametrize(
    ("size", "calls", "is_inlined"),
    [
        (SMALL, 2, True),
        (SMALL + 1, 2, False),
        (SMALL + 1, 1, True),
        (CALLER_MAX - 3, 1, True),
        (CALLER_MAX, 1, False),
    ],
)
def test_size_and_number_of_calls_decide(size, calls, is_inlined):
    after = inline_calls(parse_module(module(size, calls)))

    check(after)
    assert ("add" not in after.functions) == is_inlined


def test_a_callee_with_much_storage_is_inlined_only_where_it_is_called_once():
    text = """
    program main() -> tuple[]

    func big -> ()
    start():
        a = array.[1000 x u64]
        return

    func main -> ()
    start():
        call big()
        {}
        return
    """

    once = inline_calls(parse_module(text.format("")))
    twice = inline_calls(parse_module(text.format("call big()")))

    assert list(once.functions) == ["main"]
    assert list(twice.functions) == ["big", "main"]


def test_frames_that_would_not_fit_side_by_side_stay_apart():
    most = 1 << 24
    callees = [
        f"func f{i} -> ()\nstart():\n    a = array.[{most} x u64]\n    return\n" for i in range(3)
    ]
    calls = "\n".join(f"    call f{i}()" for i in range(3))
    text = "\n".join(
        ["program main() -> tuple[]", *callees, f"func main -> ()\nstart():\n{calls}\n    return\n"]
    )
    before = parse_module(text)
    check(before)

    after = inline_calls(before)

    check(after)
    assert len(after.functions) == 4
