"""Field elements as bytes: the one place where a circuit sees the order as a number.

Bits of 254 places name some elements twice; only those whose number is below the order count.
"""

from numen.ir.trap import Reason
from numen.ir.types import BOOL, FIELD_ORDER
from numen.proof import bounds, gadgets, lc, witness
from numen.proof.algebra import R1csAlgebra
from numen.proof.number import (
    Bit,
    Number,
    Value,
    to_lc,
    value_from_bits,
    value_from_lc,
)
from numen.proof.wires import Wires

_BITS = 254


def canonical_bits(w: Wires, x: Number) -> tuple[Bit, ...]:
    """The bits of the number below the order that an element is; remembered.

    Cost: 254 constraints for the bits and about 150 for the bound.
    """
    known = x.bits
    if known is not None:
        return known
    w.require_room(2 * _BITS)
    first = w.hint("bit", _BITS, witness.all_bits, (x.lc, _BITS))
    bits: list[Bit] = [gadgets.boolean(w, {wire: 1}) for wire in range(first, first + _BITS)]
    w.demand(lc.sub(to_lc(value_from_bits(bits, is_signed=False)), x.lc))
    bounds.demand_at_most(w, bits, FIELD_ORDER - 1)
    found = tuple(bits)
    x.bits = found
    return found


def felt_from_bytes(algebra: R1csAlgebra, parts: list[Value]) -> Value:
    """The element whose number is 32 bytes; traps where it is not below the order."""
    bottom, top = _sum(parts[:16]), _sum(parts[16:])
    top_max, bottom_max = divmod(FIELD_ORDER, 1 << 128)
    algebra.word = BOOL
    is_below = algebra.bit_or(
        algebra.less(top, top_max),
        algebra.bit_and(algebra.equal(top, top_max), algebra.less(bottom, bottom_max)),
    )
    algebra.require(is_below, Reason.CONVERSION)
    whole = lc.add(to_lc(bottom), lc.scale(to_lc(top), 1 << 128))
    return value_from_lc(whole, 0, FIELD_ORDER - 1)


def _sum(parts: list[Value]) -> Value:
    total: Value = 0
    for index, part in enumerate(parts):
        weight = 1 << 8 * index
        if isinstance(part, int):
            total = gadgets.shifted(total, part * weight)
        else:
            both = lc.add(to_lc(total), lc.scale(part.lc, weight))
            high = total if isinstance(total, int) else total.high
            total = Number(both, 0, high + part.high * weight)
    return total
