"""Bit operations: most functions of three bits cost one constraint.

A program writes a choice, a majority or a parity with the operators it has. An operation on bits
that were themselves made of bits is made anew of those, where that takes one constraint as well;
bits in between that lose their readers are left out.
"""

import itertools
from collections.abc import Sequence

from numen.proof import gadgets, lc, truth_table, witness
from numen.proof.lc import LC, ONE
from numen.proof.number import Bit
from numen.proof.truth_table import INPUTS_MAX
from numen.proof.wires import Cut, Wires

_AND, _OR, _XOR = 0b1000, 0b1110, 0b0110


def bit_and(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether both hold."""
    if isinstance(a, int) or isinstance(b, int):
        return gadgets.bit_and(w, a, b)
    return _combine(w, _AND, a, b)


def bit_or(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether one holds."""
    if isinstance(a, int) or isinstance(b, int):
        return gadgets.bit_or(w, a, b)
    return _combine(w, _OR, a, b)


def bit_xor(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether just one holds."""
    if isinstance(a, int) or isinstance(b, int):
        return gadgets.bit_xor(w, a, b)
    return _combine(w, _XOR, a, b)


def _combine(w: Wires, operation: int, a: LC, b: LC) -> Bit:
    """An operation on two bits, made of what they are made of where that takes one constraint."""
    cuts: list[Cut] = []
    for x, y in itertools.product(_cuts(w, a), _cuts(w, b)):
        cut = _joined(operation, x, y)
        if cut is None:
            continue
        cuts.append(cut)
        if truth_table.is_one_constraint(cut[0], len(cut[1])):
            break
    out = _function(w, *cuts[-1])
    if isinstance(out, dict) and len(out) == 1:
        (wire,) = out
        if wire not in w.made:
            w.made[wire] = (cuts[0],) if len(cuts) == 1 else (cuts[0], cuts[-1])
    return out


def _joined(operation: int, x: Cut, y: Cut) -> Cut | None:
    """An operation on two functions, as a function of the bits of both, if they are few."""
    inputs = [*x[1], *(bit for bit in y[1] if bit not in x[1])]
    width = len(inputs)
    if width > INPUTS_MAX:
        return None
    first = truth_table.spread(x[0], tuple(range(len(x[1]))), width)
    second = truth_table.spread(y[0], tuple(inputs.index(bit) for bit in y[1]), width)
    table, used = truth_table.reduced(truth_table.combine(operation, first, second, width), width)
    return table, tuple(inputs[index] for index in used)


def _cuts(w: Wires, bit: LC) -> list[Cut]:
    """A bit as functions of what it was made of, and of itself; the deepest first."""
    wire, is_negated = _wire(bit)
    if wire is None:
        return [(0b10, (bit,))]
    made = w.made.get(wire, ())
    if not is_negated:
        return [*made, (0b10, (bit,))]
    turned = [(truth_table.negated(table, len(inputs)), inputs) for table, inputs in made]
    return [*turned, (0b01, ({wire: 1},))]


def _wire(bit: LC) -> tuple[int | None, bool]:
    """The wire that a bit is, and whether it is the negation."""
    if len(bit) == 1:
        ((wire, weight),) = bit.items()
        return (wire, False) if weight == 1 else (None, False)
    if len(bit) == 2 and bit.get(0) == 1:
        wire = max(bit)
        if bit[wire] == -1:
            return wire, True
    return None, False


def _function(w: Wires, table: int, bits: tuple[LC, ...]) -> Bit:
    """The bit that a truth table gives, which depends on all of the bits."""
    if not bits:
        return table & 1
    if len(bits) == 1:
        return bits[0] if table == 0b10 else gadgets.bit_not(bits[0])
    return _of_two(w, table, bits) if len(bits) == 2 else _of_three(w, table, bits)


def _of_two(w: Wires, table: int, bits: tuple[LC, ...]) -> LC:
    """A function of two bits.

    Formula: ``-k * a * b = rest - out``, where ``rest + k * a * b`` is the function.
    """
    a, b = bits
    if table == _AND:
        return gadgets.multiply(w, a, b, "and")
    constant, of_a, of_b, of_both = truth_table.polynomial(table, 2)
    rest = lc.add(lc.scale(a, of_a), lc.scale(b, of_b)) if of_a and of_b else {}
    if not rest and (of_a or of_b):
        rest = lc.scale(a, of_a) if of_a else lc.scale(b, of_b)
    rest = lc.shift(rest, constant)
    role = "xor" if of_both in {2, -2} else "and"
    return w.define(role, witness.table, (table, bits), (lc.scale(a, -of_both), b, rest))


def _of_three(w: Wires, table: int, bits: tuple[LC, ...]) -> LC:
    """A function of three bits: a choice by one of the others, or else a hyperbola.

    Formula: ``d * (k * out + e) = f``, where ``d``, ``e`` and ``f`` are sums of the bits, and ``d``
    is not zero for any bits: see `truth_table.hyperbola`.
    """
    choice = truth_table.choice(table)
    if choice is not None:
        cond, then, other = choice
        picked = [_signed(bits[index], is_negated) for index, is_negated in (then, other)]
        of = bits[cond]
        difference = lc.sub(picked[1], picked[0])
        return w.define("choice", witness.table, (table, bits), (of, difference, picked[1]))
    shape = truth_table.hyperbola(table)
    assert shape is not None
    d, e, f = (_weighted(weights, bits) for weights in (shape.d, shape.e, shape.f))
    return w.divide("bits", witness.table, (table, bits), (d, e, f), shape.k)


def _signed(bit: LC, is_negated: bool) -> LC:
    return lc.negate(bit) if is_negated else bit


def _weighted(weights: tuple[int, ...], bits: Sequence[LC]) -> LC:
    """A constant and a multiple of each bit."""
    total: LC = {}
    for weight, bit in zip(weights, (ONE, *bits), strict=True):
        if weight:
            lc.accumulate(total, bit, weight)
    return total
