"""Integers of several cells: sums, differences, products and comparisons as sequences of steps."""

from collections.abc import Sequence

from numen.ir.trap import Trap
from numen.proof.machine.assembler import ADD, SUBTRACT, Assembler, Label
from numen.proof.machine.isa import JUNK_CELL, ZERO_CELL, Switch, Table
from numen.proof.machine.values import Truth, Value

SIGN = 1 << 63
"""The sign of a cell."""

Cells = tuple[int, ...]


def sign_cell(asm: Assembler, cell: int) -> int:
    """A cell of ones where a cell has a sign, of zeros where it has none."""
    asm.test(ADD | Switch.FLAG_CARRY, cell, asm.constant(SIGN))
    return asm.emit(SUBTRACT | Switch.CARRY_IN, ZERO_CELL, ZERO_CELL)


def extend(asm: Assembler, value: Value, count: int) -> Cells:
    """A value in so many cells: cut off, or continued by its sign."""
    if len(value.cells) >= count:
        return value.cells[:count]
    missing = count - len(value.cells)
    if value.literal is not None and value.literal < 0:
        return (*value.cells, *[asm.constant(2 * SIGN - 1)] * missing)
    fill = sign_cell(asm, value.cells[-1]) if value.is_signed else ZERO_CELL
    return (*value.cells, *[fill] * missing)


def chain(
    asm: Assembler,
    operation: int,
    a: Sequence[int],
    b: Sequence[int],
    last: int = 0,
    *,
    trap: Trap | None = None,
) -> Cells:
    """Sums or differences of equally many cells, each with the carry of the one before.

    Args:
        asm: Where to write.
        operation: `ADD` or `SUBTRACT`.
        a: Cells of the first operand.
        b: Cells of the second operand.
        last: What the last step does besides.
        trap: What it means that the last step has no next.
    """
    out = []
    for index, (x, y) in enumerate(zip(a, b, strict=True)):
        is_last = index == len(a) - 1
        switches = operation | (Switch.CARRY_IN if index else 0)
        switches |= last if is_last else Switch.FLAG_CARRY
        out.append(asm.emit(switches, x, y, trap=trap if is_last else None))
    return tuple(out)


def compare(
    asm: Assembler,
    a: Sequence[int],
    b: Sequence[int],
    last: int,
    *,
    to: Label | None = None,
    trap: Trap | None = None,
) -> None:
    """Differences of equally many cells of which only the last carry is wanted: whether a < b."""
    for index, (x, y) in enumerate(zip(a, b, strict=True)):
        is_last = index == len(a) - 1
        switches = SUBTRACT | (Switch.CARRY_IN if index else 0)
        switches |= last if is_last else Switch.FLAG_CARRY
        asm.emit(
            switches, x, y, JUNK_CELL,
            to=to if is_last else None, trap=trap if is_last else None,
        )  # fmt: skip


def multiply(asm: Assembler, a: Sequence[int], b: Sequence[int], count: int) -> Cells:
    """The low cells of a product of unsigned integers: row by row, as on paper."""
    total: list[int] = []
    for shift, x in enumerate(a[:count]):
        if x == ZERO_CELL:
            continue
        row = _row(asm, x, b, count - shift)
        if not total:
            total = [ZERO_CELL] * shift + row
            continue
        total += [ZERO_CELL] * (shift + len(row) - len(total))
        top = total[shift : shift + len(row)]
        total[shift : shift + len(row)] = chain(asm, ADD, top, row)
    return tuple((total + [ZERO_CELL] * count)[:count])


def _row(asm: Assembler, x: int, b: Sequence[int], count: int) -> list[int]:
    """The low cells of one cell times many; the flag is free to be used between."""
    lows = [_product(asm, Table.MULTIPLY, x, y) for y in b[:count]]
    highs = [_product(asm, Table.MULTIPLY_HIGH, x, y) for y in b[: count - 1]]
    lows += [ZERO_CELL] * (min(count, len(b) + 1) - len(lows))
    if not highs:
        return lows
    return [lows[0], *chain(asm, ADD, lows[1 : len(highs) + 1], highs)]


def _product(asm: Assembler, table: int, x: int, y: int) -> int:
    if ZERO_CELL in (x, y):
        return ZERO_CELL
    return asm.table(table, x, y)


def compared(asm: Assembler, truth: Truth) -> tuple[Cells, Cells]:
    """The operands of a comparison as unsigned integers of one length and the same order."""
    a, b = truth.a, truth.b
    count = max(len(a.cells), len(b.cells))
    x, y = extend(asm, a, count), extend(asm, b, count)
    if truth.kind == "less" and (a.is_signed or b.is_signed):
        x, y = (*x[:-1], _biased(asm, a, x[-1])), (*y[:-1], _biased(asm, b, y[-1]))
    return x, y


def _biased(asm: Assembler, value: Value, top: int) -> int:
    if value.literal is not None:
        # The sign turned: the top cell of a known value is known.
        return asm.constant((value.literal >> 64 * (len(value.cells) - 1) & 2 * SIGN - 1) ^ SIGN)
    return asm.emit(ADD, top, asm.constant(SIGN))
