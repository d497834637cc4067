"""Any k of n shards are the data; the field is one."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ledger.stores import reed_solomon
from numen.ledger.stores.reed_solomon import TooFewShardsError


def product(a: int, b: int) -> int:
    """In the field, by shifts."""
    out = 0
    while b:
        out ^= a * (b & 1)
        a = (a << 1) ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return out


def test_the_tables_are_those_of_the_field():
    products, inverses = reed_solomon._tables()

    assert all(products[a, b] == product(a, b) for a in range(256) for b in range(256))
    assert all(product(a, int(inverses[a])) == 1 for a in range(1, 256))


@pytest.mark.parametrize("needed", range(1, 7))
def test_any_shards_that_suffice_are_the_data(needed):
    data = bytes(range(200))
    shards = reed_solomon.encode(data, needed, 6)

    assert b"".join(shards[:needed])[:200] == data
    for chosen in itertools.combinations(range(6), needed):
        some = {i: shards[i] for i in chosen}
        assert reed_solomon.decode(some, needed, 6, 200) == data


@given(
    data=st.binary(max_size=400),
    sizes=st.tuples(st.integers(1, 20), st.integers(0, 20)),
    d=st.data(),
)
def test_any_choice_of_any_code(data, sizes, d):
    needed, total = sizes[0], sum(sizes)
    shards = reed_solomon.encode(data, needed, total)
    chosen = d.draw(st.permutations(range(total)))[:needed]

    assert reed_solomon.decode({i: shards[i] for i in chosen}, needed, total, len(data)) == data


def test_the_largest_code():
    shards = reed_solomon.encode(b"data of some length", 100, 256)

    assert (
        reed_solomon.decode({i: shards[i] for i in range(156, 256)}, 100, 256, 19)
        == b"data of some length"
    )


def test_too_few_are_told():
    with pytest.raises(TooFewShardsError, match="1 shards where 2 are needed"):
        reed_solomon.decode({0: b"x"}, 2, 3, 2)
