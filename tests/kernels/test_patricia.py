"""Roots of binary Patricia trees, against the definition."""

import hashlib
import random

import numpy as np
import pytest

from numen.kernels import compiler, patricia
from numen.kernels.errors import KernelInputError
from numen.kernels.patricia_code import patricia_functions
from numen.kernels.sha256_code import Instructions, Vectors

Entry = tuple[bytes, bytes]


@pytest.fixture(params=[Instructions, Vectors])
def engine(request, monkeypatch):
    """Hash in one way, if this machine can."""
    if request.param is Instructions and not compiler.has_feature("sha"):
        pytest.skip("the processor has no instructions for SHA-256")
    monkeypatch.setattr(patricia, "_text", lambda: patricia_functions(request.param))
    kept = (patricia._kernels, patricia._root, patricia._locate)
    for each in kept:
        each.cache_clear()
    yield
    for each in kept:
        each.cache_clear()


def root(entries: list[Entry]) -> bytes:
    """Split at the first bit in which keys differ; by recursion, as the definition says."""
    if len(entries) == 1:
        return entries[0][1]
    first, last = (int.from_bytes(entries[i][0], "big") for i in (0, -1))
    bit = 256 - (first ^ last).bit_length()
    left = [e for e in entries if not e[0][bit // 8] >> (7 - bit % 8) & 1]
    node = bytes([1, bit]) + root(left) + root(entries[len(left) :])
    return hashlib.sha256(node).digest()


def sample(seed: int, count: int, *, crowded: bool) -> list[Entry]:
    rng = random.Random(seed)
    keys = {rng.randbytes(32) for _ in range(count)}
    if crowded:  # neighbours that part at every bit there is
        start = rng.getrandbits(256)
        keys = {(start ^ (1 << rng.randrange(256))).to_bytes(32, "big") for _ in range(count)}
    return [(key, rng.randbytes(32)) for key in sorted(keys)]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 55, 300])
@pytest.mark.parametrize("extra", [0, 10])
def test_the_root_is_what_the_definition_says(count, crowded, extra):
    entries = sample(count, count, crowded=crowded)
    packed = b"".join(key + digest + bytes(extra) for key, digest in entries)

    assert patricia.subtree_root(packed, 64 + extra) == root(entries)


@pytest.mark.usefixtures("engine")
def test_every_bit_can_part():
    keys = sorted({0} | {1 << i for i in range(256)})
    entries = [(key.to_bytes(32, "big"), bytes([i % 256]) * 32) for i, key in enumerate(keys)]

    assert patricia.subtree_root(b"".join(k + h for k, h in entries), 64) == root(entries)


@pytest.mark.parametrize(
    ("data", "size"), [(b"", 64), (bytes(65), 64), (bytes(60), 60), (bytes(513 * 64), 64)]
)
def test_bytes_that_are_no_entries_are_refused(data, size):
    with pytest.raises(KernelInputError, match="no entries"):
        patricia.subtree_root(data, size)


def covering(entries: list[tuple[int, int]], key: int, first: int) -> tuple[int, int]:
    """What `locate` says it does, by looking at every entry."""
    for place, (prefix, bits) in enumerate(entries):
        if place >= first and (key ^ prefix) >> (256 - bits) == 0:
            return place, bits
    return max(first, sum(prefix <= key for prefix, _ in entries)), 0


@pytest.mark.usefixtures("engine")
def test_the_entry_that_covers_a_key_is_found():
    rng = random.Random(3)
    for _ in range(300):
        entries, at = [], 0
        while at < 1 << 256 and len(entries) < 40:  # disjoint parts, with holes
            bits = rng.choice([1, 2, 3, 5, 8, 100, 255, 256])
            width = 1 << (256 - bits)
            at = -(-at // width) * width
            if at < 1 << 256 and rng.random() < 0.7:
                entries.append((at, bits))
            at += width + rng.choice([0, 1, rng.getrandbits(254)])
        packed = b"".join(
            k.to_bytes(32, "big") + bytes(32) + b.to_bytes(2, "big") for k, b in entries
        )
        edges = [edge for k, b in entries for edge in (k - 1, k, k + (1 << (256 - b)))]
        for key in [*edges, 0, (1 << 256) - 1, *(rng.getrandbits(256) for _ in range(9))]:
            if 0 <= key < 1 << 256:
                first = rng.randrange(len(entries) + 1)
                found = patricia.locate(packed, 66, key.to_bytes(32, "big"), first)
                assert found == covering(entries, key, first)


@pytest.mark.parametrize(
    ("data", "size", "key", "first"),
    [
        (bytes(65), 66, bytes(32), 0),
        (bytes(66), 66, bytes(31), 0),
        (bytes(66), 66, bytes(32), 2),
        (bytes(66), 66, bytes(32), -1),
        (bytes(64), 64, bytes(32), 0),
    ],
)
def test_what_cannot_be_searched_is_refused(data, size, key, first):
    with pytest.raises(KernelInputError, match="no entries"):
        patricia.locate(data, size, key, first)


@pytest.mark.usefixtures("engine")
def test_many_ranges_are_as_each_alone():
    rng = random.Random(4)
    ranges = [sample(n, rng.choice([1, 2, 9, 54]), crowded=bool(n % 2)) for n in range(20)]
    packed = [
        b"".join(k + h + bytes(8) + rng.choice([256, 256, 200]).to_bytes(2, "big") for k, h in part)
        for part in ranges
    ]
    table = np.frombuffer(b"".join(packed), np.uint8).reshape(-1, 74)
    starts = np.cumsum([0, *map(len, ranges)])
    chosen = np.array([3, 0, 19, 3])
    found = patricia.subtree_roots(table, starts, chosen)
    assert [bytes(each) for each in found] == [patricia.subtree_root(packed[i], 74) for i in chosen]

    wanted = np.array([i for i in range(20) for _ in range(8)])
    keys = [rng.choice(ranges[i])[0] if n % 2 else rng.randbytes(32) for n, i in enumerate(wanted)]
    rows, bits = patricia.locate_all(
        table, starts, wanted, np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32)
    )
    alone = [patricia.locate(packed[i], 74, key) for i, key in zip(wanted, keys, strict=True)]
    assert list(zip(rows - starts[wanted], bits, strict=True)) == alone


@pytest.mark.parametrize(
    ("starts", "chosen"),
    [([0, 3], [1]), ([0, 3], [-1]), ([0, 0, 3], [0]), ([0, 4], [0]), ([2, 1], [0]), ([0], [])],
)
def test_ranges_that_are_not_in_the_table_are_refused(starts, chosen):
    with pytest.raises(KernelInputError):
        patricia.subtree_roots(
            np.zeros((3, 74), np.uint8), np.array(starts), np.array(chosen, np.int64)
        )
    with pytest.raises(KernelInputError):
        patricia.locate_all(
            np.zeros((3, 74), np.uint8),
            np.array(starts),
            np.array(chosen or [0], np.int64),
            np.zeros((1, 32), np.uint8),
        )


def test_tables_of_other_shapes_are_refused():
    good, starts, one = np.zeros((3, 74), np.uint8), np.array([0, 3]), np.array([0])
    for bad in (good[:, ::2], good.astype(np.int8), np.zeros(74, np.uint8), good[:, :60]):
        with pytest.raises(KernelInputError):
            patricia.subtree_roots(bad, starts, one)
    for keys in (np.zeros((1, 33), np.uint8), np.zeros((2, 32), np.uint8)):
        with pytest.raises(KernelInputError):
            patricia.locate_all(good, starts, one, keys)
