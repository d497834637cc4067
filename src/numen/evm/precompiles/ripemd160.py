"""RIPEMD-160, through OpenSSL where it still has it, else in Python.

OpenSSL 3 keeps the hash in a module that many systems do not load.

Source: Dobbertin, Bosselaers, Preneel, "RIPEMD-160: A Strengthened Version of RIPEMD", FSE 1996.
"""

import hashlib
import struct
from collections.abc import Sequence
from typing import Final

State = tuple[int, ...]

_MASK: Final = 0xFFFFFFFF
_START: Final = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)

# fmt: off
_LEFT_WORDS: Final = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8,
    3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12,
    1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2,
    4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13,
)
_RIGHT_WORDS: Final = (
    5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12,
    6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2,
    15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13,
    8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14,
    12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11,
)
_LEFT_SHIFTS: Final = (
    11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8,
    7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12,
    11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5,
    11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12,
    9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6,
)
_RIGHT_SHIFTS: Final = (
    8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6,
    9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11,
    9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5,
    15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8,
    8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11,
)
_LEFT_CONSTANTS: Final = (0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_RIGHT_CONSTANTS: Final = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0)
# fmt: on


def ripemd160(data: bytes) -> bytes:
    """Hash bytes; 20 bytes."""
    try:
        return hashlib.new("ripemd160", data, usedforsecurity=False).digest()
    except ValueError:
        return ripemd160_in_python(data)


def ripemd160_in_python(data: bytes) -> bytes:
    """Hash bytes without OpenSSL; 20 bytes. Cost: some 60 microseconds for each 64 bytes."""
    padding = b"\x80" + bytes((55 - len(data)) % 64)
    message = data + padding + (8 * len(data)).to_bytes(8, "little")
    state: State = _START
    for at in range(0, len(message), 64):
        state = _compress(state, struct.unpack_from("<16L", message, at))
    return struct.pack("<5L", *state)


def _compress(state: State, words: Sequence[int]) -> State:
    left = _line(state, words, range(5), (_LEFT_WORDS, _LEFT_SHIFTS, _LEFT_CONSTANTS))
    right = _line(state, words, range(4, -1, -1), (_RIGHT_WORDS, _RIGHT_SHIFTS, _RIGHT_CONSTANTS))
    return tuple(
        (state[(i + 1) % 5] + left[(i + 2) % 5] + right[(i + 3) % 5]) & _MASK for i in range(5)
    )


def _line(
    state: State,
    words: Sequence[int],
    functions: Sequence[int],
    tables: tuple[Sequence[int], Sequence[int], Sequence[int]],
) -> State:
    """One of the two lines of 80 steps, given the order of its five functions."""
    order, shifts, constants = tables
    a, b, c, d, e = state
    for step in range(80):
        turn = step // 16
        mixed = a + _mix(functions[turn], b, c, d) + words[order[step]] + constants[turn]
        a, b, c, d, e = e, (_rotate(mixed & _MASK, shifts[step]) + e) & _MASK, b, _rotate(c, 10), d
    return a, b, c, d, e


def _mix(function: int, x: int, y: int, z: int) -> int:
    match function:
        case 0:
            return x ^ y ^ z
        case 1:
            return (x & y) | (~x & _MASK & z)
        case 2:
            return (x | (~y & _MASK)) ^ z
        case 3:
            return (x & z) | (y & ~z & _MASK)
        case _:
            return x ^ (y | (~z & _MASK))


def _rotate(word: int, count: int) -> int:
    return ((word << count) | (word >> (32 - count))) & _MASK
