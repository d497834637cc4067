"""The bound of a program's work is never passed, and is near where a program does its worst."""

import random
from collections.abc import Mapping

import pytest

from numen.ir import interp
from numen.ir.interface import flatten
from numen.ir.passes.bound import work_bound
from numen.ir.program import Program, program_from_module
from numen.lang.compile import compile_source
from tests.lang.generate import Generator


class NoRecords:
    """A program that is no contract has no records."""

    def record(self, kind: int, length: int, words: Mapping[int, int]) -> int | None:
        raise AssertionError


def bound_of(program: Program) -> int | None:
    metered = program.metered
    return work_bound(metered.functions, metered.entry, {}, NoRecords())


def bound_and_work(source: str, args: list[object]) -> tuple[int | None, int]:
    program = program_from_module(compile_source(source))
    parts: list[int | list[int]] = []
    for wanted, arg in zip(program.interface.inputs, args, strict=True):
        parts += flatten(wanted.shape, arg)
    return bound_of(program), interp.run(program.metered, parts, work_limit=10**9).work


LEFT_EARLY = """
def main(n: u64) -> u64:
    total: u64 = 0
    for i in range(40):
        if i == n:
            break
        if total & 1 == 0:
            for j in range(5):
                total += total // (i + j + 1) + 1
        else:
            total += 1
    return total
"""

HALVED = """
def main(n: u64) -> u64:
    total: u64 = 0
    for _ in range(64):
        if n == 0:
            break
        total += n % 10
        n //= 2
    return total
"""

ONCE = """
def first(xs: list[u64, N], y: u64) -> bool:
    for x in xs:
        if x != y:
            return x < y
    return False

def main(n: u64) -> u64:
    return u64(first([n], 5)) + u64(first([n, 3], 5))
"""


@pytest.mark.parametrize("source", [LEFT_EARLY, HALVED, ONCE])
def test_a_loop_that_may_be_left_early_has_a_bound(source):
    bound, _ = bound_and_work(source, [0])

    assert bound is not None
    works = [bound_and_work(source, [n])[1] for n in (0, 1, 5, 39, 40, 2**64 - 1)]
    assert max(works) <= bound <= 3 * max(works)


@pytest.mark.parametrize(
    "body",
    [
        "while n > 1:\n        n //= 2",
        "for i in range(n):\n        n //= 2",
        "for i in range(n):\n        if i & 1 == 0:\n            n //= 2",
        "for i in range(2**16):\n        if i == n:\n            n //= 2",
    ],
)
def test_what_the_arguments_decide_has_no_bound(body):
    source = f"def main(n: u64) -> u64:\n    {body}\n    return n\n"

    assert bound_of(program_from_module(compile_source(source))) is None


@pytest.mark.slow
def test_no_random_program_passes_its_bound():
    bounded = 0
    for seed in range(20):
        bound, work = bound_and_work(*Generator(random.Random(seed)).program())
        if bound is not None:
            bounded += 1
            assert work <= bound, seed
    assert bounded > 5
