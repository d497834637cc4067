"""Long sums and transforms of the prover and the setup."""

from numen.kernels import ntt
from numen.proof.bn254 import G1, G2, G1Point, G2Point
from numen.proof.felts import Felts, ints_from_felts
from numen.proof.points import Points, pack_g1, pack_g2, unpack_g1, unpack_g2


def g1_multiples(scalars: Felts) -> Points:
    """The generator of G1 times each scalar."""
    return pack_g1([G1.multiply(G1.generator, k) for k in ints_from_felts(scalars)])


def g2_multiples(scalars: Felts) -> Points:
    """The generator of G2 times each scalar."""
    return pack_g2([G2.multiply(G2.generator, k) for k in ints_from_felts(scalars)])


def g1_sum(points: Points, scalars: Felts) -> G1Point:
    """``sum(scalar * point)`` in G1."""
    result: G1Point = G1.combine(unpack_g1(points), ints_from_felts(scalars))
    return result


def g2_sum(points: Points, scalars: Felts) -> G2Point:
    """``sum(scalar * point)`` in G2."""
    result: G2Point = G2.combine(unpack_g2(points), ints_from_felts(scalars))
    return result


def to_odd_coset(values: Felts) -> Felts:
    """From values on a domain to values on the odd points of the domain of twice the size.

    Args:
        values: Of a polynomial of degree below n, at powers of the n-th root.

    Returns:
        Its values at odd powers of the root of order 2n, in order.
    """
    return ntt.forward(ntt.inverse(values), shift=ntt.root(2 * len(values)))
