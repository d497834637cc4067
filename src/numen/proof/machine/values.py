"""What the algebra of the provable machine computes with."""

from typing import Literal, TypeAlias

import msgspec

from numen.ir.types import Word
from numen.proof.machine.isa import CELL_BITS, CELL_MASK


class Value(msgspec.Struct, frozen=True, gc=False):
    """An integer in cells, the least first; in two's complement where it may be negative.

    Attributes:
        cells: Addresses.
        low: It is not below this.
        high: It is not above this.
    """

    cells: tuple[int, ...]
    low: int
    high: int

    @property
    def is_signed(self) -> bool:
        """Whether its last cell has a sign."""
        return self.low < 0

    @property
    def literal(self) -> int | None:
        """Its value, where that is known."""
        return self.low if self.low == self.high else None


class Exact(msgspec.Struct, frozen=True, gc=False):
    """An exact result that is not computed before it is known how it ends."""

    op: Literal["add", "sub", "mul", "shl", "floor_div"]
    a: Value
    b: Value


class Truth(msgspec.Struct, frozen=True, gc=False):
    """A truth that is not in a cell: what branches and choices want is the flag.

    Attributes:
        kind: Whether it says ``a < b``, ``a == b``, or that ``a`` is not zero.
        a: First operand.
        b: Second operand; unused by the last kind.
        is_turned: Whether it says the contrary.
    """

    kind: Literal["less", "equal", "true"]
    a: Value
    b: Value
    is_turned: bool = False


Operand: TypeAlias = Value | Exact | Truth


def cell_count(word: Word) -> int:
    """Cells that a word takes."""
    return -(-word.bits // CELL_BITS)


def cells_for(low: int, high: int) -> int:
    """Cells that hold every integer of an interval."""
    bits = max(high.bit_length(), (low + 1).bit_length() if low < 0 else 0) + (low < 0)
    return max(1, -(-bits // CELL_BITS))


def cells_of(value: int, count: int) -> tuple[int, ...]:
    """Split an integer, in two's complement where it is negative."""
    return tuple(value >> CELL_BITS * index & CELL_MASK for index in range(count))


def join(cells: list[int], word: Word) -> int:
    """The inverse of `cells_of` for a word."""
    value = sum(cell << CELL_BITS * index for index, cell in enumerate(cells))
    sign = 1 << CELL_BITS * len(cells) - 1
    return value - 2 * sign if word.low < 0 and value & sign else value
