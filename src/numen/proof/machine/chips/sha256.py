"""The table of rounds of SHA-256: a row is a round, whichever call it is of.

A row receives the working variables and the next sixteen words of its round, and sends those of
the round after. So rows need no order, and the first round of a call receives what `calls` sent.
Limbs that a round makes are of 16 bits because a later round takes them apart into bits. What the
last round sends is only known modulo 2**32; the sum that is written does not ask for more.
"""

from typing import Final

from numen.proof.machine.chips import calls
from numen.proof.machine.chips.bits import limbs, parity, total, xor
from numen.proof.machine.precompiles.sha256 import (
    ROUNDS,
    SCHEDULE0,
    SCHEDULE1,
    SHA256,
    SIGMA0,
    SIGMA1,
)
from numen.proof.stark.air import Chip, ChipBuilder, Expr

NAME: Final = SHA256.name
"""Of the table of rounds, and of its bus."""

SHAPE: Final = calls.Shape(limbs=2, parts=2, extra=("carry[0]", "carry[1]"))
"""Words of 32 bits."""

DIGIT: Final = 8
"""A round's number is two digits of this base, each one of eight switches."""

BITS: Final = 32
PARTS: Final = 2
"""Of a word, and limbs of one."""

CARRY_BITS: Final = 3
"""Of a sum of seven limbs and a carry."""

SCHEDULE_CARRY_BITS: Final = 2
"""Of a sum of four."""


def memory() -> Chip:
    """Write the constraints of an access: a state's word grows by the result's, modulo 2**32."""
    return calls.build(SHA256, SHAPE, _add)


def _add(
    b: ChipBuilder, is_write: Expr, before: list[Expr], result: list[Expr], after: list[Expr]
) -> None:
    *sums, low_carry, high_carry = after
    carry_in: Expr | int = 0
    for index, carry in enumerate((low_carry, high_carry)):
        b.require_boolean(f"carry {index} is a truth", carry)
        grown = before[index] + result[index] + carry_in - sums[index] - carry * (1 << 16)
        b.require(f"limb {index} is the sum", is_write * grown)
        b.send("word", (sums[index],), is_write)
        carry_in = carry
    b.require("only sums carry", (1 - is_write) * (low_carry + high_carry))


def build() -> Chip:
    """Write the constraints of a round."""
    row = _Row(ChipBuilder(NAME))
    _number(row)
    for bits in (*row.bits.values(), *row.near.values(), *row.carries.values()):
        for bit in bits:
            row.b.require_boolean("a bit is a bit", bit)
    _round(row)
    _schedule(row)
    _exchange(row)
    return row.b.build()


class _Row:
    """The columns, in the order of the trace."""

    def __init__(self, b: ChipBuilder) -> None:
        self.b = b
        self.step = b.column("step")
        self.high, self.low = b.columns("eights", DIGIT), b.columns("ones", DIGIT)
        self.bits = {name: b.columns(name, BITS) for name in "abcefg"}
        self.d, self.h = b.columns("d", PARTS), b.columns("h", PARTS)
        self.near = {i: b.columns(f"word {i}", BITS) for i in (1, 14)}
        self.words = [
            limbs(self.near[i]) if i in self.near else b.columns(f"word {i}", PARTS)
            for i in range(16)
        ]
        self.new_a, self.new_e = b.columns("new a", PARTS), b.columns("new e", PARTS)
        self.word = b.columns("new word", PARTS)
        self.carries = {
            (name, index): b.columns(f"carry {name} {index}", count)
            for name, count in (("a", CARRY_BITS), ("e", CARRY_BITS), ("word", SCHEDULE_CARRY_BITS))
            for index in range(PARTS)
        }
        self.is_real = total(self.high)
        self.is_last = self.high[-1] * self.low[-1]

    def carry(self, name: str, index: int) -> Expr:
        """What a sum carries out of a limb, as a number."""
        return limbs(self.carries[name, index])[0]


def _number(row: _Row) -> None:
    b = row.b
    for switch in (*row.high, *row.low):
        b.require_boolean("a digit is a switch", switch)
    b.require_boolean("a row is one round, or none", row.is_real)
    b.require("both digits are", row.is_real - total(row.low))


def _constant(row: _Row, index: int) -> Expr:
    """A limb of the round's constant: degree 2."""
    rows = []
    for high in range(DIGIT):
        of = [ROUNDS[DIGIT * high + low] >> 16 * index & 0xFFFF for low in range(DIGIT)]
        rows.append(row.high[high] * total([row.low[low] * of[low] for low in range(DIGIT)]))
    return total(rows)


def _turned(bits: list[Expr], turns: tuple[int, int, int]) -> list[Expr]:
    """The limbs of the parity of three rotations."""
    return limbs([parity(*(bits[(bit + turn) % BITS] for turn in turns)) for bit in range(BITS)])


def _shifted(bits: list[Expr], turns: tuple[int, int, int]) -> list[Expr]:
    """The limbs of the parity of two rotations and a shift."""
    first, second, shift = turns
    found = []
    for bit in range(BITS):
        x, y = bits[(bit + first) % BITS], bits[(bit + second) % BITS]
        found.append(parity(x, y, bits[bit + shift]) if bit + shift < BITS else xor(x, y))
    return limbs(found)


def _round(row: _Row) -> None:
    a, b, c, e, f, g = row.bits.values()
    choice = limbs([z + x * (y - z) for x, y, z in zip(e, f, g, strict=True)])
    majority = limbs([x * y + xor(x, y) * z for x, y, z in zip(a, b, c, strict=True)])
    sigma0, sigma1 = _turned(a, SIGMA0), _turned(e, SIGMA1)
    carry_a: Expr | int = 0
    carry_e: Expr | int = 0
    for index in range(PARTS):
        given = row.h[index] + sigma1[index] + choice[index] + row.words[0][index]
        given = given + _constant(row, index)
        new_a = given + sigma0[index] + majority[index] + carry_a
        new_e = given + row.d[index] + carry_e
        carry_a, carry_e = row.carry("a", index), row.carry("e", index)
        row.b.require(f"limb {index} of a", new_a - row.new_a[index] - carry_a * (1 << 16))
        row.b.require(f"limb {index} of e", new_e - row.new_e[index] - carry_e * (1 << 16))


def _schedule(row: _Row) -> None:
    near, far = _shifted(row.near[1], SCHEDULE0), _shifted(row.near[14], SCHEDULE1)
    carry: Expr | int = 0
    for index in range(PARTS):
        new = row.words[0][index] + near[index] + row.words[9][index] + far[index] + carry
        carry = row.carry("word", index)
        row.b.require(f"limb {index} of the word", new - row.word[index] - carry * (1 << 16))


def _exchange(row: _Row) -> None:
    b = row.b
    number = total([switch * (DIGIT * at) for at, switch in enumerate(row.high)][1:])
    number = number + total([switch * at for at, switch in enumerate(row.low)][1:])
    of = {name: limbs(bits) for name, bits in row.bits.items()}
    before = (of["a"], of["b"], of["c"], row.d, of["e"], of["f"], of["g"], row.h)
    after = (row.new_a, of["a"], of["b"], of["c"], row.new_e, of["e"], of["f"], of["g"])
    state, following = ([part for word in side for part in word] for side in (before, after))
    words = [part for word in (*row.words, row.word) for part in word]
    b.receive(NAME, (row.step, number, *state, *words[:-PARTS]), row.is_real)
    goes_on = row.is_real - row.is_last
    b.send(NAME, (row.step, number + 1, *following, *words[PARTS:]), goes_on)
    b.send(f"{NAME} done", (row.step, *following), row.is_last)
