"""Groth16 verification: small keys, small proofs, and no native code.

A proof is three points. It shows that its maker knows a witness of the key's circuit that has the
given values on the wires of the statement, without telling anything else about the witness.

A proof does not name its maker, and anyone can turn one proof of a statement into another: who
pays for proofs binds them to a signature first.

Source: Groth, "On the Size of Pairing-Based Non-interactive Arguments", EUROCRYPT 2016.
"""

from collections.abc import Sequence

import msgspec

from numen.proof.bn254 import G1, G2, G1Point, G2Point, R, is_in_g2
from numen.proof.errors import InvalidProofError, ProofRejectedError, WeakKeyError
from numen.proof.pairing import is_product_one

NOT_IN_SUBGROUP = "not in the subgroup of prime order"
"""What is wrong with a point of the twist that is not of G2."""


class VerifyingKey(msgspec.Struct, frozen=True):
    """What a verifier needs to know of a circuit and its setup.

    Attributes:
        alpha: ``[alpha]`` in G1.
        beta: ``[beta]`` in G2.
        gamma: ``[gamma]`` in G2.
        delta: ``[delta]`` in G2.
        ic: For each wire of the statement, the constant one first,
            ``[(beta * A + alpha * B + C) / gamma]`` in G1.
    """

    alpha: G1Point
    beta: G2Point
    gamma: G2Point
    delta: G2Point
    ic: tuple[G1Point, ...]

    @property
    def statement_count(self) -> int:
        """How many values a statement has."""
        return len(self.ic) - 1


class Proof(msgspec.Struct, frozen=True):
    """A proof.

    Attributes:
        a: A point of G1.
        b: A point of G2.
        c: A point of G1.
    """

    a: G1Point
    b: G2Point
    c: G1Point


def verify(key: VerifyingKey, proof: Proof, statement: Sequence[int]) -> None:
    """Accept a proof of a statement by returning, refuse it by raising.

    Args:
        key: From a setup that is trusted, with points that its reader has checked.
        proof: From anyone.
        statement: Values of the outputs and public inputs in `[0, R)`, in the circuit's order,
            without the constant one.

    Raises:
        InvalidProofError: The proof or the statement has the wrong form: a count, a value that
            is not below the prime (x + R is not another name of x), a point off its group.
        ProofRejectedError: The proof is of the right form and does not prove the statement.
        WeakKeyError: Anyone could forge proofs for this key.

    Cost: four pairings with one final exponentiation, and a product of 254 bits a value.
    """
    check_form(key, proof, statement)
    if not is_in_g2(proof.b):
        raise InvalidProofError("pi_b", NOT_IN_SUBGROUP)
    public = G1.combine(key.ic, [1, *statement])
    pairs = (
        (proof.a, proof.b),
        (G1.negate(key.alpha), key.beta),
        (G1.negate(public), key.gamma),
        (G1.negate(proof.c), key.delta),
    )
    if not is_product_one(pairs):
        raise ProofRejectedError


def check_form(key: VerifyingKey, proof: Proof, statement: Sequence[int]) -> None:
    """Check all that makes a proof worth a pairing, but for the subgroup of `Proof.b`.

    Raises:
        InvalidProofError: As for `verify`.
        WeakKeyError: As for `verify`.
    """
    if key.gamma == key.delta:
        raise WeakKeyError
    _check_statement(key, statement)
    _check_points(proof)


def _check_statement(key: VerifyingKey, statement: Sequence[int]) -> None:
    if len(statement) != key.statement_count:
        reason = f"{len(statement)} values where the key asks for {key.statement_count}"
        raise InvalidProofError("statement", reason)
    for index, value in enumerate(statement):
        if type(value) is not int or not 0 <= value < R:
            raise InvalidProofError(f"statement[{index}]", "not an integer of the field")


def _check_points(proof: Proof) -> None:
    for part, point, is_valid in (
        ("pi_a", proof.a, G1.contains),
        ("pi_b", proof.b, G2.contains),
        ("pi_c", proof.c, G1.contains),
    ):
        if point is None:
            raise InvalidProofError(part, "the point at infinity")
        if not is_valid(point):
            raise InvalidProofError(part, "not a point of the curve")
