"""Bits against a constant: less than a constraint a bit, the less the longer its runs of bits.

From the top down, a number is tied with the constant as long as their bits are the same. Where the
constant has zeros, a tied number that has a one is greater; where it has ones, a number that has a
zero is less and no longer tied.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from numen.ir.types import FIELD_ORDER
from numen.proof import gadgets, lc, witness
from numen.proof.lc import LC
from numen.proof.number import Bit, Number, Value, to_lc, value_from_bits, value_from_lc
from numen.proof.wires import Wires

_BITS = FIELD_ORDER.bit_length()

_RUN_MAX = 2
"""Ones in a row that are tied bit by bit; more are counted, which takes two constraints."""


def demand_at_most(w: Wires, bits: Sequence[Bit], most: int) -> None:
    """Demand that an unsigned number is at most a constant.

    Formula: ``tied * sum(bits where the constant has a run of zeros) = 0`` for each such run.
    """
    for tied, ones in _runs(w, bits, most):
        w.demand(ones, tied)


def is_at_most(w: Wires, bits: Sequence[Bit], most: int) -> Value:
    """Whether an unsigned number is at most a constant; for two constraints more than demanding it.

    Formula: the products of `demand_at_most` are never negative; all are zero where their sum is.
    """
    total: LC = {}
    high = 0
    for tied, ones in _runs(w, bits, most):
        total = lc.add(total, ones if tied == lc.ONE else gadgets.multiply(w, tied, ones))
        high += len(bits)
    excess = value_from_lc(total, 0, high)
    if isinstance(excess, int):
        return int(excess == 0)
    return Number(gadgets.is_zero(w, excess), 0, 1)


def canonical_bits(w: Wires, x: Number) -> tuple[Bit, ...]:
    """The bits of the number below the order that an element is; remembered.

    Bits of 254 places name some elements twice; only those whose number is below the order count.

    Cost: 254 constraints for the bits and about 150 for the bound.
    """
    known = x.bits
    if known is not None:
        return known
    w.require_room(2 * _BITS)
    first = w.hint("bit", _BITS, witness.all_bits, (x.lc, _BITS))
    bits: list[Bit] = [gadgets.boolean(w, {wire: 1}) for wire in range(first, first + _BITS)]
    w.demand(lc.sub(to_lc(value_from_bits(bits, is_signed=False)), x.lc))
    demand_at_most(w, bits, FIELD_ORDER - 1)
    found = tuple(bits)
    x.bits = found
    return found


def _runs(w: Wires, bits: Sequence[Bit], most: int) -> Iterator[tuple[LC, LC]]:
    """For each run of zeros of a constant: whether the number is tied, and how many ones it has."""
    assert 0 <= most < 1 << len(bits)
    tied: Bit = 1
    end = len(bits)
    for digit, run in groupby(reversed(range(len(bits))), lambda index: most >> index & 1):
        start = end - len(list(run))
        part, end = bits[start:end], start
        if digit and start:
            tied = _all(w, tied, part)
        elif not digit and tied != 0 and any(bit != 0 for bit in part):
            yield _lc(tied), _count(part)


def _all(w: Wires, tied: Bit, part: Sequence[Bit]) -> Bit:
    """Whether a bit and all others hold."""
    open_bits = [bit for bit in (tied, *part) if bit != 1]
    if 0 in open_bits or len(open_bits) <= _RUN_MAX + 1:
        found: Bit = 1
        for bit in open_bits:
            found = gadgets.bit_and(w, found, bit)
        return found
    missing = lc.sub(lc.constant(len(open_bits)), _count(open_bits))
    return gadgets.is_zero(w, Number(missing, 0, len(open_bits)))


def _count(part: Sequence[Bit]) -> LC:
    total: LC = {}
    for bit in part:
        lc.accumulate(total, _lc(bit), 1)
    return total


def _lc(bit: Bit) -> LC:
    return lc.constant(bit) if isinstance(bit, int) else bit
