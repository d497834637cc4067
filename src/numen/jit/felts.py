"""Field elements in native code: Montgomery forms of the order of BN254's scalar field."""

from numen.ir.types import FIELD_ORDER, U256, Kind
from numen.jit.words import Typed
from numen.kernels import montgomery
from numen.kernels.llvm import Callee, Function, Module, Value, const

_FIELD = montgomery.Field("fr", FIELD_ORDER)
_WORD = "i256"


def combine(f: Function, op: str, a: Value, b: Value) -> Value:
    """The sum, difference or product of two elements, by the name of the operation."""
    match op:
        case "add":
            return montgomery.add(f, _FIELD, a, b)
        case "sub":
            return montgomery.sub(f, _FIELD, a, b)
        case "mul":
            return f.call(_multiply(f.module), a, b)
        case _:
            raise AssertionError(op)


def inverse(f: Function, a: Value) -> Value:
    """The inverse of an element that is not zero."""
    return f.call(_inverse(f.module), a)


def enter(f: Function, number: Value) -> Value:
    """An i256, of any size, as an element."""
    return f.call(_multiply(f.module), const(_WORD, _FIELD.square_of_radix), number)


def leave(f: Function, a: Value) -> Value:
    """An element as the number below the order that it is."""
    return f.call(_multiply(f.module), a, const(_WORD, 1))


def from_integer(f: Function, a: Typed) -> Value:
    """A word of any type as the element it is congruent to."""
    if a.word.kind is Kind.FIELD:
        return a.value
    if a.word.kind is not Kind.SIGNED:
        return enter(f, f.zext(a.value, _WORD))
    wide = f.sext(a.value, _WORD)
    is_negative = f.icmp("slt", wide, 0)
    size = enter(f, f.select(is_negative, f.neg(wide), wide))
    return f.select(is_negative, montgomery.neg(f, _FIELD, size), size)


def to_integer(f: Function, a: Typed) -> Typed:
    """An element as a word of 256 bits."""
    return Typed(leave(f, a.value), U256)


def _multiply(module: Module) -> Callee:
    return montgomery.word_product(module, _FIELD, mulx=montgomery.has_mulx())


def _inverse(module: Module) -> Callee:
    return montgomery.word_inverse(module, _FIELD, mulx=montgomery.has_mulx())
