"""Division that rounds down, at every width, and remainders of exact sums and products.

LLVM divides words of up to 64 bits itself; wider ones go to `kernels.wide`. Divisors are never
zero: a requirement comes before. Signed division in LLVM truncates and is undefined where the
quotient overflows, so that case is kept away from it.
"""

from collections.abc import Callable

from numen.ir.types import Kind
from numen.jit.words import Typed, literal
from numen.kernels import wide
from numen.kernels.llvm import Function, Value, bits_of, const

_NATIVE_BITS = 64


def floor_div(f: Function, a: Typed, b: Typed) -> Value:
    """The quotient rounded down; the caller has dealt with the one that overflows."""
    shift = _power_of_two(b)
    if a.word.kind is not Kind.SIGNED:
        return divide(f, "udiv", a.value, b.value) if shift is None else f.lshr(a.value, shift)
    if shift is not None:
        return f.ashr(a.value, shift)
    if a.word.bits <= _NATIVE_BITS:
        return _signed_div(f, a.value, b.value)
    return _signed_wide(f, "udiv", _signed_div, a.value, b.value)


def floor_mod(f: Function, a: Typed, b: Typed) -> Value:
    """The remainder with the sign of the divisor."""
    shift = _power_of_two(b)
    if shift is not None:
        return f.and_(a.value, (1 << shift) - 1)
    if a.word.kind is not Kind.SIGNED:
        return divide(f, "urem", a.value, b.value)
    if a.word.bits <= _NATIVE_BITS:
        return _signed_mod(f, a.value, b.value)
    return _signed_wide(f, "urem", _signed_mod, a.value, b.value)


def _signed_div(f: Function, a: Value, b: Value) -> Value:
    quotient = divide(f, "sdiv", a, b)
    rest = f.sub(a, f.mul(quotient, b))
    below = f.and_(f.icmp("ne", rest, 0), f.icmp("slt", f.xor(rest, b), 0))
    return f.sub(quotient, f.zext(below, quotient.type))


def _signed_mod(f: Function, a: Value, b: Value) -> Value:
    # Both 1 and -1 leave no rest, but only 1 never overflows.
    divisor = f.select(f.icmp("eq", b, -1), const(b.type, 1), b)
    rest = divide(f, "srem", a, divisor)
    is_opposite = f.and_(f.icmp("ne", rest, 0), f.icmp("slt", f.xor(rest, divisor), 0))
    return f.add(rest, f.select(is_opposite, divisor, 0))


def _signed_wide(
    f: Function, opcode: str, signed: Callable[..., Value], a: Value, b: Value
) -> Value:
    """A function of the module: operands are seldom negative, and then division is unsigned."""
    name = f"floor.{opcode}.{a.type}"
    if name not in f.module.functions:
        g = f.module.function(name, a.type, {"a": a.type, "b": a.type}, internal=True)
        x, y = g.params
        with g.when(g.icmp("sge", g.or_(x, y), 0), likely=True):
            g.ret(divide(g, opcode, x, y))
        g.ret(signed(g, x, y))
    return f.call(f.module.functions[name].callee, a, b)


def add_mod(f: Function, a: Value, b: Value, m: Value) -> Value:
    """``(a + b) % m`` of unsigned words."""
    bits = bits_of(a.type)
    if bits == 256:
        return f.call(wide.division(f.module, "addmod", 256), a, b, m)
    if bits < _NATIVE_BITS or bits == 128:
        return _widened(f, "add", a, b, m)
    a, b = (f.urem(a, m), f.urem(b, m))
    total, over = f.overflow("uadd", a, b)
    is_over = f.or_(over, f.icmp("uge", total, m))
    return f.sub(total, f.select(is_over, m, 0))


def sub_mod(f: Function, a: Value, b: Value, m: Value) -> Value:
    """``(a - b) % m`` of unsigned words."""
    rest, is_below = f.overflow("usub", divide(f, "urem", a, m), divide(f, "urem", b, m))
    return f.add(rest, f.select(is_below, m, 0))


def mul_mod(f: Function, a: Value, b: Value, m: Value) -> Value:
    """``(a * b) % m`` of unsigned words."""
    bits = bits_of(a.type)
    if bits == 256:
        return f.call(wide.division(f.module, "mulmod", 256), a, b, m)
    if bits == 64:
        return _mul_mod_limb(f, a, b, m)
    return _widened(f, "mul", a, b, m)


def _mul_mod_limb(f: Function, a: Value, b: Value, m: Value) -> Value:
    """One division of two limbs by one; a second where neither factor is reduced."""
    product = f.mul(f.zext(a, "i128"), f.zext(b, "i128"))
    high, low = f.trunc(f.lshr(product, 64), "i64"), f.trunc(product, "i64")
    before, reduce, divide = f.current, f.block("reduce"), f.block("divide")
    f.cond_br(f.icmp("ult", high, m), divide, reduce, likely=True)
    f.at(reduce)
    reduced = f.urem(high, m)
    f.br(divide)
    f.at(divide)
    top = f.phi("i64", (high, before), (reduced, reduce))
    return wide.divide2by1(f, top, low, m)[1]


def _widened(f: Function, opcode: str, a: Value, b: Value, m: Value) -> Value:
    """Work in words of twice the width, where no sum or product overflows."""
    double = f"i{2 * bits_of(a.type)}"
    exact = f.binary(opcode, f.zext(a, double), f.zext(b, double))
    return f.trunc(divide(f, "urem", exact, f.zext(m, double)), a.type)


def divide(f: Function, opcode: str, a: Value, b: Value) -> Value:
    """An instruction of LLVM's for division, at any width."""
    bits = bits_of(a.type)
    if bits <= _NATIVE_BITS:
        return f.binary(opcode, a, b)
    return f.call(wide.division(f.module, opcode, bits), a, b)


def _power_of_two(b: Typed) -> int | None:
    """The exponent of a constant that is a power of two."""
    value = literal(b)
    if value is None or value <= 0 or value & (value - 1):
        return None
    return value.bit_length() - 1
