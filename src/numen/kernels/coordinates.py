"""The fields that coordinates of points live in, as LLVM code over memory.

G1 has coordinates in Fq (one word), G2 in Fq2 = Fq[u] / (u**2 + 1) (two words, the constant
first). The formulas of the curve are written once, over `Elements`: an element is the address of
its words, an operation writes its result to stack memory and returns the address.
"""

from numen.kernels import montgomery
from numen.kernels.llvm import Callee, Function, Module, Value, const
from numen.kernels.montgomery import Field, load

_WORD = "i256"
WORD_BYTES = 32
_BINARY = {"out": "ptr", "a": "ptr", "b": "ptr"}
_UNARY = {"out": "ptr", "a": "ptr"}


class Coordinates:
    """A field of one or two words, its functions written into one module.

    Attributes:
        module: Where the functions are.
        field: The prime field below.
        degree: 1 for Fq, 2 for Fq2.
        mul: Function ``(out, a, b)``; ``out`` may be one of the others.
        sqr: Function ``(out, a)``.
        inv: Function ``(out, a)`` with distinct addresses; 0 for 0.
    """

    def __init__(self, module: Module, field: Field, degree: int, *, mulx: bool) -> None:
        self.module = module
        self.field = field
        self.degree = degree
        base = Base(
            montgomery.product(module, field, mulx=mulx),
            montgomery.inverse(module, field, mulx=mulx),
        )
        if degree == 1:
            self.mul, self.inv = base.mul, base.inv
            self.sqr = _square(module, base.mul)
        else:
            self.mul = _extension_mul(module, field, mulx=mulx)
            self.sqr = _extension_sqr(module, field, base.mul)
            self.inv = _extension_inv(module, field, base)


class Base:
    """Product and inverse of the prime field."""

    def __init__(self, mul: Callee, inv: Callee) -> None:
        self.mul = mul
        self.inv = inv


class Elements:
    """Emits operations on elements into one function."""

    def __init__(self, f: Function, coordinates: Coordinates) -> None:
        self.f = f
        self.coordinates = coordinates
        self.type = f"[{coordinates.degree} x i256]"

    def new(self) -> Value:
        """Stack memory for an element."""
        return self.f.alloca(_WORD, self.coordinates.degree)

    def part(self, a: Value, i: int) -> Value:
        """The address of word i of an element."""
        return self.f.gep(_WORD, a, i) if i else a

    def at(self, base: Value, index: Value | int) -> Value:
        """The address of an element of an array."""
        return self.f.gep(self.type, base, index)

    def mul(self, a: Value, b: Value, out: Value | None = None) -> Value:
        out = out or self.new()
        self.f.call(self.coordinates.mul, out, a, b)
        return out

    def sqr(self, a: Value) -> Value:
        out = self.new()
        self.f.call(self.coordinates.sqr, out, a)
        return out

    def inv(self, a: Value) -> Value:
        out = self.new()
        self.f.call(self.coordinates.inv, out, a)
        return out

    def add(self, a: Value, b: Value) -> Value:
        return self._each(montgomery.add, a, b)

    def sub(self, a: Value, b: Value) -> Value:
        return self._each(montgomery.sub, a, b)

    def neg(self, a: Value) -> Value:
        return self._each(montgomery.neg, a)

    def _each(self, emit: montgomery.Emit, *given: Value) -> Value:
        out = self.new()
        for i in range(self.coordinates.degree):
            words = [load(self.f, self.part(a, i)) for a in given]
            self.f.store(emit(self.f, self.coordinates.field, *words), self.part(out, i), align=8)
        return out

    def double(self, a: Value) -> Value:
        return self.add(a, a)

    def copy(self, out: Value, a: Value) -> None:
        for i in range(self.coordinates.degree):
            self.f.store(load(self.f, self.part(a, i)), self.part(out, i), align=8)

    def set(self, out: Value, number: int) -> None:
        """Write a constant number."""
        form = self.coordinates.field.encode(number)
        for i in range(self.coordinates.degree):
            self.f.store(const(_WORD, 0 if i else form), self.part(out, i), align=8)

    def is_zero(self, *elements: Value) -> Value:
        """Whether all of some elements are zero, as an i1."""
        f, words = self.f, []
        for a in elements:
            words += [load(f, self.part(a, i)) for i in range(self.coordinates.degree)]
        total = words[0]
        for word in words[1:]:
            total = f.or_(total, word)
        return f.icmp("eq", total, 0)


def _square(module: Module, mul: Callee) -> Callee:
    f = module.function("fq.sqr", "void", _UNARY, internal=True, attributes="nounwind alwaysinline")
    out, a = f.params
    f.call(mul, out, a, a)
    f.ret()
    return f.callee


def _extension_mul(module: Module, field: Field, *, mulx: bool) -> Callee:
    """(a + b u)(c + d u): two sums of two products, each reduced once."""
    f = module.function("fq2.mul", "void", _BINARY, internal=True, attributes="nounwind noinline")
    out, x, y = f.params
    minus_d = f.alloca(_WORD, align=8)
    f.store(montgomery.neg(f, field, load(f, f.gep(_WORD, y, 1))), minus_d, align=8)
    a, b, c, d = (x, 0), (x, WORD_BYTES), (y, 0), (y, WORD_BYTES)
    first = montgomery.sum_of_products(f, field, [(a, c), (b, (minus_d, 0))], mulx=mulx)
    second = montgomery.sum_of_products(f, field, [(a, d), (b, c)], mulx=mulx)
    f.store(first, out, align=8)
    f.store(second, f.gep(_WORD, out, 1), align=8)
    f.ret()
    return f.callee


def _extension_sqr(module: Module, field: Field, mul: Callee) -> Callee:
    """(a + b u)**2 = (a + b)(a - b) + 2ab u."""
    f = module.function("fq2.sqr", "void", _UNARY, internal=True, attributes="nounwind noinline")
    out, x = f.params
    second = f.gep(_WORD, x, 1)
    a, b = load(f, x), load(f, second)
    total, rest, both = (f.alloca(_WORD) for _ in range(3))
    f.store(montgomery.add(f, field, a, b), total, align=8)
    f.store(montgomery.sub(f, field, a, b), rest, align=8)
    f.call(mul, both, x, second)
    f.call(mul, out, total, rest)
    ab = load(f, both)
    f.store(montgomery.add(f, field, ab, ab), f.gep(_WORD, out, 1), align=8)
    f.ret()
    return f.callee


def _extension_inv(module: Module, field: Field, base: Base) -> Callee:
    """1 / (a + b u) = (a - b u) / (a**2 + b**2)."""
    f = module.function("fq2.inv", "void", _UNARY, internal=True)
    out, x = f.params
    second = f.gep(_WORD, x, 1)
    norm, part, reciprocal = (f.alloca(_WORD) for _ in range(3))
    f.call(base.mul, norm, x, x)
    f.call(base.mul, part, second, second)
    f.store(montgomery.add(f, field, load(f, norm), load(f, part)), norm, align=8)
    f.call(base.inv, reciprocal, norm)
    f.call(base.mul, out, x, reciprocal)
    f.store(montgomery.neg(f, field, load(f, second)), part, align=8)
    f.call(base.mul, f.gep(_WORD, out, 1), part, reciprocal)
    f.ret()
    return f.callee
