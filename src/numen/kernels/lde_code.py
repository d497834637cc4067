"""LLVM functions that transform strips of columns of a matrix of KoalaBear elements.

    levels (out, a, buffer, shape)              some levels of a transform
    levels_reversed (out, a, buffer, shape)     the same, to rows in reversed order, times a factor

A transform takes coefficients in natural order to values in bit-reversed order. Its level l has
2**l blocks of rows; block i is a polynomial modulo ``X**m - z**2``, and becomes two: modulo
``X**(m / 2) - z`` and ``X**(m / 2) + z``, with ``z = zetas[2**l + i]``. A call does ``log`` levels
for groups of 2**log rows, ``step`` apart, which it copies to a buffer sixteen columns at a time.

`shape` is an array of i64, `SHAPE` names its places. An item is a strip of a group, strips of a
group being neighbours; a call does items ``first`` to ``last``.
"""

from numen.kernels.koalabear_code import LANES, Fixed, Lanes, lane_mask
from numen.kernels.llvm import Callee, Function, Module, Value, const

SHAPE = (
    "columns",  # of the matrices
    "log",  # levels of this call; the buffer has 2**log rows of `STRIP` words
    "step",  # rows between the rows of a group
    "base_step",  # rows between the first rows of groups
    "zetas",  # address of the table of Montgomery forms
    "start",  # 2**(levels before this call)
    "block_step",  # blocks between groups: 1 if each group is a block, 0 if groups share them
    "first",
    "last",
    "log_rows",  # of the whole transform, for the reversed order
    "factor",  # Montgomery form, for the reversed order
)
"""What the array of i64 holds."""

VECTORS = 2
"""Of a strip."""

STRIP = VECTORS * LANES
"""Columns of a strip: a line of the cache."""


def transform_functions() -> str:
    """The text of a module with the functions of this file."""
    module = Module()
    stages = {vectors: _stages(module, vectors) for vectors in range(1, VECTORS + 1)}
    _levels(module, stages, is_reversed=False)
    _levels(module, stages, is_reversed=True)
    return str(module)


class _Buffer:
    """Rows of some vectors, one after the other, and the butterflies on them."""

    def __init__(self, v: Lanes, memory: Value, vectors: int) -> None:
        self.v = v
        self.words = vectors * LANES
        self._memory = memory

    def place(self, word: Value) -> Value:
        return self.v.f.gep("i32", self._memory, word)

    def butterfly(self, a: Value, b: Value, zeta: Fixed) -> tuple[Value, Value]:
        product = self.v.times(b, zeta)
        return self.v.add(a, product), self.v.sub(a, product)

    def two(self, first: Value, half: Value, zeta: Fixed) -> None:
        """One level of a block, given its first row and how many are half of it."""
        f, distance = self.v.f, self.v.f.mul(half, self.words)
        begin = f.mul(first, self.words)
        with f.loop(begin, f.add(begin, distance), step=LANES) as word:
            places = [self.place(word.index), self.place(f.add(word.index, distance))]
            a, b = map(self.v.load, places)
            for value, place in zip(self.butterfly(a, b, zeta), places, strict=True):
                self.v.store(value, place)

    def four(self, first: Value, quarter: Value, zetas: list[Fixed]) -> None:
        """Two levels of a block, given its first row and how many are a quarter of it."""
        f, distance = self.v.f, self.v.f.mul(quarter, self.words)
        begin = f.mul(first, self.words)
        with f.loop(begin, f.add(begin, distance), step=LANES) as loop:
            word, places = loop.index, [self.place(loop.index)]
            for _ in range(3):
                word = f.add(word, distance)
                places.append(self.place(word))
            a, b, c, d = map(self.v.load, places)
            (a, c), (b, d) = self.butterfly(a, c, zetas[0]), self.butterfly(b, d, zetas[0])
            (a, b), (c, d) = self.butterfly(a, b, zetas[1]), self.butterfly(c, d, zetas[2])
            for value, place in zip((a, b, c, d), places, strict=True):
                self.v.store(value, place)


def _stages(module: Module, vectors: int) -> Callee:
    """All levels of a group in its buffer, two at a time, and the first alone if they are odd."""
    params = {"buffer": "ptr noalias", "log": "i64", "zetas": "ptr noalias", "start": "i64"}
    f = module.function(f"stages{vectors}", "void", params, internal=True)
    memory, log, zetas, start = f.params
    v = Lanes(f)
    buffer = _Buffer(v, memory, vectors)
    odd = f.and_(log, 1)
    with f.when(f.icmp("ne", odd, 0)):
        zeta = v.fixed(v.broadcast(f.gep("i32", zetas, start)))
        half = f.shl(const("i64", 1), f.sub(log, 1))
        buffer.two(const("i64", 0), half, zeta)
    with f.loop(odd, log, step=2) as level:
        quarter = f.shl(const("i64", 1), f.sub(f.sub(log, level.index), 2))
        upper = f.gep("i32", zetas, f.shl(start, level.index))
        lower = f.gep("i32", zetas, f.shl(start, f.add(level.index, 1)))
        with f.loop(0, f.shl(const("i64", 1), level.index)) as block:
            pair = f.gep("i32", lower, f.shl(block.index, 1))
            places = (f.gep("i32", upper, block.index), pair, f.gep("i32", pair, 1))
            some = [v.fixed(v.broadcast(place)) for place in places]
            buffer.four(f.mul(f.shl(block.index, 2), quarter), quarter, some)
    f.ret()
    return f.callee


def _levels(module: Module, stages: dict[int, Callee], *, is_reversed: bool) -> None:
    name = "levels_reversed" if is_reversed else "levels"
    params = dict.fromkeys(("out", "a", "buffer", "shape"), "ptr")
    f = module.function(name, "void", params)
    out, a, buffer, shape = f.params
    sizes = {
        name: f.load("i64", f.gep("i64", shape, i), is_fixed=True) for i, name in enumerate(SHAPE)
    }
    zetas = f.cast("inttoptr", sizes["zetas"], "ptr")
    strips = f.lshr(f.add(sizes["columns"], STRIP - 1), STRIP.bit_length() - 1)
    copies = {
        key: _copies(module, *key, is_reversed=is_reversed)
        for key in ((VECTORS, False), *((n, True) for n in range(1, VECTORS + 1)))
    }
    with f.loop(sizes["first"], sizes["last"]) as item:
        group = f.udiv(item.index, strips)
        column = f.mul(f.sub(item.index, f.mul(group, strips)), STRIP)
        row = f.mul(group, sizes["base_step"])
        start = f.add(sizes["start"], f.mul(group, sizes["block_step"]))
        left = f.sub(sizes["columns"], column)
        done = f.block("next")
        for (vectors, is_masked), (read, write) in copies.items():
            width = vectors * LANES
            fits = f.icmp("ule", left, width) if is_masked else f.icmp("uge", left, width)
            then, other = f.block("strip"), f.block("other")
            f.cond_br(fits, then, other)
            f.at(then)
            f.call(read, buffer, a, shape, row, column)
            f.call(stages[vectors], buffer, sizes["log"], zetas, start)
            f.call(write, buffer, out, shape, row, column)
            f.br(done)
            f.at(other)
        f.unreachable()
        f.at(done)
    f.ret()


def _copies(
    module: Module, vectors: int, is_masked: bool, *, is_reversed: bool
) -> tuple[Callee, Callee]:
    """Functions that copy a strip of a group to the buffer, and from it."""
    suffix = f"{vectors}{'masked' if is_masked else ''}{'reversed' if is_reversed else ''}"
    return (
        _copy(module, f"read{suffix}", vectors, is_masked=is_masked),
        _copy(
            module,
            f"write{suffix}",
            vectors,
            is_masked=is_masked,
            is_write=True,
            is_reversed=is_reversed,
        ),
    )


def _copy(
    module: Module,
    name: str,
    vectors: int,
    *,
    is_masked: bool,
    is_write: bool = False,
    is_reversed: bool = False,
) -> Callee:
    params = {"buffer": "ptr", "matrix": "ptr", "shape": "ptr", "row": "i64", "column": "i64"}
    f = module.function(name, "void", params, internal=True)
    memory, matrix, shape, first, column = f.params

    def size(of: str) -> Value:
        return f.load("i64", f.gep("i64", shape, SHAPE.index(of)), is_fixed=True)

    v = Lanes(f)
    buffer = _Buffer(v, memory, vectors)
    columns, step, log = size("columns"), size("step"), size("log")
    masks = [lane_mask(f, _left(f, columns, column, i)) for i in range(vectors)]
    factor = v.fixed(f.splat(f.trunc(size("factor"), "i32"), LANES)) if is_reversed else None
    with f.loop(0, f.shl(const("i64", 1), log)) as loop:
        row = f.add(first, f.mul(loop.index, step))
        row = _reversed(f, row, size("log_rows")) if is_reversed else row
        begin = f.gep("i32", matrix, f.add(f.mul(row, columns), column))
        for i in range(vectors):
            outside = f.gep("i32", begin, i * LANES)
            inside = buffer.place(f.add(f.mul(loop.index, buffer.words), i * LANES))
            if not is_write:
                value = f.load_lanes(v.type, outside, masks[i], 4) if is_masked else v.load(outside)
                v.store(value, inside)
                continue
            value = v.load(inside)
            value = v.times(value, factor) if factor else value
            if is_masked:
                f.store_lanes(value, outside, masks[i], 4)
            else:
                v.store(value, outside)
    f.ret()
    return f.callee


def _left(f: Function, columns: Value, column: Value, vector: int) -> Value:
    """How many lanes of a vector of the strip at a column are within the matrix."""
    left = f.sub(f.sub(columns, column), vector * LANES)
    return f.intrinsic("llvm.smax.i64", "i64", left, const("i64", 0))


def _reversed(f: Function, index: Value, log: Value) -> Value:
    """The lowest ``log`` bits of an index, in reversed order; 0 for no bits."""
    turned = f.intrinsic("llvm.bitreverse.i64", "i64", index)
    # Two shifts, because one by 64 has no meaning.
    return f.lshr(f.lshr(turned, 1), f.sub(const("i64", 63), log))
