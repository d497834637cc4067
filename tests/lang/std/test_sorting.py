"""Sorting is sorting, keeps the order of equals, and costs what the page says, on every engine."""

import itertools
import math
import random
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ir.pipeline import optimise
from numen.ir.types import WORDS
from numen.lang.compile import compile_source
from numen.proof.circuit import compile_circuit
from numen.proof.r1cs import check_witness
from tests.lang.std.everywhere import Everywhere
from tools import sorting

STD = Path(__file__).resolve().parents[3] / "src/numen/lang/std"

BOTH = """
from numen.std.sorting import arrange_@, order_@, sort_@

def main(keys: list[@, SIZE]) -> tuple[list[@, SIZE], list[u64, SIZE], list[@, SIZE]]:
    sorted = keys.copy()
    sort_@(sorted)
    order = order_@(keys)
    arranged = keys.copy()
    arrange_@(arranged, order)
    return sorted, order, arranged
"""

ONE = """
from numen.std.sorting import @

def main(keys: list[u128, SIZE]) -> u64:
    @(keys)
    return 0
"""


@cache
def both(word: str, size: int) -> Everywhere:
    return Everywhere(BOTH.replace("@", word).replace("SIZE", str(size)))


def expected(keys: list[int]) -> list[list[int]]:
    """What Python's sort, which is stable, gives."""
    order = sorted(range(len(keys)), key=lambda at: keys[at])
    return [sorted(keys), order, sorted(keys)]


def test_the_module_is_what_the_template_gives():
    assert (STD / "sorting.numen").read_text() == sorting.render()


@pytest.mark.parametrize("size", [1, 5, 33])
@settings(max_examples=15)
@given(data=st.data())
def test_it_is_a_stable_sort(size, data):
    few = st.integers(0, 3)
    word = data.draw(st.sampled_from([few, st.integers(0, 2**64 - 1)]))
    keys = data.draw(st.lists(word, min_size=size, max_size=size))

    assert both("u64", size)(keys) == expected(keys)


def test_every_short_list_of_three_keys_is_sorted_stably():
    library = both("u64", 4)

    for keys in itertools.product(range(3), repeat=4):
        assert library(list(keys)) == expected(list(keys))


@pytest.mark.parametrize("word", sorting.ORDERED)
def test_every_type_is_sorted_by_its_own_order(word):
    of, size = WORDS[word], 24
    library, dice = both(word, size), random.Random(word)
    ends = [of.low, of.high, 0, of.high // 2, of.low // 2]

    for _ in range(3):
        keys = [dice.choice([*ends, dice.randint(of.low, of.high)]) for _ in range(size)]
        assert library(keys) == expected(keys)


def test_many_lists_are_sorted_stably():
    library, dice = both("i64", 24), random.Random(5)

    for _ in range(200):
        width = dice.choice([1, 2, 8, 63])
        keys = [dice.randint(-(2**width), 2**width - 1) for _ in range(24)]
        assert library.fast(keys) == expected(keys)


def bound(size: int) -> int:
    """Work units that docs/reference/std.md promises not to pass, with the program around it."""
    return 40 * size * (math.ceil(math.log2(size)) + 1) + 60


@pytest.mark.parametrize("call", ["sort_u128", "order_u128"])
@pytest.mark.parametrize("size", [1, 2, 5, 17, 65])
def test_no_list_costs_more_than_the_bound(call, size):
    source = ONE.replace("SIZE", str(size)).replace("@(keys)", f"found = {call}(keys)")
    if call == "sort_u128":
        source = source.replace("found = ", "")
    library, dice = Everywhere(source.replace("@", call)), random.Random(size)
    rising = list(range(size))
    lists = [rising, rising[::-1], [7] * size, rising[::2] + rising[1::2]]
    lists += [dice.sample(rising, size) for _ in range(3)]

    works = {library.outcome(keys).work for keys in lists}

    assert len(works) == 1, "what it costs depends on the keys"
    assert max(works) <= bound(size)


def test_a_circuit_sorts():
    module = optimise(compile_source(BOTH.replace("@", "u8").replace("SIZE", "6")))
    circuit = compile_circuit(module)
    keys = [200, 3, 3, 255, 0, 3]

    found = circuit.witness([keys])

    check_witness(circuit.r1cs, found.felts())
    assert [list(part) for part in found.results] == expected(keys)
    assert circuit.constraint_count < 7_000
