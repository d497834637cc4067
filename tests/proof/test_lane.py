"""The short ways for field elements, held to what the algebra gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ir.ops import SPECS, Op
from numen.ir.types import FELT, FIELD_ORDER
from numen.proof.algebra import R1csAlgebra
from numen.proof.lane import LANES
from numen.proof.number import Number, Value
from numen.proof.wires import Limits, Wires

TOP = FIELD_ORDER - 1
ENDS = st.sampled_from([0, 1, 2, 255, 2**64 - 1, 2**127, 2**249, TOP // 2, TOP - 1, TOP])


@st.composite
def operands(draw: st.DrawFn) -> tuple[Wires, Value, Value]:
    w = Wires(Limits())
    made: list[Value] = []
    for _ in range(2):
        low, high = sorted((draw(ENDS), draw(ENDS)))
        wires = [w.new("input") for _ in range(draw(st.integers(1, 2)))]
        made.append(draw(st.just(low) | st.just(Number(dict.fromkeys(wires, 3), low, high))))
    if draw(st.booleans()):
        made[1] = made[0]
    return w, made[0], made[1]


def shown(value: object) -> object:
    return (value.lc, value.low, value.high) if isinstance(value, Number) else value


@pytest.mark.parametrize("op", LANES, ids=str)
@given(drawn=operands())
def test_a_lane_gives_what_the_meaning_gives(op: Op, drawn: tuple[Wires, Value, Value]):
    w, a, b = drawn
    if isinstance(a, int) and isinstance(b, int):
        return
    algebra = R1csAlgebra(w)
    algebra.word = FELT
    means = SPECS[op].means
    assert means is not None
    first = len(w.roles)
    expected = means(algebra, FELT, a, b)
    made = w.plan[:], w.a.wires[:], w.b.wires[:], w.c.wires[:]
    again = Wires(Limits())
    again.new("input", first - 1)

    found = LANES[op](again, a, b)

    assert shown(found) == shown(expected)
    assert (again.plan, again.a.wires, again.b.wires, again.c.wires) == made
