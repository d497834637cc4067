"""Reed-Solomon codes: any k of n shards are the data again.

The field has 256 elements, bytes modulo ``x^8 + x^4 + x^3 + x^2 + 1``. Data is k rows; the first k
shards are these rows, the others their products with a Cauchy matrix, of which every square part
has an inverse; so any k of the n rows of the identity above it have one.

Source: Blömer et al., "An XOR-Based Erasure-Resilient Coding Scheme", ICSI TR-95-048.
"""

import functools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from numen.ledger.stores.errors import StoreError

SHARDS_MAX = 256

_MODULUS = 0x11D

Rows = npt.NDArray[np.uint8]


class TooFewShardsError(StoreError):
    """There are fewer shards than data needs.

    Attributes:
        found: How many there are.
        needed: How many there must be.
    """

    def __init__(self, found: int, needed: int) -> None:
        super().__init__(f"{found} shards where {needed} are needed")
        self.found = found
        self.needed = needed


def encode(data: bytes, needed: int, total: int) -> list[bytes]:
    """Spread data over shards.

    Args:
        data: Any bytes.
        needed: Shards that suffice, k.
        total: Shards in all, n; at most `SHARDS_MAX`.

    Returns:
        The shards, of one size: that of the data divided by k, rounded up, the last with zeros.

    Cost: about ``(n - k) * len(data)`` look-ups, some 2 nanoseconds each.
    """
    assert 1 <= needed <= total <= SHARDS_MAX
    size = -(-len(data) // needed)
    rows = np.frombuffer(data.ljust(size * needed, b"\0"), np.uint8).reshape(needed, size)
    parity = _product(_matrix(needed, total)[needed:], rows)
    return [row.tobytes() for row in (*rows, *parity)]


def decode(shards: Mapping[int, bytes], needed: int, total: int, size: int) -> bytes:
    """Put data together from any ``needed`` shards.

    Args:
        shards: By index; all of them right, because a wrong one gives wrong data.
        needed: As for `encode`.
        total: As for `encode`.
        size: Bytes of the data.

    Raises:
        TooFewShardsError: There are fewer than ``needed``.
    """
    if len(shards) < needed:
        raise TooFewShardsError(len(shards), needed)
    chosen = sorted(shards)[:needed]
    rows = np.stack([np.frombuffer(shards[i], np.uint8) for i in chosen])
    if chosen[-1] >= needed:
        rows = _product(_inverse(_matrix(needed, total)[chosen]), rows)
    return rows.tobytes()[:size]


@functools.cache
def _tables() -> tuple[Rows, Rows]:
    """Products of all pairs, and inverses."""
    powers, logs = [1], {1: 0}
    for i in range(1, 255):
        doubled = powers[-1] << 1
        powers.append(doubled ^ _MODULUS if doubled > 255 else doubled)
        logs[powers[-1]] = i
    products = np.zeros((256, 256), np.uint8)
    inverses = np.zeros(256, np.uint8)
    for a in range(1, 256):
        inverses[a] = powers[-logs[a] % 255]
        for b in range(1, 256):
            products[a, b] = powers[(logs[a] + logs[b]) % 255]
    return products, inverses


@functools.cache
def _matrix(needed: int, total: int) -> Rows:
    """The identity above a Cauchy matrix: rows give shards; shape ``(total, needed)``."""
    _, inverses = _tables()
    cauchy = [[inverses[row ^ column] for column in range(needed)] for row in range(needed, total)]
    lower = np.array(cauchy, np.uint8).reshape(total - needed, needed)
    return np.concatenate([np.eye(needed, dtype=np.uint8), lower])


def _product(matrix: Rows, rows: Rows) -> Rows:
    products, _ = _tables()
    out = np.zeros((len(matrix), rows.shape[1]), np.uint8)
    for i, factors in enumerate(matrix):
        for factor, row in zip(factors, rows, strict=True):
            if factor:
                out[i] ^= products[factor][row]
    return out


def _inverse(matrix: Rows) -> Rows:
    """By elimination; the matrix has an inverse, as all that are chosen here do."""
    products, inverses = _tables()
    size = len(matrix)
    work = np.concatenate([matrix, np.eye(size, dtype=np.uint8)], axis=1)
    for i in range(size):
        pivot = i + int(np.flatnonzero(work[i:, i])[0])
        work[[i, pivot]] = work[[pivot, i]]
        work[i] = products[inverses[work[i, i]]][work[i]]
        for j in range(size):
            if j != i:
                work[j] ^= products[work[j, i]][work[i]]
    return work[:, size:]
