"""Programs mean what CPython makes of them, but for the ends of the integer types."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ir.trap import Reason, Trap
from numen.ir.types import WORDS
from tests.lang import python_words
from tests.lang.generate import Generator
from tests.lang.running import run


def typed(of: str, given_: object) -> object:
    """An argument as CPython needs it."""
    if of.startswith("list"):
        return [python_words.Number(item, WORDS["u64"]) for item in given_]
    return given_ if of == "bool" else python_words.Number(given_, WORDS[of])


def agree(source: str, args: list[object]) -> object:
    """Run a program both ways; what both found."""
    head = next(line for line in source.splitlines() if line.startswith("def main("))
    params = [part.split(": ")[1] for part in head[9 : head.index(") ->")].split(", p")]
    expected = python_words.run(
        source, [typed(of, value) for of, value in zip(params, args, strict=True)]
    )
    found = run(source, *args)
    if isinstance(found, Trap):
        found = found.reason
    assert found == expected, source
    return expected


@settings(max_examples=60)
@given(st.integers(0, 2**64))
def test_a_random_program_gives_what_cpython_gives(seed):
    source, args = Generator(random.Random(seed)).program()

    agree(source, args)


def test_random_programs_end_in_every_way():
    ends = set()
    for seed in range(120):
        source, args = Generator(random.Random(seed)).program()
        end = agree(source, args)
        ends.add(end if isinstance(end, Reason) else "result")

    assert ends >= {"result", Reason.OVERFLOW, Reason.DIVISION_BY_ZERO, Reason.CONVERSION}


@pytest.mark.slow
def test_many_random_programs_give_what_cpython_gives():
    for seed in range(400):
        source, args = Generator(random.Random(seed)).program()
        agree(source, args)
