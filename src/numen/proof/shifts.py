"""Moving bits: free by a constant, by powers of two up to 64 bits, by stages above.

Formula: ``a << n = a * 2**n`` and ``a >> n = (a * 2**(w-1-n)) >> (w-1)``, with
``2**n = product(1 + n_i * (2**(2**i) - 1))`` over the bits of n.
"""

from collections.abc import Sequence

from numen.proof import gadgets, lc
from numen.proof.lc import LC
from numen.proof.number import Bit, Number
from numen.proof.wires import Wires

POWER_BITS_MAX = 64
"""Widest word that is shifted by multiplying: the product must fit the field."""


def power(w: Wires, count: Sequence[Bit]) -> Number:
    """Two to the power of a number given by its bits; one constraint a bit."""
    total: LC = lc.ONE
    for index, bit in enumerate(count):
        step = 2 ** (2**index)
        if isinstance(bit, int):
            total = lc.scale(total, step if bit else 1)
            continue
        factor = lc.shift(lc.scale(bit, step - 1), 1)
        constant = total[0] if total.keys() == {0} else 0
        total = lc.scale(factor, constant) if constant else gadgets.multiply(w, total, factor)
    return Number(total, 1, 2 ** (2 ** len(count) - 1))


def left(bits: Sequence[Bit], count: int) -> list[Bit]:
    """Move up by a constant, dropping what leaves the width; free."""
    return [*([0] * count), *bits][: len(bits)]


def right(bits: Sequence[Bit], count: int, fill: Bit) -> list[Bit]:
    """Move down by a constant; free."""
    return [*bits[count:], *([fill] * min(count, len(bits)))]


def left_by(w: Wires, bits: Sequence[Bit], count: Sequence[Bit]) -> list[Bit]:
    """Move up by a number given by its bits; a constraint a bit and stage."""
    moved = list(bits)
    for stage, bit in enumerate(count):
        moved = _stage(w, bit, left(moved, 1 << stage), moved)
    return moved


def right_by(w: Wires, bits: Sequence[Bit], count: Sequence[Bit], fill: Bit) -> list[Bit]:
    """Move down by a number given by its bits; a constraint a bit and stage."""
    moved = list(bits)
    for stage, bit in enumerate(count):
        moved = _stage(w, bit, right(moved, 1 << stage, fill), moved)
    return moved


def _stage(w: Wires, bit: Bit, then: list[Bit], other: list[Bit]) -> list[Bit]:
    if isinstance(bit, int):
        return then if bit else other
    return [gadgets.bit_choose(w, bit, x, y) for x, y in zip(then, other, strict=True)]
