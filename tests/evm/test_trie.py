"""The trie against py-trie's, which was written by other people, and against itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.evm import rlp
from numen.evm.trie import EMPTY_ROOT, Trie, root_of_list

trie = pytest.importorskip("trie", reason="py-trie is a judge; `make judges` installs it")
pytestmark = pytest.mark.judges

# Few different bytes, so that keys share their beginnings and begin one another.
short_keys = st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11, 0xFF]), max_size=4).map(bytes)
values = st.binary(min_size=1, max_size=3) | st.binary(min_size=30, max_size=70)
changes = st.lists(
    st.tuples(short_keys, values | st.just(b"")) | st.sampled_from(["root", "copy"]), max_size=60
)


def change(ours, key, value):
    if value:
        ours.put(key, value)
    else:
        ours.delete(key)


@pytest.mark.parametrize("is_secure", [False, True])
@settings(max_examples=300)
@given(steps=changes)
def test_every_root_is_that_of_py_trie(is_secure, steps):
    ours, theirs = Trie(is_secure=is_secure), trie.HexaryTrie({})
    for step in steps:
        if step == "root":
            assert ours.root() == theirs.root_hash
        elif step == "copy":
            ours = ours.copy()
        else:
            key, value = step
            change(ours, key, value)
            theirs[keccak256(key) if is_secure else key] = value

    assert ours.root() == theirs.root_hash


@settings(max_examples=200)
@given(before=changes, after=changes, on_copy=changes)
def test_a_copy_and_its_original_change_apart(before, after, on_copy):
    both = [step for step in before if isinstance(step, tuple)]
    ours = Trie(is_secure=False)
    for key, value in both:
        change(ours, key, value)
    copy = ours.copy()
    for steps, each in ((after, ours), (on_copy, copy)):
        for key, value in (step for step in steps if isinstance(step, tuple)):
            change(each, key, value)

    for steps, each in ((after, ours), (on_copy, copy)):
        afresh = Trie(is_secure=False)
        for key, value in both + [step for step in steps if isinstance(step, tuple)]:
            change(afresh, key, value)
        assert each.root() == afresh.root()


@given(pairs=st.dictionaries(short_keys, values), absent=short_keys)
def test_what_is_stored_is_found(pairs, absent):
    ours = Trie(is_secure=False)
    for key, value in pairs.items():
        ours.put(key, value)

    assert {key: ours.get(key) for key in pairs} == pairs
    assert ours.get(absent) == pairs.get(absent, b"")


@given(pairs=st.dictionaries(short_keys, values), order=st.randoms())
def test_a_trie_emptied_in_any_order_is_empty(pairs, order):
    ours = Trie()
    keys = list(pairs)
    for key in keys:
        ours.put(key, pairs[key])
    order.shuffle(keys)
    for key in keys:
        ours.delete(key)

    assert ours.root() == EMPTY_ROOT == keccak256(b"\x80")


def test_deleting_what_is_not_there_changes_nothing():
    ours = Trie(is_secure=False)
    ours.put(b"\x12\x34", b"value")
    ours.put(b"\x12\x56", b"other")
    root = ours.root()
    for key in (b"", b"\x12", b"\x12\x34\x00", b"\x12\x35", b"\x12\x70", b"\x99"):
        ours.delete(key)

    assert ours.root() == root


@given(items=st.lists(values, max_size=200))
@settings(max_examples=25)
def test_the_root_of_a_list_is_that_of_a_trie_keyed_by_index(items):
    theirs = trie.HexaryTrie({})
    for index, item in enumerate(items):
        theirs[rlp.encode(index)] = item

    assert root_of_list(items) == theirs.root_hash


def test_ten_thousand_accounts():
    theirs = trie.HexaryTrie({})
    ours = Trie()
    accounts = {index.to_bytes(20, "big"): rlp.encode([index, 10**18]) for index in range(10_000)}
    with theirs.squash_changes() as batch:
        for key, value in accounts.items():
            batch[keccak256(key)] = value
            ours.put(key, value)

    assert ours.root() == theirs.root_hash
