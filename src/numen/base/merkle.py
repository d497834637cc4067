"""Merkle trees: one hash for many leaves, and short proofs that a leaf is among them.

The tree is that of RFC 6962, section 2.1, with keccak256: a leaf and a node are hashed with
different prefixes, a tree splits at the largest power of two below its size, and the published
root binds the number of leaves.
"""

from collections.abc import Sequence

import msgspec

from numen.base.codec import U64
from numen.base.crypto import Hash32, keccak256
from numen.base.errors import NumenError

DEPTH_MAX = 64
"""Longest path: more leaves than this do not fit a 64-bit count."""


class MerkleError(NumenError):
    """An opening does not show that the leaf is under the root."""


class Opening(msgspec.Struct, frozen=True, array_like=True):
    """Why a leaf is at its place under a root.

    Attributes:
        index: Place of the leaf, counted from 0.
        count: Leaves in the tree.
        path: Hashes of the siblings, from the leaf upwards.
    """

    index: U64
    count: U64
    path: tuple[Hash32, ...]


def root(leaves: Sequence[bytes]) -> bytes:
    """Hash a sequence of leaves of any sizes, in order; 32 bytes.

    Cost: fewer than ``2 * len(leaves)`` hashes.
    """
    return bind(len(leaves), _levels([_leaf(leaf) for leaf in leaves])[-1][0])


def prove(leaves: Sequence[bytes], index: int) -> Opening:
    """Make the opening of one leaf.

    Raises:
        MerkleError: There is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise MerkleError(f"no leaf {index} among {len(leaves)}")
    path = []
    place = index
    for level in _levels([_leaf(leaf) for leaf in leaves])[:-1]:
        sibling = place ^ 1
        # The last of an odd level rises unhashed: it has no sibling there.
        if sibling < len(level):
            path.append(level[sibling])
        place //= 2
    return Opening(index, len(leaves), tuple(path))


def verify(commitment: bytes, leaf: bytes, opening: Opening) -> None:
    """Check that ``leaf`` is at ``opening.index`` under the root ``commitment``.

    Raises:
        MerkleError: It is not, or the opening has the wrong shape.

    Cost: at most `DEPTH_MAX` hashes.
    """
    if not 0 <= opening.index < opening.count:
        raise MerkleError(f"no leaf {opening.index} among {opening.count}")
    node, place, width, used = _leaf(leaf), opening.index, opening.count, 0
    while width > 1:
        if place ^ 1 < width:
            if used == len(opening.path):
                raise MerkleError("the path is too short")
            sibling = opening.path[used]
            used += 1
            node = _node(sibling, node) if place & 1 else _node(node, sibling)
        place, width = place // 2, (width + 1) // 2
    if used != len(opening.path):
        raise MerkleError("the path is too long")
    if bind(opening.count, node) != commitment:
        raise MerkleError("the path does not lead to the root")


def _levels(hashes: list[bytes]) -> list[list[bytes]]:
    levels = [hashes or [keccak256()]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = [_node(a, b) for a, b in zip(below[::2], below[1::2], strict=False)]
        levels.append(pairs + below[len(pairs) * 2 :])
    return levels


def _leaf(leaf: bytes) -> bytes:
    return keccak256(b"\x00", leaf)


def _node(left: bytes, right: bytes) -> bytes:
    return keccak256(b"\x01", left, right)


def bind(count: int, top: bytes) -> bytes:
    """The root over a number of leaves, from the hash of the topmost node."""
    return keccak256(b"\x02", count.to_bytes(8, "big"), top)
