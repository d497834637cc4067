"""The table of products of two cells.

The factors are bytes. At each weight of 2**16 the products of bytes sum to less than 2**27, and
with the carry from below they are a limb of the product and a carry of less than 2**12, which two
numbers of 16 bits show: the carry, and 16 times the carry. Neither side reaches the order.
"""

from typing import Final

from numen.proof.machine.isa import LIMBS, Table
from numen.proof.stark.air import Chip, ChipBuilder, Expr

NAME: Final = "multiply"

FUNCTIONS: Final = (Table.MULTIPLY, Table.MULTIPLY_HIGH, Table.MULTIPLY_CHECKED)
"""In the order of their columns."""

BYTES: Final = 8
"""Of a cell."""

CARRIES: Final = 2 * LIMBS - 1
"""Between the limbs of a product."""


def build() -> Chip:
    """Write the constraints of a product."""
    b = ChipBuilder(NAME)
    is_low, is_high, is_checked = (b.column(name) for name in ("is low", "is high", "is checked"))
    x, y = b.columns("x", BYTES), b.columns("y", BYTES)
    product, carry = b.columns("product", 2 * LIMBS), b.columns("carry", CARRIES)
    z, step = b.columns("z", LIMBS), b.column("step")
    for name, column in (("low", is_low), ("high", is_high), ("checked", is_checked)):
        b.require_boolean(f"{name} is a switch", column)
    is_real = is_low + is_high + is_checked
    b.require("a row is one function, or none", is_real * (is_real - 1))
    for index in range(2 * LIMBS):
        below = carry[index - 1] if index else 0
        above = carry[index] * (1 << 16) if index < CARRIES else 0
        total = _at(x, y, 2 * index) + _at(x, y, 2 * index + 1) * 256 + below
        b.require(f"limb {index} of the product", total - product[index] - above)
    for index in range(LIMBS):
        low, high = product[index], product[index + LIMBS]
        b.require(
            f"limb {index} of the result", z[index] - (is_real - is_high) * low - is_high * high
        )
    high_sum = product[4] + product[5] + product[6] + product[7]
    b.require("a checked product fits", is_checked * high_sum)
    _send_ranges(b, x, y, product, carry, is_real)
    function = (
        is_low * Table.MULTIPLY
        + is_high * Table.MULTIPLY_HIGH
        + is_checked * Table.MULTIPLY_CHECKED
    )
    limbs = [
        side[2 * index] + side[2 * index + 1] * 256 for side in (x, y) for index in range(LIMBS)
    ]
    b.receive("table", (function, step, *limbs, *z), is_real)
    return b.build()


def _send_ranges(
    b: ChipBuilder,
    x: list[Expr],
    y: list[Expr],
    product: list[Expr],
    carry: list[Expr],
    is_real: Expr,
) -> None:
    for side in (x, y):
        for index in range(0, BYTES, 2):
            b.send("pair", (side[index], side[index + 1]), is_real)
    for limb in product:
        b.send("word", (limb,), is_real)
    for one in carry:
        b.send("word", (one,), is_real)
        b.send("word", (one * 16,), is_real)


def _at(x: list[Expr], y: list[Expr], weight: int) -> Expr | int:
    """The sum of the products of bytes at a weight of 2**8."""
    total: Expr | int = 0
    for index in range(max(0, weight - BYTES + 1), min(BYTES, weight + 1)):
        total = x[index] * y[weight - index] + total
    return total
