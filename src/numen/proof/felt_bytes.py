"""Field elements from bytes: numbers that are not below the order are refused."""

from numen.ir.trap import Reason
from numen.ir.types import BOOL, FIELD_ORDER
from numen.proof import gadgets, lc
from numen.proof.algebra import R1csAlgebra
from numen.proof.number import Number, Value, to_lc, value_from_lc


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
