"""Openings: why a key has a value under a root, or has none.

Whoever follows the bits of a key down the tree comes to one leaf. If the key is in the tree, this
is its leaf; if another key's leaf is there, it is not, because each node says by which bit it
parts, and the way of the other key takes every turn that the key's own would. So both kinds of
opening are a way to a leaf.

This holds under roots of trees that were made by the rules. A root that nobody vouches for says
nothing.
"""

import hashlib
from itertools import pairwise

import msgspec

from numen.base.codec import U64
from numen.base.crypto import Hash32
from numen.ledger.state.errors import OpeningError
from numen.ledger.state.page import (
    EMPTY_ROOT,
    ENTRY,
    KEY_BITS,
    bit_of,
    entry_at,
    leaf_hash_of,
    node_hash,
    page_hash,
    parting,
)
from numen.ledger.state.tree import Tree


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """One node on the way.

    Attributes:
        bit: By which it parts, 0 for the highest of the key.
        other: Hash of the half that the way does not take.
    """

    bit: U64
    other: Hash32


class Neighbour(msgspec.Struct, frozen=True, array_like=True):
    """The leaf where the way of an absent key ends.

    Attributes:
        key: Its key.
        value_hash: SHA-256 of its value.
    """

    key: Hash32
    value_hash: Hash32


class Opening(msgspec.Struct, frozen=True, array_like=True):
    """A way through the tree.

    Attributes:
        turns: From the root down; bits grow.
        neighbour: For an absent key, where its way ends; None for a key that is there, and where
        there
            are no keys at all.
    """

    turns: tuple[Turn, ...]
    neighbour: Neighbour | None


def open_key(tree: Tree, key: bytes, version: int | None = None) -> tuple[bytes | None, Opening]:
    """Read a key, and show that what was read is right.

    Args:
        tree: Where to look.
        key: 32 bytes.
        version: Which state; the newest by default.

    Returns:
        The value or None, and what `verify` wants to see.

    Raises:
        UnknownVersionError: There is no such version.
        CorruptError: The store is damaged.
    """
    wanted = int.from_bytes(key, "big")
    page, turns = tree.top(version), list[Turn]()
    if not page:
        return None, Opening((), None)
    while True:
        found, number, bits = _descend(page, wanted, turns)
        if bits != KEY_BITS:
            page = tree.page(number)
            continue
        value = tree.record(number)
        if found == key:
            return value, Opening(tuple(turns), None)
        return None, Opening(tuple(turns), Neighbour(found, hashlib.sha256(value).digest()))


def verify(root: bytes, key: bytes, value: bytes | None, opening: Opening) -> None:
    """Check that a key has a value under a root, or, where it is None, that it has none.

    Args:
        root: 32 bytes that somebody vouches for.
        key: 32 bytes.
        value: What was claimed.
        opening: From anyone.

    Raises:
        OpeningError: It does not show that.

    Cost: at most 256 hashes.
    """
    if len(key) != 32 or len(root) != 32:
        raise OpeningError("a key and a root have 32 bytes")
    bits = [turn.bit for turn in opening.turns]
    if any(a >= b for a, b in pairwise(bits)) or bits[-1:] > [KEY_BITS - 1]:
        raise OpeningError("the bits of the way do not grow, or are more than a key has")
    leaf = _leaf(root, key, value, opening)
    if leaf is None:
        return
    at, node = leaf
    for turn in reversed(opening.turns):
        pair = (turn.other, node) if bit_of(at, turn.bit) else (node, turn.other)
        node = node_hash(turn.bit, *pair)
    if node != root:
        raise OpeningError("the way does not lead to the root")


def _leaf(
    root: bytes, key: bytes, value: bytes | None, opening: Opening
) -> tuple[int, bytes] | None:
    """The key and the hash of the leaf where the way must end; None for a tree without keys."""
    wanted, neighbour = int.from_bytes(key, "big"), opening.neighbour
    if value is not None:
        if neighbour is not None:
            raise OpeningError("a key that is there needs no neighbour")
        return wanted, leaf_hash_of(key, hashlib.sha256(value).digest())
    if neighbour is None:
        if root != EMPTY_ROOT or opening.turns:
            raise OpeningError("only where there are no keys is nothing to be shown")
        return None
    if neighbour.key == key:
        raise OpeningError("the neighbour is the key itself")
    other = int.from_bytes(neighbour.key, "big")
    if any(bit_of(wanted, turn.bit) != bit_of(other, turn.bit) for turn in opening.turns):
        raise OpeningError("the way of the neighbour is not the way of the key")
    return other, leaf_hash_of(neighbour.key, neighbour.value_hash)


def _descend(page: bytes, wanted: int, turns: list[Turn]) -> tuple[bytes, int, int]:
    """Follow a key through a page, noting the turns; the entry it comes to."""
    while len(page) > ENTRY.size:
        bit, middle = parting(page)
        low, high = page[: middle * ENTRY.size], page[middle * ENTRY.size :]
        page, other = (high, low) if bit_of(wanted, bit) else (low, high)
        turns.append(Turn(bit, page_hash(other)))
    key, _, number, bits = entry_at(page, 0)
    return key, number, bits
