"""Arithmetic modulo a prime in Montgomery form, on 256-bit SSA values.

The form of a is a * 2**256 mod p, so that a product needs no division: after each of four rounds
the lowest limb is made zero by adding a multiple of p, and shifted out. Results are always
reduced to ``[0, p)``, so equal numbers have equal words.

Where the processor has ``mulx``, products are the assembly of `numen.kernels.mulx`; elsewhere they
are plain LLVM over 128-bit products.

Source: Montgomery, "Modular multiplication without trial division", Math. Comp. 44 (1985); the
order of the loops is CIOS of Koç, Acar, Kaliski, IEEE Micro 16 (1996), without the extra limb,
which a prime below 2**255 does not need.
"""

import functools
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from numen.kernels import compiler
from numen.kernels import mulx as mulx_code
from numen.kernels.llvm import Callee, Function, Module, Value, const
from numen.kernels.mulx import Word

LIMBS = 4
"""Limbs of 64 bits in a word, lowest first."""

_MASK = 2**64 - 1

Emit: TypeAlias = Callable[..., Value]
"""Emits an operation: ``(function, field, *words)`` to a word."""


class Field(msgspec.Struct, frozen=True):
    """A prime field in Montgomery form.

    Attributes:
        name: For the names of functions, such as ``fr``.
        prime: An odd prime below 2**255.
    """

    name: str
    prime: int

    @property
    def one(self) -> int:
        """The form of 1."""
        return (1 << 256) % self.prime

    @property
    def square_of_radix(self) -> int:
        """2**512 mod p: multiplying by it brings a number into the form."""
        return (1 << 512) % self.prime

    @property
    def factor(self) -> int:
        """The reciprocal of -p modulo 2**64."""
        return -pow(self.prime, -1, 1 << 64) & _MASK

    def encode(self, a: int) -> int:
        """A number to its form."""
        return (a << 256) % self.prime

    def decode(self, a: int) -> int:
        """A form to its number."""
        return a * pow(self.one, -1, self.prime) % self.prime


def add(f: Function, field: Field, a: Value, b: Value) -> Value:
    """Emit a + b mod p; operands in ``[0, p)``."""
    total = f.add(a, b)
    less, under = f.overflow("usub", total, field.prime)
    return f.select(under, total, less)


def sub(f: Function, field: Field, a: Value, b: Value) -> Value:
    """Emit a - b mod p; operands in ``[0, p)``."""
    rest, under = f.overflow("usub", a, b)
    return f.add(rest, f.select(under, const("i256", field.prime), 0))


def neg(f: Function, field: Field, a: Value) -> Value:
    """Emit -a mod p; the operand in ``[0, p)``."""
    return f.select(f.icmp("eq", a, 0), const("i256", 0), f.sub(const("i256", field.prime), a))


def mul(f: Function, field: Field, a: Value, b: Value) -> Value:
    """Emit a * b / 2**256 mod p in plain LLVM: the product of two forms as a form.

    Args:
        f: Where to.
        field: The prime.
        a: Below p.
        b: Below 2**256 (below p, if the result is to be a product of forms).
    """
    x, y = split(f, a), split(f, b)
    total: Sequence[Value] | None = None
    for limb in y:
        total = _round(f, field, total, x, limb)
    assert total is not None
    return _reduced(f, field, total)


def sum_of_products(
    f: Function, field: Field, pairs: Sequence[tuple[Word, Word]], *, mulx: bool
) -> Value:
    """Emit ``sum(x * y) / 2**256 mod p`` of words in memory.

    Args:
        f: Where to.
        field: The prime.
        pairs: One pair, x below p and y any word; or two pairs, all below p, which is below 2**254,
            so that their sum takes one subtraction.
        mulx: Whether the processor has the instruction of that name (BMI2 of x86-64).
    """
    assert 1 <= len(pairs) <= 2, "more would take more than one subtraction"
    if not mulx:
        words = [tuple(load(f, f.gep("i8", *word)) for word in pair) for pair in pairs]
        products = [mul(f, field, x, y) for x, y in words]
        return functools.reduce(functools.partial(add, f, field), products)
    limbs = [field.prime >> (64 * i) & _MASK for i in range(LIMBS)]
    modulus = f.module.words(f"{field.name}.modulus", [*limbs, field.factor])
    return _reduced(f, field, mulx_code.sum_of_products(f, modulus, pairs))


def _reduced(f: Function, field: Field, total: Sequence[Value]) -> Value:
    """Join the limbs of a number below 2p, and subtract p where it is not below p."""
    wide = join(f, total)
    less, under = f.overflow("usub", wide, field.prime)
    return f.select(under, wide, less)


def split(f: Function, a: Value) -> list[Value]:
    """The limbs of an i256, lowest first."""
    return [f.trunc(f.lshr(a, 64 * i) if i else a, "i64") for i in range(LIMBS)]


def join(f: Function, limbs: Sequence[Value]) -> Value:
    """The i256 of four limbs."""
    total = f.zext(limbs[0], "i256")
    for i in range(1, LIMBS):
        total = f.or_(total, f.shl(f.zext(limbs[i], "i256"), 64 * i))
    return total


def product(module: Module, field: Field, *, mulx: bool) -> Callee:
    """A function ``(out, a, b)`` over pointers to words: *out = *a * *b / 2**256 mod p.

    ``a`` is below p, ``b`` any word; both may be ``out``.
    """
    name = f"{field.name}.mul"
    if name not in module.functions:
        params = {"out": "ptr", "a": "ptr", "b": "ptr"}
        f = module.function(name, "void", params, internal=True, attributes="nounwind noinline")
        out, a, b = f.params
        f.store(sum_of_products(f, field, [((a, 0), (b, 0))], mulx=mulx), out, align=8)
        f.ret()
    return module.functions[name].callee


def inverse(module: Module, field: Field, *, mulx: bool) -> Callee:
    """A function ``(out, a)`` over pointers to forms: *out = 1 / *a, and 0 for 0.

    It is a power by Fermat's little theorem: about 380 products. ``out`` and ``a`` may not be
    the same.
    """
    name = f"{field.name}.inv"
    if name in module.functions:
        return module.functions[name].callee
    times = product(module, field, mulx=mulx)
    exponent = field.prime - 2
    words = module.words(f"{name}.exponent", [exponent >> (64 * i) for i in range(LIMBS)])
    f = module.function(name, "void", {"out": "ptr", "a": "ptr"}, internal=True)
    out, a = f.params
    f.store(load(f, a), out, align=8)
    with f.loop(exponent.bit_length() - 2, -1, step=-1) as loop:
        f.call(times, out, out, out)
        word = f.load("i64", f.gep("i64", words, f.lshr(loop.index, 6)))
        bit = f.trunc(f.lshr(word, f.and_(loop.index, 63)), "i1")
        with f.when(bit):
            f.call(times, out, out, a)
    f.ret()
    return f.callee


def word_product(module: Module, field: Field, *, mulx: bool) -> Callee:
    """A function ``(i256, i256) -> i256`` that multiplies forms, for code that holds words."""
    name = f"{field.name}.word.mul"
    if name not in module.functions:
        params = {"a": "i256", "b": "i256"}
        f = module.function(name, "i256", params, internal=True, attributes="nounwind noinline")
        words: list[Word] = []
        for value in f.params:
            place = f.alloca("i256", align=8)
            f.store(value, place, align=8)
            words.append((place, 0))
        f.ret(sum_of_products(f, field, [(words[0], words[1])], mulx=mulx))
    return module.functions[name].callee


def word_inverse(module: Module, field: Field, *, mulx: bool) -> Callee:
    """A function ``i256 -> i256`` that inverts a form, for code that holds words; 0 for 0."""
    name = f"{field.name}.word.inv"
    if name not in module.functions:
        invert = inverse(module, field, mulx=mulx)
        f = module.function(name, "i256", {"a": "i256"}, internal=True)
        given, out = f.alloca("i256"), f.alloca("i256")
        f.store(f.params[0], given, align=8)
        f.call(invert, out, given)
        f.ret(load(f, out))
    return module.functions[name].callee


def load(f: Function, pointer: Value) -> Value:
    """Read a word; rows of arrays are aligned to limbs, not to words."""
    return f.load("i256", pointer, align=8)


def has_mulx() -> bool:
    """Whether this processor has ``mulx``, and the additions that go with it."""
    return compiler.has_feature("bmi2") and compiler.has_feature("adx")


def _round(
    f: Function, field: Field, total: Sequence[Value] | None, x: Sequence[Value], limb: Value
) -> list[Value]:
    """(total + x * limb + p * m) / 2**64, where m makes the division exact."""
    zero = const("i64", 0)
    before = total or [zero] * LIMBS
    primes = [const("i64", field.prime >> (64 * i)) for i in range(LIMBS)]
    low, over = _multiply_add(f, before[0], x[0], limb, zero)
    m = f.mul(low, field.factor)
    _, carry = _multiply_add(f, low, m, primes[0], zero)
    after = []
    for i in range(1, LIMBS):
        low, over = _multiply_add(f, before[i], x[i], limb, over)
        low, carry = _multiply_add(f, low, m, primes[i], carry)
        after.append(low)
    return [*after, f.add(over, carry)]


def _multiply_add(f: Function, a: Value, b: Value, c: Value, d: Value) -> tuple[Value, Value]:
    """The two limbs of a + b * c + d, which cannot overflow them."""
    wide = f.mul(f.zext(b, "i128"), f.zext(c, "i128"))
    wide = f.add(f.add(wide, f.zext(a, "i128")), f.zext(d, "i128"))
    return f.trunc(wide, "i64"), f.trunc(f.lshr(wide, 64), "i64")
