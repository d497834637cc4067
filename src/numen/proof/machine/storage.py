"""Arrays and byte memories: elements at addresses that are known, or computed and checked."""

from typing import Final

from numen.ir.trap import Reason, Trap
from numen.ir.types import Word
from numen.proof.machine.algebra import MachineAlgebra
from numen.proof.machine.assembler import ADD, SUBTRACT, Assembler, Label
from numen.proof.machine.frame import Direct, Pointer, Reference
from numen.proof.machine.isa import CELL_MASK, ZERO_CELL, Switch, Table
from numen.proof.machine.truths import branch
from numen.proof.machine.values import Truth, Value
from numen.proof.machine.wide import Cells

UNROLL: Final = 8
"""Cells that a round of a loop over cells treats."""

STRAIGHT_MAX: Final = 32
"""Most cells that are treated without a loop."""


def element(asm: Assembler, base: Reference, index: Value, size: int) -> tuple[int, int | None]:
    """Where an element of ``size`` cells lies: an address, and a cell to add to it, if any."""
    if index.literal is not None:
        offset = index.literal * size
        if isinstance(base, Direct):
            return base.base + offset, None
        return offset, base.cell
    scaled = _times(asm, index.cells[0], size)
    if isinstance(base, Direct):
        return base.base, scaled
    return 0, asm.emit(ADD, base.cell, scaled)


def _times(asm: Assembler, cell: int, size: int) -> int:
    while size > 1:
        cell = asm.emit(ADD, cell, cell)
        size //= 2
    return cell


def require_index(asm: Assembler, index: Value, last: int, trap: Trap) -> None:
    """Let the run trap unless an index is at most ``last``."""
    if index.high <= last:
        return
    bound = asm.constant(last)
    asm.test(SUBTRACT | Switch.NEED_NO_CARRY, bound, index.cells[0], trap=trap)


def read(asm: Assembler, at: tuple[int, int | None], count: int) -> Cells:
    """Cells with what ``count`` cells at a place hold."""
    address, index = at
    if index is None:
        return tuple(range(address, address + count))
    return tuple(asm.load(address + offset, index) for offset in range(count))


def write(asm: Assembler, at: tuple[int, int | None], cells: Cells) -> None:
    """Write cells at a place."""
    address, index = at
    for offset, cell in enumerate(cells):
        if index is None:
            asm.move(address + offset, cell)
        else:
            asm.store(address + offset, index, cell)


def load_bytes(
    algebra: MachineAlgebra, asm: Assembler, at: tuple[int, int | None], word: Word
) -> Value:
    """A word from bytes, the least first; traps where they are no such word."""
    cells = []
    for start in range(0, word.size_bytes, 8):
        found = read(asm, (at[0] + start, at[1]), min(8, word.size_bytes - start))
        total = found[-1]
        for byte in reversed(found[:-1]):
            total = asm.emit(ADD, asm.table(Table.MULTIPLY, total, asm.constant(256)), byte)
        cells.append(total)
    high = (1 << 8 * word.size_bytes) - 1
    value = Value(tuple(cells), *((word.low, word.high) if word.low < 0 else (0, high)))
    fitting = algebra.fit(value, word, Reason.CONVERSION)
    assert isinstance(fitting, Value)
    return fitting


def store_bytes(asm: Assembler, at: tuple[int, int | None], word: Word, value: Value) -> None:
    """Write a word as bytes, the least first."""
    low_byte = asm.constant(255)
    for index in range(word.size_bytes):
        cell, shift = value.cells[index // 8], 8 * (index % 8)
        if shift:
            cell = asm.table(Table.MULTIPLY_HIGH, cell, asm.constant(1 << 64 - shift))
        if shift < 56 and word.bits > 8:
            cell = asm.table(Table.AND, cell, low_byte)
        write(asm, (at[0] + index, at[1]), (cell,))


def address(asm: Assembler, base: Reference) -> int:
    """A cell that holds the address of an array or memory."""
    return base.cell if isinstance(base, Pointer) else asm.constant(base.base)


def clear(asm: Assembler, base: int, count: int) -> None:
    """Write zeros to cells."""
    if count <= STRAIGHT_MAX:
        for index in range(count):
            asm.move(base + index, ZERO_CELL)
        return
    cursor, again = asm.temporary(), Label()
    rounds = count // UNROLL
    asm.move(cursor, ZERO_CELL)
    asm.set(again)
    for index in range(UNROLL):
        asm.store(base + index, cursor, ZERO_CELL)
    _step(asm, cursor, UNROLL, rounds * UNROLL, again)
    for index in range(rounds * UNROLL, count):
        asm.move(base + index, ZERO_CELL)


def copy(asm: Assembler, into: Reference, source: Reference, count: int) -> None:
    """Write cells with others, as if all were read first."""
    if isinstance(into, Direct) and isinstance(source, Direct):
        if count <= STRAIGHT_MAX:
            asm.move_all([(into.base + index, source.base + index) for index in range(count)])
        elif into.base != source.base:
            _copy(asm, into, source, count, is_upward=into.base < source.base)
        return
    to, of = address(asm, into), address(asm, source)
    down, out = Label(), Label()
    below, above = Value((of,), 0, CELL_MASK), Value((to,), 0, CELL_MASK)
    branch(asm, Truth("less", below, above), down)
    _copy(asm, into, source, count, is_upward=True)
    asm.jump(out)
    asm.set(down)
    _copy(asm, into, source, count, is_upward=False)
    asm.set(out)


def _copy(
    asm: Assembler, into: Reference, source: Reference, count: int, *, is_upward: bool
) -> None:
    """Copy cell by cell, from the first or from the last, which an overlap may ask for."""
    rounds = count // UNROLL if count > STRAIGHT_MAX else 0
    rest = range(rounds * UNROLL, count)
    if not is_upward:
        for index in reversed(rest):
            _copy_one(asm, into, source, index, None)
    if rounds:
        cursor, again = asm.temporary(), Label()
        asm.move(cursor, ZERO_CELL if is_upward else asm.constant((rounds - 1) * UNROLL))
        ends = _ends(asm, into, source, cursor)
        asm.set(again)
        for index in range(UNROLL) if is_upward else reversed(range(UNROLL)):
            _copy_one(asm, ends[0][0], ends[1][0], index, (ends[0][1], ends[1][1]))
        for moving in dict.fromkeys((cursor, ends[0][1], ends[1][1])):
            if moving != cursor:
                asm.emit(ADD if is_upward else SUBTRACT, moving, asm.constant(UNROLL), moving)
        if is_upward:
            _step(asm, cursor, UNROLL, rounds * UNROLL, again)
        else:
            unroll = asm.constant(UNROLL)
            asm.emit(SUBTRACT | Switch.IF_NO_CARRY, cursor, unroll, cursor, to=again)
    if is_upward:
        for index in rest:
            _copy_one(asm, into, source, index, None)


def _ends(
    asm: Assembler, into: Reference, source: Reference, cursor: int
) -> tuple[tuple[Reference, int], tuple[Reference, int]]:
    """What moves along on either side: the cursor, or a pointer of its own."""
    found: list[tuple[Reference, int]] = []
    for side in (into, source):
        if isinstance(side, Direct):
            found.append((side, cursor))
        else:
            found.append((Direct(0), asm.emit(ADD, side.cell, cursor)))
    return found[0], found[1]


def _copy_one(
    asm: Assembler,
    into: Reference,
    source: Reference,
    index: int,
    cursors: tuple[int, int] | None,
) -> None:
    places = []
    for side, cursor in zip((into, source), cursors or (None, None), strict=True):
        if isinstance(side, Direct):
            places.append((side.base + index, cursor))
        else:
            places.append((index, side.cell))
    to, of = places
    asm_cells = read(asm, of, 1)
    write(asm, to, asm_cells)


def _step(asm: Assembler, cursor: int, step: int, end: int, again: Label) -> None:
    asm.emit(ADD, cursor, asm.constant(step), cursor)
    asm.test(SUBTRACT | Switch.IF_CARRY, cursor, asm.constant(end), to=again)
