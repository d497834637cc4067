"""The tree: one root for one map, whatever came first; versions; openings; lies."""

import random
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base import codec
from numen.ledger.state import recent
from numen.ledger.state.embedded import LmdbKV
from numen.ledger.state.errors import CorruptError, OpeningError, UnknownVersionError
from numen.ledger.state.kv import MemoryKV
from numen.ledger.state.opening import Neighbour, Opening, Turn, open_key, verify
from numen.ledger.state.page import EMPTY_ROOT, ENTRIES_MAX, ENTRY
from numen.ledger.state.tree import Tree
from tests.ledger.state import reference

WIDE = st.binary(min_size=32, max_size=32)
NARROW = st.integers(0, 255).map(lambda i: (1 << i).to_bytes(32, "big"))
CLOSE = st.integers(0, 40).map(lambda i: bytes(31) + bytes([i]))
KEYS = WIDE | NARROW | CLOSE
VALUES = st.binary(max_size=40)
BATCHES = st.lists(st.dictionaries(KEYS, VALUES | st.none(), max_size=60), max_size=8)


def changed(values: dict, batch: dict) -> dict:
    after = {**values, **batch}
    return {key: value for key, value in after.items() if value is not None}


@given(batches=BATCHES)
def test_every_version_is_the_map_and_its_root_is_the_definitions(batches):
    tree, versions = Tree(MemoryKV()), [{}]
    for batch in batches:
        versions.append(changed(versions[-1], batch))
        tree.update(batch)

    for number, values in enumerate(versions):
        assert tree.at(number).root == reference.root(values)
        assert dict(tree.items(number)) == values
        for key in {key for batch in batches for key in batch}:
            assert tree.get(key, number) == values.get(key)


def crowd(seed: int, count: int, *, chain: bool = False) -> dict[bytes, bytes]:
    rng = random.Random(seed)
    if chain:  # a key for each bit: halves of one and all others
        return {(1 << i).to_bytes(32, "big"): b"%d" % i for i in range(256)}
    return {rng.randbytes(32): rng.randbytes(rng.randrange(50)) for _ in range(count)}


@pytest.mark.parametrize("chain", [False, True])
def test_the_order_of_changes_does_not_matter(chain):
    values = crowd(1, 3000, chain=chain)
    rng = random.Random(2)
    roots = set()
    for step in (1, 7, 100, 5000):
        tree, keys = Tree(MemoryKV()), list(values)
        rng.shuffle(keys)
        keys = keys[:300] if step == 1 else keys
        for i in range(0, len(keys), step):
            tree.update({key: values[key] for key in keys[i : i + step]})
        if step == 1:
            assert tree.root == reference.root({key: values[key] for key in keys})
        else:
            roots.add(tree.root)

    assert roots == {reference.root(values)}


@pytest.mark.parametrize("chain", [False, True])
def test_what_is_deleted_leaves_nothing_behind(chain):
    values = crowd(3, 2000, chain=chain)
    tree = Tree(kv := MemoryKV())
    tree.update(values)
    keys = list(values)
    random.Random(4).shuffle(keys)
    for i in range(0, len(keys), 130):
        tree.update(dict.fromkeys(keys[i : i + 130]))

    assert tree.root == EMPTY_ROOT
    tree.prune(tree.version)
    assert not list(kv.scan(b"n"))


def test_pages_fit_and_are_shared():
    tree = Tree(MemoryKV())
    tree.update(crowd(5, 5000))
    before = set(tree.reachable())
    tree.update({bytes(32): b"one more"})
    after = set(tree.reachable())

    pages = [n for n in after if len(tree.record(n)) % ENTRY.size == 0 and len(tree.record(n)) > 60]
    assert all(len(tree.record(n)) <= ENTRIES_MAX * ENTRY.size for n in pages)
    assert len(after - before) <= 6


def test_pruning_keeps_what_later_versions_need_and_nothing_else():
    tree, rng, values = Tree(kv := MemoryKV()), random.Random(6), {}
    history = [dict(values)]
    for _ in range(30):
        batch = {rng.randrange(200).to_bytes(32, "big"): rng.randbytes(9) for _ in range(20)}
        batch |= {rng.randrange(200).to_bytes(32, "big"): None for _ in range(9)}
        values = changed(values, batch)
        tree.update(batch)
        history.append(values)
    tree.prune(25)

    wanted = {n for version in range(25, 31) for n in tree.reachable(version)}
    assert {int.from_bytes(key[1:], "big") for key, _ in kv.scan(b"n")} == wanted
    assert all(dict(tree.items(v)) == history[v] for v in range(25, 31))
    with pytest.raises(UnknownVersionError, match="25 to 30"):
        tree.get(bytes(32), 24)
    with pytest.raises(UnknownVersionError):
        tree.prune(31)


def test_rolling_back_forgets_what_came_later():
    tree = Tree(kv := MemoryKV())
    tree.update(crowd(7, 500))
    was, records = tree.root, dict(kv.scan(b"n"))
    tree.update(crowd(8, 500))
    tree.update(dict.fromkeys(crowd(7, 500)))
    tree.roll_back(1)

    assert (tree.root, tree.version, dict(kv.scan(b"n"))) == (was, 1, records)
    tree.update({bytes(32): b"again"})
    assert Tree(kv).root == tree.root == reference.root(crowd(7, 500) | {bytes(32): b"again"})


def test_a_batch_that_changes_nothing_writes_no_page():
    tree = Tree(MemoryKV())
    tree.update(crowd(9, 300))
    same = tree.prepare(crowd(9, 300) | {bytes(32): None})

    assert (same.version.root, same.records, same.stale) == (tree.root, {}, [])


def test_a_tree_on_disk_is_found_again(tmp_path: Path):
    kv = LmdbKV(tmp_path)
    tree = Tree(kv)
    tree.update(crowd(10, 4000))
    root = tree.root
    kv.close()

    again = Tree(LmdbKV(tmp_path))

    assert (again.root, again.version, dict(again.items())) == (root, 1, crowd(10, 4000))


def test_what_was_read_lately_is_forgotten_in_time(monkeypatch):
    monkeypatch.setattr(recent, "KEYS_MAX", 8)
    monkeypatch.setattr(recent, "VALUE_BYTES_MAX", 20)
    tree, rng, values = Tree(MemoryKV()), random.Random(11), {}
    for _ in range(300):
        batch = {bytes([rng.randrange(30)]) * 32: rng.randbytes(rng.randrange(40)) for _ in "ab"}
        batch |= {bytes([rng.randrange(30)]) * 32: None}
        values = changed(values, batch)
        tree.update(batch)
        for i in rng.sample(range(30), 5):
            assert tree.get(bytes([i]) * 32) == values.get(bytes([i]) * 32)
        if tree.version % 50 == 0:
            assert len(tree._recent._values) <= 8
            tree.roll_back(tree.version - 1)
            values = dict(tree.items())


def test_a_missing_record_is_told(tmp_path: Path):
    kv = MemoryKV()
    tree = Tree(kv)
    tree.update({bytes(32): b"value"})
    tree = Tree(kv)
    for key, _ in list(kv.scan(b"n")):
        kv.commit([(key, None)])

    with pytest.raises(CorruptError, match="it is missing"):
        tree.get(bytes(32))
    kv.commit([(b"m", b"short")])
    with pytest.raises(CorruptError, match="the head"):
        Tree(kv)


# Openings. -------------------------------------------------------------------------------------


@given(values=st.dictionaries(KEYS, VALUES, max_size=80), asked=st.lists(KEYS, max_size=8))
def test_what_is_there_and_what_is_not_can_be_shown(values, asked):
    tree = Tree(MemoryKV())
    tree.update(values)

    for key in [*asked, *list(values)[:8]]:
        value, opening = open_key(tree, key)
        assert value == values.get(key)
        verify(tree.root, key, value, codec.decode(Opening, codec.encode(opening)))


@given(values=st.dictionaries(KEYS, VALUES, min_size=1, max_size=80), data=st.data())
def test_an_opening_shows_nothing_else(values, data):
    tree = Tree(MemoryKV())
    tree.update(values)
    key = data.draw(KEYS | st.sampled_from(sorted(values)))
    value, opening = open_key(tree, key)
    lies = [None, b"", b"lie", value, *values.values()]
    lie = data.draw(st.sampled_from([lie for lie in lies if lie != value]))

    with pytest.raises(OpeningError):
        verify(tree.root, key, lie, opening)


@settings(max_examples=200)
@given(values=st.dictionaries(KEYS, VALUES, min_size=2, max_size=60), data=st.data())
def test_no_absence_can_be_shown_of_a_key_that_is_there(values, data):
    """With the way to any other leaf, cut, stretched or with other bits."""
    tree = Tree(MemoryKV())
    tree.update(values)
    key, other = data.draw(st.permutations(sorted(values)))[:2]
    value, way = open_key(tree, other)
    turns = list(way.turns)
    for _ in range(data.draw(st.integers(0, 2))):
        i = data.draw(st.integers(0, len(turns) - 1))
        turns[i] = msgspec.structs.replace(turns[i], bit=data.draw(st.integers(0, 300)))
    turns = turns[data.draw(st.integers(0, 1)) :]
    forged = Opening(tuple(turns), Neighbour(other, sha256(value).digest()))

    with pytest.raises(OpeningError):
        verify(tree.root, key, None, forged)


def test_shapes_that_are_no_openings_are_refused():
    tree = Tree(MemoryKV())
    tree.update({bytes([i]) * 32: b"x" for i in range(9)})
    value, good = open_key(tree, bytes(32))
    turn = good.turns[0]
    bad = [
        Opening(good.turns[::-1], None),
        Opening(good.turns + good.turns[-1:], None),
        Opening((*good.turns, Turn(256, bytes(32))), None),
        Opening(good.turns[:-1], None),
        Opening(good.turns, Neighbour(bytes(32), bytes(32))),
        Opening((), None),
        Opening((msgspec.structs.replace(turn, other=bytes(32)), *good.turns[1:]), None),
    ]
    for opening in bad:
        with pytest.raises(OpeningError):
            verify(tree.root, bytes(32), value, opening)
    with pytest.raises(OpeningError, match="32 bytes"):
        verify(tree.root, bytes(31), value, good)
    with pytest.raises(OpeningError, match="no keys"):
        verify(tree.root, bytes(32), None, Opening((), None))
    verify(EMPTY_ROOT, bytes(32), None, Opening((), None))
