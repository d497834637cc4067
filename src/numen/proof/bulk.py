"""Long sums and transforms of the prover and the setup."""

from collections.abc import Sequence

from numen.proof.bn254 import G1, G2, ROOT, ROOT_LOG, G1Point, G2Point, R
from numen.proof.felts import Felts, felts_from_ints, ints_from_felts
from numen.proof.points import Points, pack_g1, pack_g2, unpack_g1, unpack_g2


def g1_multiples(scalars: Sequence[int]) -> Points:
    """The generator of G1 times each scalar."""
    return pack_g1([G1.multiply(G1.generator, k) for k in scalars])


def g2_multiples(scalars: Sequence[int]) -> Points:
    """The generator of G2 times each scalar."""
    return pack_g2([G2.multiply(G2.generator, k) for k in scalars])


def g1_sum(points: Points, scalars: Felts) -> G1Point:
    """``sum(scalar * point)`` in G1."""
    result: G1Point = G1.combine(unpack_g1(points), ints_from_felts(scalars))
    return result


def g2_sum(points: Points, scalars: Felts) -> G2Point:
    """``sum(scalar * point)`` in G2."""
    result: G2Point = G2.combine(unpack_g2(points), ints_from_felts(scalars))
    return result


def to_odd_coset(values: list[int], log: int) -> list[int]:
    """From values on a domain to values on the odd points of the domain of twice the size.

    Args:
        values: Of a polynomial of degree below ``2**log``, at powers of the root of that order.
        log: Binary logarithm of how many.

    Returns:
        Its values at odd powers of the root of order ``2**(log + 1)``, in order.
    """
    size = 1 << log
    shift, root = (pow(ROOT, 1 << (ROOT_LOG - log - k), R) for k in (1, 0))
    coefficients = _transform(values, pow(root, -1, R))
    scale = pow(size, -1, R)
    for i in range(size):
        coefficients[i] = coefficients[i] * scale % R
        scale = scale * shift % R
    return _transform(coefficients, root)


def _transform(values: list[int], root: int) -> list[int]:
    if len(values) == 1:
        return values
    even, odd = _transform(values[::2], root * root % R), _transform(values[1::2], root * root % R)
    power, low, high = 1, [], []
    for x, y in zip(even, odd, strict=True):
        z = y * power % R
        low.append((x + z) % R)
        high.append((x - z) % R)
        power = power * root % R
    return low + high


def quotient(a: list[int], b: list[int], log: int) -> Felts:
    """Values of ``A * B - C`` on the odd coset, where ``C = A * B`` on the domain itself."""
    c = [x * y % R for x, y in zip(a, b, strict=True)]
    lifted = (to_odd_coset(values, log) for values in (a, b, c))
    return felts_from_ints((x * y - z) % R for x, y, z in zip(*lifted, strict=True))
