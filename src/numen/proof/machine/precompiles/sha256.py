"""The compression function of SHA-256 (FIPS 180-4) over integers."""

from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from numen.proof.machine.isa import Table
from numen.proof.machine.precompiles.spec import Precompile, Words

W = TypeVar("W", int, npt.NDArray[np.int64])

# fmt: off
ROUNDS: Final = (
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
)
"""The constant of each round."""
# fmt: on

SIGMA0: Final = (2, 13, 22)
SIGMA1: Final = (6, 11, 25)
"""Rotations of a and of e."""

SCHEDULE0: Final = (7, 18, 3)
SCHEDULE1: Final = (17, 19, 10)
"""Two rotations and a shift of the words that a new word is made of."""

MASK: Final = 0xFFFFFFFF


def turn(word: W, count: int) -> W:
    """Rotate to the right; a word may be an array of words here and below."""
    return (word >> count | word << 32 - count) & MASK


def mixed(word: W, turns: tuple[int, int, int]) -> W:
    """The parity of three rotations."""
    return turn(word, turns[0]) ^ turn(word, turns[1]) ^ turn(word, turns[2])


def scheduled(word: W, turns: tuple[int, int, int]) -> W:
    """The parity of two rotations and a shift."""
    return turn(word, turns[0]) ^ turn(word, turns[1]) ^ word >> turns[2]


def stir(state: Words, block: Words) -> list[int]:
    """The working variables a to h after 64 rounds."""
    words = list(block)
    for i in range(16, 64):
        x, y = scheduled(words[i - 15], SCHEDULE0), scheduled(words[i - 2], SCHEDULE1)
        words.append(words[i - 16] + x + words[i - 7] + y & MASK)
    a, b, c, d, e, f, g, h = state
    for word, constant in zip(words, ROUNDS, strict=True):
        t1 = h + mixed(e, SIGMA1) + (g ^ e & (f ^ g)) + constant + word
        t2 = mixed(a, SIGMA0) + (a & b | c & (a | b))
        a, b, c, d, e, f, g, h = t1 + t2 & MASK, a, b, c, d + t1 & MASK, e, f, g
    return [a, b, c, d, e, f, g, h]


def added(state: Words, result: Words) -> list[int]:
    """The state after a block."""
    return [x + y & MASK for x, y in zip(state, result, strict=True)]


SHA256: Final = Precompile(
    name="sha256",
    function=Table.SHA256,
    state_cells=8,
    block_cells=16,
    raw=stir,
    finish=added,
    contents=frozenset({"6014afa386d82baf17750f54a88d1bb65cc23cd190a8de5f50b13044d759c466"}),
)
"""``numen.std.sha256.compress(state, block)``."""
