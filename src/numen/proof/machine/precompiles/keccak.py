"""The permutation Keccak-f[1600] (FIPS 202) over integers; lane (x, y) is word ``x + 5 y``."""

from typing import Final

from numen.proof.machine.isa import Table
from numen.proof.machine.precompiles.spec import Precompile, Words

ROUNDS: Final = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
    0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip
"""The constant of each round."""

LANES: Final = 25
SIDE: Final = 5

MASK: Final = (1 << 64) - 1


def _moves() -> tuple[tuple[int, int], ...]:
    found = [(0, 0)] * LANES
    x, y = 1, 0
    for step in range(24):
        x, y, source = y, (2 * x + 3 * y) % SIDE, x + SIDE * y
        found[x + SIDE * y] = (source, (step + 1) * (step + 2) // 2 % 64)
    return tuple(found)


MOVES: Final = _moves()
"""For each lane which one moves there, and by how many bits it is turned to the left."""


def turn(lane: int, count: int) -> int:
    """Rotate to the left."""
    return (lane << count | lane >> 64 - count) & MASK


def permute(state: Words, _block: Words = ()) -> list[int]:
    """The state after 24 rounds."""
    lanes = list(state)
    for constant in ROUNDS:
        parity = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        change = [parity[x - 1] ^ turn(parity[(x + 1) % 5], 1) for x in range(5)]
        turned = [turn(lanes[source] ^ change[source % 5], count) for source, count in MOVES]
        lanes = [
            turned[i] ^ ~turned[i - i % 5 + (i + 1) % 5] & MASK & turned[i - i % 5 + (i + 2) % 5]
            for i in range(LANES)
        ]
        lanes[0] ^= constant
    return lanes


def _kept(_state: Words, result: Words) -> list[int]:
    return list(result)


KECCAK: Final = Precompile(
    name="keccak",
    function=Table.KECCAK,
    state_cells=LANES,
    block_cells=0,
    raw=permute,
    finish=_kept,
    contents=frozenset({"0bef768d33ef068eb44c62fd431ce5941856fb71a7e96bdb984977879665a310"}),
)
"""``numen.std.keccak.permute(state)``."""
