"""The native pairing of BN254, from the formulas of `numen.proof.pairing`.

An element of Fq12 is 12 words. A pair is a point of G1 (two words) and one of G2 (four), finite.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

_SIZE: Final = size_of(FELT12)
POINT1: Final = (FELT, FELT)
POINT2: Final = (FELT2, FELT2)
PAIR_WORDS: Final = size_of((POINT1, POINT2))
RUNNING: Final = (FELT2,) * 3
RUNNING_WORDS: Final = size_of(RUNNING)


def write_pairing(arithmetic: Arithmetic) -> Callee:
    """Define ``pair(pairs, running, n)``: 1 where the product of the pairings is one, else 0.

    ``running`` has room for `RUNNING_WORDS` words for each pair.
    """
    loop = _write_miller_loop(arithmetic)
    module = arithmetic.module
    f = module.function(
        "pair", "i64", {"pairs": "ptr", "running": "ptr", "n": "i64"}, internal=True
    )
    pairs, running, n = f.params
    value = f.alloca("i256", _SIZE)
    f.call(loop, value, pairs, running, n)
    result = final_exponentiation(value, _tower(f, arithmetic))
    differs: Value = const("i256", 0)
    for index in range(_SIZE):
        word = load(f, f.gep("i256", result, index))
        differs = f.or_(differs, f.xor(word, const("i256", FQ.one if index == 0 else 0)))
    f.ret(f.zext(f.icmp("eq", differs, 0), "i64"))
    return f.callee


def _write_miller_loop(arithmetic: Arithmetic) -> Callee:
    """Define ``miller_loop(value, pairs, running, n)``."""
    module = arithmetic.module
    square = _unary(arithmetic, "fq12.square", fq12_square)
    double, add = _write_steps(arithmetic)
    negate = _write_twist(arithmetic, "twist.negate", lambda q: (q[0], fq2_negate(q[1])))
    frobenius = _write_twist(arithmetic, "twist.frobenius", twist_frobenius)
    digits = module.words("miller.digits", LOOP)
    params = {"value": "ptr", "pairs": "ptr", "running": "ptr", "n": "i64"}
    f = module.function("miller_loop", "void", params, internal=True)
    value, pairs, running, n = f.params
    moved = f.alloca("i256", size_of(POINT2))

    @contextmanager
    def each() -> Iterator[tuple[Value, Value, Value]]:
        """Code for every pair: its point of G1, of G2, and the one that runs."""
        with f.loop(0, n) as loop:
            p = f.gep(f"[{PAIR_WORDS} x i256]", pairs, loop.index)
            t = f.gep(f"[{RUNNING_WORDS} x i256]", running, loop.index)
            yield p, f.gep("i256", p, size_of(POINT1)), t

    write(f, FQ12_ONE, value)
    with each() as (_, q, t):
        f.copy(t, q, const("i64", WORD_BYTES * size_of(POINT2)))
        write(f, (1, 0), f.gep("i256", t, size_of(POINT2)))
    with f.loop(0, len(LOOP)) as loop:
        f.call(square, value, value)
        digit = f.load("i64", f.gep("i64", digits, loop.index))
        with each() as (p, q, t):
            f.call(double, value, t, p)
            with f.when(f.icmp("eq", digit, 1)):
                f.call(add, value, t, p, q)
            with f.when(f.icmp("eq", digit, -1)):
                f.call(negate, moved, q)
                f.call(add, value, t, p, moved)
    with each() as (p, q, t):
        f.call(frobenius, moved, q)
        f.call(add, value, t, p, moved)
        f.call(frobenius, moved, moved)
        f.call(negate, moved, moved)
        f.call(add, value, t, p, moved)
    f.ret()
    return f.callee


def _write_steps(arithmetic: Arithmetic) -> tuple[Callee, Callee]:
    """Define what the loop does to a pair: ``(value, t, p[, q])``, changing the first two."""

    def double(value: Any, t: Any, p: Any) -> Any:
        t, line = double_step(t)
        return by_line(value, line, p), t

    def add(value: Any, t: Any, p: Any, q: Any) -> Any:
        t, line = add_step(t, q)
        return by_line(value, line, p), t

    shapes = {"value": FELT12, "t": RUNNING, "p": POINT1, "q": POINT2}
    without_q = {name: shape for name, shape in shapes.items() if name != "q"}
    outputs = ["value", "t"]
    return (
        trace(arithmetic, "miller.double", without_q, outputs, double),
        trace(arithmetic, "miller.add", shapes, outputs, add),
    )


def _write_twist(arithmetic: Arithmetic, name: str, formula: Callable[..., Any]) -> Callee:
    """Define a function ``(out, q)`` on points of the twist."""
    shapes = {"out": POINT2, "q": POINT2}
    return trace(arithmetic, name, shapes, ["out"], lambda q: (formula(q),))


def _tower(f: Function, arithmetic: Arithmetic) -> Tower[Value]:
    """Fq12 on addresses: every operation emits a call, and gives where its result lies."""
    multiply = trace(
        arithmetic,
        "fq12.multiply",
        {"out": FELT12, "a": FELT12, "b": FELT12},
        ["out"],
        lambda a, b: (fq12_multiply(a, b),),
    )
    square = _unary(arithmetic, "fq12.cyclotomic_square", cyclotomic_square)
    conjugate = _unary(arithmetic, "fq12.conjugate", fq12_conjugate)
    frobenius = _unary(arithmetic, "fq12.frobenius", fq12_frobenius)
    invert = _unary(arithmetic, "fq12.invert", fq12_invert)
    power = _write_power(arithmetic, square, multiply)

    def emit(callee: Callee, *args: Value) -> Value:
        out = f.alloca("i256", _SIZE)
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
    f.copy(out, a, const("i64", WORD_BYTES * _SIZE))
    with f.loop(X.bit_length() - 2, -1, step=-1) as loop:
        f.call(square, out, out)
        with f.when(f.trunc(f.lshr(const("i64", X), loop.index), "i1")):
            f.call(multiply, out, out, a)
    f.ret()
    return f.callee
