"""Groth16 verification by native code: the answers of `numen.proof.verifier`, 20 times as fast.

What depends on the key alone is worked out once: the lines of its points of G2, the multiples of
its points of G1, and the value of alpha and beta. A proof then costs one point's lines, three
Miller loops and a final exponentiation.

Native code has a price too: a second or two of compiling once on a machine, a tenth of a second of
loading in each process. `verify` pays it when a process checks many proofs.
"""

import functools
import itertools
from collections.abc import Sequence

from numen.proof import verifier
from numen.proof.bn254 import G1
from numen.proof.bn254_code import entries, groth16
from numen.proof.eip197 import encode_g1, encode_g2, encode_proof
from numen.proof.errors import InvalidProofError, ProofRejectedError
from numen.proof.native_pairing import can_load
from numen.proof.verifier import NOT_IN_SUBGROUP, Proof, VerifyingKey, check_form

PLAIN_FIRST = 4
"""So many proofs a process checks in Python before it loads native code for the purpose."""

_KEY_COUNT = 16
"""Keys whose work is kept: 40 KiB each, and 1.5 KiB for each value of the statement."""

_count = itertools.count()


def verify(key: VerifyingKey, proof: Proof, statement: Sequence[int]) -> None:
    """Accept a proof of a statement by returning, refuse it by raising.

    As `numen.proof.verifier.verify` does, and by it for the first `PLAIN_FIRST` proofs, or where
    native code cannot be had.

    Args:
        key: As for the other.
        proof: As for the other.
        statement: As for the other.

    Raises:
        InvalidProofError: As for the other.
        ProofRejectedError: As for the other.
        WeakKeyError: As for the other.
    """
    if not entries.is_loaded() and (next(_count) < PLAIN_FIRST or not can_load()):
        verifier.verify(key, proof, statement)
    else:
        verify_natively(key, proof, statement)


def verify_natively(key: VerifyingKey, proof: Proof, statement: Sequence[int]) -> None:
    """As `verify`, by native code from the first proof on.

    Raises:
        CompileError: There is no native code on this machine.
        InvalidProofError: As for `verify`.
        ProofRejectedError: As for `verify`.
        WeakKeyError: As for `verify`.

    Cost: 1 millisecond; 1.5 for the first proof of a key.
    """
    # Infinity has no lines. A key that has it where it matters has other troubles than time.
    if None in (key.alpha, key.beta, key.gamma, key.delta):
        verifier.verify(key, proof, statement)
        return
    check_form(key, proof, statement)
    scalars = [
        value for point, value in zip(key.ic, (1, *statement), strict=True) if point is not None
    ]
    answer = entries.check_groth16(encode_proof(proof), _worked_out(key), scalars)
    if answer == groth16.NOT_IN_G2:
        raise InvalidProofError("pi_b", NOT_IN_SUBGROUP)
    if answer != groth16.ACCEPTED:
        raise ProofRejectedError


@functools.lru_cache(_KEY_COUNT)
def _worked_out(key: VerifyingKey) -> bytes:
    """What the check needs of a key whose points are finite, but for those of the statement."""
    alpha_beta = encode_g1(G1.negate(key.alpha)) + encode_g2(key.beta)
    parts = [entries.miller_value([alpha_beta])]
    parts += [entries.line_table(encode_g2(point)) for point in (key.delta, key.gamma)]
    parts += [entries.multiples(encode_g1(G1.negate(point))) for point in key.ic if point]
    return b"".join(parts)
