"""Functions of bits as expressions, and numbers made of them."""

from collections.abc import Sequence

from numen.proof.machine.isa import LIMBS
from numen.proof.stark.air import Expr

LIMB_BITS = 64 // LIMBS
"""Of a limb."""


def number(bits: Sequence[Expr]) -> Expr:
    """The number that has these bits, the least first."""
    total: Expr = bits[0]
    for index, bit in enumerate(bits[1:], 1):
        total = total + bit * (1 << index)
    return total


def limbs(bits: Sequence[Expr]) -> list[Expr]:
    """Numbers of 16 bits each, the least first."""
    return [number(bits[at : at + LIMB_BITS]) for at in range(0, len(bits), LIMB_BITS)]


def xor(x: Expr, y: Expr) -> Expr:
    """Whether the bits differ: degree 2."""
    return x + y - x * y * 2


def parity(x: Expr, y: Expr, z: Expr) -> Expr:
    """Whether one or three of three bits are 1: degree 3."""
    return xor(xor(x, y), z)


def total(terms: Sequence[Expr]) -> Expr:
    """The sum of expressions."""
    found = terms[0]
    for term in terms[1:]:
        found = found + term
    return found
