"""The algebra of the provable machine: what `ir.meaning` says, as sequences of steps.

As in native code, an exact result is not computed before `fit` or `wrap` has said how it ends. The
interval of a value is known, so that checks which cannot fail are not written.
"""

from typing import Final

from numen.base.errors import Place
from numen.ir.trap import Reason, Trap
from numen.ir.types import BOOL, Kind, Word
from numen.proof.machine import felts, modular, shifts
from numen.proof.machine.assembler import ADD, SUBTRACT, Assembler
from numen.proof.machine.division import divide, divide_unsigned
from numen.proof.machine.isa import CELL_BITS, CELL_MASK, Switch, Table
from numen.proof.machine.truths import as_truth, as_value, require, select
from numen.proof.machine.values import (
    Exact,
    Operand,
    Truth,
    Value,
    cell_count,
    cells_for,
    cells_of,
)
from numen.proof.machine.wide import Cells, chain, compare, extend, multiply, sign_cell

_SUMS: Final = {"add": ADD, "sub": SUBTRACT}


class MachineAlgebra:
    """Writes at the end of an assembler's code.

    Attributes:
        place: Where traps of what is written next point.
    """

    def __init__(self, asm: Assembler) -> None:
        self._asm = asm
        self.place: Place | None = None

    def const(self, value: int, word: Word) -> Value:
        count = cell_count(word)
        cells = tuple(self._asm.constant(cell) for cell in cells_of(value, count))
        return Value(cells, value, value)

    def add(self, a: Operand, b: Operand) -> Operand:
        return Exact("add", self.value(a), self.value(b))

    def sub(self, a: Operand, b: Operand) -> Operand:
        if isinstance(b, Truth) and isinstance(a, Value) and a.literal == 1:
            return Truth(b.kind, b.a, b.b, not b.is_turned)
        return Exact("sub", self.value(a), self.value(b))

    def mul(self, a: Operand, b: Operand) -> Operand:
        return Exact("mul", self.value(a), self.value(b))

    def floor_div(self, a: Operand, b: Operand) -> Operand:
        return Exact("floor_div", self.value(a), self.value(b))

    def floor_mod(self, a: Operand, b: Operand) -> Operand:
        m = self.value(b)
        match a:
            case Exact(op) if op in ("add", "mul"):
                size = len(m.cells)
                exact = self._exact(a, size + 1 if op == "add" else 2 * size)
                return Value(
                    divide_unsigned(self._asm, exact.cells, m.cells, len(exact.cells))[1], 0, m.high
                )
            case Exact("sub", x, y):
                return Value(modular.subtract(self._asm, x.cells, y.cells, m.cells), 0, m.high)
            case _:
                value = self.value(a)
                low = min(m.low + 1, 0) if m.is_signed else 0
                return Value(divide(self._asm, value, m, None)[1], low, max(m.high - 1, 0))

    def divide_modulo(self, a: Operand, b: Operand, m: Operand, reason: Reason) -> Operand:
        over, under, modulus = (self.value(operand) for operand in (a, b, m))
        trap = self._trap(reason)
        return modular.divide(self._asm, over.cells, under.cells, modulus, trap)

    def inverse(self, a: Operand) -> Operand:
        return felts.inverse(self._asm, self.value(a).cells)

    def bit_and(self, a: Operand, b: Operand) -> Operand:
        return self._bitwise(Table.AND, a, b)

    def bit_or(self, a: Operand, b: Operand) -> Operand:
        return self._bitwise(Table.OR, a, b)

    def bit_xor(self, a: Operand, b: Operand) -> Operand:
        for one, other in ((a, b), (b, a)):
            if isinstance(other, Value) and other.literal == 1 and _is_truth(one):
                truth = as_truth(one)
                return Truth(truth.kind, truth.a, truth.b, not truth.is_turned)
        return self._bitwise(Table.XOR, a, b)

    def shift_left(self, a: Operand, count: Operand) -> Operand:
        return Exact("shl", self.value(a), _reachable(self.value(count), self.value(a)))

    def shift_right(self, a: Operand, count: Operand) -> Operand:
        value = self.value(a)
        by = _reachable(self.value(count), value)
        bits = 63 if value.low >= 0 and value.high <= CELL_MASK >> 1 else 64
        low, high = min(value.low, 0), max(value.high, 0)
        if by.literal is not None:
            low, high = value.low >> by.literal, value.high >> by.literal
        return Value(shifts.shift_right(self._asm, value, by, bits), low, high)

    def equal(self, a: Operand, b: Operand) -> Operand:
        x, y = self.value(a), self.value(b)
        if x.literal is not None and y.literal is not None:
            return self.const(int(x.literal == y.literal), BOOL)
        if y.low > x.high or x.low > y.high:
            return self.const(0, BOOL)
        return Truth("equal", x, y)

    def less(self, a: Operand, b: Operand) -> Operand:
        x, y = self.value(a), self.value(b)
        if x.high < y.low:
            return self.const(1, BOOL)
        if x.low >= y.high:
            return self.const(0, BOOL)
        return Truth("less", x, y)

    def select(self, cond: Operand, then: Operand, other: Operand) -> Operand:
        x, y = self.value(then), self.value(other)
        cells = select(self._asm, as_truth(cond), x, y)
        return Value(cells, min(x.low, y.low), max(x.high, y.high))

    def fit(self, a: Operand, word: Word, reason: Reason) -> Operand:
        trap = self._trap(reason)
        match a:
            case Exact("floor_div", x, y):
                cells = divide(self._asm, x, y, trap)[0]
                return Value(cells, word.low, word.high)
            case Exact():
                low, high = _interval(a)
                if word.low <= low and high <= word.high:
                    return self._exact(a, cell_count(word))
                quick = self._fit_whole(a, word, trap)
                if quick is not None:
                    return quick
                return self._require_range(self._exact(a, cells_for(low, high)), word, trap)
            case _:
                return self._require_range(self.value(a), word, trap)

    def wrap(self, a: Operand, word: Word) -> Operand:
        if word.kind is Kind.FIELD:
            return self._wrap_felt(a)
        count = cell_count(word)
        match a:
            case Truth() if word == BOOL:
                return a
            case Exact():
                value = self._exact(a, count)
            case _:
                whole = self.value(a)
                low, high = whole.low, whole.high
                value = Value(extend(self._asm, whole, count), low, high)
        if word.low <= value.low and value.high <= word.high:
            return value
        if word.bits >= CELL_BITS:
            return Value(value.cells, word.low, word.high)
        mask = self._asm.constant(word.high)
        return Value((self._asm.table(Table.AND, value.cells[0], mask),), word.low, word.high)

    def require(self, cond: Operand, reason: Reason) -> None:
        self.require_truth(cond, self._trap(reason))

    # --- beyond the algebra ---------------------------------------------------------------------

    def require_truth(self, cond: Operand, trap: Trap) -> None:
        """Let the run end with a trap unless a truth holds."""
        if isinstance(cond, Value) and cond.literal == 1:
            return
        require(self._asm, as_truth(cond), trap)

    def value(self, operand: Operand) -> Value:
        """An operand in cells."""
        assert not isinstance(operand, Exact)
        return as_value(self._asm, operand)

    def _trap(self, reason: Reason) -> Trap:
        return Trap(reason, place=self.place)

    def _bitwise(self, table: int, a: Operand, b: Operand) -> Value:
        x, y = self.value(a), self.value(b)
        cells = tuple(self._asm.table(table, p, q) for p, q in zip(x.cells, y.cells, strict=True))
        if not x.is_signed and not y.is_signed:
            bits = max(x.high.bit_length(), y.high.bit_length())
            high = min(x.high, y.high) if table == Table.AND else (1 << bits) - 1
            return Value(cells, 0, high)
        sign = 1 << CELL_BITS * len(cells) - 1
        return Value(cells, -sign, sign - 1)

    def _exact(self, a: Exact, count: int) -> Value:
        """The low cells of an exact result."""
        low, high = _interval(a)
        match a:
            case Exact("shl", x, y):
                return Value(shifts.shift_left(self._asm, x.cells, y)[:count], low, high)
            case Exact("mul", x, y):
                return Value(self._product(x, y, count), low, high)
            case Exact(op, x, y):
                p, q = extend(self._asm, x, count), extend(self._asm, y, count)
                return Value(chain(self._asm, _SUMS[op], p, q), low, high)

    def _product(self, x: Value, y: Value, count: int) -> Cells:
        p, q = x.cells[:count], y.cells[:count]
        if x.is_signed or y.is_signed:
            # Modulo 2**(64 count), the product of what both continue to is the product.
            p, q = extend(self._asm, x, count), extend(self._asm, y, count)
        return multiply(self._asm, p, q, count)

    def _fit_whole(self, a: Exact, word: Word, trap: Trap) -> Value | None:
        """Checked arithmetic where a carry says it all: unsigned words of whole cells."""
        x, y = a.a, a.b
        if x.is_signed or y.is_signed or word.low < 0:
            return None
        count = cell_count(word)
        is_whole = word.bits == CELL_BITS * count and len(x.cells) == len(y.cells) == count
        if a.op == "sub" and x.high <= word.high and len(x.cells) == len(y.cells) == count:
            cells = chain(self._asm, SUBTRACT, x.cells, y.cells, Switch.NEED_NO_CARRY, trap=trap)
            return Value(cells, 0, x.high)
        if a.op == "add" and is_whole:
            cells = chain(self._asm, ADD, x.cells, y.cells, Switch.NEED_NO_CARRY, trap=trap)
            return Value(cells, x.low + y.low, word.high)
        if a.op == "mul" and is_whole and count == 1:
            cell = self._asm.table(Table.MULTIPLY_CHECKED, x.cells[0], y.cells[0], trap=trap)
            return Value((cell,), 0, word.high)
        return None

    def _require_range(self, value: Value, word: Word, trap: Trap) -> Value:
        """A value as a word, which the run must find it to be."""
        asm, count = self._asm, cell_count(word)
        fitting = Value(
            extend(asm, value, count), max(value.low, word.low), min(value.high, word.high)
        )
        if word.low <= value.low and value.high <= word.high:
            return fitting
        if value.high < word.low or word.high < value.low:
            fitting = Value(fitting.cells, word.low, word.high)
        if value.is_signed and word.low < 0:
            fill = sign_cell(asm, value.cells[count - 1]) if len(value.cells) > count else 0
            for cell in value.cells[count:]:
                asm.test(SUBTRACT | Switch.NEED_ZERO, cell, fill, trap=trap)
            return fitting
        if value.is_signed:
            top = asm.constant(CELL_MASK >> 1)
            asm.test(SUBTRACT | Switch.NEED_NO_CARRY, top, value.cells[-1], trap=trap)
        self._require_at_most(value.cells, word.high, count, trap)
        return fitting

    def _require_at_most(self, cells: Cells, high: int, count: int, trap: Trap) -> None:
        asm = self._asm
        for cell in cells[count:]:
            asm.test(ADD | Switch.NEED_ZERO, cell, trap=trap)
        bound = cells_of(high, count)
        # A cell of ones is never too little, so the lowest of them do not matter.
        first = next((index for index, cell in enumerate(bound) if cell != CELL_MASK), count)
        if first < len(cells):
            known = tuple(asm.constant(cell) for cell in bound)[: len(cells)]
            compare(asm, known[first:], cells[:count][first:], Switch.NEED_NO_CARRY, trap=trap)

    def _wrap_felt(self, a: Operand) -> Operand:
        match a:
            case Exact("add", x, y):
                return felts.add(self._asm, x.cells, y.cells)
            case Exact("sub", x, y):
                return felts.subtract(self._asm, x.cells, y.cells)
            case Exact("mul", x, y):
                return felts.multiply_felts(self._asm, x.cells, y.cells)
            case _:
                return felts.from_integer(self._asm, self.value(a))


def _is_truth(operand: Operand) -> bool:
    if isinstance(operand, Value):
        return operand.low >= 0 and operand.high <= 1 and len(operand.cells) == 1
    return isinstance(operand, Truth)


def _reachable(count: Value, of: Value) -> Value:
    """A count that may be written; the step that refuses others comes first."""
    bits = CELL_BITS * len(of.cells)
    if count.literal is not None and not 0 <= count.literal < bits:
        return Value(count.cells, 0, 0)
    return Value(count.cells, max(count.low, 0), max(0, min(count.high, bits - 1)))


def _interval(a: Exact) -> tuple[int, int]:
    """The least interval that an exact result is in."""
    x, y = a.a, a.b
    match a.op:
        case "add":
            return x.low + y.low, x.high + y.high
        case "sub":
            return x.low - y.high, x.high - y.low
        case "mul":
            ends = [p * q for p in (x.low, x.high) for q in (y.low, y.high)]
            return min(ends), max(ends)
        case "shl":
            size = 1 << CELL_BITS * len(x.cells) - 1
            return (-size, size - 1) if x.is_signed else (0, x.high << y.high)
        case _:
            raise AssertionError(a.op)
