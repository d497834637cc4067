"""Precompile 9: the compression function F of BLAKE2b, with as many rounds as wanted.

The input is the count of rounds (4 bytes, big-endian), the state h (64), the message m (128), the
offset t (16), all little-endian, and the flag f of a final block (1).

Sources: EIP-152; RFC 7693, section 3.2.
"""

import struct
from typing import Final

from numen.evm.forks import Fork
from numen.evm.precompiles.contract import Contract

INPUT_BYTES: Final = 213

_MASK: Final = 0xFFFFFFFF_FFFFFFFF
_IV: Final = (
    0x6A09E667F3BCC908,
    0xBB67AE8584CAA73B,
    0x3C6EF372FE94F82B,
    0xA54FF53A5F1D36F1,
    0x510E527FADE682D1,
    0x9B05688C2B3E6C1F,
    0x1F83D9ABFB41BD6B,
    0x5BE0CD19137E2179,
)
# fmt: off
_SIGMA: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
# fmt: on
_QUARTERS: Final = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)  # fmt: skip
"""Which words each of the eight mixings of a round takes: columns, then diagonals."""


def _price(data: bytes, fork: Fork) -> int:
    return int.from_bytes(data[:4], "big") * fork.gas.blake2_round


def _answer(data: bytes, _: Fork) -> bytes | None:
    if len(data) != INPUT_BYTES or data[-1] > 1:
        return None
    rounds = int.from_bytes(data[:4], "big")
    words = struct.unpack("<26Q", data[4:-1])
    return struct.pack("<8Q", *compress(rounds, words[:8], words[8:24], words[24:], data[-1]))


Words = tuple[int, ...]


def compress(rounds: int, h: Words, m: Words, t: Words, is_final: int) -> Words:
    """Mix a message block into a state of eight words."""
    v = [*h, *_IV]
    v[12] ^= t[0]
    v[13] ^= t[1]
    v[14] ^= _MASK * is_final
    for turn in range(rounds):
        sigma = _SIGMA[turn % 10]
        for index, quarter in enumerate(_QUARTERS):
            _mix(v, quarter, m[sigma[2 * index]], m[sigma[2 * index + 1]])
    return tuple(h[i] ^ v[i] ^ v[i + 8] for i in range(8))


def _mix(v: list[int], quarter: tuple[int, int, int, int], x: int, y: int) -> None:
    i, j, k, n = quarter
    a, b, c, d = v[i], v[j], v[k], v[n]
    a = (a + b + x) & _MASK
    d = _rotate(d ^ a, 32)
    c = (c + d) & _MASK
    b = _rotate(b ^ c, 24)
    a = (a + b + y) & _MASK
    d = _rotate(d ^ a, 16)
    c = (c + d) & _MASK
    b = _rotate(b ^ c, 63)
    v[i], v[j], v[k], v[n] = a, b, c, d


def _rotate(word: int, count: int) -> int:
    """Rotate to the right."""
    return (word >> count) | (word << (64 - count)) & _MASK


CONTRACTS: Final = {9: Contract(_price, _answer)}
