"""Truths as the flag, as a branch, as a cell and as a requirement."""

from numen.ir.trap import Trap
from numen.proof.machine.assembler import ADD, SUBTRACT, Assembler, Label
from numen.proof.machine.isa import JUNK_CELL, ZERO_CELL, Switch
from numen.proof.machine.values import Operand, Truth, Value
from numen.proof.machine.wide import compare, compared


def as_truth(operand: Operand) -> Truth:
    """Read a truth in a cell as a test of it."""
    if isinstance(operand, Truth):
        return operand
    assert isinstance(operand, Value)
    return Truth("true", operand, operand)


def as_value(asm: Assembler, operand: Operand) -> Value:
    """Put a test into a cell, 0 or 1."""
    if isinstance(operand, Value):
        return operand
    assert isinstance(operand, Truth)
    if operand.kind == "true":
        if not operand.is_turned:
            return operand.a
        cell = asm.emit(SUBTRACT, asm.constant(1), operand.a.cells[0])
        return Value((cell,), 0, 1)
    is_turned = set_flag(asm, operand)
    if is_turned:
        cell = asm.emit(SUBTRACT | Switch.CARRY_IN, asm.constant(1), ZERO_CELL)
    else:
        cell = asm.emit(ADD | Switch.CARRY_IN, ZERO_CELL, ZERO_CELL)
    return Value((cell,), 0, 1)


def set_flag(asm: Assembler, truth: Truth) -> bool:
    """Set the flag where a test holds; or, when it gives true, where it does not."""
    match truth.kind:
        case "true":
            asm.test(SUBTRACT | Switch.FLAG_CARRY, ZERO_CELL, truth.a.cells[0])
        case "less":
            compare(asm, *compared(asm, truth), Switch.FLAG_CARRY)
        case "equal":
            for index, (x, y) in enumerate(zip(*compared(asm, truth), strict=True)):
                asm.test(SUBTRACT | (Switch.FLAG_ZERO_AND if index else Switch.FLAG_ZERO), x, y)
    return truth.is_turned


def branch(asm: Assembler, truth: Truth, to: Label) -> None:
    """Go to a label where a test holds, and on where it does not."""
    match truth.kind:
        case "true":
            switch = Switch.IF_ZERO if truth.is_turned else Switch.IF_NOT_ZERO
            asm.test(ADD | switch, truth.a.cells[0], ZERO_CELL, to=to)
        case "less":
            switch = Switch.IF_NO_CARRY if truth.is_turned else Switch.IF_CARRY
            compare(asm, *compared(asm, truth), switch, to=to)
        case "equal":
            _branch_equal(asm, truth, to)


def _branch_equal(asm: Assembler, truth: Truth, to: Label) -> None:
    pairs = list(zip(*compared(asm, truth), strict=True))
    if truth.is_turned:
        for x, y in pairs:
            asm.test(SUBTRACT | Switch.IF_NOT_ZERO, x, y, to=to)
        return
    out = Label()
    for x, y in pairs[:-1]:
        asm.test(SUBTRACT | Switch.IF_NOT_ZERO, x, y, to=out)
    asm.test(SUBTRACT | Switch.IF_ZERO, *pairs[-1], to=to)
    asm.set(out)


def require(asm: Assembler, truth: Truth, trap: Trap) -> None:
    """Let there be no next step unless a test holds."""
    match truth.kind, truth.is_turned:
        case "true", False:
            asm.test(SUBTRACT | Switch.NEED_CARRY, ZERO_CELL, truth.a.cells[0], trap=trap)
        case "true", True:
            asm.test(ADD | Switch.NEED_ZERO, truth.a.cells[0], ZERO_CELL, trap=trap)
        case "less", is_turned:
            switch = Switch.NEED_NO_CARRY if is_turned else Switch.NEED_CARRY
            compare(asm, *compared(asm, truth), switch, trap=trap)
        case "equal", False:
            for x, y in zip(*compared(asm, truth), strict=True):
                asm.test(SUBTRACT | Switch.NEED_ZERO, x, y, trap=trap)
        case _:
            _require_unequal(asm, truth, trap)


def _require_unequal(asm: Assembler, truth: Truth, trap: Trap) -> None:
    if len(truth.a.cells) == 1 and truth.b.literal == 0:
        asm.test(SUBTRACT | Switch.NEED_CARRY, ZERO_CELL, truth.a.cells[0], trap=trap)
        return
    set_flag(asm, truth)
    asm.emit(ADD | Switch.CARRY_IN | Switch.NEED_ZERO, ZERO_CELL, ZERO_CELL, JUNK_CELL, trap=trap)


def select(asm: Assembler, truth: Truth, then: Value, other: Value) -> tuple[int, ...]:
    """The cells of one value or the other, which have equally many."""
    if set_flag(asm, truth):
        then, other = other, then
    return tuple(
        asm.emit(Switch.SELECT, x, y) for x, y in zip(then.cells, other.cells, strict=True)
    )
