"""Groth16 proofs as evidence for claims."""

from collections.abc import Callable, Sequence

from numen.base.codec import U256
from numen.proof.eip197 import decode_proof, encode_proof, key_digest
from numen.proof.native_verifier import verify
from numen.proof.statement import Snark, SnarkRule, encode_words
from numen.proof.verifier import Proof, VerifyingKey


def snark_evidence(key: VerifyingKey, proof: Proof, statement: Sequence[int]) -> Snark:
    """Wrap a proof as evidence: 256 bytes, and the values that it is about."""
    return Snark(key_digest(key), encode_proof(proof), tuple(map(U256, statement)))


def snark_rule(
    key: VerifyingKey,
    *,
    program: bytes,
    output_count: int,
    encode: Callable[[Sequence[int]], bytes] = encode_words,
) -> SnarkRule:
    """Say what a verifying key stands for, to who checks evidence.

    Args:
        key: From a setup that the reader trusts.
        program: Id of the program whose circuit the key is of.
        output_count: How many values of a statement are outputs; they come first.
        encode: Gives the bytes that a run reads or returns for a list of values.
    """

    def check(proof: bytes, statement: tuple[int, ...]) -> None:
        verify(key, decode_proof(proof), statement)

    return SnarkRule(key_digest(key), program, output_count, check, encode)
