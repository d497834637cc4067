"""LLVM functions that run a program of vector instructions over the rows of matrices.

    over_rows (arguments) -> not 0 if a denominator is zero
    over_coset (arguments)

Both take the rows of a table, `TILE` at a time, to a memory of cells, a cell holding one number of
each row, run a program there, and write what it leaves in some cells: `over_rows` rows of a matrix,
`over_coset` elements of the extension, times the reciprocal of a vanishing polynomial. The rows of
a table are in natural order, those of a coset in reversed order.

`arguments` is an array of i64 with the places of `ARGUMENTS`. A program is an array of i32:
an `Instruction`, how many operands lists follow, and these, then the next; cells are given by
the word at which they begin. Cells of elements of an extension are neighbours.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum

from numen.kernels.extension_lanes import Element, Extension, Tail
from numen.kernels.koalabear_code import LANES, Lanes, inversion
from numen.kernels.llvm import Callee, Function, Module, Value, const, mangled
from numen.kernels.tile_rows_code import MOVE, TILE, following, gather, numbers, scatter

ARGUMENTS = (
    "out",
    "memory",
    "challenges",
    "program",
    "moves",
    "move_count",
    "first",  # row, a multiple of TILE, like the next
    "last",
    "log_rows",  # of the table; a coset is made of cosets of so many rows
    "selectors",  # cells of three, or -1
    "firsts",  # reciprocals of x - p for the points of the first row and of the last one
    "lasts",
    "blocks",  # three words for each coset of rows: two factors of selectors, and the reciprocal
    "result",  # cells of the result
    "width",  # of the matrix that is written
    "denominator",  # cells of a product of denominators
)
"""What the array of i64 holds."""


class Instruction(IntEnum):
    """What is done with cells; `OPERANDS` has their operands."""

    END = 0
    ADD = 1
    SUB = 2
    MUL = 3
    JOIN = 4
    """Add the sum of four cells times four challenges to an element."""
    SET = 5
    """Set an element to a challenge."""
    EXTENSION_MUL = 6
    CROSS = 7
    """``a * d + b * c`` for cells a and b and elements c and d."""
    EXTENSION_INVERSE = 8


OPERANDS = {
    Instruction.ADD: 3,
    Instruction.SUB: 3,
    Instruction.MUL: 3,
    Instruction.JOIN: 9,
    Instruction.SET: 2,
    Instruction.EXTENSION_MUL: 3,
    Instruction.CROSS: 5,
    Instruction.EXTENSION_INVERSE: 2,
}
"""Numbers in a list of operands: the cell of the result, the cells that are read, challenges."""


def tile_functions(tail: Tail) -> str:
    """The text of a module with the functions of this file."""
    writer = _Writer(tail)
    writer.over_rows()
    writer.over_coset()
    return str(writer.module)


class _Interpreter:
    """The loop over the instructions of a program, in a function of its own."""

    def __init__(self, f: Function, e: Extension) -> None:
        self._f, self._e, self._v = f, e, e.v
        self._memory, self._challenges, self._program = f.params

    def write(self) -> Callee:
        f = self._f
        emitters: dict[Instruction, Callable[[list[Value]], None]] = {
            Instruction.ADD: self._binary(self._v.add),
            Instruction.SUB: self._binary(self._v.sub),
            Instruction.MUL: self._binary(self._v.mul),
            Instruction.JOIN: self._join,
            Instruction.SET: self._set,
            Instruction.EXTENSION_MUL: self._extension_mul,
            Instruction.CROSS: self._cross,
            Instruction.EXTENSION_INVERSE: self._extension_inverse,
        }
        start, head, end = f.current, f.block("head"), f.block("end")
        f.br(head)
        f.at(head)
        counter = f.phi("i64", (const("i64", 0), start))
        place = f.gep("i32", self._program, counter)
        kind, count = f.load("i32", place), f.load("i32", f.gep("i32", place, 1))
        cases = {instruction: f.block(instruction.name.lower()) for instruction in emitters}
        f.switch(kind, end, [(int(i), label) for i, label in cases.items()])
        for instruction, emit in emitters.items():
            f.at(cases[instruction])
            total = f.mul(f.zext(count, "i64"), OPERANDS[instruction])
            lists = f.gep("i32", place, 2)
            with f.loop(0, total, step=OPERANDS[instruction]) as loop:
                operands = [
                    f.zext(f.load("i32", f.gep("i32", lists, f.add(loop.index, i))), "i64")
                    for i in range(OPERANDS[instruction])
                ]
                emit(operands)
            f.incoming(counter, f.add(f.add(counter, total), 2), f.current)
            f.br(head)
        f.at(end)
        f.ret()
        return f.callee

    def _each(self, emit: Callable[[Value], None]) -> None:
        """Write code for the vectors of a cell, given the offset of one."""
        with self._f.loop(0, TILE, step=LANES) as loop:
            emit(loop.index)

    def _cell(self, cell: Value, offset: Value, coefficient: int = 0) -> Value:
        words = self._f.add(self._f.add(cell, offset), coefficient * TILE)
        return self._f.gep("i32", self._memory, words)

    def _load(self, cell: Value, offset: Value) -> Value:
        return self._v.load(self._cell(cell, offset))

    def _element(self, cell: Value, offset: Value) -> Element:
        return [self._v.load(self._cell(cell, offset, k)) for k in range(self._e.degree)]

    def _keep(self, a: Element, cell: Value, offset: Value) -> None:
        for k, words in enumerate(a):
            self._v.store(words, self._cell(cell, offset, k))

    def _challenge(self, place: Value, coefficient: int) -> Value:
        return self._v.broadcast(
            self._f.gep("i32", self._challenges, self._f.add(place, coefficient))
        )

    def _binary(self, operation: Callable[[Value, Value], Value]) -> Callable[[list[Value]], None]:
        def emit(operands: list[Value]) -> None:
            out, a, b = operands

            def one(offset: Value) -> None:
                value = operation(self._load(a, offset), self._load(b, offset))
                self._v.store(value, self._cell(out, offset))

            self._each(one)

        return emit

    def _join(self, operands: list[Value]) -> None:
        out, cells, factors = operands[0], operands[1:5], operands[5:]
        degree = self._e.degree
        words = [[self._challenge(factor, k) for factor in factors] for k in range(degree)]

        def one(offset: Value) -> None:
            values = [self._load(cell, offset) for cell in cells]
            for k in range(degree):
                place = self._cell(out, offset, k)
                part = self._v.dot(list(zip(values, words[k], strict=True)))
                self._v.store(self._v.add(self._v.load(place), part), place)

        self._each(one)

    def _set(self, operands: list[Value]) -> None:
        out, challenge = operands
        words = [self._challenge(challenge, k) for k in range(self._e.degree)]
        self._each(lambda offset: self._keep(words, out, offset))

    def _extension_mul(self, operands: list[Value]) -> None:
        out, a, b = operands
        self._each(
            lambda offset: self._keep(
                self._e.mul(self._element(a, offset), self._element(b, offset)), out, offset
            )
        )

    def _cross(self, operands: list[Value]) -> None:
        out, a, b, c, d = operands

        def one(offset: Value) -> None:
            x, y = self._load(a, offset), self._load(b, offset)
            pairs = zip(self._element(c, offset), self._element(d, offset), strict=True)
            self._keep([self._v.dot([(x, q), (y, p)]) for p, q in pairs], out, offset)

        self._each(one)

    def _extension_inverse(self, operands: list[Value]) -> None:
        out, a = operands
        self._each(
            lambda offset: self._keep(self._e.inverse(self._element(a, offset)), out, offset)
        )


class _Writer:
    """The functions of one extension."""

    def __init__(self, tail: Tail) -> None:
        self.module = Module()
        self._tail = tail
        self._degree = len(tail)
        self._invert = inversion(self.module)
        pointers = dict.fromkeys(("memory", "challenges", "program"), "ptr")
        f = self.module.function("interpret", "void", pointers, internal=True)
        self._interpret = _Interpreter(f, self._extension(f)).write()
        self._gather = gather(self.module)
        self._scatter = scatter(self.module)

    def over_rows(self) -> None:
        f = self.module.function("over_rows", "i64", {"arguments": "ptr"})
        given = _arguments(f)
        v = Lanes(f)
        rows = f.alloca("i32", 2 * TILE)
        last = f.splat(f.trunc(f.sub(_size(f, given["log_rows"]), 1), "i32"), LANES)
        zero = const("i64", 0)
        with f.loop(given["first"], given["last"], step=TILE, carried=[zero]) as loop:
            for offset in range(0, TILE, LANES):
                these = numbers(f, f.add(loop.index, offset))
                v.store(these, f.gep("i32", rows, offset))
                after = f.and_(f.add(these, 1), last)
                v.store(after, f.gep("i32", rows, TILE + offset))
                with f.when(f.icmp("sge", given["selectors"], 0)):
                    ends = [f.icmp("eq", these, row) for row in (v.zero(), last)]
                    marks = [f.select(end, v.constant(1), v.zero()) for end in ends]
                    _select(v, given, marks, offset)
            self._move(f, given, rows)
            f.call(self._interpret, given["memory"], given["challenges"], given["program"])
            names = ("out", "width", "memory", "result")
            f.call(self._scatter, *[given[name] for name in names], rows)
            loop.advance(f.or_(loop.carried[0], self._has_zero(f, given)))
        f.ret(loop.carried[0])

    def over_coset(self) -> None:
        f = self.module.function("over_coset", "void", {"arguments": "ptr"})
        given, e = _arguments(f), self._extension(f)
        v, rows, log = e.v, f.alloca("i32", 2 * TILE), given["log_rows"]
        with f.loop(given["first"], given["last"], step=TILE) as loop:
            block = f.gep("i32", given["blocks"], f.mul(f.lshr(loop.index, log), 3))
            factors = [v.broadcast(f.gep("i32", block, i)) for i in range(3)]
            for offset in range(0, TILE, LANES):
                index = f.add(loop.index, offset)
                these = numbers(f, index)
                v.store(these, f.gep("i32", rows, offset))
                v.store(following(f, these, log), f.gep("i32", rows, TILE + offset))
                with f.when(f.icmp("sge", given["selectors"], 0)):
                    points = (f.gep("i32", given[name], index) for name in ("firsts", "lasts"))
                    marks = [v.mul(v.load(p), x) for p, x in zip(points, factors, strict=False)]
                    _select(v, given, marks, offset)
            self._move(f, given, rows)
            f.call(self._interpret, given["memory"], given["challenges"], given["program"])
            for offset in range(0, TILE, LANES):
                found = e.scale(self._element(f, given, "result", offset), factors[2])
                place = f.mul(f.add(loop.index, offset), self._degree)
                e.store(found, f.gep("i32", given["out"], place))
        f.ret()

    def _extension(self, f: Function) -> Extension:
        return Extension(Lanes(f), self._tail, self._invert)

    def _element(self, f: Function, given: dict[str, Value], name: str, offset: int) -> Element:
        v = Lanes(f)
        start = f.add(given[name], offset)
        places = [f.add(start, k * TILE) for k in range(self._degree)]
        return [v.load(f.gep("i32", given["memory"], place)) for place in places]

    def _move(self, f: Function, given: dict[str, Value], rows: Value) -> None:
        with f.loop(0, given["move_count"]) as loop:
            move = f.gep("i64", given["moves"], f.mul(loop.index, len(MOVE)))
            f.call(self._gather, given["memory"], move, rows)

    def _has_zero(self, f: Function, given: dict[str, Value]) -> Value:
        e, found = self._extension(f), const("i64", 0)
        for offset in range(0, TILE, LANES):
            is_zero = e.is_zero(self._element(f, given, "denominator", offset))
            name = f"llvm.vector.reduce.or.{mangled(is_zero.type)}"
            found = f.or_(found, f.zext(f.intrinsic(name, "i1", is_zero), "i64"))
        return found


def _arguments(f: Function) -> dict[str, Value]:
    pointers = {"out", "memory", "challenges", "program", "moves", "firsts", "lasts", "blocks"}
    return {
        name: f.load("ptr" if name in pointers else "i64", f.gep("i64", f.params[0], i))
        for i, name in enumerate(ARGUMENTS)
    }


def _size(f: Function, log: Value) -> Value:
    return f.shl(const("i64", 1), log)


def _select(v: Lanes, given: dict[str, Value], marks: Sequence[Value], offset: int) -> None:
    """Store the selectors of the first row, the last, and all but the last."""
    first, last = marks
    for i, words in enumerate((first, last, v.sub(v.constant(1), last))):
        place = v.f.add(given["selectors"], i * TILE + offset)
        v.store(words, v.f.gep("i32", given["memory"], place))
