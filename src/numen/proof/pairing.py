"""The optimal ate pairing of BN254: a bilinear map from G1 x G2 into Fq12.

Several pairings whose product is wanted share the squarings of one Miller loop and one final
exponentiation. Inputs are points of the two groups of order `R`; who takes points from outside
checks them first (`bn254.G1.contains`, `bn254.is_in_g2`).

Sources: Vercauteren, "Optimal Pairings", 2008, for the loop; Costello, Lange, Naehrig, "Faster
Pairing Computations on Curves with High-Degree Twists", PKC 2010, for the lines; Fuentes-Castaneda,
Knapp, Rodriguez-Henriquez, "Faster Hashing to G2", SAC 2011, for the final exponentiation.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from numen.proof.bn254 import (
    G2,
    Fq2,
    G1Point,
    G2Point,
    Q,
    X,
    fq2_add,
    fq2_multiply,
    fq2_negate,
    fq2_scale,
    fq2_square,
    fq2_subtract,
    twist_frobenius,
)
from numen.proof.tower import (
    FQ12_ONE,
    Fq12,
    cyclotomic_power,
    cyclotomic_square,
    fq12_conjugate,
    fq12_frobenius,
    fq12_invert,
    fq12_multiply,
    fq12_multiply_line,
    fq12_reduce,
    fq12_square,
)

T = TypeVar("T")
Pair = tuple[G1Point, G2Point]
Line = tuple[Fq2, Fq2, Fq2]
Projective = tuple[Fq2, Fq2, Fq2]
"""``(x, y, z)`` stands for ``(x / z, y / z)``."""


def pairing(p: G1Point, q: G2Point) -> Fq12:
    """Pair a point of each group; one when either is infinity.

    The value is the one of libff, of EIP-197's implementations and of snarkjs: the reduced
    pairing to the power ``2X(6X**2 + 3X + 1)``, which is prime to `R`.
    """
    return final_exponentiation(miller_loop([(p, q)]), TOWER)


def is_product_one(pairs: Sequence[Pair]) -> bool:
    """Tell whether the product of the pairings of all pairs is one."""
    return final_exponentiation(miller_loop(pairs), TOWER) == FQ12_ONE


def _signed_digits(value: int) -> list[int]:
    """The non-adjacent form, most significant digit first."""
    digits = []
    while value:
        digit = 2 - value % 4 if value % 2 else 0
        digits.append(digit)
        value = (value - digit) >> 1
    return digits[::-1]


LOOP = _signed_digits(6 * X + 2)[1:]
"""Digits -1, 0 and 1 of the loop, from the second highest on."""
_HALF = (Q + 1) >> 1


def miller_loop(pairs: Sequence[Pair]) -> Fq12:
    """Multiply the values of the Miller functions of all pairs; infinities count as one."""
    live = [(p, q) for p, q in pairs if p is not None and q is not None]
    points: list[Projective] = [(*q, (1, 0)) for _, q in live]
    f = FQ12_ONE
    for digit in LOOP:
        f = fq12_square(f)
        for i, (p, q) in enumerate(live):
            points[i], line = double_step(points[i])
            f = by_line(f, line, p)
            if digit:
                points[i], line = add_step(points[i], q if digit > 0 else G2.negate(q))
                f = by_line(f, line, p)
    for i, (p, q) in enumerate(live):
        once = twist_frobenius(q)
        points[i], line = add_step(points[i], once)
        f = by_line(f, line, p)
        _, line = add_step(points[i], G2.negate(twist_frobenius(once)))
        f = by_line(f, line, p)
    return f


def by_line(f: Fq12, line: Line, p: tuple[int, int]) -> Fq12:
    """Multiply by the value of a line at a point of G1."""
    return fq12_multiply_line(f, fq2_scale(line[0], p[1]), fq2_scale(line[1], p[0]), line[2])


def double_step(point: Projective) -> tuple[Projective, Line]:
    """Double a point; give the tangent there too."""
    x, y, z = point
    a = fq2_scale(fq2_multiply(x, y), _HALF)
    b, c, j = fq2_square(y), fq2_square(z), fq2_square(x)
    e = fq2_multiply(G2.b, (3 * c[0], 3 * c[1]))
    f = 3 * e[0], 3 * e[1]
    g = fq2_scale(fq2_add(b, f), _HALF)
    h = fq2_subtract(fq2_square(fq2_add(y, z)), fq2_add(b, c))
    e_square = fq2_square(e)
    doubled = (
        fq2_multiply(a, fq2_subtract(b, f)),
        fq2_subtract(fq2_square(g), (3 * e_square[0], 3 * e_square[1])),
        fq2_multiply(b, h),
    )
    return doubled, (fq2_negate(h), (3 * j[0], 3 * j[1]), fq2_subtract(e, b))


def add_step(point: Projective, q: tuple[Fq2, Fq2]) -> tuple[Projective, Line]:
    """Add an affine point; give the chord too."""
    x, y, z = point
    theta = fq2_subtract(y, fq2_multiply(q[1], z))
    chord = fq2_subtract(x, fq2_multiply(q[0], z))
    c, d = fq2_square(theta), fq2_square(chord)
    e, f, g = fq2_multiply(chord, d), fq2_multiply(z, c), fq2_multiply(x, d)
    h = fq2_subtract(fq2_add(e, f), fq2_add(g, g))
    total = (
        fq2_multiply(chord, h),
        fq2_subtract(fq2_multiply(theta, fq2_subtract(g, h)), fq2_multiply(e, y)),
        fq2_multiply(z, e),
    )
    j = fq2_subtract(fq2_multiply(theta, q[0]), fq2_multiply(chord, q[1]))
    return total, (chord, fq2_negate(theta), j)


class Tower(msgspec.Struct, Generic[T], frozen=True):
    """The operations on Fq12 that the final exponentiation needs.

    From the easy part on, elements lie in the cyclotomic subgroup, where the conjugate is the
    inverse.
    """

    multiply: Callable[[T, T], T]
    conjugate: Callable[[T], T]
    invert: Callable[[T], T]
    frobenius: Callable[[T, int], T]
    cyclotomic_square: Callable[[T], T]
    power_of_x: Callable[[T], T]
    reduce: Callable[[T], T]


TOWER: Tower[Fq12] = Tower(
    multiply=fq12_multiply,
    conjugate=fq12_conjugate,
    invert=fq12_invert,
    frobenius=fq12_frobenius,
    cyclotomic_square=cyclotomic_square,
    power_of_x=lambda a: cyclotomic_power(a, X),
    reduce=fq12_reduce,
)
"""Fq12 in Python integers."""


def final_exponentiation(f: T, tower: Tower[T]) -> T:
    """Raise to the power ``2X(6X**2 + 3X + 1) * (Q**12 - 1) / R``; zero never comes here."""
    multiply, conjugate, frobenius = tower.multiply, tower.conjugate, tower.frobenius
    square = tower.cyclotomic_square

    def power_minus_x(a: T) -> T:
        return conjugate(tower.power_of_x(a))

    easy = multiply(conjugate(f), tower.invert(f))
    m = multiply(frobenius(easy, 2), easy)
    m_x = power_minus_x(m)
    m_2x = square(m_x)
    m_6x = multiply(square(m_2x), m_2x)
    m_6xx = power_minus_x(m_6x)
    m_12xxx = conjugate(power_minus_x(square(m_6xx)))
    m_6x = conjugate(m_6x)
    a = multiply(multiply(m_12xxx, m_6xx), m_6x)
    b = multiply(a, m_2x)
    c = multiply(multiply(a, m_6xx), m)
    c = multiply(frobenius(b, 1), c)
    c = multiply(frobenius(a, 2), c)
    return tower.reduce(multiply(frobenius(multiply(conjugate(m), b), 3), c))
