"""Integers too large for the field: sums of limbs, ``sum(limb[i] * 2**(64 * i))``.

A limb is any exact value that the field holds, of either sign; only `carried` makes limbs of 64
bits of them. Carries are what proves that two such sums are equal as integers, and not only modulo
the order.
"""

from collections.abc import Sequence

from numen.ir.types import FIELD_ORDER, Kind, Word
from numen.proof import gadgets, lc, witness
from numen.proof.lc import LC
from numen.proof.number import (
    Bit,
    Number,
    Product,
    Value,
    high_of,
    low_of,
    to_lc,
    value_from_bits,
    value_from_lc,
)
from numen.proof.wires import Wires

LIMB_BITS = 64
"""Bits of a limb."""

_NARROW = 1 << 250


def is_narrow(low: int, high: int) -> bool:
    """Whether the field tells the integers of an interval apart with room to spare."""
    return (low > -_NARROW and high < _NARROW) or (low >= 0 and high < FIELD_ORDER)


def split(w: Wires, a: Value | Product) -> list[Value]:
    """An integer as limbs."""
    if not isinstance(a, Product):
        return [a]
    xs, ys = limbs_of(w, a.a), limbs_of(w, a.b)
    return convolve(w, xs, ys)


def limbs_of(w: Wires, a: Value) -> list[Value]:
    """Split a value into limbs of 64 bits."""
    if isinstance(a, int):
        count = max(-(-a.bit_length() // LIMB_BITS), 1)
        mask = (1 << LIMB_BITS) - 1
        lower: list[Value] = [a >> LIMB_BITS * i & mask for i in range(count - 1)]
        return [*lower, a >> LIMB_BITS * (count - 1)]
    if a.high >> LIMB_BITS == a.low >> LIMB_BITS == 0:
        return [a]
    return limbs_from_bits(gadgets.bits_of(w, a), is_signed=a.low < 0)


def limbs_from_bits(bits: Sequence[Bit], *, is_signed: bool) -> list[Value]:
    """Group bits; the last limb is signed where the number is."""
    starts = range(0, len(bits), LIMB_BITS)
    groups = [list(bits[start : start + LIMB_BITS]) for start in starts]
    lower = [value_from_bits(group, is_signed=False) for group in groups[:-1]]
    return [*lower, value_from_bits(groups[-1], is_signed=is_signed)]


def convolve(w: Wires, xs: list[Value], ys: list[Value]) -> list[Value]:
    """The limbs of a product, not carried."""
    sums: list[Value] = [0] * (len(xs) + len(ys) - 1)
    for i, x in enumerate(xs):
        for j, y in enumerate(ys):
            sums[i + j] = _add(sums[i + j], _multiply(w, x, y))
    return sums


def _multiply(w: Wires, x: Value, y: Value) -> Value:
    if isinstance(x, int) and isinstance(y, int):
        return x * y
    corners = [a * b for a in (low_of(x), high_of(x)) for b in (low_of(y), high_of(y))]
    low, high = min(corners), max(corners)
    if isinstance(x, int) or isinstance(y, int):
        factor, of = (x, y) if isinstance(x, int) else (y, x)
        assert isinstance(factor, int)
        return value_from_lc(lc.scale(to_lc(of), factor), low, high) if factor else 0
    return Number(gadgets.multiply(w, x.lc, y.lc), low, high)


def _add(x: Value, y: Value, factor: int = 1) -> Value:
    """``x + factor * y`` for a factor of one or minus one."""
    if factor == 1:
        low, high = low_of(x) + low_of(y), high_of(x) + high_of(y)
        return value_from_lc(lc.add(to_lc(x), to_lc(y)), low, high)
    low, high = low_of(x) - high_of(y), high_of(x) - low_of(y)
    return value_from_lc(lc.sub(to_lc(x), to_lc(y)), low, high)


def add(xs: list[Value], ys: list[Value]) -> list[Value]:
    """The limbs of a sum, not carried."""
    length = max(len(xs), len(ys))
    pairs = zip(_padded(xs, length), _padded(ys, length), strict=True)
    return [_add(x, y) for x, y in pairs]


def subtract(xs: list[Value], ys: list[Value]) -> list[Value]:
    """The limbs of a difference, not carried."""
    length = max(len(xs), len(ys))
    pairs = zip(_padded(xs, length), _padded(ys, length), strict=True)
    return [_add(x, y, -1) for x, y in pairs]


def _padded(xs: list[Value], length: int) -> list[Value]:
    return xs + [0] * (length - len(xs))


def exact(parts: Sequence[Value]) -> tuple[witness.Exact, ...]:
    """Limbs as hints take them."""
    return tuple((to_lc(part), low_of(part)) for part in parts)


def carried(w: Wires, parts: Sequence[Value], width: int) -> tuple[list[Bit], list[Value]]:
    """The lowest bits of a sum of limbs in two's complement, and the rest divided down.

    Args:
        w: The circuit.
        parts: Limbs.
        width: So many bits, a multiple of `LIMB_BITS`.

    Returns:
        The bits, and the limbs of ``sum >> width``.
    """
    bits: list[Bit] = []
    carry: Value = 0
    count = width // LIMB_BITS
    padded = _padded(list(parts), count + 1)
    for part in padded[:count]:
        limb, carry = _carry(w, _add(part, carry))
        bits += limb
    return bits, [_add(padded[count], carry), *padded[count + 1 :]]


def _carry(w: Wires, x: Value) -> tuple[list[Bit], Value]:
    if isinstance(x, int):
        return [x >> index & 1 for index in range(LIMB_BITS)], x >> LIMB_BITS
    is_signed = x.low < 0
    bits = list(gadgets.bits_of(w, x))
    bits += [bits[-1] if is_signed else 0] * (LIMB_BITS + 1 - len(bits))
    return bits[:LIMB_BITS], value_from_bits(bits[LIMB_BITS:], is_signed=is_signed)


def wrap(w: Wires, parts: list[Value], word: Word) -> list[Bit]:
    """The bits of a sum of limbs modulo the size of a word."""
    return carried(w, parts, word.bits)[0]


def fit(w: Wires, parts: list[Value], word: Word, path: LC) -> list[Bit]:
    """The bits of a sum of limbs that is proven to be in a word's range where the path is taken."""
    bits, rest = carried(w, parts, word.bits)
    sign: Value = 0
    if word.kind is Kind.SIGNED:
        sign = value_from_bits([bits[-1]], is_signed=False)
    demand_sign(w, rest, sign, path)
    return bits


def demand_sign(w: Wires, parts: Sequence[Value], sign: Value, path: LC) -> None:
    """Demand that a sum of limbs is minus a truth, where the path is taken."""
    if len(parts) > 1 and sign == 0 and all(low_of(part) >= 0 for part in parts):
        # What is never negative is zero together when each is.
        total: Value = 0
        for part in parts:
            total = _add(total, part)
        parts = [total]
    if len(parts) > 1:
        bits, parts = carried(w, parts, LIMB_BITS * len(parts))
        total = 0
        for bit in bits:
            total = _add(total, value_from_bits([bit], is_signed=False))
        signs = _multiply(w, sign, len(bits))
        w.demand(to_lc(_add(total, signs, -1)), path)
    (rest,) = parts
    assert is_narrow(low_of(rest), high_of(rest))
    w.demand(to_lc(_add(rest, sign)), path)


def demand_zero(w: Wires, parts: list[Value]) -> None:
    """Demand that a sum of limbs is zero as an integer.

    Formula: ``limb[i] + carry[i] = 2**64 * carry[i+1]``, and the last carry is zero.
    """
    carry: Value = 0
    for part in parts[:-1]:
        limb = _add(part, carry)
        low, high = low_of(limb) >> LIMB_BITS, high_of(limb) >> LIMB_BITS
        assert -_NARROW < low_of(limb) <= high_of(limb) < _NARROW
        args = (exact([limb]), exact([1 << LIMB_BITS]))
        carry = gadgets.fresh(w, "carry", low, high, witness.quotient, args)
        w.demand(lc.sub(to_lc(limb), lc.scale(to_lc(carry), 1 << LIMB_BITS)))
    last = _add(parts[-1], carry)
    assert -_NARROW < low_of(last) <= high_of(last) < _NARROW
    w.demand(to_lc(last))
