"""LLVM functions of the number-theoretic transform.

    level (a, half, twiddles, first, last)      butterflies ``first`` to ``last`` of one block
    transform (a, size, tables)                 all levels of a block; result in reversed order
    reorder (out, a, log, first, last)          to natural order
    reorder_inverse (out, a, log, factor, first, last)
                                                to natural order, backwards, times a factor

Decimation in frequency: a level takes (u, v), half a block apart, to (u + v, (u - v) * w**j).
The twiddles of the level with distance h are ``tables[h : 2 * h]``, powers of a 2h-th root.
"""

from numen.kernels import montgomery
from numen.kernels.llvm import Callee, Function, Module, Value, const
from numen.kernels.montgomery import Field, load

_WORD = "i256"
_BREADTH_FIRST = 1 << 11
"""Blocks of at most so many elements (64 KiB) go level by level; larger ones halve by halve, so
that the rest of the work happens in the cache."""


def transform_functions(field: Field, *, mulx: bool) -> str:
    """The text of a module with the functions of this file."""
    module = Module()
    times = montgomery.product(module, field, mulx=mulx)
    level = _level(module, field, times)
    last = _last_level(module, field)
    _transform(module, level, last)
    _reorder(module)
    _reorder_inverse(module, times)
    return str(module)


def _butterfly(f: Function, field: Field, low: Value, high: Value) -> Value:
    """Leave u + v in the lower place and return u - v."""
    u, v = load(f, low), load(f, high)
    f.store(montgomery.add(f, field, u, v), low, align=8)
    return montgomery.sub(f, field, u, v)


def _level(module: Module, field: Field, times: Callee) -> Callee:
    params = {"a": "ptr", "half": "i64", "twiddles": "ptr", "first": "i64", "last": "i64"}
    f = module.function("level", "void", params)
    a, half, twiddles, first, last = f.params
    upper = f.gep(_WORD, a, half)
    with f.loop(first, last) as loop:
        high = f.gep(_WORD, upper, loop.index)
        rest = _butterfly(f, field, f.gep(_WORD, a, loop.index), high)
        f.store(rest, high, align=8)
        f.call(times, high, high, f.gep(_WORD, twiddles, loop.index))
    f.ret()
    return f.callee


def _last_level(module: Module, field: Field) -> Callee:
    """Neighbours: the twiddle is one."""
    f = module.function("last", "void", {"a": "ptr", "size": "i64"}, internal=True)
    a, size = f.params
    with f.loop(0, size, step=2) as loop:
        low = f.gep(_WORD, a, loop.index)
        high = f.gep(_WORD, low, 1)
        f.store(_butterfly(f, field, low, high), high, align=8)
    f.ret()
    return f.callee


def _transform(module: Module, level: Callee, last: Callee) -> None:
    f = module.function("transform", "void", {"a": "ptr", "size": "i64", "tables": "ptr"})
    a, size, tables = f.params
    half = f.lshr(size, 1)
    with f.when(f.icmp("ugt", size, _BREADTH_FIRST)):
        f.call(level, a, half, f.gep(_WORD, tables, half), const("i64", 0), half)
        f.call(f.callee, a, half, tables)
        f.call(f.callee, f.gep(_WORD, a, half), half, tables)
        f.ret()
    zero = const("i64", 0)
    before, head, body, done = f.current, f.block("levels"), f.block("level"), f.block("levelled")
    f.br(head)
    f.at(head)
    distance = f.phi("i64", (half, before))
    f.cond_br(f.icmp("ugt", distance, 1), body, done)
    f.at(body)
    with f.loop(0, f.udiv(half, distance)) as block:
        begin = f.gep(_WORD, a, f.mul(f.shl(distance, 1), block.index))
        f.call(level, begin, distance, f.gep(_WORD, tables, distance), zero, distance)
    f.incoming(distance, f.lshr(distance, 1), f.current)
    f.br(head)
    f.at(done)
    f.call(last, a, size)
    f.ret()


def _reversed(f: Function, index: Value, log: Value) -> Value:
    """The lowest ``log`` bits of an index, in reversed order; ``log`` is not zero."""
    turned = f.intrinsic("llvm.bitreverse.i64", "i64", index)
    return f.lshr(turned, f.sub(const("i64", 64), log))


def _reorder(module: Module) -> None:
    params = {"out": "ptr", "a": "ptr", "log": "i64", "first": "i64", "last": "i64"}
    f = module.function("reorder", "void", params)
    out, a, log, first, last = f.params
    with f.loop(first, last) as loop:
        given = load(f, f.gep(_WORD, a, _reversed(f, loop.index, log)))
        f.store(given, f.gep(_WORD, out, loop.index), align=8)
    f.ret()


def _reorder_inverse(module: Module, times: Callee) -> None:
    params = {
        "out": "ptr",
        "a": "ptr",
        "log": "i64",
        "factor": "ptr",
        "first": "i64",
        "last": "i64",
    }
    f = module.function("reorder_inverse", "void", params)
    out, a, log, factor, first, last = f.params
    mask = f.sub(f.shl(const("i64", 1), log), 1)
    with f.loop(first, last) as loop:
        source = _reversed(f, f.and_(f.neg(loop.index), mask), log)
        f.call(times, f.gep(_WORD, out, loop.index), factor, f.gep(_WORD, a, source))
    f.ret()
