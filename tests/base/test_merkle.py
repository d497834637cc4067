"""Trees and openings: RFC 6962's shape, and nothing but the right leaf opens."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base import merkle
from numen.base.crypto import keccak256
from numen.base.merkle import MerkleError, Opening

leaf_lists = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


def by_definition(leaves: list[bytes]) -> bytes:
    """The tree hash as RFC 6962, section 2.1, writes it."""
    if not leaves:
        return keccak256(b"")
    if len(leaves) == 1:
        return keccak256(b"\0", leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return keccak256(b"\1", by_definition(leaves[:split]), by_definition(leaves[split:]))


@given(leaves=st.lists(st.binary(max_size=8), max_size=40))
def test_the_root_follows_the_definition(leaves):
    want = keccak256(b"\2", len(leaves).to_bytes(8, "big"), by_definition(leaves))

    assert merkle.root(leaves) == want


@given(leaves=leaf_lists, data=st.data())
def test_every_leaf_opens_and_no_other_does(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.binary(max_size=8).filter(lambda b: b != leaves[index]))
    top, opening = merkle.root(leaves), merkle.prove(leaves, index)

    merkle.verify(top, leaves[index], opening)
    with pytest.raises(MerkleError):
        merkle.verify(top, other, opening)


@given(leaves=leaf_lists, data=st.data())
def test_a_changed_opening_is_refused(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    opening = merkle.prove(leaves, index)
    changes = st.one_of(
        st.builds(dict, index=st.integers(0, 2**64 - 1)),
        st.builds(dict, count=st.integers(0, 2**64 - 1)),
        st.builds(dict, path=st.lists(st.binary(min_size=32, max_size=32), max_size=9).map(tuple)),
    )
    lie = msgspec.structs.replace(opening, **data.draw(changes))
    same_place = lie.index != opening.index and leaves.count(leaves[index]) > 1

    if lie == opening or same_place:
        return
    with pytest.raises(MerkleError):
        merkle.verify(merkle.root(leaves), leaves[index], lie)


def test_there_is_no_leaf_outside():
    for index in (-1, 3):
        with pytest.raises(MerkleError):
            merkle.prove([b"a", b"b", b"c"], index)
    with pytest.raises(MerkleError):
        merkle.verify(merkle.root([]), b"", Opening(0, 0, ()))


def test_a_node_is_not_a_leaf():
    inner = keccak256(b"\0", b"a") + keccak256(b"\0", b"b")
    assert merkle.root([inner]) != merkle.root([b"a", b"b"])
