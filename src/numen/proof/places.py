"""Integers as sums of terms at places, powers of two: what stands at a place is any exact value.

Places are those of limbs of any size, so a sum of products of limbs of different sizes is one too.
"""

from collections.abc import Sequence
from typing import TypeAlias

from numen.proof import gadgets, lc, limbs, witness
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

Terms: TypeAlias = dict[int, Value]
"""Exact values by the place that they stand at."""

_ROOM_BITS = 250
"""Sums of terms stay below that in size."""

_HINT_LIMBS = 7
"""Limbs of 64 bits in which hints take a sum."""


def demand_zero(w: Wires, terms: Terms) -> None:
    """Demand that a sum of terms at places is zero as an integer.

    Formula: ``group[i] + carry[i] = 2**(place[i+1] - place[i]) * carry[i+1]``, and the last is
    zero.
    """
    places = sorted(terms)
    carry: Value = 0
    index = 0
    while index < len(places):
        start, total = places[index], carry
        while index < len(places):
            wider = plus(total, shifted(terms[places[index]], places[index] - start), 1)
            if not _has_room(wider):
                break
            total, index = wider, index + 1
        assert index == len(places) or places[index] > start, "no room for a single term"
        if index == len(places):
            w.demand(to_lc(total))
            return
        width = places[index] - start
        low, high = low_of(total) >> width, high_of(total) >> width
        args = (limbs.exact([total]), limbs.exact([1 << width]))
        carry = gadgets.fresh(w, "carry", low, high, witness.quotient, args)
        w.demand(to_lc(plus(total, shifted(carry, width), -1)))


def _has_room(total: Value) -> bool:
    return low_of(total) > -1 << _ROOM_BITS and high_of(total) < 1 << _ROOM_BITS


def grouped(bits: Sequence[Bit], size: int) -> Terms:
    """Bits in groups of so many, each at the place of its lowest; those that are zero left out."""
    starts = range(0, len(bits), size)
    groups = {
        start: value_from_bits(list(bits[start : start + size]), is_signed=False)
        for start in starts
    }
    return {start: group for start, group in groups.items() if group != 0}


def constant_limbs(value: int, size: int) -> Terms:
    """A constant in limbs of so many bits, all of its sign."""
    sign, rest = (-1, -value) if value < 0 else (1, value)
    found: Terms = {}
    for place in range(0, rest.bit_length(), size):
        limb = rest >> place & (1 << size) - 1
        if limb:
            found[place] = sign * limb
    return found


def hinted(terms: Terms) -> tuple[witness.Exact, ...]:
    """A sum as hints take it: limbs of 64 bits, and more in the last."""
    parts: list[Value] = [0] * (1 + min(max(terms, default=0) // 64, _HINT_LIMBS - 1))
    for place, term in terms.items():
        index = min(place // 64, _HINT_LIMBS - 1)
        parts[index] = plus(parts[index], shifted(term, place - 64 * index), 1)
    assert all(_has_room(part) for part in parts), "a hint is given more than it can hold"
    return limbs.exact(parts)


def times(w: Wires, x: Value, y: Value) -> Value:
    """The product; free with a constant."""
    corners = [a * b for a in (low_of(x), high_of(x)) for b in (low_of(y), high_of(y))]
    if isinstance(x, int) or isinstance(y, int):
        factor, of = (x, y) if isinstance(x, int) else (y, x)
        assert isinstance(factor, int)
        return scaled(of, factor)
    return Number(gadgets.multiply(w, x.lc, y.lc), min(corners), max(corners))


def scaled(x: Value, factor: int) -> Value:
    """The product with a constant."""
    if isinstance(x, int) or factor == 0:
        return x * factor if isinstance(x, int) else 0
    if factor == 1:
        return x
    ends = sorted((x.low * factor, x.high * factor))
    return value_from_lc(lc.scale(x.lc, factor), ends[0], ends[1])


def shifted(x: Value, places: int) -> Value:
    """The product with a power of two."""
    return scaled(x, 1 << places)


def plus(x: Value, y: Value, factor: int) -> Value:
    """``x + factor * y`` for a factor of one or minus one."""
    if factor == 1:
        low, high = low_of(x) + low_of(y), high_of(x) + high_of(y)
        return value_from_lc(lc.add(to_lc(x), to_lc(y)), low, high)
    low, high = low_of(x) - high_of(y), high_of(x) - low_of(y)
    return value_from_lc(lc.sub(to_lc(x), to_lc(y)), low, high)


def put(terms: Terms, place: int, term: Value, factor: int) -> None:
    """Add a term, or take it off, at a place."""
    terms[place] = plus(terms.get(place, 0), term, factor)
