"""The table of conjunctions, disjunctions and differences of bits, byte by byte."""

from typing import Final

from numen.proof.machine.isa import LIMBS, Table
from numen.proof.stark.air import Chip, ChipBuilder, Expr

NAME: Final = "bitwise"

FUNCTIONS: Final = (Table.AND, Table.OR, Table.XOR)
"""In the order of their columns."""

BYTES: Final = 8
"""Of a cell."""


def build() -> Chip:
    """Write the constraints of one function of two cells."""
    b = ChipBuilder(NAME)
    is_and, is_or, is_xor = (b.column(name) for name in ("is and", "is or", "is xor"))
    x, y, both = b.columns("x", BYTES), b.columns("y", BYTES), b.columns("both", BYTES)
    z, step = b.columns("z", LIMBS), b.column("step")
    for name, column in (("and", is_and), ("or", is_or), ("xor", is_xor)):
        b.require_boolean(f"{name} is a switch", column)
    is_real = is_and + is_or + is_xor
    b.require("a row is one function, or none", is_real * (is_real - 1))
    for index in range(LIMBS):
        common, total = _limb(both, index), _limb(x, index) + _limb(y, index)
        # x | y = x + y - (x & y), and x ^ y = x + y - 2 (x & y).
        found = is_and * common + is_or * (total - common) + is_xor * (total - common * 2)
        b.require(f"limb {index} is the function's", z[index] - found)
    for index in range(BYTES):
        b.send("and", (x[index], y[index], both[index]), is_real)
    function = is_and * Table.AND + is_or * Table.OR + is_xor * Table.XOR
    limbs = [_limb(side, index) for side in (x, y) for index in range(LIMBS)]
    b.receive("table", (function, step, *limbs, *z), is_real)
    return b.build()


def _limb(side: list[Expr], index: int) -> Expr:
    return side[2 * index] + side[2 * index + 1] * 256
