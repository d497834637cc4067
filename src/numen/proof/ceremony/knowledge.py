"""Proofs that a party knows the secret it multiplied by.

A party with secret x publishes a point S of G1, ``x S``, and ``x P`` where P is the point of G2
that a hash of everything before, S and x S stands for. Nobody can make ``x P`` from other
multiples of P, because nobody knew P before.

Source: Bowe, Gabizon, Miers, "Scalable Multi-party Computation for zk-SNARK Parameters in the
Random Beacon Model", 2017.
"""

import msgspec

from numen.proof.bn254 import G1, G1Point, G2Point
from numen.proof.ceremony.dice import g1_of, g2_of
from numen.proof.errors import CeremonyRejectedError
from numen.proof.native_pairing import is_product_one


class Knowledge(msgspec.Struct, frozen=True):
    """Such a proof.

    Attributes:
        s: S in G1.
        s_x: ``x S``.
        p_x: ``x P`` in G2.
    """

    s: G1Point
    s_x: G1Point
    p_x: G2Point


def multiples(s: G1Point, secret: int) -> tuple[G1Point, G1Point]:
    """S and ``x S``, which the hash for P takes."""
    return s, g1_of(s, secret)


def prove_knowledge(s: G1Point, s_x: G1Point, p: G2Point, secret: int) -> Knowledge:
    """Complete a proof with the point of the hash."""
    return Knowledge(s, s_x, g2_of(p, secret))


def check_knowledge(part: str, knowledge: Knowledge, p: G2Point) -> None:
    """Refuse a proof that shows nothing.

    Raises:
        CeremonyRejectedError: Names the part.
    """
    if not same_ratio(knowledge.s, knowledge.s_x, p, knowledge.p_x):
        raise CeremonyRejectedError(part, "the party did not show that it knew its secret")


def same_ratio(a: G1Point, a_x: G1Point, b: G2Point, b_x: G2Point) -> bool:
    """Whether ``a_x / a = b_x / b``, of points of the groups; infinity has no ratio."""
    if None in (a, a_x, b, b_x):
        return False
    return is_product_one(((a, b_x), (G1.negate(a_x), b)))
