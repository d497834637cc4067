"""Memory in cells is memory in bytes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from numen.evm.lift.cells import Cells
from numen.evm.lift.constants import KNOWN, join_cells

SIZES = st.integers(1, 32)
PLACES = st.integers(0, 100)
WRITES = st.lists(st.tuples(PLACES, SIZES, st.integers(0, 2**256 - 1)), max_size=12)


def written(writes):
    """The same writes in cells and in bytes."""
    cells, memory = Cells(), bytearray(160)
    for at, size, word in writes:
        value = word % (1 << (8 * size))
        cells.write(KNOWN, at, size, value)
        memory[at : at + size] = value.to_bytes(size, "big")
    return cells, memory


@given(writes=WRITES, at=PLACES, size=SIZES)
def test_a_read_gives_the_bytes_that_were_written(writes, at, size):
    cells, memory = written(writes)

    assert cells.read(KNOWN, at, size) == int.from_bytes(memory[at : at + size], "big")


@given(writes=WRITES)
def test_pieces_do_not_overlap(writes):
    cells, _ = written(writes)
    ends = sorted((at, at + size) for at, (size, _) in cells.pieces.items())

    assert all(end <= start for (_, end), (start, _) in pairwise(ends))


@given(writes=WRITES, others=WRITES, at=PLACES, size=SIZES)
def test_a_join_knows_what_both_know_and_nothing_else(writes, others, at, size):
    old, memory = written(writes)
    other, beside = written(others)
    joined = join_cells(old, other, frozenset()) or old

    found = joined.read(KNOWN, at, size)
    mine = int.from_bytes(memory[at : at + size], "big")
    theirs = int.from_bytes(beside[at : at + size], "big")
    assert found is None or found == mine == theirs
    if memory == beside:
        assert found == mine


@given(writes=WRITES, others=WRITES)
def test_joining_twice_learns_nothing_more(writes, others):
    old, _ = written(writes)
    other, _ = written(others)
    joined = join_cells(old, other, frozenset()) or old

    assert join_cells(joined, other, frozenset()) is None
    assert join_cells(joined, joined.copy(), frozenset()) is None


def test_what_one_side_never_wrote_is_zero_there():
    cells, _ = written([(0, 32, 0)])

    assert join_cells(Cells(), cells, frozenset()).read(KNOWN, 0) == 0
    cells.write(KNOWN, 0, 1, 5)
    assert join_cells(Cells(), cells, frozenset()).read(KNOWN, 0) is None
