"""Small circuits from which every instruction is built, each sound on its own.

A gadget takes the circuit under construction first. What it returns is determined by what it is
given: its constraints have one solution for the wires it makes, but for the wires that
`circuit.Circuit.free_wires` names.
"""

from numen.ir.types import FIELD_ORDER
from numen.proof import lc, witness
from numen.proof.lc import LC, ONE
from numen.proof.number import (
    Bit,
    Number,
    Value,
    high_of,
    low_of,
    to_lc,
    value_from_bits,
    value_from_lc,
)
from numen.proof.wires import Wires

TERMS_MAX = 256
"""A sum of more terms becomes a wire of its own, for one constraint, before it is used again."""


def multiply(w: Wires, a: LC, b: LC, role: str = "product") -> LC:
    """The product, for one constraint.

    Formula: ``a * b = out``.
    """
    return w.define(role, witness.product, (a, b), (a, b, None))


def compact(w: Wires, value: Value) -> Value:
    """The same value, as one wire where it had very many terms."""
    if isinstance(value, int) or value.late is not None or len(value.lc) <= TERMS_MAX:
        return value
    out = w.define("sum", witness.linear, value.lc, (value.lc, ONE, None))
    return Number(out, value.low, value.high, value.bits)


def window(w: Wires, x: Number, base: int, width: int) -> tuple[Bit, ...]:
    """Prove that ``base <= x < base + 2**width`` and give the bits of ``x - base``.

    The lowest bit gets no wire: it is what the others leave of the value.

    Formula: ``b_i * (b_i - 1) = 0`` for each bit, with ``b_0 = x - base - sum(2**i * b_i, i > 0)``.
    Cost: ``width`` constraints; one for a width of zero.
    """
    # The sum of the bits and x - base are congruent. They are equal because both lie in an
    # interval shorter than the order.
    assert x.low - base > (1 << width) - FIELD_ORDER, "the window wraps around the field"
    assert x.high - base < FIELD_ORDER, "the window wraps around the field"
    w.require_room(width)
    lowest = lc.shift(x.lc, -base)
    if width == 0:
        w.demand(lowest)
        return ()
    if width > 1:
        lowest = lowest.copy()
    first = w.hint("bit", width - 1, witness.bits, (x.lc, base, width)) - 1
    others: list[Bit] = []
    for index in range(1, width):
        lowest[first + index] = -1 << index
        others.append(boolean(w, {first + index: 1}))
    return boolean(w, lowest), *others


def boolean(w: Wires, bit: LC) -> LC:
    """Demand that a combination is 0 or 1."""
    w.demand(bit, lc.shift(bit, -1))
    return bit


def fresh(w: Wires, role: str, low: int, high: int, fill: witness.Hint, args: object) -> Value:
    """A value that a hint finds, proven to be in an interval that holds ``low`` to ``high``.

    The hint is called with ``(*args, low, bits)`` and fills a wire a bit of ``value - low``.

    Cost: a constraint a bit of ``high - low``.
    """
    bits = fresh_bits(w, role, low, (high - low).bit_length(), fill, args)
    return shifted(value_from_bits(bits, is_signed=False), low)


def fresh_bits(
    w: Wires, role: str, low: int, width: int, fill: witness.Hint, args: object
) -> list[Bit]:
    """The bits of what a hint finds, less ``low``; the hint is called as by `fresh`."""
    w.require_room(width)
    assert isinstance(args, tuple)
    first = w.hint(role, width, fill, (*args, low, width))
    return [boolean(w, {wire: 1}) for wire in range(first, first + width)]


def shifted(value: Value, offset: int) -> Value:
    """The sum with a constant."""
    if isinstance(value, int):
        return value + offset
    if offset == 0:
        return value
    return value_from_lc(lc.shift(value.lc, offset), value.low + offset, value.high + offset)


def bits_of(w: Wires, x: Number) -> tuple[Bit, ...]:
    """The bits of a value in two's complement, unsigned where it is never negative; remembered.

    Cost: a constraint a bit of the interval, the first time.
    """
    known = x.bits
    if known is not None:
        return known
    found: tuple[Bit, ...]
    if x.low >= 0 and x.high <= 1:
        found = (x.lc,)
    elif x.low >= 0:
        found = window(w, x, 0, x.high.bit_length())
    else:
        width = max((-x.low - 1).bit_length(), x.high.bit_length()) + 1
        raw = window(w, x, -1 << (width - 1), width)
        found = (*raw[:-1], bit_not(raw[-1]))
    x.bits = found
    return found


def is_zero(w: Wires, x: Number) -> LC:
    """Whether a value is zero.

    Formula: ``x * inverse = 1 - out`` and ``x * out = 0``. The inverse of zero is free.
    """
    assert -FIELD_ORDER < x.low <= x.high < FIELD_ORDER, "a multiple of the order is no zero"
    inverse = w.hint("zero inverse", 2, witness.zero_test, x.lc)
    out = {inverse + 1: 1}
    w.roles[inverse + 1] = "is zero"
    w.tests[inverse + 1] = w.constraint_count
    w.constrain(x.lc, {inverse: 1}, lc.negate(out))
    w.demand(x.lc, out)
    return out


def choose(w: Wires, cond: LC, then: Value, other: Value) -> Value:
    """One of two values.

    Formula: ``cond * (other - then) = other - out``. Free where both are constants or one value.
    """
    a, b = to_lc(then), to_lc(other)
    difference = lc.sub(b, a)
    if not difference:
        return then
    low, high = min(low_of(then), low_of(other)), max(high_of(then), high_of(other))
    if isinstance(then, int) and isinstance(other, int):
        return value_from_lc(lc.shift(lc.scale(cond, then - other), other), low, high)
    out = w.define("choice", witness.choice, (cond, a, b), (cond, difference, b))
    return Number(out, low, high)


def bit_not(a: Bit) -> Bit:
    """The other truth; free."""
    return 1 - a if isinstance(a, int) else lc.negate(a)


def bit_and(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether both hold; free with a constant."""
    if isinstance(a, int):
        return b if a else 0
    if isinstance(b, int):
        return a if b else 0
    return a if a == b else multiply(w, a, b, "and")


def bit_or(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether one holds; free with a constant.

    Formula: ``(1 - a) * (1 - b) = 1 - out``.
    """
    if isinstance(a, int):
        return 1 if a else b
    if isinstance(b, int):
        return 1 if b else a
    if a == b:
        return a
    not_a, not_b = lc.negate(a), lc.negate(b)
    return w.define("or", witness.choice, (a, ONE, b), (not_a, not_b, ONE))


def bit_xor(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether just one holds; free with a constant.

    Formula: ``2 * a * b = a + b - out``.
    """
    if isinstance(a, int):
        return bit_not(b) if a else b
    if isinstance(b, int):
        return bit_not(a) if b else a
    if a == b:
        return 0
    return w.define("xor", witness.either, (a, b), (lc.scale(a, 2), b, lc.add(a, b)))


def bit_choose(w: Wires, cond: LC, then: Bit, other: Bit) -> Bit:
    """One of two bits; free with two constants."""
    if isinstance(then, int) and isinstance(other, int):
        if then == other:
            return then
        return cond if then else lc.negate(cond)
    if then == other:
        return then
    a, b = (lc.constant(bit) if isinstance(bit, int) else bit for bit in (then, other))
    return w.define("choice", witness.choice, (cond, a, b), (cond, lc.sub(b, a), b))
