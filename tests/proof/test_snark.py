"""Groth16 proofs as evidence: they carry exactly the claim that they are about."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.codec import U256, decode, encode
from numen.base.crypto import keccak256
from numen.proof.bn254 import Q, R
from numen.proof.eip197 import PROOF_BYTES, decode_proof, encode_proof, key_digest
from numen.proof.errors import FormatError
from numen.proof.snark import snark_evidence, snark_rule
from numen.proof.statement import (
    Claim,
    Snark,
    UnboundError,
    UnprovenError,
    commit_inputs,
    commit_output,
    encode_words,
    verify,
)
from numen.proof.verifier import Proof
from tests.strategies.cube import cube

PROGRAM = keccak256(b"cube")


def claim(*, output=27):
    inputs = commit_inputs(encode_words(()))
    return Claim(PROGRAM, inputs, commit_output(encode_words((output,))), work=3)


def rule():
    return snark_rule(cube()[1].verifying, program=PROGRAM, output_count=1)


def evidence():
    _, key, _, proof = cube()
    return snark_evidence(key.verifying, proof, [27])


def test_a_proof_carries_its_claim():
    sent = encode(evidence())

    assert verify(claim(), decode(Snark, sent), snark=rule()) is None


def test_a_proof_carries_no_other_claim():
    with pytest.raises(UnboundError, match="output"):
        verify(claim(output=28), evidence(), snark=rule())
    for value in (28, 27 + R):
        lie = msgspec.structs.replace(evidence(), public=(U256(value),))
        with pytest.raises(UnprovenError):
            verify(claim(output=value), lie, snark=rule())


@given(index=st.integers(0, 8 * PROOF_BYTES - 1))
def test_a_flipped_bit_of_a_proof_is_refused(index):
    good = bytearray(evidence().proof)
    good[index >> 3] ^= 1 << (index & 7)

    with pytest.raises(UnprovenError):
        verify(claim(), msgspec.structs.replace(evidence(), proof=bytes(good)), snark=rule())


@given(data=st.binary(max_size=300))
def test_bytes_that_are_no_proof_are_refused(data):
    with pytest.raises(UnprovenError):
        verify(claim(), msgspec.structs.replace(evidence(), proof=data), snark=rule())


def test_bytes_of_proofs_are_canonical():
    proof = cube()[3]
    data = encode_proof(proof)

    assert decode_proof(data) == proof
    assert decode_proof(bytes(PROOF_BYTES)) == Proof(None, None, None)
    assert encode_proof(Proof(None, None, None)) == bytes(PROOF_BYTES)
    for index in range(8):
        value = int.from_bytes(data[32 * index : 32 * index + 32], "big") + Q
        bad = data[: 32 * index] + value.to_bytes(32, "big") + data[32 * index + 32 :]
        with pytest.raises(FormatError, match=f"byte {32 * index}"):
            decode_proof(bad)
    for size in (0, 255, 257):
        with pytest.raises(FormatError, match="256"):
            decode_proof(bytes(size))


def test_keys_are_named_by_all_their_points():
    vk = cube()[1].verifying
    names = {key_digest(vk)}
    for field in ("alpha", "beta", "gamma", "delta"):
        names.add(key_digest(msgspec.structs.replace(vk, **{field: None})))
    names.add(key_digest(msgspec.structs.replace(vk, ic=vk.ic[:1])))
    names.add(key_digest(msgspec.structs.replace(vk, ic=vk.ic[::-1])))

    assert len(names) == 7
