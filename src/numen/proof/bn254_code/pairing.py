"""The native pairing of BN254, from the formulas of `numen.proof.pairing`.

A Miller loop walks over lines that depend on the point of G2 only, and takes their values at the
point of G1. The lines come first, as a table: who pairs many points with one keeps them.

An element of Fq12 is 12 words. A pair is a point of G1 (two words) and one of G2 (four), finite.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

from numen.kernels.bn254 import FQ
from numen.kernels.llvm import Callee, Function, Value, const
from numen.kernels.montgomery import load
from numen.proof.bn254 import X, fq2_negate, twist_frobenius
from numen.proof.bn254_code.felts import (
    FELT,
    FELT2,
    FELT12,
    WORD_BYTES,
    Arithmetic,
    Shape,
    size_of,
    trace,
    write,
)
from numen.proof.pairing import LOOP, Tower, add_step, by_line, double_step, final_exponentiation
from numen.proof.tower import (
    FQ12_ONE,
    cyclotomic_square,
    fq12_conjugate,
    fq12_frobenius,
    fq12_invert,
    fq12_multiply,
    fq12_square,
)

FQ12_WORDS: Final = size_of(FELT12)
POINT1: Final = (FELT, FELT)
POINT2: Final = (FELT2, FELT2)
PAIR_WORDS: Final = size_of((POINT1, POINT2))
RUNNING: Final = (FELT2,) * 3
LINE: Final = (FELT2,) * 3
TABLE_WORDS: Final = size_of(LINE) * (len(LOOP) + sum(map(bool, LOOP)) + 2)
"""Of the lines of one point of G2: some 19 KiB."""


class Pairing:
    """The functions of the pairing, written into one module.

    Attributes:
        lines: Function ``(table, q)``: the lines of a Miller loop, in the order in which it needs
            them. ``table`` has room for `TABLE_WORDS` words.
        miller_loop: Function ``(value, points, tables, n)`` of n points of G1 and n addresses of
            tables: the product of the loops' values, one for no points.
        multiply: Function ``(out, a, b)`` on values.
        is_one: Function ``(value)``: 1 where the pairings multiply to one, else 0.
    """

    def __init__(self, arithmetic: Arithmetic) -> None:
        self.lines = _write_lines(arithmetic)
        self.miller_loop = _write_miller_loop(arithmetic)
        self.multiply = trace(
            arithmetic,
            "fq12.multiply",
            {"out": FELT12, "a": FELT12, "b": FELT12},
            ["out"],
            lambda a, b: (fq12_multiply(a, b),),
        )
        self.is_one = _write_is_one(arithmetic, self.multiply)


def _write_is_one(arithmetic: Arithmetic, multiply: Callee) -> Callee:
    f = arithmetic.module.function("is_one", "i64", {"value": "ptr"}, internal=True)
    (value,) = f.params
    result = final_exponentiation(value, _tower(f, arithmetic, multiply))
    differs: Value = const("i256", 0)
    for index in range(FQ12_WORDS):
        word = load(f, f.gep("i256", result, index))
        differs = f.or_(differs, f.xor(word, const("i256", FQ.one if index == 0 else 0)))
    f.ret(f.zext(f.icmp("eq", differs, 0), "i64"))
    return f.callee


def _write_lines(arithmetic: Arithmetic) -> Callee:
    module = arithmetic.module
    shapes: dict[str, Shape] = {"line": LINE, "t": RUNNING}
    double = _step(arithmetic, "lines.double", shapes, double_step)
    shapes["q"] = POINT2
    add = _step(arithmetic, "lines.add", shapes, add_step)
    negate = _write_twist(arithmetic, "twist.negate", lambda q: (q[0], fq2_negate(q[1])))
    frobenius = _write_twist(arithmetic, "twist.frobenius", twist_frobenius)
    digits = module.words("miller.digits", LOOP)
    f = module.function("lines", "void", {"table": "ptr", "q": "ptr"}, internal=True)
    table, q = f.params
    moved, t = f.alloca("i256", size_of(POINT2)), f.alloca("i256", size_of(RUNNING))
    cursor = _Cursor(f)
    f.copy(t, q, const("i64", WORD_BYTES * size_of(POINT2)))
    write(f, (1, 0), f.gep("i256", t, size_of(POINT2)))
    with f.loop(0, len(LOOP)) as loop:
        f.call(double, cursor.next(table), t)
        digit = f.load("i64", f.gep("i64", digits, loop.index))
        with f.when(f.icmp("eq", digit, 1)):
            f.call(add, cursor.next(table), t, q)
        with f.when(f.icmp("eq", digit, -1)):
            f.call(negate, moved, q)
            f.call(add, cursor.next(table), t, moved)
    f.call(frobenius, moved, q)
    f.call(add, cursor.next(table), t, moved)
    f.call(frobenius, moved, moved)
    f.call(negate, moved, moved)
    f.call(add, cursor.next(table), t, moved)
    f.ret()
    return f.callee


def _write_miller_loop(arithmetic: Arithmetic) -> Callee:
    module = arithmetic.module
    square = _unary(arithmetic, "fq12.square", fq12_square)
    shapes = {"value": FELT12, "line": LINE, "p": POINT1}

    def formula(value: Any, line: Any, p: Any) -> Any:
        return (by_line(value, line, p),)

    multiply = trace(arithmetic, "fq12.by_line", shapes, ["value"], formula)
    digits = module.words("miller.digits", LOOP)
    params = {"value": "ptr", "points": "ptr", "tables": "ptr", "n": "i64"}
    f = module.function("miller_loop", "void", params, internal=True)
    value, points, tables, n = f.params
    cursor = _Cursor(f)

    def by_lines() -> None:
        """Multiply by the next line of every pair."""
        index = cursor.advance()
        with f.loop(0, n) as loop:
            table = f.load("ptr", f.gep("ptr", tables, loop.index))
            p = f.gep(_form(size_of(POINT1)), points, loop.index)
            f.call(multiply, value, f.gep(_form(size_of(LINE)), table, index), p)

    write(f, FQ12_ONE, value)
    with f.loop(0, len(LOOP)) as loop:
        f.call(square, value, value)
        by_lines()
        digit = f.load("i64", f.gep("i64", digits, loop.index))
        with f.when(f.icmp("ne", digit, 0)):
            by_lines()
    for _ in range(2):
        by_lines()
    f.ret()
    return f.callee


class _Cursor:
    """Counts lines, in memory."""

    def __init__(self, f: Function) -> None:
        self._f = f
        self._place = f.alloca("i64")
        f.store(const("i64", 0), self._place)

    def advance(self) -> Value:
        """The index of the next line."""
        index = self._f.load("i64", self._place)
        self._f.store(self._f.add(index, 1), self._place)
        return index

    def next(self, table: Value) -> Value:
        """The address of the next line of a table."""
        return self._f.gep(_form(size_of(LINE)), table, self.advance())


def _form(words: int) -> str:
    return f"[{words} x i256]"


def _step(
    arithmetic: Arithmetic, name: str, shapes: dict[str, Shape], step: Callable[..., Any]
) -> Callee:
    """Define a step ``(line, t[, q])`` of the running point, which gives a line."""

    def double(t: Any) -> Any:
        t, line = step(t)
        return line, t

    def add(t: Any, q: Any) -> Any:
        t, line = step(t, q)
        return line, t

    return trace(arithmetic, name, shapes, ["line", "t"], add if "q" in shapes else double)


def _write_twist(arithmetic: Arithmetic, name: str, formula: Callable[..., Any]) -> Callee:
    """Define a function ``(out, q)`` on points of the twist."""
    shapes = {"out": POINT2, "q": POINT2}
    return trace(arithmetic, name, shapes, ["out"], lambda q: (formula(q),))


def _tower(f: Function, arithmetic: Arithmetic, multiply: Callee) -> Tower[Value]:
    """Fq12 on addresses: every operation emits a call, and gives where its result lies."""
    square = _unary(arithmetic, "fq12.cyclotomic_square", cyclotomic_square)
    conjugate = _unary(arithmetic, "fq12.conjugate", fq12_conjugate)
    frobenius = _unary(arithmetic, "fq12.frobenius", fq12_frobenius)
    invert = _unary(arithmetic, "fq12.invert", fq12_invert)
    power = _write_power(arithmetic, square, multiply)

    def emit(callee: Callee, *args: Value) -> Value:
        out = f.alloca("i256", FQ12_WORDS)
        f.call(callee, out, *args)
        return out

    return Tower(
        multiply=lambda a, b: emit(multiply, a, b),
        conjugate=lambda a: emit(conjugate, a),
        invert=lambda a: emit(invert, a),
        frobenius=lambda a, times: reduce(lambda b, _: emit(frobenius, b), range(times), a),
        cyclotomic_square=lambda a: emit(square, a),
        power_of_x=lambda a: emit(power, a),
        reduce=lambda a: a,
    )


def _unary(arithmetic: Arithmetic, name: str, formula: Callable[..., Any]) -> Callee:
    """Define a function ``(out, a)`` on Fq12."""
    shapes = {"out": FELT12, "a": FELT12}
    return trace(arithmetic, name, shapes, ["out"], lambda a: (formula(a),))


def _write_power(arithmetic: Arithmetic, square: Callee, multiply: Callee) -> Callee:
    """Define ``(out, a)``: a to the power of the curve's parameter; ``out`` and ``a`` are apart."""
    f = arithmetic.module.function(
        "fq12.power_of_x", "void", {"out": "ptr", "a": "ptr"}, internal=True
    )
    out, a = f.params
    f.copy(out, a, const("i64", WORD_BYTES * FQ12_WORDS))
    with f.loop(X.bit_length() - 2, -1, step=-1) as loop:
        f.call(square, out, out)
        with f.when(f.trunc(f.lshr(const("i64", X), loop.index), "i1")):
            f.call(multiply, out, out, a)
    f.ret()
    return f.callee
