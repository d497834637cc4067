"""LLVM functions between rows of matrices and the cells of tiles.

    gather (memory, move, rows)                 columns of rows to cells, as Montgomery forms
    scatter (out, width, memory, result, rows)  cells to whole rows, plain

A cell is `TILE` words: one number of each row of a tile. ``rows`` are the numbers of the rows
of a tile, and then of the rows that follow each of them, as i32.
"""

from collections.abc import Sequence

from numen.kernels.koalabear_code import LANES, PRIME, RADIX, Lanes
from numen.kernels.llvm import Callee, Function, Module, Value, const, mangled, vector

TILE = 4 * LANES
"""Rows that are computed together: long enough to pay for reading an instruction, and short enough
for the cells to stay in the cache."""

MOVE = ("matrix", "width", "starts", "count", "is_next", "cell")
"""What an array of i64 says of columns that are read: where the matrix is and how wide, and the
first columns of ``count`` blocks of eight; or of single columns, if it is narrower."""


def starts(width: int, columns: Sequence[int]) -> list[int]:
    """The blocks of a `MOVE` that have all the columns, and none outside the matrix."""
    if width < LANES:
        return sorted(set(columns))
    return sorted({min(column - column % LANES, width - LANES) for column in columns})


def gather(module: Module) -> Callee:
    """Write the function that reads columns of the rows of a tile."""
    params = dict.fromkeys(("memory", "move", "rows"), "ptr")
    f = module.function("gather", "void", params, internal=True)
    memory, move, rows = f.params
    kinds = {"matrix": "ptr", "starts": "ptr"}
    place = {
        name: f.load(kinds.get(name, "i64"), f.gep("i64", move, i)) for i, name in enumerate(MOVE)
    }
    v = Lanes(f)
    square = v.fixed(const(v.type, RADIX**2 % PRIME))
    chosen = f.gep("i32", rows, f.mul(place["is_next"], TILE))
    with f.loop(0, TILE, step=LANES) as group:
        begins = _begins(f, place["matrix"], f.gep("i32", chosen, group.index), place["width"])
        with f.loop(0, place["count"]) as loop:
            start = f.load("i64", f.gep("i64", place["starts"], loop.index))
            words = f.add(place["cell"], f.add(f.mul(start, TILE), group.index))
            cells = f.gep("i32", memory, words)
            is_narrow = f.icmp("ult", place["width"], LANES)
            narrow, wide, done = f.block("narrow"), f.block("wide"), f.block("moved")
            f.cond_br(is_narrow, narrow, wide)
            f.at(narrow)
            numbers_ = const(v.type, 0)
            for lane, begin in enumerate(begins):
                number = f.load("i32", f.gep("i32", begin, start))
                numbers_ = f.insert_lane(numbers_, number, lane)
            v.store(v.times(numbers_, square), cells)
            f.br(done)
            f.at(wide)
            block = transposed(v, [v.load(f.gep("i32", begin, start)) for begin in begins])
            for i, column in enumerate(block):
                v.store(v.times(column, square), f.gep("i32", cells, i * TILE))
            f.br(done)
            f.at(done)
    f.ret()
    return f.callee


def scatter(module: Module) -> Callee:
    """Write the function that writes rows of a tile."""
    params = {"out": "ptr", "width": "i64", "memory": "ptr", "result": "i64", "rows": "ptr"}
    f = module.function("scatter", "void", params, internal=True)
    out, width, memory, result, rows = f.params
    v = Lanes(f)
    with f.loop(0, TILE, step=LANES) as group:
        begins = _begins(f, out, f.gep("i32", rows, group.index), width)
        whole = f.and_(width, -LANES)

        def cell(column: Value, group: Value = group.index) -> Value:
            return f.gep("i32", memory, f.add(result, f.add(f.mul(column, TILE), group)))

        with f.loop(0, whole, step=LANES) as loop:
            columns = [v.load(cell(f.add(loop.index, i))) for i in range(LANES)]
            for begin, words in zip(begins, transposed(v, columns), strict=True):
                v.store(words, f.gep("i32", begin, loop.index))
        with f.loop(whole, width) as loop:
            words = v.load(cell(loop.index))
            for lane, begin in enumerate(begins):
                f.store(f.extract_lane(words, lane, "i32"), f.gep("i32", begin, loop.index))
    f.ret()
    return f.callee


def transposed(v: Lanes, rows: Sequence[Value]) -> list[Value]:
    """Eight vectors of eight, with rows and columns exchanged: halves, quarters, then lanes."""
    out = list(rows)
    for step in (4, 2, 1):
        for i in range(LANES):
            if i & step:
                continue
            a, b = out[i], out[i + step]
            low = [lane if not lane & step else LANES + lane - step for lane in range(LANES)]
            high = [lane + step if not lane & step else LANES + lane for lane in range(LANES)]
            out[i], out[i + step] = v.f.shuffle(a, b, low), v.f.shuffle(a, b, high)
    return out


def numbers(f: Function, first: Value) -> Value:
    """The numbers of rows from one on, as i32."""
    return f.add(f.splat(f.trunc(first, "i32"), LANES), vector("i32", range(LANES)))


def following(f: Function, rows: Value, log: Value) -> Value:
    """The place of the next row in a codeword: one more, in reversed order, in its coset."""
    size = f.shl(const("i64", 1), log)
    ends = f.splat(f.trunc(f.sub(size, 1), "i32"), LANES)
    unused = f.splat(f.trunc(f.sub(const("i64", 32), log), "i32"), LANES)

    def turned(a: Value) -> Value:
        whole = f.intrinsic(f"llvm.bitreverse.{mangled(a.type)}", a.type, a)
        return f.lshr(whole, unused)

    inside = f.and_(rows, ends)
    after = turned(f.and_(f.add(turned(inside), 1), ends))
    return f.add(f.sub(rows, inside), after)


def _begins(f: Function, matrix: Value, rows: Value, width: Value) -> list[Value]:
    """Where each of eight rows begins."""
    found = []
    for lane in range(LANES):
        row = f.zext(f.load("i32", f.gep("i32", rows, lane)), "i64")
        found.append(f.gep("i32", matrix, f.mul(row, width)))
    return found
