"""The proving key: what a setup leaves, and what a prover reads.

It has the content and the point forms of snarkjs's `.zkey` files.
"""

import msgspec

from numen.proof.bn254 import G1Point
from numen.proof.points import Points
from numen.proof.r1cs import Matrix
from numen.proof.verifier import VerifyingKey

SINGLE_PARTY_WARNING = (
    "This key is from a single-party setup: whoever ran it could have kept the secret, and with "
    "it can prove false statements. Do not use it in production."
)

NOBODY_WARNING = (
    "Nobody has contributed to this key, so everybody knows its secret: its ceremony begins here. "
    "Proofs cannot be checked with it."
)

UNVERIFIED_WARNING = (
    "This key says that several parties made it, and nobody has verified that here: run "
    "`numen ceremony verify`. Do not use it in production before."
)

NO_CEREMONY = bytes(68)
"""A `ceremony` of nobody: no circuit hash, no contributions."""


class ProvingKey(msgspec.Struct, frozen=True, eq=False):
    """A proving key, with its verifying key inside.

    Write ``u_i, v_i, w_i`` for the polynomials of wire i in A, B and C, taken at the secret tau.

    Attributes:
        verifying: The verifying key.
        beta_1: ``[beta]`` in G1.
        delta_1: ``[delta]`` in G1.
        wire_count: Wires of the circuit.
        domain_log: Binary logarithm of the number of rows of the domain.
        a_matrix: A, with a row for each wire of the statement after the constraints; its
            coefficients are times ``2**512``, so that their Montgomery products with plain
            values of wires are in Montgomery form.
        b_matrix: B, likewise.
        a: ``[u_i]`` in G1, for each wire.
        b_1: ``[v_i]`` in G1, for each wire.
        b_2: ``[v_i]`` in G2, for each wire.
        c: ``[(beta u_i + alpha v_i + w_i) / delta]`` in G1, for each wire not of the statement.
        h: ``[L_i / delta]`` in G1, for each row i of the domain: L are the Lagrange polynomials
            of a domain of twice the size, at its odd points.
        ceremony: Record of the contributions to the setup, in snarkjs's form: 64 bytes that
            hash the circuit, a count, and so many contributions.
        is_verified: Whether this machine has seen that the contributions made the key.
    """

    verifying: VerifyingKey
    beta_1: G1Point
    delta_1: G1Point
    wire_count: int
    domain_log: int
    a_matrix: Matrix
    b_matrix: Matrix
    a: Points
    b_1: Points
    b_2: Points
    c: Points
    h: Points
    ceremony: bytes = NO_CEREMONY
    is_verified: bool = False

    @property
    def statement_count(self) -> int:
        """How many values a statement has."""
        return self.verifying.statement_count

    @property
    def contribution_count(self) -> int:
        """How many parties a ceremony of this key had."""
        return int.from_bytes(self.ceremony[64:68], "little")

    @property
    def warning(self) -> str:
        """Why not to trust this key in production, or empty."""
        if not self.contribution_count:
            return NOBODY_WARNING if any(self.ceremony[:64]) else SINGLE_PARTY_WARNING
        return "" if self.is_verified else UNVERIFIED_WARNING
