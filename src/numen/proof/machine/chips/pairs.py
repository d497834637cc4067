"""The table of all pairs of bytes: 65,536 rows that are the numbers of 16 bits, bit by bit."""

from typing import Final

from numen.proof.stark.air import Chip, ChipBuilder, Expr

NAME: Final = "pairs"

ROWS: Final = 1 << 16
"""Height; the table is always there."""

BITS: Final = 16


def build() -> Chip:
    """Write the constraints of a pair of bytes: the low one, and the high one."""
    b = ChipBuilder(NAME)
    bits = b.columns("bit", BITS)
    both = b.column("both")
    words, pairs, ands = b.column("as a word"), b.column("as a pair"), b.column("and")
    for index, bit in enumerate(bits):
        b.require_boolean(f"bit {index} is a bit", bit)
    low, high = _number(bits[:8]), _number(bits[8:])
    word = low + high * 256
    b.require("words count from 0", b.first * word)
    following = _number([bit.next for bit in bits])
    b.require("words count up", b.transition * (following - word - 1))
    b.require("words end with ones", b.last * (word - (ROWS - 1)))
    conjunction: Expr | int = 0
    for index in range(8):
        conjunction = bits[index] * bits[index + 8] * (1 << index) + conjunction
    b.require("both is the conjunction", both - conjunction)
    b.receive("word", (word,), words)
    b.receive("pair", (low, high), pairs)
    b.receive("and", (low, high, both), ands)
    return b.build()


def _number(bits: list[Expr]) -> Expr:
    total: Expr = bits[0]
    for index, bit in enumerate(bits[1:], 1):
        total = total + bit * (1 << index)
    return total
