"""The groups of BN254 in plain Python: slow, short, and written from the equations."""

from numen.kernels.bn254 import FQ, FR, GENERATOR_G1, GENERATOR_G2

Q, R = FQ.prime, FR.prime


class Fq2(tuple[int, int]):
    """a + b u with u**2 = -1."""

    __slots__ = ()

    def __add__(self, other: "Fq2") -> "Fq2":
        return Fq2(((self[0] + other[0]) % Q, (self[1] + other[1]) % Q))

    def __sub__(self, other: "Fq2") -> "Fq2":
        return Fq2(((self[0] - other[0]) % Q, (self[1] - other[1]) % Q))

    def __mul__(self, other: "Fq2") -> "Fq2":
        a, b, c, d = *self, *other
        return Fq2(((a * c - b * d) % Q, (a * d + b * c) % Q))

    def inverse(self) -> "Fq2":
        norm = pow(self[0] ** 2 + self[1] ** 2, -1, Q)
        return Fq2((self[0] * norm % Q, -self[1] * norm % Q))


def _lift(point):
    return tuple(c if isinstance(c, tuple) else (c, 0) for c in point)


def add(p, q):
    """The sum of two points; G1 is computed in Fq2 too."""
    if p is None or q is None:
        return p if q is None else q
    flat = isinstance(p[0], int)
    (ax, ay), (bx, by) = ([Fq2(c) for c in _lift(point)] for point in (p, q))
    if ax == bx:
        if ay != by:
            return None
        three, two = Fq2((3, 0)), Fq2((2, 0))
        slope = three * ax * ax * (two * ay).inverse()
    else:
        slope = (by - ay) * (bx - ax).inverse()
    x = slope * slope - ax - bx
    y = slope * (ax - x) - ay
    return (x[0], y[0]) if flat else (tuple(x), tuple(y))


def mul(p, k):
    """K times a point, by doubling and adding."""
    total = None
    while k:
        if k & 1:
            total = add(total, p)
        p, k = add(p, p), k >> 1
    return total


def neg(p):
    if p is None:
        return None
    x, y = p
    return (x, -y % Q) if isinstance(y, int) else (x, (-y[0] % Q, -y[1] % Q))


GENERATORS = {"G1": GENERATOR_G1, "G2": GENERATOR_G2}
