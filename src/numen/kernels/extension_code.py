"""LLVM functions over arrays of elements of an extension of the KoalaBear field.

    mul (out, a, b, n)                      element by element
    scale (out, a, factors, n)              times elements of the field
    inverse (out, a, n)                     0 for 0
    differences (out, points, z, n)         x - z, for points x of the field
    quotients (out, sums, reciprocals, constants, n)
                                            out += (factor * sum - value) * reciprocal
    fold (out, a, halves, beta, n)          the fold of neighbours, n results
    row_sums (out, matrix, coefficients, columns, first, last)
                                            rows of a matrix times coefficients
    column_sums (sums, matrix, weights, columns, first, last)
                                            weights times rows of a matrix, added up
    running_sums (matrix, step, columns, n) each element becomes the sum of those before it, less
                                            a step for each

All numbers are plain, but for what a function's own comment calls forms. n is a multiple of the
number of lanes.
"""

from numen.kernels.extension_lanes import Element, Extension, Tail
from numen.kernels.koalabear_code import BATCH, LANES, PLAIN, PRIME, RADIX, Lanes, inversion
from numen.kernels.llvm import Function, Module, Value, const, mangled

CHUNK = 4 * LANES
"""Columns whose products are added before a reduction; `row_sums` reads whole chunks."""

ROWS = 4
"""Rows whose products are added before a reduction; `column_sums` reads so many at once."""


class _Writer:
    """The functions of one extension, written into one module."""

    def __init__(self, module: Module, tail: Tail) -> None:
        self.module = module
        self.tail = tail
        self.degree = len(tail)
        self.invert = inversion(module)

    def open(self, name: str, pointers: str, *numbers: str, result: str = "void") -> Function:
        """Begin a function."""
        params = dict.fromkeys(pointers.split(), "ptr") | dict.fromkeys(numbers, "i64")
        return self.module.function(name, result, params)

    def extension(self, f: Function) -> Extension:
        return Extension(Lanes(f), self.tail, self.invert)

    def place(self, f: Function, array: Value, index: Value) -> Value:
        """Where an element of an array lies."""
        return f.gep("i32", array, f.mul(index, self.degree))

    def mul(self) -> None:
        f = self.open("mul", "out a b", "n")
        out, a, b, n = f.params
        e = self.extension(f)
        square = const(e.v.type, RADIX**2 % PRIME)
        with f.loop(0, n, step=LANES) as loop:
            x, y = (e.load(self.place(f, array, loop.index)) for array in (a, b))
            e.store(e.mul(x, e.scale(y, square)), self.place(f, out, loop.index))
        f.ret()

    def scale(self) -> None:
        f = self.open("scale", "out a factors", "n")
        out, a, factors, n = f.params
        e = self.extension(f)
        square = e.v.fixed(const(e.v.type, RADIX**2 % PRIME))
        with f.loop(0, n, step=LANES) as loop:
            factor = e.v.times(e.v.load(f.gep("i32", factors, loop.index)), square)
            product = e.scale(e.load(self.place(f, a, loop.index)), factor)
            e.store(product, self.place(f, out, loop.index))
        f.ret()

    def inverse(self) -> None:
        f = self.open("inverse", "out a", "n")
        out, a, n = f.params
        e = self.extension(f)
        size, type_ = self.degree * LANES, f"<{self.degree * LANES} x i32>"
        memory = f.alloca(type_, BATCH)
        plain = const(e.v.type, PLAIN)

        def given(index: Value) -> tuple[Element, Value]:
            element = e.load(self.place(f, a, index))
            is_zero = e.is_zero(element)
            ones = e.one()
            return [f.select(is_zero, x, y) for x, y in zip(ones, element, strict=True)], is_zero

        def kept(index: Value, start: Value) -> Value:
            return f.gep("i32", memory, f.mul(f.sub(index, start), size // LANES))

        with f.loop(0, n, step=LANES * BATCH) as batch:
            start = batch.index
            end = f.intrinsic("llvm.smin.i64", "i64", n, f.add(start, LANES * BATCH))
            with f.loop(start, end, step=LANES, carried=e.one()) as loop:
                e.store(loop.carried, kept(loop.index, start))
                loop.advance(*e.mul(loop.carried, given(loop.index)[0]))
            inverted = e.inverse(loop.carried)
            last = f.sub(end, LANES)
            with f.loop(last, f.sub(start, 1), step=-LANES, carried=inverted) as loop:
                element, is_zero = given(loop.index)
                found = e.scale(e.mul(loop.carried, e.load(kept(loop.index, start))), plain)
                found = [f.select(is_zero, e.v.zero(), x) for x in found]
                loop.advance(*e.mul(loop.carried, element))
                e.store(found, self.place(f, out, loop.index))
        f.ret()

    def quotients(self) -> None:
        """The constants are the form of the factor, and the plain value."""
        f = self.open("quotients", "out sums reciprocals constants", "n")
        out, sums, reciprocals, constants, n = f.params
        e = self.extension(f)
        factor = e.broadcast(constants)
        value = e.broadcast(f.gep("i32", constants, self.degree))
        square = e.v.fixed(const(e.v.type, RADIX**2 % PRIME))
        with f.loop(0, n, step=LANES) as loop:
            total = e.mul(e.load(self.place(f, sums, loop.index)), factor)
            rest = [e.v.times(x, square) for x in e.sub(total, value)]
            part = e.mul(e.load(self.place(f, reciprocals, loop.index)), rest)
            place = self.place(f, out, loop.index)
            e.store(e.add(e.load(place), part), place)
        f.ret()

    def fold(self) -> None:
        """Beta is a form, and `halves` are forms of the reciprocals of 2 x."""
        f = self.open("fold", "out a halves beta", "n")
        out, a, halves, beta, n = f.params
        e = self.extension(f)
        factor = e.broadcast(beta)
        with f.loop(0, n, step=LANES) as loop:
            at, at_minus = e.load_dealt(self.place(f, a, f.shl(loop.index, 1)), 2)
            odd = e.scale(e.sub(at, at_minus), e.v.load(f.gep("i32", halves, loop.index)))
            even = [self._half(f, x) for x in e.add(at, at_minus)]
            e.store(e.add(even, e.mul(odd, factor)), self.place(f, out, loop.index))
        f.ret()

    @staticmethod
    def _half(f: Function, a: Value) -> Value:
        is_odd = f.neg(f.and_(a, 1))
        return f.lshr(f.add(a, f.and_(is_odd, PRIME)), 1)

    def differences(self) -> None:
        f = self.open("differences", "out points z", "n")
        out, points, z, n = f.params
        e = self.extension(f)
        negated = e.sub(e.zero(), e.broadcast(z))
        with f.loop(0, n, step=LANES) as loop:
            point = e.v.load(f.gep("i32", points, loop.index))
            first = e.v.add(point, negated[0])
            e.store([first, *negated[1:]], self.place(f, out, loop.index))
        f.ret()


class _Sums(_Writer):
    """Sums over the rows and columns of matrices of elements of the field."""

    def row_sums(self) -> None:
        """Write the function whose coefficients are forms, with zeros to the end of a chunk.

        A chunk has `CHUNK` numbers for each of their own coefficients.
        """
        f = self.open("row_sums", "out matrix coefficients", "columns", "first", "last")
        out, matrix, coefficients, columns, first, last = f.params
        v = Lanes(f)
        chunk_words = CHUNK * self.degree
        with f.loop(first, last) as row:
            begin = f.gep("i32", matrix, f.mul(row.index, columns))
            zero = [v.zero()] * self.degree
            with f.loop(0, columns, step=CHUNK, carried=zero) as chunk:
                offset = f.mul(f.udiv(chunk.index, const("i64", CHUNK)), chunk_words)
                some = f.gep("i32", coefficients, offset)
                values = [
                    v.load(f.gep("i32", begin, f.add(chunk.index, i)))
                    for i in range(0, CHUNK, LANES)
                ]
                parts = [
                    v.dot(
                        [
                            (x, v.load(f.gep("i32", some, CHUNK * k + LANES * i)))
                            for i, x in enumerate(values)
                        ]
                    )
                    for k in range(self.degree)
                ]
                chunk.advance(*map(v.add, chunk.carried, parts))
            place = self.place(f, out, row.index)
            for k, lanes in enumerate(chunk.carried):
                f.store(self._across(f, lanes), f.gep("i32", place, k))
        f.ret()

    def column_sums(self) -> None:
        """Write the function whose weights are forms, and whose sums are added to.

        There is a vector of sums for each coefficient of every eight columns.
        """
        f = self.open("column_sums", "sums matrix weights", "columns", "first", "last")
        sums, matrix, weights, columns, first, last = f.params
        v = Lanes(f)
        with f.loop(first, last, step=ROWS) as group:
            rows = [f.add(group.index, i) for i in range(ROWS)]
            begins = [f.gep("i32", matrix, f.mul(row, columns)) for row in rows]
            factors = [
                [v.broadcast(f.gep("i32", self.place(f, weights, row), k)) for row in rows]
                for k in range(self.degree)
            ]
            with f.loop(0, columns, step=LANES) as column:
                values = [v.load(f.gep("i32", begin, column.index)) for begin in begins]
                for k in range(self.degree):
                    offset = f.add(f.mul(column.index, self.degree), LANES * k)
                    place = f.gep("i32", sums, offset)
                    part = v.dot(list(zip(values, factors[k], strict=True)))
                    v.store(v.add(v.load(place), part), place)
        f.ret()

    def running_sums(self) -> None:
        f = self.open("running_sums", "matrix step", "columns", "n")
        matrix, step, columns, n = f.params

        def reduced(total: Value) -> Value:
            return f.intrinsic("llvm.umin.i32", "i32", total, f.sub(total, PRIME))

        steps = [f.load("i32", f.gep("i32", step, k)) for k in range(self.degree)]
        steps = [reduced(f.sub(const("i32", PRIME), word)) for word in steps]
        zero = [const("i32", 0)] * self.degree
        with f.loop(0, n, carried=zero) as loop:
            place = f.gep("i32", matrix, f.mul(loop.index, columns))
            totals = []
            for k, before in enumerate(loop.carried):
                cell = f.gep("i32", place, k)
                change = reduced(f.add(f.load("i32", cell), steps[k]))
                totals.append(reduced(f.add(before, change)))
                f.store(before, cell)
            loop.advance(*totals)
        f.ret()

    @staticmethod
    def _across(f: Function, lanes: Value) -> Value:
        """The sum of the lanes, below the prime."""
        wide = f.zext(lanes, f"<{LANES} x i64>")
        total = f.intrinsic(f"llvm.vector.reduce.add.{mangled(wide.type)}", "i64", wide)
        return f.trunc(f.urem(total, PRIME), "i32")


def array_functions(tail: Tail) -> str:
    """The text of a module with every function of this file, for one extension."""
    writer = _Sums(Module(), tail)
    writer.mul()
    writer.scale()
    writer.inverse()
    writer.differences()
    writer.quotients()
    writer.fold()
    writer.row_sums()
    writer.column_sums()
    writer.running_sums()
    return str(writer.module)
