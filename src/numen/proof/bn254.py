"""The curve BN254 (alt_bn128): its fields and its two groups, in Python integers.

This is the readable reference, and what verification uses: a verifier needs no native code.

    G1: y**2 = x**3 + 3               over Fq
    G2: y**2 = x**3 + 3 / (9 + u)     over Fq2 = Fq[u] / (u**2 + 1)

An element of Fq is an int in ``[0, Q)``; of Fq2 a pair ``(c0, c1)`` that stands for
``c0 + c1 * u``. A point is a pair of coordinates, or None for infinity.

Source: Barreto and Naehrig, "Pairing-Friendly Elliptic Curves of Prime Order", SAC 2005, with
the parameters of EIP-196 and EIP-197.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

X = 4965661367192848881
"""The parameter of the curve; `Q`, `R` and the pairing's loop are polynomials in it."""

Q = 36 * X**4 + 36 * X**3 + 24 * X**2 + 6 * X + 1
"""Prime of the base field of the curve."""

R = 36 * X**4 + 36 * X**3 + 18 * X**2 + 6 * X + 1
"""Prime order of both groups; circuits compute modulo this."""

ROOT_LOG = 28
"""``R - 1`` is divisible by this power of two and no higher."""

ROOT = pow(5, (R - 1) >> ROOT_LOG, R)
"""A primitive root of unity of order ``2**ROOT_LOG`` modulo `R`: the one circom's tools use."""

Fq2 = tuple[int, int]
G1Point = tuple[int, int] | None
G2Point = tuple[Fq2, Fq2] | None

F = TypeVar("F", int, Fq2)


class Field(msgspec.Struct, Generic[F], frozen=True):
    """The operations that curve formulas need."""

    zero: F
    one: F
    add: Callable[[F, F], F]
    subtract: Callable[[F, F], F]
    multiply: Callable[[F, F], F]
    invert: Callable[[F], F]
    is_element: Callable[[object], bool]


def fq2_add(a: Fq2, b: Fq2) -> Fq2:
    """``a + b``."""
    return (a[0] + b[0]) % Q, (a[1] + b[1]) % Q


def fq2_subtract(a: Fq2, b: Fq2) -> Fq2:
    """``a - b``."""
    return (a[0] - b[0]) % Q, (a[1] - b[1]) % Q


def fq2_negate(a: Fq2) -> Fq2:
    """``-a``."""
    return -a[0] % Q, -a[1] % Q


def fq2_multiply(a: Fq2, b: Fq2) -> Fq2:
    """``a * b``, with three products; the operands need not be reduced."""
    a0, a1 = a
    b0, b1 = b
    low, high = a0 * b0, a1 * b1
    return (low - high) % Q, ((a0 + a1) * (b0 + b1) - low - high) % Q


def fq2_square(a: Fq2) -> Fq2:
    """``a * a``, with two products."""
    a0, a1 = a
    return (a0 + a1) * (a0 - a1) % Q, 2 * a0 * a1 % Q


def fq2_scale(a: Fq2, k: int) -> Fq2:
    """``a * k`` for k in Fq."""
    return a[0] * k % Q, a[1] * k % Q


def fq2_conjugate(a: Fq2) -> Fq2:
    """``a`` to the power `Q`."""
    return a[0], -a[1] % Q


def fq2_invert(a: Fq2) -> Fq2:
    """``1 / a``; zero raises ValueError."""
    a0, a1 = a
    norm = pow(a0 * a0 + a1 * a1, -1, Q)
    return a0 * norm % Q, -a1 * norm % Q


def fq2_power(a: Fq2, exponent: int) -> Fq2:
    """``a`` to a power that is not negative."""
    result = (1, 0)
    for bit in f"{exponent:b}":
        result = fq2_square(result)
        if bit == "1":
            result = fq2_multiply(result, a)
    return result


def _is_fq(value: object) -> bool:
    return type(value) is int and 0 <= value < Q


def _is_fq2(value: object) -> bool:
    return type(value) is tuple and len(value) == 2 and all(map(_is_fq, value))


FQ: Field[int] = Field(
    zero=0,
    one=1,
    add=lambda a, b: (a + b) % Q,
    subtract=lambda a, b: (a - b) % Q,
    multiply=lambda a, b: a * b % Q,
    invert=lambda a: pow(a, -1, Q),
    is_element=_is_fq,
)
FQ2: Field[Fq2] = Field(
    zero=(0, 0),
    one=(1, 0),
    add=fq2_add,
    subtract=fq2_subtract,
    multiply=fq2_multiply,
    invert=fq2_invert,
    is_element=_is_fq2,
)

Affine = tuple[F, F] | None
Jacobian = tuple[F, F, F]
"""``(x, y, z)`` stands for ``(x / z**2, y / z**3)``; infinity has ``z = 0``."""


class Curve(msgspec.Struct, Generic[F], frozen=True):
    """The group of points of ``y**2 = x**3 + b`` over a field.

    Points given to its methods are on the curve unless the method says otherwise.

    Attributes:
        field: Operations of the coordinates.
        b: The constant of the equation.
        generator: Generates the subgroup of order `R`.
    """

    field: Field[F]
    b: F
    generator: tuple[F, F]

    def contains(self, point: object) -> bool:
        """Tell whether a value is a point of the curve, with canonical coordinates."""
        if point is None:
            return True
        field = self.field
        if type(point) is not tuple or len(point) != 2 or not all(map(field.is_element, point)):
            return False
        x, y = point
        cube = field.multiply(x, field.multiply(x, x))
        return field.multiply(y, y) == field.add(cube, self.b)

    def negate(self, point: Any) -> Any:
        """The point of the same x and the other y."""
        if point is None:
            return None
        return point[0], self.field.subtract(self.field.zero, point[1])

    def add(self, a: Any, b: Any) -> Any:
        """Add two affine points."""
        return self._to_affine(self._add_affine(self._from_affine(a), b))

    def multiply(self, point: Any, scalar: int) -> Any:
        """Add a point to itself; the scalar is not reduced and not negative."""
        return self.combine([point], [scalar])

    def combine(self, points: Sequence[Any], scalars: Sequence[int]) -> Any:
        """Compute ``sum(scalar * point)``.

        Args:
            points: Affine points.
            scalars: Not negative, not reduced; one for each point.

        Cost: one doubling a bit of the largest scalar, and one addition each four bits of each.
        """
        infinity: Any = self._from_affine(None)
        tables = [self._window(point) for point in points]
        digits_max = max((scalar.bit_length() + 3 for scalar in scalars), default=0) // 4
        total = infinity
        for digit_index in reversed(range(digits_max)):
            for _ in range(4):
                total = self._double(total)
            for table, scalar in zip(tables, scalars, strict=True):
                digit = scalar >> 4 * digit_index & 15
                if digit:
                    total = self._add_affine(total, table[digit])
        return self._to_affine(total)

    def _window(self, point: Any) -> list[Any]:
        """The point's multiples from 0 to 15, affine."""
        multiples = [self._from_affine(None)]
        for _ in range(15):
            multiples.append(self._add_affine(multiples[-1], point))
        return self.to_affine(multiples)

    def to_affine(self, points: Sequence[Any]) -> list[Any]:
        """Normalise Jacobian points with one inversion for all of them."""
        field = self.field
        running = field.one
        partial: list[F] = []
        for _, _, z in points:
            partial.append(running)
            if z != field.zero:
                running = field.multiply(running, z)
        inverse = field.invert(running)
        result: list[Any] = []
        for (x, y, z), before in zip(reversed(points), reversed(partial), strict=True):
            if z == field.zero:
                result.append(None)
                continue
            z_inverse = field.multiply(inverse, before)
            inverse = field.multiply(inverse, z)
            square = field.multiply(z_inverse, z_inverse)
            cube = field.multiply(square, z_inverse)
            result.append((field.multiply(x, square), field.multiply(y, cube)))
        return result[::-1]

    def _from_affine(self, point: Any) -> Any:
        field = self.field
        return (field.one, field.one, field.zero) if point is None else (*point, field.one)

    def _to_affine(self, point: Any) -> Any:
        return self.to_affine([point])[0]

    def _double(self, point: Any) -> Any:
        """Source: dbl-2009-l of the Explicit-Formulas Database."""
        x, y, z = point
        add, subtract, multiply = self.field.add, self.field.subtract, self.field.multiply
        a, b = multiply(x, x), multiply(y, y)
        c = multiply(b, b)
        t = add(x, b)
        d = subtract(subtract(multiply(t, t), a), c)
        d, e = add(d, d), add(add(a, a), a)
        x3 = subtract(multiply(e, e), add(d, d))
        c = add(c, c)
        c = add(c, c)
        y3 = subtract(multiply(e, subtract(d, x3)), add(c, c))
        yz = multiply(y, z)
        return x3, y3, add(yz, yz)

    def _add_affine(self, point: Any, other: Any) -> Any:
        """Source: madd-2007-bl of the Explicit-Formulas Database, plain multiplications."""
        field = self.field
        add, subtract, multiply = field.add, field.subtract, field.multiply
        if other is None:
            return point
        x1, y1, z1 = point
        if z1 == field.zero:
            return self._from_affine(other)
        x2, y2 = other
        zz = multiply(z1, z1)
        h = subtract(multiply(x2, zz), x1)
        r = subtract(multiply(y2, multiply(zz, z1)), y1)
        if h == field.zero:
            return self._double(point) if r == field.zero else self._from_affine(None)
        hh = multiply(h, h)
        hhh, v = multiply(h, hh), multiply(x1, hh)
        x3 = subtract(subtract(multiply(r, r), hhh), add(v, v))
        y3 = subtract(multiply(r, subtract(v, x3)), multiply(y1, hhh))
        return x3, y3, multiply(z1, h)


XI: Fq2 = (9, 1)
"""The element whose sixth root extends Fq2 to Fq12, and that twists the curve."""

G1 = Curve(FQ, 3, (1, 2))

G2 = Curve(
    FQ2,
    fq2_scale(fq2_invert(XI), 3),
    (
        (
            0x1800DEEF121F1E76426A00665E5C4479674322D4F75EDADD46DEBD5CD992F6ED,
            0x198E9393920D483A7260BFB731FB5D25F1AA493335A9E71297E485B7AEF312C2,
        ),
        (
            0x12C85EA5DB8C6DEB4AAB71808DCB408FE3D1E7690C43D37B4CE6CC0166FA7DAA,
            0x090689D0585FF075EC9E99AD690C3395BC4B313370B38EF355ACDADCD122975B,
        ),
    ),
)
"""The twist. Its generator is that of EIP-197, written there with c1 before c0."""

_TWIST_X = fq2_power(XI, (Q - 1) // 3)
_TWIST_Y = fq2_power(XI, (Q - 1) // 2)


def twist_frobenius(point: tuple[Fq2, Fq2]) -> tuple[Fq2, Fq2]:
    """Apply the Frobenius of the curve over Fq12 to a point of the twist.

    On the subgroup of order `R` it multiplies by `Q`.
    """
    x, y = point
    return fq2_multiply(fq2_conjugate(x), _TWIST_X), fq2_multiply(fq2_conjugate(y), _TWIST_Y)


def is_in_g2(point: object) -> bool:
    """Tell whether a value is a point of the twist in the subgroup of order `R`.

    The curve G1 has no other points than its subgroup, but the twist has.

    Source: El Housni, Guillevic, Piellard, "Co-factor clearing and subgroup membership testing
    on pairing-friendly curves", AFRICACRYPT 2022: with p the Frobenius of the twist,
    ``[X + 1]P + p([X]P) + p(p([X]P)) = p(p(p([2X]P)))`` holds in the subgroup only.
    """
    if not G2.contains(point):
        return False
    if point is None:
        return True
    once = G2.multiply(point, X)
    if once is None:
        return False
    by_p = twist_frobenius(once)
    by_pp = twist_frobenius(by_p)
    left = G2.add(G2.add(G2.add(once, point), by_p), by_pp)
    return bool(left == twist_frobenius(twist_frobenius(twist_frobenius(G2.add(once, once)))))
