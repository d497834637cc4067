"""Division modulo any number: an inverse is found by a hint, pinned by ``b * v = k * m + 1``.

That equation says that ``b`` and ``m`` have no common divisor, so that a second ``v`` differs by a
multiple of ``m``; ``0 <= v < m`` leaves one. The quotient is then the remainder of ``a * v``.
"""

from collections.abc import Sequence

from numen.ir.trap import Trap
from numen.proof import division, gadgets, limbs, witness
from numen.proof.lc import LC
from numen.proof.number import Bit, Value, high_of
from numen.proof.wires import Wires


def divide(
    w: Wires,
    a: Sequence[Value],
    b: Sequence[Value],
    m: Sequence[Value],
    width: int,
    guard: tuple[LC, Trap],
) -> list[Bit]:
    """The bits of ``a`` times the inverse of ``b`` modulo ``m``.

    Args:
        w: The circuit.
        a: Limbs of an unsigned word.
        b: Limbs of another; where the path is not taken, of one.
        m: Limbs of the modulus, which is not zero, as something else has proven.
        width: Bits of the words.
        guard: Whether the path is taken, and the trap where there is no inverse.
    """
    path, trap = guard
    w.check(witness.check_unit, (path, limbs.exact(b), limbs.exact(m), trap))
    inverse = _inverse(w, b, m, width)
    product = limbs.convolve(w, list(a), inverse)
    return division.divide_limbs(w, product, m, (0, _most(a)), width)[1]


def _inverse(w: Wires, b: Sequence[Value], m: Sequence[Value], width: int) -> list[Value]:
    """Limbs of the inverse; modulo one, zero.

    Formula: ``b * v + m - 1 = k * m``, so that ``k`` is not negative where ``m`` is one.
    """
    operands = (limbs.exact(b), limbs.exact(m))
    bits = gadgets.fresh_bits(w, "inverse", 0, width, witness.inverse_modulo, operands)
    inverse = limbs.limbs_from_bits(bits, is_signed=False)
    product = limbs.add(limbs.convolve(w, list(b), inverse), limbs.subtract(list(m), [1]))
    span = (_most(b) + 1).bit_length()
    args = (limbs.exact(product), limbs.exact(m))
    times = gadgets.fresh_bits(w, "quotient", 0, span, witness.quotient, args)
    whole = limbs.convolve(w, limbs.limbs_from_bits(times, is_signed=False), list(m))
    limbs.demand_zero(w, limbs.subtract(product, whole))
    division.demand_less_limbs(w, inverse, m, width)
    return inverse


def _most(parts: Sequence[Value]) -> int:
    return sum(high_of(part) << limbs.LIMB_BITS * index for index, part in enumerate(parts))
