"""A difference of points as snarkjs computes it of bytes that are no point.

Of a circuit with as many rows as the powers of tau serve, snarkjs hashes one power more than there
is: it takes the next 64 bytes of the file for one. Their numbers are not below the prime, so what
comes out depends on how its words of 256 bits overflow. The hash names a circuit's ceremony, and
everybody must find the same one; nothing else depends on it.

Source: https://github.com/iden3/wasmcurves (build_f1m, build_curve_jacobian_a0).
"""

from numen.proof.bn254 import Q

Row = tuple[int, int]
"""Two words."""

_RADIX = 1 << 256
_MINUS_INVERSE = -pow(Q, -1, _RADIX) % _RADIX


def difference(a: Row, b: Row) -> Row:
    """``a - b``, by the affine formula for distinct points, in Montgomery form.

    Args:
        a: Any two words.
        b: A point; its numbers are below the prime.
    """
    (x1, y1), (x2, y2) = a, b
    h, rise = _sub(x2, x1), _sub(_sub(0, y2), y1)
    square = _mul(h, h)
    i = _double(_double(square))
    j, v, slope = _mul(h, i), _mul(x1, i), _double(rise)
    x3 = _sub(_sub(_mul(slope, slope), j), _double(v))
    y3 = _sub(_mul(_sub(v, x3), slope), _double(_mul(y1, j)))
    z3 = _double(h)
    if z3 % Q == 0:
        return 0, 0
    reciprocal = pow(z3, -1, Q) * pow(_RADIX, 2, Q) % Q
    squared = _mul(reciprocal, reciprocal)
    return _mul(x3, squared), _mul(y3, _mul(squared, reciprocal))


def _sub(a: int, b: int) -> int:
    return a - b if a >= b else (a - b + Q) % _RADIX


def _double(a: int) -> int:
    return _fit(a + a)


def _mul(a: int, b: int) -> int:
    """The Montgomery product, from which the prime is subtracted once at most."""
    factor = a * b * _MINUS_INVERSE % _RADIX
    return _fit((a * b + factor * Q) >> 256)


def _fit(a: int) -> int:
    return (a - Q) % _RADIX if a >= Q else a
