"""What the prover asks of a machine: a table of functions, here in numpy.

Native kernels take the place of these one by one, and are tested against them.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.proof.stark import deep, domain, fri, transcript
from numen.proof.stark.field import Element, Extension, Felts

Digests = NDArray[np.uint8]
"""Shape ``(count, 32)``."""


class Kernels(msgspec.Struct, frozen=True):
    """The work of a prover that grows with the tables.

    Attributes:
        extend: As `domain.extend`.
        evaluate: As `domain.evaluate`.
        recover: As `domain.recover`.
        levels: As `levels` below.
        dot: As `deep.dot`.
        weigh: As `domain.weigh`.
        fold: As `fri.fold`.
        grind: As `transcript.find_nonce`.
    """

    extend: Callable[[Felts, int, Felts | None], Felts]
    evaluate: Callable[[Felts, int], Felts]
    recover: Callable[[Felts], Felts]
    levels: Callable[[Sequence[Sequence[Felts]]], list[Digests]]
    dot: Callable[[Extension, Felts, Felts], Felts]
    weigh: Callable[[Extension, Felts, Felts], Felts]
    fold: Callable[[Extension, Felts, Felts, Element], Felts]
    grind: Callable[[bytes, int], int]


def levels(heights: Sequence[Sequence[Felts]]) -> list[Digests]:
    """Hash tables of different heights into one tree, as `merkle` describes.

    Args:
        heights: For each height, the tallest first, matrices of that many rows, whose rows are
            joined to leaves.

    Returns:
        The digests of each level, from the leaves to the top.
    """
    rows = {len(group[0]): _leaves(group) for group in heights}
    found = [rows[len(heights[0][0])]]
    while len(found[-1]) > 1:
        count = len(found[-1]) // 2
        pairs = found[-1].reshape(count, 64)
        if count in rows:
            pairs = np.concatenate([pairs, rows[count]], axis=1)
        found.append(_hash_rows(pairs))
    return found


def _leaves(group: Sequence[Felts]) -> Digests:
    joined = np.ascontiguousarray(np.concatenate(group, axis=1)).astype("<u4")
    return _hash_rows(joined.view(np.uint8))


def _hash_rows(rows: NDArray[np.uint8]) -> Digests:
    out = b"".join(hashlib.sha256(row).digest() for row in np.ascontiguousarray(rows))
    return np.frombuffer(out, dtype=np.uint8).reshape(len(rows), 32)


PORTABLE: Final = Kernels(
    extend=domain.extend,
    evaluate=domain.evaluate,
    recover=domain.recover,
    levels=levels,
    dot=deep.dot,
    weigh=domain.weigh,
    fold=fri.fold,
    grind=transcript.find_nonce,
)
"""Numpy and hashlib alone."""
