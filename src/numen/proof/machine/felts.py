"""Arithmetic of `felt`: integers of four cells below the order, which every result is again."""

from numen.ir.types import FELT, FIELD_ORDER
from numen.proof.machine import modular
from numen.proof.machine.assembler import ADD, SUBTRACT, Assembler, Label
from numen.proof.machine.division import divide_unsigned, magnitude
from numen.proof.machine.isa import CELL_MASK, ZERO_CELL, Hint, Switch
from numen.proof.machine.truths import branch
from numen.proof.machine.values import Truth, Value, cells_of
from numen.proof.machine.wide import Cells, chain, compare, multiply, sign_cell

COUNT = 4
"""Cells of an element."""


def order(asm: Assembler) -> Cells:
    """Cells that hold the order."""
    return tuple(asm.constant(cell) for cell in cells_of(FIELD_ORDER, COUNT))


def value(cells: Cells) -> Value:
    """Cells that hold an element."""
    return Value(cells, FELT.low, FELT.high)


def add(asm: Assembler, a: Cells, b: Cells) -> Value:
    """The sum; twice the order is below 2**256, so nothing is lost before it is reduced."""
    total = chain(asm, ADD, a, b)
    reduced = chain(asm, SUBTRACT, total, order(asm), Switch.FLAG_CARRY)
    return value(tuple(asm.emit(Switch.SELECT, x, y) for x, y in zip(total, reduced, strict=True)))


def subtract(asm: Assembler, a: Cells, b: Cells) -> Value:
    """The difference."""
    return value(modular.subtract_reduced(asm, a, b, order(asm)))


def multiply_felts(asm: Assembler, a: Cells, b: Cells) -> Value:
    """The product."""
    product = multiply(asm, a, b, 2 * COUNT)
    return value(divide_unsigned(asm, product, order(asm), COUNT)[1])


def inverse(asm: Assembler, a: Cells) -> Value:
    """The inverse of an element that is not zero: guessed, and multiplied."""
    base = asm.adjacent(a, 0)
    guess = tuple(asm.hint(Hint.INVERSE, base, COUNT, base, COUNT, index) for index in range(COUNT))
    compare(asm, guess, order(asm), Switch.NEED_CARRY)
    one = multiply_felts(asm, a, guess).cells
    for index, cell in enumerate(one):
        asm.test(SUBTRACT | Switch.NEED_ZERO, cell, asm.constant(int(index == 0)))
    return value(guess)


def from_integer(asm: Assembler, a: Value) -> Value:
    """An integer modulo the order."""
    if a.low >= 0 and a.high < FIELD_ORDER:
        return Value((a.cells + (ZERO_CELL,) * COUNT)[:COUNT], a.low, a.high)
    cells = magnitude(asm, a)
    cells = (cells + (ZERO_CELL,) * COUNT)[: max(COUNT, len(cells))]
    rest = divide_unsigned(asm, cells, order(asm), len(cells))[1]
    if not a.is_signed:
        return value(rest)
    out = Label()
    sign = Value((sign_cell(asm, a.cells[-1]),), 0, CELL_MASK)
    branch(asm, Truth("true", sign, sign, is_turned=True), out)
    branch(asm, Truth("equal", value(rest), Value((ZERO_CELL,) * COUNT, 0, 0)), out)
    asm.move_all(list(zip(rest, chain(asm, SUBTRACT, order(asm), rest), strict=True)))
    asm.set(out)
    return value(rest)
