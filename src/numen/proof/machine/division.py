"""Division: the machine guesses quotient and remainder, the steps show that they are right."""

from numen.ir.trap import Trap
from numen.proof.machine.assembler import ADD, SUBTRACT, Assembler, Label
from numen.proof.machine.isa import CELL_MASK, ZERO_CELL, Hint, Switch, Table
from numen.proof.machine.truths import branch
from numen.proof.machine.values import Truth, Value
from numen.proof.machine.wide import SIGN, Cells, chain, compare, multiply, sign_cell


def divide_unsigned(asm: Assembler, a: Cells, b: Cells, count: int) -> tuple[Cells, Cells]:
    """Quotient and remainder of unsigned integers.

    Args:
        asm: Where to write.
        a: The dividend.
        b: The divisor, which is not zero.
        count: Cells that the quotient fits.

    Returns:
        ``count`` cells, and as many as the divisor has.
    """
    left, right = asm.adjacent(a, 0), asm.adjacent(b, 1)
    n, m = len(a), len(b)
    quotient = tuple(asm.hint(Hint.QUOTIENT, left, n, right, m, i) for i in range(count))
    remainder = tuple(asm.hint(Hint.REMAINDER, left, n, right, m, i) for i in range(m))
    if n == m == count == 1:
        product: Cells = (asm.table(Table.MULTIPLY_CHECKED, quotient[0], b[0]),)
    else:
        product = multiply(asm, quotient, b, count + m)
    # The last carry of q * b + r is 0 in several cells: (X - 1)(Y - 1) + Y - 1 < XY.
    padded = (remainder + (ZERO_CELL,) * len(product))[: len(product)]
    total = chain(asm, ADD, product, padded, Switch.NEED_NO_CARRY)
    for index in range(max(n, len(total))):
        x = total[index] if index < len(total) else ZERO_CELL
        y = a[index] if index < n else ZERO_CELL
        asm.test(SUBTRACT | Switch.NEED_ZERO, x, y)
    compare(asm, remainder, b, Switch.NEED_CARRY)
    return quotient, remainder


def divide(asm: Assembler, a: Value, b: Value, overflow: Trap | None) -> tuple[Cells, Cells]:
    """Quotient rounded down, and the remainder with the sign of the divisor.

    Args:
        asm: Where to write.
        a: The dividend.
        b: The divisor, of equally many cells, not zero.
        overflow: What it means that the quotient of signed integers has one bit too many; None
            where nobody wants it.
    """
    if not (a.is_signed or b.is_signed):
        return divide_unsigned(asm, a.cells, b.cells, len(a.cells))
    of, by = magnitude(asm, a), magnitude(asm, b)
    signs = tuple(sign_cell(asm, value.cells[-1]) for value in (a, b))
    quotient, remainder = divide_unsigned(asm, of, by, len(of))
    differ, is_exact, positive, out = Label(), Label(), Label(), Label()
    zeros = (ZERO_CELL,) * len(of)
    ones = (asm.constant(CELL_MASK),) * len(of)
    branch(asm, _unequal(signs[0], signs[1]), differ)
    if overflow is not None:
        asm.test(ADD | Switch.NEED_NO_CARRY, quotient[-1], asm.constant(SIGN), trap=overflow)
    asm.jump(positive)
    asm.set(differ)
    whole = Value(remainder, 0, (SIGN << 64 * (len(remainder) - 1)) * 2 - 1)
    branch(asm, Truth("equal", whole, Value(zeros, 0, 0)), is_exact)
    asm.move_all(list(zip(remainder, chain(asm, SUBTRACT, by, remainder), strict=True)))
    asm.move_all(list(zip(quotient, chain(asm, SUBTRACT, ones, quotient), strict=True)))
    asm.jump(positive)
    asm.set(is_exact)
    asm.move_all(list(zip(quotient, chain(asm, SUBTRACT, zeros, quotient), strict=True)))
    asm.set(positive)
    branch(asm, _zero(signs[1]), out)
    asm.move_all(list(zip(remainder, chain(asm, SUBTRACT, zeros, remainder), strict=True)))
    asm.set(out)
    return quotient, remainder


def magnitude(asm: Assembler, value: Value) -> Cells:
    """The absolute value, unsigned, in as many cells."""
    if not value.is_signed:
        return value.cells
    zeros = (ZERO_CELL,) * len(value.cells)
    turned = chain(asm, SUBTRACT, zeros, value.cells)
    asm.test(ADD | Switch.FLAG_CARRY, value.cells[-1], asm.constant(SIGN))
    return tuple(asm.emit(Switch.SELECT, x, y) for x, y in zip(turned, value.cells, strict=True))


def _unequal(a: int, b: int) -> Truth:
    return Truth("equal", Value((a,), 0, CELL_MASK), Value((b,), 0, CELL_MASK), is_turned=True)


def _zero(a: int) -> Truth:
    cell = Value((a,), 0, CELL_MASK)
    return Truth("true", cell, cell, is_turned=True)
