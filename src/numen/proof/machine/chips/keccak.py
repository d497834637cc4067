"""The table of rounds of Keccak-f[1600]: a row is a round, whichever call it is of.

A row receives the lanes of its round and sends those of the next, as `sha256` does. With the parity
C of each column of bits before theta and C' after it, and the bits A' after theta:

    C'[x, z] = C[x, z] ^ C[x - 1, z] ^ C[x + 1, z - 1]
    A[x, y, z] = A'[x, y, z] ^ C[x, z] ^ C'[x, z]
    the sum of A'[x, y, z] over y is C'[x, z] plus 0, 2 or 4

The last two say that C is the parity of A: all three parities of the middle line together. What
follows theta only names bits otherwise, and combines three of them. Source: Plonky3, keccak-air.
"""

from typing import Final

from numen.proof.machine.chips import calls
from numen.proof.machine.chips.bits import limbs, parity, total, xor
from numen.proof.machine.isa import LIMBS
from numen.proof.machine.precompiles.keccak import KECCAK, LANES, MOVES, ROUNDS, SIDE
from numen.proof.stark.air import Chip, ChipBuilder, Expr

NAME: Final = KECCAK.name
"""Of the table of rounds, and of its bus."""

SHAPE: Final = calls.Shape(limbs=LIMBS, parts=LIMBS)
"""Words of 64 bits."""

BITS: Final = 64

MARKED: Final = tuple(z for z in range(BITS) if any(one >> z & 1 for one in ROUNDS))
"""Bits that some constant of a round turns."""


def memory() -> Chip:
    """Write the constraints of an access: the result is the new state."""
    return calls.build(KECCAK, SHAPE, calls.store)


def build() -> Chip:
    """Write the constraints of a round."""
    row = _Row(ChipBuilder(NAME))
    _number(row)
    _theta(row)
    _chi(row)
    _exchange(row)
    return row.b.build()


class _Row:
    """The columns, in the order of the trace."""

    def __init__(self, b: ChipBuilder) -> None:
        self.b = b
        self.step = b.column("step")
        self.round = b.columns("round", len(ROUNDS))
        self.before = [b.columns(f"lane {i}", LIMBS) for i in range(LANES)]
        self.column = [b.columns(f"column {x}", BITS) for x in range(SIDE)]
        self.column_after = [b.columns(f"column after {x}", BITS) for x in range(SIDE)]
        self.bits = [b.columns(f"bits {i}", BITS) for i in range(LANES)]
        self.after = [b.columns(f"new lane {i}", LIMBS) for i in range(LANES)]
        self.marked = {z: b.column(f"marked {z}") for z in MARKED}
        self.is_real = total(self.round)


def _number(row: _Row) -> None:
    for switch in row.round:
        row.b.require_boolean("a round is a switch", switch)
    row.b.require_boolean("a row is one round, or none", row.is_real)


def _theta(row: _Row) -> None:
    b = row.b
    for x, (column, after) in enumerate(zip(row.column, row.column_after, strict=True)):
        left, right = row.column[x - 1], row.column[(x + 1) % SIDE]
        for z in range(BITS):
            b.require_boolean("the parity of a column is a bit", column[z])
            b.require(
                "the parity of a column after theta",
                after[z] - parity(column[z], left[z], right[z - 1]),
            )
            over = total([row.bits[x + SIDE * y][z] for y in range(SIDE)]) - after[z]
            b.require("a column has this parity", over * (over - 2) * (over - 4))
    for i, (lane, bits) in enumerate(zip(row.before, row.bits, strict=True)):
        column, after = row.column[i % SIDE], row.column_after[i % SIDE]
        for bit in bits:
            b.require_boolean("a bit is a bit", bit)
        found = limbs([parity(*three) for three in zip(bits, column, after, strict=True)])
        for index in range(LIMBS):
            b.require(f"limb {index} of lane {i} before theta", lane[index] - found[index])


def _chi(row: _Row) -> None:
    turned = [
        [row.bits[source][(z - count) % BITS] for z in range(BITS)] for source, count in MOVES
    ]
    for i, lane in enumerate(row.after):
        base = i - i % SIDE
        one, other = turned[base + (i + 1) % SIDE], turned[base + (i + 2) % SIDE]
        bits = [xor(x, (1 - y) * z) for x, y, z in zip(turned[i], one, other, strict=True)]
        if i == 0:
            bits = _iota(row, bits)
        for index, found in enumerate(limbs(bits)):
            row.b.require(f"limb {index} of lane {i} after chi", lane[index] - found)


def _iota(row: _Row, bits: list[Expr]) -> list[Expr]:
    """The first lane's bits with the constant of the round."""
    found = list(bits)
    for z, marked in row.marked.items():
        row.b.require("a bit that constants turn", marked - bits[z])
        turning = [
            one for one, constant in zip(row.round, ROUNDS, strict=True) if constant >> z & 1
        ]
        found[z] = xor(marked, total(turning))
    return found


def _exchange(row: _Row) -> None:
    b = row.b
    number = total([switch * at for at, switch in enumerate(row.round)][1:])
    before, after = ([part for lane in side for part in lane] for side in (row.before, row.after))
    is_last = row.round[-1]
    b.receive(NAME, (row.step, number, *before), row.is_real)
    b.send(NAME, (row.step, number + 1, *after), row.is_real - is_last)
    b.send(f"{NAME} done", (row.step, *after), is_last)
