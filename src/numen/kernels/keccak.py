"""The tables of Keccak-f[1600], and the sizes of Ethereum's hash.

Source: Keccak reference 3.0.
"""

from typing import Final

ROUNDS: Final = 24
RATE_BYTES: Final = 136
LANES: Final = 25

ROTATIONS: Final = (
    (0, 36, 3, 41, 18),
    (1, 44, 10, 45, 2),
    (62, 6, 43, 15, 61),
    (28, 55, 25, 21, 56),
    (27, 20, 39, 8, 14),
)
"""Rotation of lane (x, y) as row x, column y (reference, table 1, modulo 64)."""


def round_constants() -> list[int]:
    """The constants of step iota, from the linear feedback shift register that defines them."""
    register, constants = 1, []
    for _ in range(ROUNDS):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << ((1 << j) - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(constant)
    return constants
