"""What the prover asks of a machine: a table of functions, here in numpy.

Native kernels take the place of these one by one, and are tested against them.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.proof.stark import deep, domain, fri, logup, quotient, transcript
from numen.proof.stark.air import Chip
from numen.proof.stark.field import Element, Extension, Felts, invert

Digests = NDArray[np.uint8]
"""Shape ``(count, 32)``."""

Codewords = tuple[Felts, Felts, Felts | None]
"""Of the trace, of the preprocessed columns and of LogUp's, all over one coset."""


class Kernels(msgspec.Struct, frozen=True):
    """The work of a prover that grows with the tables.

    Attributes:
        extend: As `domain.extend`.
        evaluate: As `domain.evaluate`.
        recover: As `domain.recover`.
        levels: As `levels` below.
        fractions: As `quotient.fractions`.
        quotient: As `quotient.quotient`.
        weights: As `domain.weights`.
        weigh: As `domain.weigh`.
        combine: As `combine` below.
        fold: As `fold` below.
        grind: As `transcript.find_nonce`.
    """

    extend: Callable[[Felts, int, Felts | None], Felts]
    evaluate: Callable[[Felts, int], Felts]
    recover: Callable[[Felts], Felts]
    levels: Callable[[Sequence[Sequence[Felts]]], list[Digests]]
    fractions: Callable[
        [Chip, Felts, Felts, Sequence[int], logup.Terms, int], tuple[Felts, Element]
    ]
    quotient: Callable[
        [Chip, Codewords, int, Sequence[int], logup.Terms, Element | None, Element], Felts
    ]
    weights: Callable[[Extension, int, Element], Felts]
    weigh: Callable[[Extension, Felts, Felts], Felts]
    combine: Callable[[Extension, list[deep.Batch], deep.Rows, int], Felts]
    fold: Callable[[Extension, Felts, int, Element], Felts]
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


def combine(ext: Extension, parts: list[deep.Batch], rows: deep.Rows, log_size: int) -> Felts:
    """Evaluate the batch of one height over a whole codeword, as `deep.combine`."""
    return deep.combine(ext, parts, rows, domain.coset(log_size), deep.dot)


def fold(ext: Extension, word: Felts, log_arity: int, beta: Element) -> Felts:
    """Fold a whole codeword, ``2**log_arity`` values into one, as `fri.fold`."""
    arity = 1 << log_arity
    firsts = domain.coset(len(word).bit_length() - 1)[::arity]
    return fri.fold(ext, word.reshape(-1, arity, ext.degree), invert(firsts), beta)


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
    fractions=quotient.fractions,
    quotient=quotient.quotient,
    weights=domain.weights,
    weigh=domain.weigh,
    combine=combine,
    fold=fold,
    grind=transcript.find_nonce,
)
"""Numpy and hashlib alone."""
