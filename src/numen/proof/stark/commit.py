"""The prover's side of commitments: codewords, trees above them, and openings."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from numen.proof.stark import merkle
from numen.proof.stark.field import Felts, P
from numen.proof.stark.layout import Matrix, Tree
from numen.proof.stark.merkle import HASH_BYTES, Opening, Shape
from numen.proof.stark.portable import Digests, Kernels


class Randomness:
    """A stream of random elements for each name, all from one seed."""

    def __init__(self, seed: bytes) -> None:
        self._seed: Final = hashlib.sha256(b"numen/stark/randomness/1" + seed).digest()

    def felts(self, name: str, rows: int, width: int) -> Felts:
        """Elements, each nearer than ``2**-32`` to uniform."""
        stream = hashlib.shake_256(self._seed + name.encode("ascii"))
        words = np.frombuffer(stream.digest(8 * rows * width), dtype="<u8")
        return (words % np.uint64(P)).astype(np.uint32).reshape(rows, width)


class Committed(msgspec.Struct, frozen=True):
    """A tree with everything below it.

    Attributes:
        tree: Its matrices.
        codewords: One for each, in the order of the tree.
        leaves: For each height of the tree, the matrices of a leaf, with the salt.
        levels: Digests, from the leaves to the top.
        root: What is published.
    """

    tree: Tree
    codewords: tuple[Felts, ...]
    leaves: tuple[tuple[Felts, ...], ...]
    levels: tuple[Digests, ...]
    root: bytes

    def codeword(self, matrix: Matrix) -> Felts:
        """The codeword of one of the tree's matrices."""
        return self.codewords[self.tree.matrices.index(matrix)]

    def open(self, indices: Sequence[int], log: int) -> Opening:
        """Open the leaves below indices of ``[0, 2**log)``."""
        return open_levels(self.tree.shape, self.leaves, self.levels, indices, log)


def commit(
    tree: Tree, codewords: Sequence[Felts], randomness: Randomness, kernels: Kernels
) -> Committed:
    """Commit to the codewords of a tree's matrices."""
    leaves = []
    for height in tree.heights:
        members = zip(tree.matrices, codewords, strict=True)
        group = [words for matrix, words in members if matrix.log_height == height]
        if tree.salt:
            group.append(randomness.felts(f"salt {height}", len(group[0]), tree.salt))
        leaves.append(tuple(group))
    levels = kernels.levels(leaves)
    root = merkle.bind(tree.shape, levels[-1][0].tobytes())
    return Committed(tree, tuple(codewords), tuple(leaves), tuple(levels), root)


def open_levels(
    shape: Shape,
    leaves: Sequence[Sequence[Felts]],
    levels: Sequence[Digests],
    indices: Sequence[int],
    log: int,
) -> Opening:
    """Open the leaves of a tree below indices of ``[0, 2**log)``."""
    rows = []
    for (log_leaves, _), group in zip(shape, leaves, strict=True):
        wanted = merkle.places(indices, log_leaves, log)
        rows.append(np.concatenate([matrix[wanted] for matrix in group], axis=1))
    start = merkle.places(indices, shape[0][0], log)
    needed = merkle.siblings_needed(start, shape[0][0])
    siblings = [level[nodes] for level, nodes in zip(levels, needed, strict=False)]
    joined = np.concatenate(siblings) if siblings else np.zeros((0, HASH_BYTES), np.uint8)
    return Opening(tuple(rows), joined.tobytes())
