"""Bit operations, remembered for `covering`, which makes several of them by one constraint."""

from numen.proof import gadgets, truth_table, witness
from numen.proof.lc import LC, ONE
from numen.proof.number import Bit
from numen.proof.wires import Wires

_AND, _OR, _XOR = 0b1000, 0b1110, 0b0110


def bit_and(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether both hold."""
    return _remembered(w, _AND, a, b, gadgets.bit_and(w, a, b))


def bit_or(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether one holds."""
    return _remembered(w, _OR, a, b, gadgets.bit_or(w, a, b))


def bit_xor(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether just one holds."""
    return _remembered(w, _XOR, a, b, gadgets.bit_xor(w, a, b))


def _remembered(w: Wires, operation: int, a: Bit, b: Bit, out: Bit) -> Bit:
    """Remember of what a bit was made, if a wire was made for it."""
    if isinstance(a, int) or isinstance(b, int) or isinstance(out, int) or a == b:
        return out
    (wire,) = out
    first, turn_a = _literal(w, a)
    second, turn_b = _literal(w, b)
    if first != second:
        w.logic[wire] = truth_table.turned(operation, turn_a=turn_a, turn_b=turn_b), (first, second)
    return out


def _literal(w: Wires, bit: LC) -> tuple[int, bool]:
    """A bit as a wire, and whether it is the negation of it.

    A bit that is a sum gets a wire: a constraint that is left out again where nothing reads it.
    """
    if len(bit) == 1:
        ((wire, weight),) = bit.items()
        if weight == 1:
            return wire, False
    elif len(bit) == 2 and bit.get(0) == 1:
        wire = max(bit)
        if bit[wire] == -1:
            return wire, True
    terms = frozenset(bit.items())
    if terms not in w.sums:
        (w.sums[terms],) = w.define("bit", witness.linear, bit, (bit, ONE, None))
    return w.sums[terms], False
