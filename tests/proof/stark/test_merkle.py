"""Trees of tables of different heights, beside a tree hashed one node at a time."""

import hashlib

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.proof.stark import merkle
from numen.proof.stark.commit import open_levels
from numen.proof.stark.errors import StarkRejectedError
from numen.proof.stark.portable import levels

RNG = np.random.default_rng(1)
TABLES = [RNG.integers(0, 1 << 31, size=s, dtype=np.uint32) for s in ((16, 3), (4, 2), (1, 5))]
SHAPE = ((4, 3), (2, 2), (0, 5))
LEVELS = levels([[table] for table in TABLES])
ROOT = merkle.bind(SHAPE, LEVELS[-1][0].tobytes())
INDICES = st.lists(st.integers(0, 31), min_size=1, max_size=6)


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def top(level: int, place: int) -> bytes:
    """The digest of a node by its definition; level 0 is the top."""
    extra = {1 << log: table for (log, _), table in zip(SHAPE, TABLES, strict=True)}
    row = sha(extra[1 << level][place].tobytes()) if 1 << level in extra else b""
    if level == 4:
        return row
    return sha(top(level + 1, 2 * place) + top(level + 1, 2 * place + 1) + row)


def test_a_tree_is_what_the_module_says():
    assert LEVELS[-1][0].tobytes() == top(0, 0)
    assert LEVELS[2][3].tobytes() == top(2, 3)


def test_matrices_of_one_height_are_joined_row_by_row():
    left, right = TABLES[0][:, :1], TABLES[0][:, 1:]

    assert np.array_equal(levels([[left, right]])[-1], levels([[TABLES[0]]])[-1])


@given(INDICES)
def test_an_opening_shows_its_rows(indices):
    opening = open_levels(SHAPE, [[t] for t in TABLES], LEVELS, indices, 5)

    merkle.verify("t", SHAPE, ROOT, opening, indices, 5)
    merkle.verify("t", SHAPE, ROOT, opening, [*indices, *indices], 5)
    wanted = sorted({index >> 1 for index in indices})
    assert np.array_equal(opening.rows[0], TABLES[0][wanted])
    known = {index >> 1 for index in indices}
    count = 0
    for _ in range(4):
        count += len({place ^ 1 for place in known} - known)
        known = {place >> 1 for place in known}
    assert len(opening.siblings) == 32 * count


@given(INDICES, st.data())
def test_a_changed_opening_is_refused(indices, data):
    opening = open_levels(SHAPE, [[t] for t in TABLES], LEVELS, indices, 5)
    table = data.draw(st.integers(0, 2))
    rows = [r.copy() for r in opening.rows]
    place = data.draw(st.integers(0, rows[table].size - 1))
    rows[table].reshape(-1)[place] ^= 1
    bad = [msgspec.structs.replace(opening, rows=tuple(rows))]
    if opening.siblings:
        bad.append(msgspec.structs.replace(opening, siblings=opening.siblings[:-32]))
    bad.append(msgspec.structs.replace(opening, siblings=opening.siblings + bytes(32)))

    for lie in bad:
        with pytest.raises(StarkRejectedError):
            merkle.verify("t", SHAPE, ROOT, lie, indices, 5)


def test_the_root_binds_the_shape():
    assert len({merkle.bind(s, bytes(32)) for s in (SHAPE, SHAPE[:1], ((4, 3), (2, 3)))}) == 3


def test_rows_for_other_places_are_refused():
    opening = open_levels(SHAPE, [[t] for t in TABLES], LEVELS, [2, 9], 5)

    for indices in ([2, 11], [2], [2, 9, 20], [10, 2]):
        with pytest.raises(StarkRejectedError):
            merkle.verify("t", SHAPE, ROOT, opening, indices, 5)
