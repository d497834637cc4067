"""The field Fq12 in which the pairing takes its values, as a tower over Fq2.

    Fq6  = Fq2[v] / (v**3 - XI)      an element is a triple of Fq2
    Fq12 = Fq6[w] / (w**2 - v)       an element is a pair of Fq6

The tower is that of EIP-197's reference implementations and of snarkjs, so that a value of the
pairing can be written into a key file as it is.

Sums are not reduced modulo `Q`: every product is, and between two products only a few sums stand,
so coefficients stay within some 32 `Q` of zero. `fq12_reduce` gives the canonical form.
"""

from numen.proof.bn254 import (
    XI,
    Fq2,
    Q,
    fq2_conjugate,
    fq2_invert,
    fq2_multiply,
    fq2_power,
    fq2_square,
)

Fq6 = tuple[Fq2, Fq2, Fq2]
Fq12 = tuple[Fq6, Fq6]

FQ6_ZERO: Fq6 = ((0, 0), (0, 0), (0, 0))
FQ6_ONE: Fq6 = ((1, 0), (0, 0), (0, 0))
FQ12_ONE: Fq12 = (FQ6_ONE, FQ6_ZERO)


def _add(a: Fq2, b: Fq2) -> Fq2:
    return a[0] + b[0], a[1] + b[1]


def _subtract(a: Fq2, b: Fq2) -> Fq2:
    return a[0] - b[0], a[1] - b[1]


def by_xi(a: Fq2) -> Fq2:
    """``a * XI``, not reduced."""
    a0, a1 = a
    return 9 * a0 - a1, 9 * a1 + a0


def fq6_add(a: Fq6, b: Fq6) -> Fq6:
    """``a + b``."""
    (a0, a1), (a2, a3), (a4, a5) = a
    (b0, b1), (b2, b3), (b4, b5) = b
    return (a0 + b0, a1 + b1), (a2 + b2, a3 + b3), (a4 + b4, a5 + b5)


def fq6_subtract(a: Fq6, b: Fq6) -> Fq6:
    """``a - b``."""
    (a0, a1), (a2, a3), (a4, a5) = a
    (b0, b1), (b2, b3), (b4, b5) = b
    return (a0 - b0, a1 - b1), (a2 - b2, a3 - b3), (a4 - b4, a5 - b5)


def fq6_negate(a: Fq6) -> Fq6:
    """``-a``."""
    return fq6_subtract(FQ6_ZERO, a)


def fq6_by_v(a: Fq6) -> Fq6:
    """``a * v``."""
    return by_xi(a[2]), a[0], a[1]


def fq6_multiply(a: Fq6, b: Fq6) -> Fq6:
    """Karatsuba over three coefficients: six products instead of nine."""
    (a0, a1, a2), (b0, b1, b2) = a, b
    p0, p1, p2 = fq2_multiply(a0, b0), fq2_multiply(a1, b1), fq2_multiply(a2, b2)
    p12 = fq2_multiply(_add(a1, a2), _add(b1, b2))
    p01 = fq2_multiply(_add(a0, a1), _add(b0, b1))
    p02 = fq2_multiply(_add(a0, a2), _add(b0, b2))
    return (
        _add(p0, by_xi(_subtract(_subtract(p12, p1), p2))),
        _add(_subtract(_subtract(p01, p0), p1), by_xi(p2)),
        _add(_subtract(_subtract(p02, p0), p2), p1),
    )


def fq6_multiply_sparse(a: Fq6, b0: Fq2, b1: Fq2) -> Fq6:
    """Multiply by ``b0 + b1 * v``."""
    a0, a1, a2 = a
    p0, p1 = fq2_multiply(a0, b0), fq2_multiply(a1, b1)
    cross = fq2_multiply(_add(a0, a1), _add(b0, b1))
    return (
        _add(p0, by_xi(fq2_multiply(a2, b1))),
        _subtract(_subtract(cross, p0), p1),
        _add(fq2_multiply(a2, b0), p1),
    )


def fq6_invert(a: Fq6) -> Fq6:
    """Source: Devegili et al., "Multiplication and Squaring on Pairing-Friendly Fields", 2006."""
    a0, a1, a2 = a
    c0 = _subtract(fq2_square(a0), by_xi(fq2_multiply(a1, a2)))
    c1 = _subtract(by_xi(fq2_square(a2)), fq2_multiply(a0, a1))
    c2 = _subtract(fq2_square(a1), fq2_multiply(a0, a2))
    cross = _add(fq2_multiply(a2, c1), fq2_multiply(a1, c2))
    scale = fq2_invert(_add(fq2_multiply(a0, c0), by_xi(cross)))
    return fq2_multiply(c0, scale), fq2_multiply(c1, scale), fq2_multiply(c2, scale)


def fq12_reduce(a: Fq12) -> Fq12:
    """Bring every coefficient into ``[0, Q)``."""
    (a0, a1, a2), (b0, b1, b2) = a
    return (
        ((a0[0] % Q, a0[1] % Q), (a1[0] % Q, a1[1] % Q), (a2[0] % Q, a2[1] % Q)),
        ((b0[0] % Q, b0[1] % Q), (b1[0] % Q, b1[1] % Q), (b2[0] % Q, b2[1] % Q)),
    )


def fq12_multiply(a: Fq12, b: Fq12) -> Fq12:
    """``a * b``, with three products of Fq6."""
    (a0, a1), (b0, b1) = a, b
    p0, p1 = fq6_multiply(a0, b0), fq6_multiply(a1, b1)
    cross = fq6_multiply(fq6_add(a0, a1), fq6_add(b0, b1))
    return fq6_add(p0, fq6_by_v(p1)), fq6_subtract(fq6_subtract(cross, p0), p1)


def fq12_square(a: Fq12) -> Fq12:
    """Two products instead of three: ``(a0 + a1)(a0 + v a1) = a0**2 + v a1**2 + (1 + v)a0 a1``."""
    a0, a1 = a
    p = fq6_multiply(a0, a1)
    mixed = fq6_multiply(fq6_add(a0, a1), fq6_add(a0, fq6_by_v(a1)))
    return fq6_subtract(fq6_subtract(mixed, p), fq6_by_v(p)), fq6_add(p, p)


def fq12_multiply_line(f: Fq12, c0: Fq2, c3: Fq2, c4: Fq2) -> Fq12:
    """Multiply by the value of a line, ``c0 + (c3 + c4 * v) * w``: ten products of Fq2."""
    f0, f1 = f
    p0 = fq2_multiply(f0[0], c0), fq2_multiply(f0[1], c0), fq2_multiply(f0[2], c0)
    p1 = fq6_multiply_sparse(f1, c3, c4)
    cross = fq6_multiply_sparse(fq6_add(f0, f1), _add(c0, c3), c4)
    return fq6_add(p0, fq6_by_v(p1)), fq6_subtract(fq6_subtract(cross, p0), p1)


def fq12_conjugate(a: Fq12) -> Fq12:
    """``a`` to the power ``Q**6``; for elements of norm one this is the inverse."""
    return a[0], fq6_negate(a[1])


def fq12_invert(a: Fq12) -> Fq12:
    """``1 / a``; zero raises ValueError."""
    a0, a1 = a
    norm = fq6_subtract(fq6_multiply(a0, a0), fq6_by_v(fq6_multiply(a1, a1)))
    scale = fq6_invert(norm)
    return fq6_multiply(a0, scale), fq6_negate(fq6_multiply(a1, scale))


_FROBENIUS = tuple(fq2_power(XI, k * (Q - 1) // 6) for k in range(6))
"""``w**k`` to the power `Q` is ``w**k`` times this."""


def fq12_frobenius(a: Fq12, times: int = 1) -> Fq12:
    """``a`` to the power ``Q**times``."""
    for _ in range(times):
        (c0, c2, c4), (c1, c3, c5) = a
        d0, d1, d2, d3, d4, d5 = (
            fq2_multiply(fq2_conjugate(c), factor)
            for c, factor in zip((c0, c1, c2, c3, c4, c5), _FROBENIUS, strict=True)
        )
        a = (d0, d2, d4), (d1, d3, d5)
    return a


def _fq4_square(a: Fq2, b: Fq2) -> tuple[Fq2, Fq2]:
    """Square ``a + b * s`` where ``s**2 = XI``."""
    aa, bb = fq2_square(a), fq2_square(b)
    total = fq2_square(_add(a, b))
    return _add(aa, by_xi(bb)), _subtract(_subtract(total, aa), bb)


def _three_minus_two(t: Fq2, z: Fq2) -> Fq2:
    return (3 * t[0] - 2 * z[0]) % Q, (3 * t[1] - 2 * z[1]) % Q


def _three_plus_two(t: Fq2, z: Fq2) -> Fq2:
    return (3 * t[0] + 2 * z[0]) % Q, (3 * t[1] + 2 * z[1]) % Q


def cyclotomic_square(a: Fq12) -> Fq12:
    """Square an element whose order divides ``Q**4 - Q**2 + 1``.

    Source: Granger and Scott, "Faster Squaring in the Cyclotomic Subgroup of Sixth Degree
    Extensions", PKC 2010.
    """
    (z0, z4, z3), (z2, z1, z5) = a
    t0, t1 = _fq4_square(z0, z1)
    t2, t3 = _fq4_square(z2, z3)
    t4, t5 = _fq4_square(z4, z5)
    return (
        (_three_minus_two(t0, z0), _three_minus_two(t2, z4), _three_minus_two(t4, z3)),
        (_three_plus_two(by_xi(t5), z2), _three_plus_two(t1, z1), _three_plus_two(t3, z5)),
    )


def cyclotomic_power(a: Fq12, exponent: int) -> Fq12:
    """Raise an element as in `cyclotomic_square` to a power that is positive."""
    result = a
    for bit in f"{exponent:b}"[1:]:
        result = cyclotomic_square(result)
        if bit == "1":
            result = fq12_multiply(result, a)
    return result
