"""Quotient and remainder: found by a hint, pinned by ``a = q * b + r`` and ``0 <= r < b``."""

from collections.abc import Sequence

from numen.proof import gadgets, lc, limbs, witness
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


def divide(w: Wires, a: Value | Product, b: Value) -> tuple[Value, Value]:
    """Divide, rounding down.

    Args:
        w: The circuit.
        a: Any exact value.
        b: Not zero, which something else has proven.

    Returns:
        Quotient and remainder; the remainder has the sign of the divisor.
    """
    if low_of(b) >= 0:
        return _divide(w, a, b)
    assert not isinstance(a, Product)
    if high_of(b) <= 0:
        quotient, rest = _divide(w, _negated(a), _negated(b))
        return quotient, _negated(rest)
    # With s the sign of the divisor: s * a = q * (s * b) + s * r, and s * b is positive.
    assert isinstance(b, Number)
    is_negative = to_lc(value_from_bits([gadgets.bits_of(w, b)[-1]], is_signed=False))
    size = Number(to_lc(gadgets.choose(w, is_negative, _negated(b), b)), 1, max(-b.low, b.high))
    quotient, rest = _divide(w, gadgets.choose(w, is_negative, _negated(a), a), size)
    return quotient, gadgets.choose(w, is_negative, _negated(rest), rest)


def divide_limbs(
    w: Wires, a: Sequence[Value], b: Sequence[Value], ends: tuple[int, int], width: int
) -> tuple[list[Value], list[Bit]]:
    """Divide a sum of limbs, rounding down.

    Args:
        w: The circuit.
        a: Limbs of any exact value.
        b: Limbs of what is positive, which something else has proven.
        ends: Least and greatest quotient; the least is negative or zero.
        width: Bits that hold the divisor.

    Returns:
        Limbs of the quotient, and the bits of the remainder.
    """
    operands = (limbs.exact(a), limbs.exact(b))
    low, high = ends
    # A quotient that can only be zero has a bit too: limbs are made of some bits.
    span = max((high - low).bit_length(), 1)
    guess = gadgets.fresh_bits(w, "quotient", low, span, witness.quotient, operands)
    rest = gadgets.fresh_bits(w, "remainder", 0, width, witness.remainder, operands)
    quotient = limbs.limbs_from_bits(guess, is_signed=False)
    if low:
        quotient = limbs.add(quotient, limbs.limbs_of(w, low))
    rests = limbs.limbs_from_bits(rest, is_signed=False)
    whole = limbs.convolve(w, quotient, list(b))
    limbs.demand_zero(w, limbs.subtract(limbs.subtract(list(a), whole), rests))
    demand_less_limbs(w, rests, b, width)
    return quotient, rest


def demand_less_limbs(w: Wires, rests: Sequence[Value], b: Sequence[Value], width: int) -> None:
    """Demand that a number of so many bits is below another; both in limbs."""
    if len(b) == 1 and len(rests) == 1:
        gap = gadgets.shifted(limbs.subtract(list(b), list(rests))[0], -1)
        if isinstance(gap, Number):
            gadgets.window(w, gap, 0, width)
        else:
            w.demand(lc.constant(0 if gap >= 0 else 1))
        return
    gaps = limbs.subtract(limbs.subtract(list(b), list(rests)), [1])
    _, above = limbs.carried(w, gaps, -(-width // limbs.LIMB_BITS) * limbs.LIMB_BITS)
    limbs.demand_sign(w, above, 0, lc.ONE)


def _negated(a: Value | Product) -> Value:
    assert not isinstance(a, Product)
    if isinstance(a, int):
        return -a
    return value_from_lc(lc.sub({}, a.lc), -a.high, -a.low)


def _divide(w: Wires, a: Value | Product, b: Value) -> tuple[Value, Value]:
    """Divide by what is positive."""
    least, most = max(low_of(b), 1), high_of(b)
    low = low_of(a) // (least if low_of(a) < 0 else most)
    high = high_of(a) // (least if high_of(a) >= 0 else most)
    parts = limbs.split(w, a)
    operands = (limbs.exact(parts), limbs.exact([b]))
    guess = gadgets.fresh(w, "quotient", low, high, witness.quotient, operands)
    product = max(abs(low_of(guess)), abs(high_of(guess))) * most
    if limbs.is_narrow(-product, product) and len(parts) == 1:
        rest = _narrow_rest(w, parts[0], guess, b)
    else:
        rest = gadgets.fresh(w, "remainder", 0, most - 1, witness.remainder, operands)
        whole = limbs.split(w, Product(guess, b, 0, 0))
        limbs.demand_zero(w, limbs.subtract(limbs.subtract(parts, whole), [rest]))
    _demand_less(w, rest, b)
    quotient = value_from_lc(to_lc(guess), low, high)
    bits = guess.bits if isinstance(guess, Number) else None
    if isinstance(quotient, Number) and bits is not None and low >= 0:
        quotient.bits = bits
    return quotient, rest


def _narrow_rest(w: Wires, a: Value, quotient: Value, b: Value) -> Value:
    """``a - quotient * b``, proven to have no more bits than ``b - 1``."""
    whole = limbs.convolve(w, [quotient], [b])
    (rest,) = limbs.subtract([a], whole)
    if isinstance(rest, int):
        return rest
    most = high_of(b) - 1
    bits = gadgets.window(w, rest, 0, most.bit_length())
    return value_from_lc(rest.lc, 0, most) if not bits else Number(rest.lc, 0, most, bits)


def _demand_less(w: Wires, rest: Value, b: Value) -> None:
    most = high_of(b) - 1
    if isinstance(b, int) and most & (most + 1) == 0:
        return
    (gap,) = limbs.subtract([b], [rest])
    if isinstance(gap, int):
        w.demand(lc.constant(0 if gap >= 1 else 1))
        return
    # The remainder has no more bits than most, so it may still be above it: the gap may not.
    spread = (1 << most.bit_length()) - 1
    gap = Number(gap.lc, low_of(b) - spread, high_of(b))
    gadgets.window(w, gap, 1, most.bit_length())
