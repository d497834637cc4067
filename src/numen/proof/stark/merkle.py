"""Merkle trees over tables of different heights, and openings of many leaves at once.

Leaves and nodes are SHA-256. The tallest table's rows are the leaves; where the nodes of a level
are as many as the rows of a shorter table, each row is hashed into its node:

    leaf of row i       H(row i, u32 little-endian)
    node                H(left || right)
    node with a row     H(left || right || leaf of the row)
    root                H("numen/stark/tree/1" || shape || top)

No two kinds of these are told apart by a prefix: their places are, because the root binds the
shape. An opening holds the rows of all places and the hashes that are not made of them, from the
lowest level to the highest, each level from left to right.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from numen.proof.stark.errors import StarkRejectedError
from numen.proof.stark.field import Felts

HASH_BYTES: Final = 32
"""Of SHA-256."""

Shape = tuple[tuple[int, int], ...]
"""The logarithm of the leaves and the width of a leaf in elements; the tallest table first."""


class Opening(msgspec.Struct, frozen=True):
    """Why rows are under a root.

    Attributes:
        rows: For each table of the shape, the rows of the distinct places in ascending order.
        siblings: Hashes, one after the other.
    """

    rows: tuple[Felts, ...]
    siblings: bytes


def bind(shape: Shape, top: bytes) -> bytes:
    """The root of a tree: its top and its shape."""
    sizes = b"".join(size.to_bytes(4, "little") for table in shape for size in table)
    tag = b"numen/stark/tree/1" + len(shape).to_bytes(4, "little")
    return hashlib.sha256(tag + sizes + top).digest()


def places(indices: Sequence[int], log: int, log_indices: int) -> list[int]:
    """The distinct leaves of a table below indices of ``[0, 2**log_indices)``, ascending."""
    return sorted({index >> (log_indices - log) for index in indices})


def siblings_needed(leaves: Sequence[int], log: int) -> Iterator[list[int]]:
    """For each level from the leaves up, the nodes that no opened leaf is below."""
    known = list(leaves)
    for _ in range(log):
        held = set(known)
        yield [node ^ 1 for node in known if node ^ 1 not in held]
        known = sorted({node >> 1 for node in known})


def verify(
    name: str, shape: Shape, root: bytes, opening: Opening, indices: Sequence[int], log: int
) -> None:
    """Check that an opening shows the rows below some indices.

    Args:
        name: Of the tree, for errors.
        shape: Of the tree.
        root: Of the tree.
        opening: What is shown.
        indices: Of ``[0, 2**log)``, which may repeat; log is at least that of the tallest table.
        log: See above.

    Raises:
        StarkRejectedError: It does not show them.
    """
    hashed = []
    for (log_leaves, width), rows in zip(shape, opening.rows, strict=True):
        wanted = places(indices, log_leaves, log)
        if rows.shape != (len(wanted), width):
            raise StarkRejectedError(name, f"{len(rows)} rows are opened, not {len(wanted)}")
        hashed.append({i: _hash(row.tobytes()) for i, row in zip(wanted, rows, strict=True)})
    (level, _), by_level = shape[0], {log: d for (log, _), d in zip(shape, hashed, strict=True)}
    nodes, digests = list(hashed[0]), list(hashed[0].values())
    hashes = _cut(opening.siblings)
    try:
        while level:
            level -= 1
            nodes, digests = _above(nodes, digests, by_level.get(level), hashes)
    except StopIteration:
        raise StarkRejectedError(name, "there are too few hashes") from None
    if next(hashes, None) is not None:
        raise StarkRejectedError(name, "there are too many hashes")
    if bind(shape, digests[0]) != root:
        raise StarkRejectedError(name, "the opened rows do not lead to the root")


def _above(
    nodes: list[int],
    digests: list[bytes],
    joined: dict[int, bytes] | None,
    siblings: Iterator[bytes],
) -> tuple[list[int], list[bytes]]:
    """Hash the nodes of a level to those above.

    Raises:
        StopIteration: There are too few siblings.
    """
    parents, found, place = [], [], 0
    while place < len(nodes):
        node, digest = nodes[place], digests[place]
        place += 1
        if node & 1:
            pair = next(siblings) + digest
        elif place < len(nodes) and nodes[place] == node + 1:
            pair = digest + digests[place]
            place += 1
        else:
            pair = digest + next(siblings)
        parent = node >> 1
        parents.append(parent)
        found.append(_hash(pair + joined[parent] if joined else pair))
    return parents, found


def _cut(data: bytes) -> Iterator[bytes]:
    assert len(data) % HASH_BYTES == 0, "the codec takes whole hashes only"
    return iter([data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)])


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
