"""Differences and quotients modulo any number that is not zero."""

from numen.ir.trap import Trap
from numen.proof.machine.assembler import ADD, SUBTRACT, Assembler, Label
from numen.proof.machine.division import divide_unsigned
from numen.proof.machine.isa import CELL_MASK, ZERO_CELL, Hint, Switch
from numen.proof.machine.truths import as_value, branch, require
from numen.proof.machine.values import Truth, Value
from numen.proof.machine.wide import Cells, chain, compare, multiply


def subtract(asm: Assembler, a: Cells, b: Cells, m: Cells) -> Cells:
    """The difference of two unsigned integers of as many cells as the modulus."""
    left, right = (divide_unsigned(asm, of, m, len(of))[1] for of in (a, b))
    return subtract_reduced(asm, left, right, m)


def subtract_reduced(asm: Assembler, a: Cells, b: Cells, m: Cells) -> Cells:
    """The difference of two integers below the modulus."""
    out = Label()
    compare(asm, a, b, Switch.FLAG_CARRY)
    mask = asm.emit(SUBTRACT | Switch.CARRY_IN, ZERO_CELL, ZERO_CELL)
    difference = chain(asm, SUBTRACT, a, b)
    borrow = Value((mask,), 0, CELL_MASK)
    branch(asm, Truth("true", borrow, borrow, is_turned=True), out)
    asm.move_all(list(zip(difference, chain(asm, ADD, difference, m), strict=True)))
    asm.set(out)
    return difference


def divide(asm: Assembler, a: Cells, b: Cells, modulus: Value, trap: Trap) -> Value:
    """The quotient: the dividend times an inverse of the divisor, which is guessed and multiplied.

    What the guess is beside its class does not matter, for the product is reduced.

    Args:
        asm: Where to write.
        a: The dividend; as many cells as the modulus.
        b: The divisor; as many cells.
        modulus: Not zero.
        trap: What it means that the divisor has no inverse.
    """
    m, count = modulus.cells, len(modulus.cells)
    left, right = asm.adjacent(b, 0), asm.adjacent(m, 1)
    guess = tuple(
        asm.hint(Hint.INVERSE_MODULO, left, count, right, count, index) for index in range(count)
    )
    found = divide_unsigned(asm, multiply(asm, b, guess, 2 * count), m, 2 * count)[1]
    # Modulo 1 all is zero, and one is zero too.
    one = Value((asm.constant(1), *[ZERO_CELL] * (count - 1)), 1, 1)
    is_large = as_value(asm, Truth("less", one, modulus)).cells
    expected = Value((*is_large, *[ZERO_CELL] * (count - 1)), 0, 1)
    require(asm, Truth("equal", Value(found, 0, modulus.high), expected), trap)
    product = multiply(asm, a, guess, 2 * count)
    rest = divide_unsigned(asm, product, m, 2 * count)[1]
    return Value(rest, 0, max(modulus.high - 1, 0))
