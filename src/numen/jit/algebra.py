"""The algebra of LLVM values: what `ir.meaning` says, as native code.

A result of `add`, `sub`, `mul`, `shift_left` or `floor_div` is exact and may be outside its type,
so it is not computed before `fit` or `wrap` has said which instruction is wanted: the one that
checks, or the one that wraps.
"""

from typing import Literal, TypeAlias

import msgspec

from numen.ir.trap import Reason
from numen.ir.types import BOOL, Kind, Word
from numen.jit import division, felts, products, units
from numen.jit.exits import Exits
from numen.jit.words import Typed, constant, literal, register_type, truth
from numen.kernels import llvm
from numen.kernels.llvm import Value

_WIDEST_NATIVE_BITS = 64


class Exact(msgspec.Struct, frozen=True, gc=False):
    """An exact result that is not computed yet."""

    op: Literal["add", "sub", "mul", "shl", "floor_div"]
    a: Typed
    b: Typed


Operand: TypeAlias = Typed | Exact


class LlvmAlgebra:
    """Writes instructions at the end of a function's current block."""

    def __init__(self, f: llvm.Function, exits: Exits, *, shares_products: bool) -> None:
        self._f = f
        self._exits = exits
        self._shares_products = shares_products

    def const(self, value: int, word: Word) -> Operand:
        return constant(value, word)

    def add(self, a: Operand, b: Operand) -> Operand:
        return Exact("add", _typed(a), _typed(b))

    def sub(self, a: Operand, b: Operand) -> Operand:
        return Exact("sub", _typed(a), _typed(b))

    def mul(self, a: Operand, b: Operand) -> Operand:
        return Exact("mul", _typed(a), _typed(b))

    def floor_div(self, a: Operand, b: Operand) -> Operand:
        return Exact("floor_div", _typed(a), _typed(b))

    def floor_mod(self, a: Operand, b: Operand) -> Operand:
        m = _typed(b)
        match a:
            case Typed():
                return Typed(division.floor_mod(self._f, a, m), m.word)
            case Exact("add", x, y):
                return Typed(division.add_mod(self._f, x.value, y.value, m.value), m.word)
            case Exact("sub", x, y):
                return Typed(division.sub_mod(self._f, x.value, y.value, m.value), m.word)
            case Exact("mul", x, y):
                return Typed(division.mul_mod(self._f, x.value, y.value, m.value), m.word)
            case Exact():
                raise AssertionError(a.op)

    def divide_modulo(self, a: Operand, b: Operand, m: Operand, reason: Reason) -> Operand:
        over, under, modulus = (_typed(operand) for operand in (a, b, m))
        inverse, is_unit = units.inverse(self._f, under.value, modulus.value)
        self._exits.unless(is_unit, reason)
        product = division.mul_mod(self._f, over.value, inverse, modulus.value)
        return Typed(product, modulus.word)

    def inverse(self, a: Operand) -> Operand:
        return Typed(felts.inverse(self._f, _typed(a).value), _typed(a).word)

    def bit_and(self, a: Operand, b: Operand) -> Operand:
        return self._bitwise("and", a, b)

    def bit_or(self, a: Operand, b: Operand) -> Operand:
        return self._bitwise("or", a, b)

    def bit_xor(self, a: Operand, b: Operand) -> Operand:
        return self._bitwise("xor", a, b)

    def shift_left(self, a: Operand, count: Operand) -> Operand:
        return Exact("shl", _typed(a), _typed(count))

    def shift_right(self, a: Operand, count: Operand) -> Operand:
        x = _typed(a)
        opcode = "ashr" if x.word.kind is Kind.SIGNED else "lshr"
        return Typed(self._f.binary(opcode, x.value, _typed(count).value), x.word)

    def equal(self, a: Operand, b: Operand) -> Operand:
        x, y = _typed(a), _typed(b)
        known, other = literal(x), literal(y)
        if known is not None and other is not None:
            # Whether a divisor is zero is mostly known, and what is divided by it depends on that.
            return constant(int(known == other), BOOL)
        return self._compare("eq", x, y)

    def less(self, a: Operand, b: Operand) -> Operand:
        x, y = _typed(a), _typed(b)
        known, bound = literal(x), literal(y)
        if known is not None and bound is not None:
            # A constant shift count is the usual case, and needs no check.
            return constant(int(known < bound), BOOL)
        return self._compare("slt" if x.word.kind is Kind.SIGNED else "ult", x, y)

    def select(self, cond: Operand, then: Operand, other: Operand) -> Operand:
        x, y = _typed(then), _typed(other)
        known = literal(_typed(cond))
        if known is not None:
            return x if known else y
        return Typed(self._f.select(_typed(cond).value, x.value, y.value), x.word)

    def fit(self, a: Operand, word: Word, reason: Reason) -> Operand:
        match a:
            case Typed():
                return self._convert(a, word, reason)
            case Exact("floor_div", x, y):
                if word.kind is Kind.SIGNED:
                    self._require_quotient(x, y, reason)
                return Typed(division.floor_div(self._f, x, y), word)
            case Exact("mul", x, y) if word.bits > _WIDEST_NATIVE_BITS:
                value, over = self._product(x, y, word)
                self._exits.where(over, reason)
                return Typed(value, word)
            case Exact(op, x, y):
                sign = "s" if word.kind is Kind.SIGNED else "u"
                value, over = self._f.overflow(sign + op, x.value, y.value)
                self._exits.where(over, reason)
                return Typed(value, word)

    def wrap(self, a: Operand, word: Word) -> Operand:
        match a:
            case Typed() if word.kind is Kind.FIELD:
                return Typed(felts.from_integer(self._f, a), word)
            case Typed():
                return self._resize(a, word)
            case Exact(op, x, y) if word.kind is Kind.FIELD:
                return Typed(felts.combine(self._f, op, x.value, y.value), word)
            case Exact("mul", x, y):
                shared = self._shares_products
                return Typed(products.wrapping(self._f, x.value, y.value, is_shared=shared), word)
            case Exact(op, x, y):
                return Typed(self._f.binary(op, x.value, y.value), word)

    def require(self, cond: Operand, reason: Reason) -> None:
        self._exits.unless(_typed(cond).value, reason)

    def _bitwise(self, opcode: str, a: Operand, b: Operand) -> Typed:
        x, y = _typed(a), _typed(b)
        known, other = literal(x), literal(y)
        if opcode == "xor" and known is not None and other is not None and x.word == BOOL:
            return constant(known ^ other, BOOL)
        return Typed(self._f.binary(opcode, x.value, y.value), x.word)

    def _compare(self, predicate: str, x: Typed, y: Typed) -> Typed:
        return truth(self._f.icmp(predicate, x.value, y.value))

    def _convert(self, a: Typed, word: Word, reason: Reason) -> Typed:
        """The same integer in another type, or a trap."""
        if a.word.kind is Kind.FIELD:
            a = felts.to_integer(self._f, a)
        is_signed = a.word.kind is Kind.SIGNED
        if a.word.low < word.low:
            self._exits.unless(self._f.icmp("sge", a.value, word.low), reason)
        if a.word.high > word.high:
            predicate = "sle" if is_signed else "ule"
            self._exits.unless(self._f.icmp(predicate, a.value, word.high), reason)
        return self._resize(a, word)

    def _resize(self, a: Typed, word: Word) -> Typed:
        to = register_type(word)
        bits, bits_before = llvm.bits_of(to), llvm.bits_of(a.value.type)
        if bits <= bits_before:
            return Typed(self._f.trunc(a.value, to), word)
        opcode = "sext" if a.word.kind is Kind.SIGNED else "zext"
        return Typed(self._f.cast(opcode, a.value, to), word)

    def _product(self, a: Typed, b: Typed, word: Word) -> tuple[Value, Value]:
        shared = self._shares_products
        if word.kind is Kind.SIGNED:
            return products.signed(self._f, word, a.value, b.value)
        return products.unsigned(self._f, a.value, b.value, is_shared=shared)

    def _require_quotient(self, a: Typed, b: Typed, reason: Reason) -> None:
        """The least number by -1 is the one quotient that does not fit."""
        divisor = literal(b)
        if divisor is not None and divisor != -1:
            return
        is_least = self._f.icmp("eq", a.value, a.word.low)
        self._exits.where(self._f.and_(is_least, self._f.icmp("eq", b.value, -1)), reason)


def _typed(operand: Operand) -> Typed:
    assert isinstance(operand, Typed), "an exact result must be fitted or wrapped first"
    return operand
