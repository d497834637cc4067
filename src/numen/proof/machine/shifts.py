"""Shifts: products with powers of two, which wait in memory."""

from numen.proof.machine.assembler import ADD, SUBTRACT, Assembler
from numen.proof.machine.isa import CELL_BITS, ZERO_CELL, Switch, Table
from numen.proof.machine.values import Value
from numen.proof.machine.wide import SIGN, Cells, extend, sign_cell


def shift_left(asm: Assembler, a: Cells, count: Value) -> Cells:
    """``a * 2**count`` in as many cells; the count is below their width."""
    if count.literal is not None:
        return _up(asm, a, count.literal)
    if len(a) == 1:
        return (
            asm.table(Table.MULTIPLY, a[0], asm.load(asm.powers(is_falling=False), _low(count))),
        )
    return _move_up(asm, a, _low(count), ZERO_CELL, skip=0)[: len(a)]


def shift_right(asm: Assembler, a: Value, count: Value, bits: int) -> Cells:
    """``a / 2**count`` rounded down, in as many cells; the count is below ``bits``."""
    if count.literal is not None:
        return _down(asm, a, count.literal)
    cells = a.cells
    if len(cells) > 1:
        fill = sign_cell(asm, cells[-1]) if a.is_signed else ZERO_CELL
        up = asm.emit(SUBTRACT, asm.constant(CELL_BITS * len(cells)), _low(count))
        return _move_up(asm, cells, up, fill, skip=len(cells))
    if a.is_signed:
        # 2**63 is a multiple of the divisor: add it before, and its quotient after is taken off.
        biased = asm.emit(ADD, cells[0], asm.constant(SIGN))
        quotient = _unsigned_right(asm, biased, count, bits)
        return (asm.emit(SUBTRACT, quotient, asm.load(asm.powers(is_falling=True), _low(count))),)
    return (_unsigned_right(asm, cells[0], count, bits),)


def _unsigned_right(asm: Assembler, cell: int, count: Value, bits: int) -> int:
    power = asm.load(asm.powers(is_falling=True), _low(count))
    if bits < CELL_BITS:
        # The high half of 2a * 2**(63 - count).
        return asm.table(Table.MULTIPLY_HIGH, asm.emit(ADD, cell, cell), power)
    # 2a may need a cell more: shift one by one and the rest.
    half = asm.table(Table.MULTIPLY_HIGH, cell, power)
    odd = asm.table(Table.MULTIPLY, cell, power)
    # a * 2**(63 - count) = half * 2**64 + odd; what is wanted is twice that, its high cell.
    asm.test(ADD | Switch.FLAG_CARRY, odd, odd)
    return asm.emit(ADD | Switch.CARRY_IN, half, half)


def _up(asm: Assembler, a: Cells, count: int) -> Cells:
    skip, bits = divmod(count, CELL_BITS)
    kept = (ZERO_CELL,) * skip + a[: len(a) - skip]
    if not bits:
        return kept
    power = asm.constant(1 << bits)
    return _scaled(asm, kept, power)


def _down(asm: Assembler, a: Value, count: int) -> Cells:
    skip, bits = divmod(count, CELL_BITS)
    size = len(a.cells)
    kept = extend(asm, a, size + skip + 1 if a.is_signed else size)[skip:]
    kept = (kept + (ZERO_CELL,) * size)[: size + 1] if not a.is_signed else kept[: size + 1]
    if not bits:
        return kept[:size]
    power = asm.constant(1 << CELL_BITS - bits)
    return _scaled(asm, kept, power, first=1)


def _scaled(asm: Assembler, a: Cells, power: int, first: int = 0) -> Cells:
    """``a`` times a power of two below 2**64, from cell ``first`` on, in as many cells as ``a``."""
    out = []
    for index in range(first, len(a)):
        low = _times(asm, Table.MULTIPLY, a[index], power)
        high = _times(asm, Table.MULTIPLY_HIGH, a[index - 1], power) if index else ZERO_CELL
        # The two do not overlap.
        out.append(
            low if high == ZERO_CELL else high if low == ZERO_CELL else asm.emit(ADD, low, high)
        )
    return tuple(out)


def _times(asm: Assembler, table: int, cell: int, power: int) -> int:
    return ZERO_CELL if cell == ZERO_CELL else asm.table(table, cell, power)


def _move_up(asm: Assembler, a: Cells, count: int, fill: int, *, skip: int) -> Cells:
    """``a * 2**count`` from cell ``skip`` on, as many cells; the count is in a cell.

    The bits of a count within a cell are a product; whole cells are an address.
    """
    size = len(a)
    within = asm.table(Table.AND, count, asm.constant(CELL_BITS - 1))
    whole = asm.table(Table.MULTIPLY_HIGH, count, asm.constant(1 << CELL_BITS - 6))
    power = asm.load(asm.powers(is_falling=False), within)
    moved = _scaled(asm, (*a, fill), power)
    # What is never written stays 0.
    base = asm.scratch(f"shift {skip} {fill == ZERO_CELL}", 3 * size + 1)
    start = base + size - skip
    for index, cell in enumerate(moved):
        asm.move(start + index, cell)
    for index in range(size + 1, size + skip):
        if fill != ZERO_CELL:
            asm.move(start + index, fill)
    back = asm.emit(SUBTRACT, asm.constant(size), whole)
    return tuple(asm.load(base + index, back) for index in range(size))


def _low(count: Value) -> int:
    return count.cells[0]
