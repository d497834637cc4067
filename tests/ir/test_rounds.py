"""Bounds of the rounds of loops, against how often they run."""

import itertools

import pytest

from numen.ir import flow, interp
from numen.ir.nodes import Module
from numen.ir.program import program_from_module
from numen.ir.rounds import most_rounds
from numen.lang.compile import compile_source

BOUNDED = {
    "a range of a narrow word": (255, """
def main(n: u8) -> u64:
    t: u64 = 0
    for i in range(n):
        t += 1
    return t
"""),
    "what was asked for": (24, """
def main(n: u64) -> u64:
    assert n <= 24
    t: u64 = 0
    for i in range(n):
        t += 1
    return t
"""),
    "a remainder": (9, """
def main(n: u64) -> u64:
    t: u64 = 0
    for i in range(n % 10):
        t += 1
    return t
"""),
    "down to nothing": (255, """
def main(n: u8) -> u64:
    t: u64 = 0
    while n > 0:
        n -= 1
        t += 1
    return t
"""),
    "by three": (85, """
def main(n: u8) -> u64:
    t: u64 = 0
    i: u64 = 0
    while i < u64(n):
        i += 3
        t += 1
    return t
"""),
    "left in the middle": (255, """
def main(n: u8) -> u64:
    t: u64 = 0
    i: u8 = 0
    while True:
        if i == n:
            break
        t += 1
        i += 1
    return t
"""),
    "left where it is equal": (7, """
def main(n: u8) -> u64:
    m = n % 7 + 1
    t: u64 = 0
    i: u8 = 0
    while i != m:
        i = wrapping_add(i, 1)
        t += 1
    return t
"""),
}  # fmt: skip
"""Programs that count how often they go back, and how often that is at most, over every input."""

OPEN = {
    "halves": "def main(n: u64) -> u64:\n    while n > 1:\n        n = n // 2\n    return n\n",
    "wraps": (
        "def main(n: u64) -> u64:\n    i: u64 = 0\n    while i != n:\n"
        "        i = wrapping_add(i, 2)\n    return i\n"
    ),
}


def bounds_of(module: Module) -> list[int]:
    fn = module.functions[module.entry]
    return [*most_rounds(fn, flow.loops(fn)).values()]


@pytest.mark.parametrize("name", BOUNDED)
def test_no_loop_runs_more_often_than_its_bound(name: str):
    most, text = BOUNDED[name]
    module = program_from_module(compile_source(text)).module

    (bound,) = bounds_of(module)
    counts = []
    for n in range(256):
        outcome = interp.run(module, [n], work_limit=10**5)
        counts += [] if outcome.trap else outcome.results
    assert max(counts) == most
    # A round that is left in the middle may come on top of those that are gone through.
    assert most <= bound <= most + 1


@pytest.mark.parametrize("name", OPEN)
def test_of_some_loops_nothing_is_known(name: str):
    module = program_from_module(compile_source(OPEN[name])).module

    assert all(bound >= 2**63 for bound in bounds_of(module))


def test_each_loop_of_a_nest_has_its_own_bound():
    module = program_from_module(
        compile_source(
            "def main(n: u8, m: u8) -> u64:\n    t: u64 = 0\n    for i in range(n % 4):\n"
            "        for j in range(m % 6):\n            t += 1\n    return t\n"
        )
    ).module

    assert sorted(bounds_of(module)) == [3, 5]
    for n, m in itertools.product(range(5), range(7)):
        assert interp.run(module, [n, m], work_limit=10**5).results == ((n % 4) * (m % 6),)
