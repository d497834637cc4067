"""Claims and evidence: enough distinct eligible signers, or a proof of exactly this claim."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.codec import U256, decode, encode
from numen.base.crypto import SigningKey, keccak256
from numen.base.errors import NumenError
from numen.proof.statement import (
    ATTESTATIONS_MAX,
    Attestation,
    Claim,
    NoRuleError,
    NotEnoughError,
    Quorum,
    QuorumRule,
    Snark,
    SnarkRule,
    UnboundError,
    UnprovenError,
    attest,
    claim_digest,
    commit_inputs,
    commit_output,
    encode_words,
    verify,
)

SIGNERS = [SigningKey.from_seed(bytes([i])) for i in range(5)]
PROGRAM, KEY = keccak256(b"program"), keccak256(b"key")
CLAIM = Claim(PROGRAM, commit_inputs(encode_words((3, 4))), commit_output(encode_words((7,))), 5)
RULE = QuorumRule({key.address: 10 * (i + 1) for i, key in enumerate(SIGNERS[:4])}, 50)


def adds_up(proof: bytes, public: tuple[int, ...]) -> None:
    if proof != b"proof" or public[0] != sum(public[1:]):
        raise NumenError("the sum is another")


SNARK_RULE = SnarkRule(KEY, PROGRAM, 1, adds_up, encode_words)
SNARK = Snark(KEY, b"proof", (U256(7), U256(3), U256(4)))


def quorum(*indices: int, claim: Claim = CLAIM) -> Quorum:
    return Quorum(tuple(attest(SIGNERS[i], claim) for i in indices))


@given(indices=st.lists(st.integers(0, 4), max_size=8))
def test_distinct_eligible_signers_have_to_weigh_enough(indices):
    weight = sum(10 * (i + 1) for i in set(indices) if i < 4)
    if weight >= 50:
        verify(CLAIM, quorum(*indices), quorum=RULE)
    else:
        with pytest.raises(NotEnoughError) as caught:
            verify(CLAIM, quorum(*indices), quorum=RULE)
        assert (caught.value.weight, caught.value.weight_min) == (weight, 50)


def test_attestations_of_another_claim_weigh_nothing():
    other = msgspec.structs.replace(CLAIM, work=6)
    with pytest.raises(NotEnoughError):
        verify(CLAIM, quorum(0, 1, 2, 3, claim=other), quorum=RULE)


def test_a_signature_under_another_name_weighs_nothing():
    stolen = Attestation(SIGNERS[3].address, attest(SIGNERS[0], CLAIM).signature)
    with pytest.raises(NotEnoughError):
        verify(CLAIM, Quorum((stolen, attest(SIGNERS[1], CLAIM))), quorum=RULE)


def test_a_bad_signature_does_not_void_the_good_ones():
    junk = Attestation(SIGNERS[0].address, bytes(65))
    good = quorum(2, 3).attestations
    verify(CLAIM, Quorum((junk, *good)), quorum=RULE)


def test_the_number_of_attestations_is_bounded():
    enough = quorum(2, 3).attestations
    padding = (Attestation(b"x" * 20, bytes(65)),)

    verify(CLAIM, Quorum(enough + padding * (ATTESTATIONS_MAX - 2)), quorum=RULE)
    with pytest.raises(NotEnoughError):
        verify(CLAIM, Quorum(enough + padding * (ATTESTATIONS_MAX - 1)), quorum=RULE)


def test_a_true_proof_of_this_claim_is_believed():
    verify(CLAIM, SNARK, snark=SNARK_RULE)


UNBOUND = {
    "another key": (CLAIM, msgspec.structs.replace(SNARK, key=PROGRAM)),
    "another program": (msgspec.structs.replace(CLAIM, program=KEY), SNARK),
    "another output": (msgspec.structs.replace(CLAIM, output=commit_output(b"8")), SNARK),
    "other inputs": (msgspec.structs.replace(CLAIM, inputs=commit_inputs(b"34")), SNARK),
    "a changed state": (msgspec.structs.replace(CLAIM, diff=KEY), SNARK),
    "other signals": (CLAIM, Snark(KEY, b"proof", (U256(8), U256(4), U256(4)))),
    "too few signals": (CLAIM, Snark(KEY, b"proof", ())),
    "swapped inputs": (CLAIM, Snark(KEY, b"proof", (U256(7), U256(4), U256(3)))),
    "a signal too many": (CLAIM, Snark(KEY, b"proof", (U256(7), U256(3), U256(4), U256(0)))),
}


@pytest.mark.parametrize(("claim", "evidence"), UNBOUND.values(), ids=UNBOUND)
def test_a_proof_about_something_else_is_refused(claim, evidence):
    with pytest.raises(UnboundError):
        verify(claim, evidence, snark=SNARK_RULE)


def test_a_false_proof_is_refused():
    with pytest.raises(UnprovenError):
        verify(CLAIM, msgspec.structs.replace(SNARK, proof=b"forged"), snark=SNARK_RULE)


def test_nothing_is_believed_without_a_rule():
    for evidence, rules in ((SNARK, {}), (quorum(0), {}), (SNARK, {"quorum": RULE})):
        with pytest.raises(NoRuleError):
            verify(CLAIM, evidence, **rules)
    with pytest.raises(NoRuleError):
        verify(CLAIM, quorum(3, 2), snark=SNARK_RULE)


def test_every_field_of_a_claim_is_signed():
    for field in ("program", "inputs", "output", "diff"):
        changed = msgspec.structs.replace(CLAIM, **{field: b"x" * 32})
        assert claim_digest(changed) != claim_digest(CLAIM)
    assert commit_inputs(b"5") != commit_output(b"5")


@pytest.mark.parametrize("evidence", [SNARK, quorum(0, 1)], ids=["snark", "quorum"])
def test_evidence_survives_the_wire(evidence):
    assert decode(type(evidence), encode(evidence)) == evidence
