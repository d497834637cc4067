"""Native tries against the readable one."""

from collections import defaultdict

from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.evm import rlp
from numen.evm.forest import ACCOUNT, DELETED, EMPTY, Forest
from numen.evm.forest.nodes import HEAD
from numen.evm.trie import EMPTY_ROOT, Trie

words = st.sampled_from([0, 0, 1, 127, 128, 255, 256, 2**248, 2**256 - 1]) | st.integers(
    0, 2**256 - 1
)
changes = st.lists(st.dictionaries(st.integers(0, 40), words, max_size=30), max_size=8)


def word(number):
    return number.to_bytes(32, "big")


def change(trie, slots):
    """Make the same changes in the readable trie."""
    for key, value in slots.items():
        if value:
            trie.put(word(key), rlp.encode(value))
        else:
            trie.delete(word(key))


@settings(max_examples=200)
@given(first=changes, second=changes)
@example(first=[{1: 1}, {1: 0}, {1: 1}], second=[{}])
def test_tries_in_one_pool_change_apart(first, second):
    forest, readable, names = Forest(), [Trie(), Trie()], [EMPTY, EMPTY]
    longest = max(len(first), len(second))
    for step in range(longest):
        for which, steps in enumerate((first, second)):
            if step < len(steps):
                names[which] = forest.put_slots(names[which], steps[step])
                change(readable[which], steps[step])
        assert [forest.root(name) for name in names] == [trie.root() for trie in readable]


@given(before=changes, after=changes, on_copy=changes)
def test_a_copy_and_its_original_change_apart(before, after, on_copy):
    forest, name = Forest(), EMPTY
    for slots in before:
        name = forest.put_slots(name, slots)
    copy = forest.copy()
    for steps, each in ((after, forest), (on_copy, copy)):
        own, readable = name, Trie()
        for slots in before:
            change(readable, slots)
        for slots in steps:
            own = each.put_slots(own, slots)
            change(readable, slots)
        assert each.root(own) == readable.root()


def used(forest):
    import ctypes

    return HEAD.read(ctypes.addressof(forest._pool), "used")


def test_nodes_are_used_again():
    forest, name = Forest(), EMPTY
    slots = {key: key + 1 for key in range(500)}
    name = forest.put_slots(name, slots)
    root, high = forest.root(name), used(forest)
    for _ in range(5):
        name = forest.put_slots(name, dict.fromkeys(range(500), 0))
        assert forest.root(name) == EMPTY_ROOT
        assert name == EMPTY
        name = forest.put_slots(name, slots)
        assert forest.root(name) == root
        forest.drop(name)
        name = forest.put_slots(EMPTY, slots)
    assert forest.root(name) == root
    assert used(forest) == high


def alike(count):
    """Keys whose hashes share their first eight digits, in pairs."""
    by_start = defaultdict(list)
    for key in range(count):
        by_start[keccak256(word(key))[:4]].append(key)
    return [keys for keys in by_start.values() if len(keys) > 1]


def test_leaves_shorter_than_a_hash_stand_for_themselves():
    pairs = alike(300_000)
    assert len(pairs) > 3
    forest, readable, name = Forest(), Trie(), EMPTY
    for value in (1, 127, 128, 256, 2**200, 0, 5):
        for pair in pairs:
            slots = dict.fromkeys(pair, value)
            name = forest.put_slots(name, slots)
            change(readable, slots)
            assert forest.root(name) == readable.root()
    for first, *_ in pairs:
        name = forest.put_slots(name, {first: 0})
        change(readable, {first: 0})
        assert forest.root(name) == readable.root()


def test_a_trie_of_ten_thousand():
    slots = {key * key: key + 1 for key in range(10_000)}
    forest, readable = Forest(), Trie()
    name = forest.put_slots(EMPTY, slots)
    change(readable, slots)
    assert forest.root(name) == readable.root()
    gone = dict.fromkeys(list(slots)[::3], 0)
    name = forest.put_slots(name, gone)
    change(readable, gone)

    assert forest.root(name) == readable.root()


accounts = st.dictionaries(
    st.integers(0, 30).map(lambda n: n.to_bytes(20, "big")),
    st.none()
    | st.tuples(st.sampled_from([0, 1, 127, 128, 2**64 - 1]), words, words, st.booleans()),
    max_size=20,
)


@settings(max_examples=100)
@given(batches=st.lists(accounts, max_size=4), slots=st.dictionaries(st.integers(0, 9), words))
def test_accounts(batches, slots):
    forest, name, readable = Forest(), EMPTY, Trie()
    storage, storage_readable = forest.put_slots(EMPTY, slots), Trie()
    change(storage_readable, slots)
    for batch in batches:
        records = []
        for address, account in batch.items():
            if account is None:
                records.append(ACCOUNT.pack(address, DELETED, 0, b"", b""))
                readable.delete(address)
                continue
            nonce, balance, code, has_storage = account
            trie, root = (storage, storage_readable.root()) if has_storage else (EMPTY, EMPTY_ROOT)
            records.append(ACCOUNT.pack(address, trie, nonce, word(balance), word(code)))
            readable.put(address, rlp.encode([nonce, balance, root, word(code)]))
        name = forest.put_accounts(name, records)
        assert forest.root(name) == readable.root()
