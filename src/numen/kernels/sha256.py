"""SHA-256 of the rows of matrices, and trees of the digests.

The digest of a row is the SHA-256 of its numbers, four bytes each, the lowest first. Where several
matrices have rows of one number, their rows are joined in the order given. A node of a tree is the
SHA-256 of its two children; where shorter matrices join the tree, at the level that has as many
nodes as they have rows, it is that of its children and the digest of the row. So any digest
can be computed again with ``hashlib.sha256``.

Memory besides digests: a few messages a thread.
"""

import functools
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from numen.kernels import compiler, koalabear, threads
from numen.kernels.arrays import address
from numen.kernels.errors import KernelInputError
from numen.kernels.koalabear import Matrix
from numen.kernels.native import Kernels
from numen.kernels.options import Options
from numen.kernels.sha256_code import (
    BLOCK_BYTES,
    DIGEST_BYTES,
    Engine,
    Instructions,
    Vectors,
    hash_functions,
)

Digests: TypeAlias = npt.NDArray[np.uint8]
"""Shape ``(n, 32)``."""

ROW_BYTES_MAX = 1 << 20
"""Of all matrices together: longer rows are refused."""

_LEAST = 256
"""Rows of a part that is worth a thread."""


@functools.cache
def _engine() -> Engine:
    return Instructions() if compiler.has_feature("sha") else Vectors()


_KERNELS = Kernels(lambda: hash_functions(_engine()), Options(passes="O1"))


def hash_rows(matrices: Sequence[Matrix]) -> Digests:
    """The digest of each row.

    Args:
        matrices: At least one, of uint32, with one number of rows; words may have any value.

    Raises:
        KernelInputError: A matrix has another type or shape, or rows are longer than
            `ROW_BYTES_MAX` bytes.

    Cost: 25 ns a block of 64 bytes, one more for padding.
    """
    if not matrices:
        raise KernelInputError("there are no matrices to hash")
    for i, matrix in enumerate(matrices):
        koalabear.check_words(matrix, f"matrix {i}", rows=len(matrices[0]))
    return _hashed([(address(m), 4 * m.shape[1]) for m in matrices], len(matrices[0]))


def parents(digests: Digests, joined: Digests | None = None) -> Digests:
    """The next level of a tree.

    Args:
        digests: Shape ``(2 * n, 32)``.
        joined: Digests of the rows of shorter matrices, one for each parent.

    Returns:
        Shape ``(n, 32)``.

    Raises:
        KernelInputError: An array has another type or shape.
    """
    check_digests(digests, "digests")
    if len(digests) % 2:
        raise KernelInputError(f"{len(digests)} digests are not pairs")
    sources = [(address(digests), 2 * DIGEST_BYTES)]
    if joined is not None:
        sources.append((address(check_digests(joined, "joined")), DIGEST_BYTES))
        if 2 * len(joined) != len(digests):
            raise KernelInputError(f"{len(joined)} digests join {len(digests) // 2} nodes")
    return _hashed(sources, len(digests) // 2)


def tree(matrices: Sequence[Matrix]) -> list[Digests]:
    """The levels of the tree over matrices whose numbers of rows are powers of two.

    Args:
        matrices: At least one; those of one height are joined in the order given.

    Returns:
        The leaves, one for each row of the tallest matrices, then each next level, down to the
        root, which is alone.

    Raises:
        KernelInputError: As for `hash_rows`, or a number of rows is not a power of two.
    """
    if not matrices:
        raise KernelInputError("there are no matrices to hash")
    heights: dict[int, list[Matrix]] = {}
    for i, matrix in enumerate(matrices):
        koalabear.check_words(matrix, f"matrix {i}")
        koalabear.log_of(len(matrix), f"the number of rows of matrix {i}")
        heights.setdefault(len(matrix), []).append(matrix)
    height = max(heights)
    levels = [hash_rows(heights[height])]
    while height > 1:
        height //= 2
        shorter = heights.get(height)
        levels.append(parents(levels[-1], hash_rows(shorter) if shorter else None))
    return levels


def check_digests(a: Digests, name: str) -> Digests:
    """See that an array holds digests.

    Raises:
        KernelInputError: It has another type, shape or order.
    """
    if not isinstance(a, np.ndarray) or a.dtype != np.uint8 or not a.flags.c_contiguous:
        raise KernelInputError(f"{name} is not a contiguous array of bytes")
    if a.ndim != 2 or a.shape[1] != DIGEST_BYTES:
        raise KernelInputError(f"{name} has shape {a.shape}, not (n, {DIGEST_BYTES})")
    return a


def _hashed(sources: Sequence[tuple[int, int]], rows: int) -> Digests:
    """Digests of messages whose parts lie at addresses, a number of bytes apart."""
    size = sum(width for _, width in sources)
    if size > ROW_BYTES_MAX:
        raise KernelInputError(f"rows of {size} bytes, the most is {ROW_BYTES_MAX}")
    out = np.empty((rows, DIGEST_BYTES), np.uint8)
    table = np.array(sources, np.uint64)
    padding = _padding(size)
    blocks = (size + len(padding)) // BLOCK_BYTES

    def part(first: int, last: int) -> None:
        buffer = np.zeros((_engine().lanes, blocks * BLOCK_BYTES), np.uint8)
        buffer[:, size:] = padding
        shape = np.array([len(sources), blocks, first, last], np.int64)
        _KERNELS.call("hash_rows", *[address(a) for a in (out, table, buffer, shape)])

    threads.over_ranges(rows, _LEAST, part)
    return out


def _padding(size: int) -> Digests:
    """What stands behind a message: a bit, zeros, and its length in bits."""
    zeros = -(size + 9) % BLOCK_BYTES
    data = b"\x80" + bytes(zeros) + (8 * size).to_bytes(8, "big")
    return np.frombuffer(data, np.uint8)
