"""The algebra of IR registers: what `evm.meaning` says of an opcode, as instructions.

A result of `add`, `sub`, `mul` or `shift_left` is exact and may be outside its type, so no
instruction is written before `fit`, `wrap` or `floor_mod` has said which one is wanted. Constants
are computed by the interpreter's own integers.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from numen.base.errors import Place
from numen.evm.lift.errors import LiftLimitError
from numen.evm.lift.limits import REGISTERS_MAX
from numen.ir.interp import INTEGERS
from numen.ir.nodes import Instr, Reg
from numen.ir.ops import Op
from numen.ir.trap import Reason
from numen.ir.types import BOOL, Type, Word


class Constant(msgspec.Struct, frozen=True, gc=False):
    """A known word."""

    value: int
    type: Word


class Register(msgspec.Struct, frozen=True, gc=False):
    """A word in a register."""

    name: Reg
    type: Word


class Exact(msgspec.Struct, frozen=True, gc=False):
    """An exact result that is not computed yet."""

    op: Literal["add", "sub", "mul", "shl", "floor_div"]
    a: "Value"
    b: "Value"


Value: TypeAlias = Constant | Register
Operand: TypeAlias = Value | Exact

_WRAPPING: Final = {
    "add": Op.WRAPPING_ADD,
    "sub": Op.WRAPPING_SUB,
    "mul": Op.WRAPPING_MUL,
    "shl": Op.SHL,
}
_EXACT: Final = {
    "add": INTEGERS.add,
    "sub": INTEGERS.sub,
    "mul": INTEGERS.mul,
    "shl": INTEGERS.shift_left,
    "floor_div": INTEGERS.floor_div,
}


class Writer:
    """Writes instructions at the end of a block.

    Attributes:
        body: Of the block.
        place: Of what is written.
        constants: Registers of constants, which the function's entry defines.
    """

    def __init__(self) -> None:
        self.body: list[Instr] = []
        self.place: Place | None = None
        self.constants: dict[tuple[int, str], tuple[Reg, Word]] = {}
        self._count = 0

    def fresh(self, hint: str = "r") -> Reg:
        """A name that no register has yet.

        Raises:
            LiftLimitError: There are `limits.REGISTERS_MAX` already.
        """
        self._count += 1
        if self._count > REGISTERS_MAX:
            raise LiftLimitError(f"a function of more than {REGISTERS_MAX} registers")
        return f"{hint}{self._count}"

    def reg(self, value: Value) -> Reg:
        """The register that holds a value."""
        if isinstance(value, Register):
            return value.name
        key = (value.value, value.type.name)
        if key not in self.constants:
            self.constants[key] = (self.fresh("k"), value.type)
        return self.constants[key][0]

    def definitions(self) -> list[Instr]:
        """The instructions that define the constants so far."""
        return [
            Instr(Op.CONST, (reg,), (), word, imm=value)
            for (value, _), (reg, word) in self.constants.items()
        ]

    def write(
        self, op: Op, word: Word, *args: Value, of: Type | None = None, to: Word | None = None
    ) -> Register:
        """Write an instruction that gives a word; its suffix is ``of``, or that word."""
        dest = self.fresh()
        regs = tuple(self.reg(arg) for arg in args)
        self.body.append(Instr(op, (dest,), regs, of or word, to, place=self.place))
        return Register(dest, word)

    def require(self, cond: Value, message: str) -> None:
        """Write a requirement."""
        self.body.append(Instr(Op.REQUIRE, (), (self.reg(cond),), symbol=message, place=self.place))


class IrAlgebra:
    """Gives meaning to opcodes by writing instructions."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def const(self, value: int, word: Word) -> Operand:
        return Constant(value, word)

    def add(self, a: Operand, b: Operand) -> Operand:
        return Exact("add", _value(a), _value(b))

    def sub(self, a: Operand, b: Operand) -> Operand:
        return Exact("sub", _value(a), _value(b))

    def mul(self, a: Operand, b: Operand) -> Operand:
        return Exact("mul", _value(a), _value(b))

    def floor_div(self, a: Operand, b: Operand) -> Operand:
        return Exact("floor_div", _value(a), _value(b))

    def floor_mod(self, a: Operand, b: Operand) -> Operand:
        m = _value(b)
        match a:
            case Exact("add", x, y):
                return self._writer.write(Op.ADD_MOD, m.type, x, y, m)
            case Exact("mul", x, y):
                return self._writer.write(Op.MUL_MOD, m.type, x, y, m)
            case _:
                return self._writer.write(Op.REM, m.type, _value(a), m)

    def divide_modulo(self, a: Operand, b: Operand, m: Operand, _reason: Reason) -> Operand:
        raise AssertionError(f"no opcode divides modulo a number: {a} by {b} modulo {m}")

    def inverse(self, a: Operand) -> Operand:
        raise AssertionError(f"no opcode works in the field: {a}")

    def bit_and(self, a: Operand, b: Operand) -> Operand:
        return self._bitwise(Op.AND, _value(a), _value(b))

    def bit_or(self, a: Operand, b: Operand) -> Operand:
        return self._bitwise(Op.OR, _value(a), _value(b))

    def bit_xor(self, a: Operand, b: Operand) -> Operand:
        return self._bitwise(Op.XOR, _value(a), _value(b))

    def shift_left(self, a: Operand, count: Operand) -> Operand:
        return Exact("shl", _value(a), _value(count))

    def shift_right(self, a: Operand, count: Operand) -> Operand:
        x, n = _value(a), _value(count)
        if isinstance(x, Constant) and isinstance(n, Constant):
            return Constant(INTEGERS.shift_right(x.value, n.value), x.type)
        return self._writer.write(Op.SHR, x.type, x, self._as(n, x.type))

    def equal(self, a: Operand, b: Operand) -> Operand:
        return self._compare(Op.EQ, _value(a), _value(b))

    def less(self, a: Operand, b: Operand) -> Operand:
        return self._compare(Op.LT, _value(a), _value(b))

    def select(self, cond: Operand, then: Operand, other: Operand) -> Operand:
        truth, x, y = _value(cond), _value(then), _value(other)
        if isinstance(truth, Constant):
            return x if truth.value else y
        if x == y:
            return x
        return self._writer.write(Op.SELECT, x.type, truth, x, y)

    def fit(self, a: Operand, word: Word, reason: Reason) -> Operand:  # noqa: ARG002
        # The one exact result that opcodes fit is the quotient of words, which never overflows.
        assert isinstance(a, Exact), a
        assert a.op == "floor_div", a
        return self._writer.write(Op.DIV, word, a.a, a.b)

    def wrap(self, a: Operand, word: Word) -> Operand:
        match a:
            case Exact(op, Constant(x), Constant(y)):
                return Constant(INTEGERS.wrap(_EXACT[op](x, y), word), word)
            case Exact("shl", x, n):
                return self._writer.write(Op.SHL, word, x, self._as(n, x.type))
            case Exact(op, x, y):
                return self._writer.write(_WRAPPING[op], word, x, y)
            case _:
                return self._as(a, word)

    def require(self, cond: Operand, reason: Reason) -> None:
        raise AssertionError(f"no opcode traps: {cond}, {reason}")

    def _as(self, a: Value, word: Word) -> Value:
        """A word's bits as another type."""
        if a.type == word:
            return a
        if isinstance(a, Constant):
            return Constant(INTEGERS.wrap(a.value, word), word)
        return self._writer.write(Op.TRUNCATE, word, a, of=a.type, to=word)

    def _bitwise(self, op: Op, a: Value, b: Value) -> Value:
        if isinstance(a, Constant) and isinstance(b, Constant):
            return Constant(_FOLD[op](a.value, b.value), a.type)
        return self._writer.write(op, a.type, a, b)

    def _compare(self, op: Op, a: Value, b: Value) -> Value:
        if isinstance(a, Constant) and isinstance(b, Constant):
            return Constant(_FOLD[op](a.value, b.value), BOOL)
        return self._writer.write(op, BOOL, a, b, of=a.type)


_FOLD: Final = {
    Op.AND: INTEGERS.bit_and,
    Op.OR: INTEGERS.bit_or,
    Op.XOR: INTEGERS.bit_xor,
    Op.EQ: INTEGERS.equal,
    Op.LT: INTEGERS.less,
}


def _value(operand: Operand) -> Value:
    assert not isinstance(operand, Exact), "an exact result must be fitted or wrapped first"
    return operand
