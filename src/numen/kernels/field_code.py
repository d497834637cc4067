"""LLVM functions over arrays of field elements.

    add sub mul (out, a, b, n)          element by element
    scale (out, a, scalar, n)           every element times one
    neg (out, a, n)
    inverse (out, a, n)                 one inversion for all (Montgomery's trick)
    powers (out, first, base, n)        first, first * base, first * base**2, ...
    dot (out, a, b, n)                  the sum of the products
    rows (out, starts, columns, coefficients, vector, first, last)
                                        a sparse matrix times a vector
    columns (out, starts, columns, coefficients, vector, n)
                                        a vector times a sparse matrix, added to out
    unreduced (a, n) -> how many words are not below the prime

Arrays may be the same where the result of an element depends on that element only; `inverse`
needs two.
"""

from collections.abc import Callable

from numen.kernels import montgomery
from numen.kernels.llvm import Function, Module, Value, const
from numen.kernels.montgomery import Field, load

_WORD = "i256"


class _Writer:
    """The functions of one field, written into one module."""

    def __init__(self, module: Module, field: Field, *, mulx: bool) -> None:
        self.module = module
        self.field = field
        self.times = montgomery.product(module, field, mulx=mulx)
        self.invert = montgomery.inverse(module, field, mulx=mulx)

    def elementwise(self, name: str, operands: str, emit: Callable[..., None]) -> None:
        """Write a loop; ``emit(f, out, *operands)`` gets the addresses of one round's elements."""
        f = self.module.function(
            name, "void", dict.fromkeys(["out", *operands], "ptr") | {"n": "i64"}
        )
        *arrays, n = f.params
        with f.loop(0, n) as loop:
            emit(f, *[f.gep(_WORD, array, loop.index) for array in arrays])
        f.ret()

    def scale(self) -> None:
        names = {"out": "ptr", "a": "ptr", "scalar": "ptr", "n": "i64"}
        f = self.module.function("scale", "void", names)
        out, a, scalar, n = f.params
        with f.loop(0, n) as loop:
            # The scalar goes first, because only the first factor must be below the prime.
            place = f.gep(_WORD, out, loop.index)
            f.call(self.times, place, scalar, f.gep(_WORD, a, loop.index))
        f.ret()

    def inverse(self) -> None:
        f = self.module.function("inverse", "void", {"out": "ptr", "a": "ptr", "n": "i64"})
        out, a, n = f.params
        running, inverted = f.alloca(_WORD), f.alloca(_WORD)
        f.store(const(_WORD, self.field.one), running, align=8)
        with f.loop(0, n) as loop:
            place, given = (f.gep(_WORD, array, loop.index) for array in (out, a))
            f.store(load(f, running), place, align=8)
            with f.when(f.icmp("ne", load(f, given), 0)):
                f.call(self.times, running, running, given)
        f.call(self.invert, inverted, running)
        with f.loop(f.sub(n, 1), -1, step=-1) as loop:
            place, given = (f.gep(_WORD, array, loop.index) for array in (out, a))
            is_zero = f.icmp("eq", load(f, given), 0)
            f.call(self.times, place, place, inverted)
            f.store(f.select(is_zero, const(_WORD, 0), load(f, place)), place, align=8)
            with f.when(f.not_(is_zero)):
                f.call(self.times, inverted, inverted, given)
        f.ret()

    def powers(self) -> None:
        names = {"out": "ptr", "first": "ptr", "base": "ptr", "n": "i64"}
        f = self.module.function("powers", "void", names)
        out, first, base, n = f.params
        running = f.alloca(_WORD)
        f.store(load(f, first), running, align=8)
        with f.loop(0, n) as loop:
            f.store(load(f, running), f.gep(_WORD, out, loop.index), align=8)
            f.call(self.times, running, running, base)
        f.ret()

    def dot(self) -> None:
        names = {"out": "ptr", "a": "ptr", "b": "ptr", "n": "i64"}
        f = self.module.function("dot", "void", names)
        out, a, b, n = f.params
        with f.loop(0, n, carried=[const(_WORD, 0)]) as loop:
            part = self.product(f, f.gep(_WORD, a, loop.index), f.gep(_WORD, b, loop.index))
            loop.advance(montgomery.add(f, self.field, loop.carried[0], part))
        f.store(loop.carried[0], out, align=8)
        f.ret()

    def rows(self) -> None:
        pointers = dict.fromkeys(("out", "starts", "columns", "coefficients", "vector"), "ptr")
        f = self.module.function("rows", "void", pointers | {"first": "i64", "last": "i64"})
        out, starts, columns, coefficients, vector, first, last = f.params
        with f.loop(first, last) as row:
            begin = f.load("i64", f.gep("i64", starts, row.index))
            end = f.load("i64", f.gep("i64", starts, f.add(row.index, 1)))
            with f.loop(begin, end, carried=[const(_WORD, 0)]) as entry:
                column = f.load("i64", f.gep("i64", columns, entry.index))
                coefficient = f.gep(_WORD, coefficients, entry.index)
                part = self.product(f, coefficient, f.gep(_WORD, vector, column))
                entry.advance(montgomery.add(f, self.field, entry.carried[0], part))
            f.store(entry.carried[0], f.gep(_WORD, out, row.index), align=8)
        f.ret()

    def columns(self) -> None:
        pointers = dict.fromkeys(("out", "starts", "columns", "coefficients", "vector"), "ptr")
        f = self.module.function("columns", "void", pointers | {"n": "i64"})
        out, starts, columns, coefficients, vector, n = f.params
        with f.loop(0, n) as row:
            begin = f.load("i64", f.gep("i64", starts, row.index))
            end = f.load("i64", f.gep("i64", starts, f.add(row.index, 1)))
            factor = f.gep(_WORD, vector, row.index)
            with f.loop(begin, end) as entry:
                column = f.load("i64", f.gep("i64", columns, entry.index))
                place = f.gep(_WORD, out, column)
                part = self.product(f, f.gep(_WORD, coefficients, entry.index), factor)
                total = montgomery.add(f, self.field, load(f, place), part)
                f.store(total, place, align=8)
        f.ret()

    def unreduced(self) -> None:
        f = self.module.function("unreduced", "i64", {"a": "ptr", "n": "i64"})
        a, n = f.params
        with f.loop(0, n, carried=[const("i64", 0)]) as loop:
            word = load(f, f.gep(_WORD, a, loop.index))
            wrong = f.zext(f.icmp("uge", word, self.field.prime), "i64")
            loop.advance(f.add(loop.carried[0], wrong))
        f.ret(loop.carried[0])

    def product(self, f: Function, a: Value, b: Value) -> Value:
        """The product of two elements in memory, as a value."""
        cell = f.alloca(_WORD)
        f.call(self.times, cell, a, b)
        return load(f, cell)


def array_functions(field: Field, *, mulx: bool) -> str:
    """The text of a module with every function of this file, for one field."""
    writer = _Writer(Module(), field, mulx=mulx)

    def add(f: Function, out: Value, a: Value, b: Value) -> None:
        f.store(montgomery.add(f, field, load(f, a), load(f, b)), out, align=8)

    def sub(f: Function, out: Value, a: Value, b: Value) -> None:
        f.store(montgomery.sub(f, field, load(f, a), load(f, b)), out, align=8)

    def neg(f: Function, out: Value, a: Value) -> None:
        f.store(montgomery.neg(f, field, load(f, a)), out, align=8)

    def mul(f: Function, out: Value, a: Value, b: Value) -> None:
        f.call(writer.times, out, a, b)

    writer.elementwise("add", "ab", add)
    writer.elementwise("sub", "ab", sub)
    writer.elementwise("neg", "a", neg)
    writer.elementwise("mul", "ab", mul)
    writer.scale()
    writer.inverse()
    writer.powers()
    writer.dot()
    writer.rows()
    writer.columns()
    writer.unreduced()
    return str(writer.module)
