"""Random programs come to one end on every road: CPython, interpreter, native code, circuit."""

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.whole.everywhere import ALL, NARROW, agree, draw


@settings(max_examples=25)
@given(st.integers(0, 2**40))
def test_a_random_program_comes_to_one_end(seed):
    source, args = draw(seed, ALL)

    event(agree(source, args, is_proven=False))


@settings(max_examples=15)
@given(st.integers(0, 2**40))
def test_a_random_program_comes_to_one_end_in_a_circuit_too(seed):
    source, args = draw(seed, NARROW)

    event(agree(source, args, is_proven=True))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 40, 10))
def test_many_random_programs_come_to_one_end(start):
    for seed in range(start, start + 10):
        words = NARROW if seed % 3 else ALL
        agree(*draw(seed, words), is_proven=bool(seed % 3))


AFTER_A_SURE_TRAP = """TABLE: list[u64, 4] = [3, 1, 4, 1]

def main(p1: u8) -> u8:
    y: u8 = p1 % 3
    if p1 > 250:
        z: u8 = u8(0) - u8(1)
        y = min(z, y) | z
    return y
"""


@pytest.mark.parametrize("x", [0, 7, 255])
def test_what_follows_a_sure_trap_is_still_well_formed(x):
    """Range analysis gave what follows an interval outside of its word, and folded it to that."""
    agree(AFTER_A_SURE_TRAP, [x], is_proven=True)
