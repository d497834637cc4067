"""Sums and products of field elements, taken at once: what most circuits consist of.

`ir.meaning` says what these instructions mean, and the algebra of circuits reads it there, through
exact integers and their remainder. For words of the field both come to one combination or one
product. The tests hold every function here to what the algebra gives.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from numen.ir.ops import Op
from numen.ir.types import FIELD_ORDER
from numen.proof import gadgets, lc, witness
from numen.proof.lc import LC
from numen.proof.number import Number, Value, to_lc, value_from_lc
from numen.proof.wires import Wires

Lane: TypeAlias = Callable[[Wires, Value, Value], Value]
"""Of two operands of which one at least depends on the inputs."""

_TOP = FIELD_ORDER - 1


def _add(w: Wires, a: Value, b: Value) -> Value:
    a_low, a_high = (a, a) if isinstance(a, int) else (a.low, a.high)
    b_low, b_high = (b, b) if isinstance(b, int) else (b.low, b.high)
    total = lc.add(to_lc(a), to_lc(b))
    if a_high + b_high <= _TOP:
        return _sum(w, total, a_low + b_low, a_high + b_high)
    return _sum(w, total, 0, _TOP)


def _sub(w: Wires, a: Value, b: Value) -> Value:
    a_low, a_high = (a, a) if isinstance(a, int) else (a.low, a.high)
    b_low, b_high = (b, b) if isinstance(b, int) else (b.low, b.high)
    total = lc.sub(to_lc(a), to_lc(b))
    if a_low >= b_high:
        return _sum(w, total, a_low - b_high, a_high - b_low)
    return _sum(w, total, 0, _TOP)


def _sum(w: Wires, total: LC, low: int, high: int) -> Value:
    value = value_from_lc(total, low, high)
    return gadgets.compact(w, value) if len(total) > gadgets.TERMS_MAX else value


def _mul(w: Wires, a: Value, b: Value) -> Value:
    if isinstance(a, int):
        a, b = b, a
    assert isinstance(a, Number)
    if isinstance(b, int):
        if b == 0:
            return 0
        scaled = lc.scale(a.lc, b)
        low, high = a.low * b, a.high * b
        return Number(scaled, low, high) if high <= _TOP else value_from_lc(scaled, 0, _TOP)
    x, y = a.lc, b.lc
    out = w.define("product", witness.product, (x, y), (x, y, None))
    high = a.high * b.high
    return Number(out, a.low * b.low, high) if high <= _TOP else Number(out, 0, _TOP)


LANES: Final[dict[Op, Lane]] = {Op.ADD: _add, Op.SUB: _sub, Op.MUL: _mul}
"""What has a lane."""
