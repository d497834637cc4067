"""Public values are below the order, and the constant wire is nobody's to give: everywhere.

Where a value `x` is public, `x + R` would be another name of it: who counts values as used once
would count one twice. Where a caller gave the wire that is one, it could be two.

Contracts have the same tests in `tests/proof/contracts`.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.api import proofs
from numen.base.codec import U256
from numen.cli.main import run_command
from numen.proof import groth16, snarkjs
from numen.proof.bn254 import R
from numen.proof.eip197 import encode_proof, key_digest
from numen.proof.errors import FormatError, InvalidProofError, ProofError, WitnessError
from numen.proof.felts import felts_from_ints
from numen.proof.formats import read_wtns, write_wtns
from numen.proof.snark import snark_rule
from tests.strategies.cube import ENTROPY, cube

ALIASES = [27 + R, 27 - R, 27 + 2 * R, R, R + 1, 2**256 - 1, -1]
CONSTANT_GIVEN = [[1, 27], [27, 1], [2, 27], [1], []]


def verify(statement):
    _, key, _, proof = cube()
    groth16.verify(key.verifying, proof, statement)


def verify_by_api(statement):
    _, key, _, proof = cube()
    proofs.verify(key.verifying, proof, statement)


def verify_by_rule(statement):
    _, key, _, proof = cube()
    rule = snark_rule(key.verifying, program=bytes(32), output_count=1)
    assert rule.key == key_digest(key.verifying)
    rule.check(encode_proof(proof), tuple(statement))


@pytest.mark.parametrize("check", [verify, verify_by_api, verify_by_rule])
class TestVerifiers:
    """What all ways to verify refuse alike."""

    def test_the_true_value_is_accepted(self, check):
        assert check([27]) is None

    @pytest.mark.parametrize("value", ALIASES)
    def test_other_names_of_it_are_refused(self, check, value):
        with pytest.raises(InvalidProofError, match=r"statement\[0\]"):
            check([value])

    @pytest.mark.parametrize("statement", CONSTANT_GIVEN)
    def test_the_constant_wire_is_not_taken(self, check, statement):
        with pytest.raises(ProofError):
            check(statement)

    @pytest.mark.parametrize("value", [True, 27.0, "27", None, b"27"])
    def test_what_is_no_integer_is_refused(self, check, value):
        with pytest.raises(InvalidProofError):
            check([value])


@given(multiple=st.integers(1, 5), value=st.integers(0, R - 1))
def test_no_alias_is_read_from_a_file(multiple, value):
    text = json.dumps([str(value + multiple * R)]).encode()

    with pytest.raises(FormatError):
        snarkjs.read_public(text)


@pytest.mark.parametrize("value", [27 + R, R, 2**256 - 1])
def test_no_alias_is_verified_from_the_command_line(tmp_path, capfd, value):
    _, key, _, proof = cube()
    (tmp_path / "vk").write_bytes(snarkjs.write_verifying_key(key.verifying))
    (tmp_path / "proof").write_bytes(snarkjs.write_proof(proof))
    codes = []
    for public in (27, value):
        (tmp_path / "public").write_bytes(json.dumps([str(public)]).encode())
        words = [str(tmp_path / name) for name in ("vk", "proof", "public")]
        codes.append(run_command(["verify", *words]))

    assert codes == [0, 2]
    assert "not below the prime" in capfd.readouterr().err


@pytest.mark.parametrize("value", [27 + R, 2**256 - 1])
def test_no_alias_fits_evidence(value):
    """Evidence carries words of 256 bits; a rule refuses those that are no element."""
    assert U256(value) == value
    with pytest.raises(InvalidProofError):
        verify_by_rule([U256(value)])


@pytest.mark.parametrize("constant", [0, 2, R - 1])
def test_a_witness_with_another_constant_is_neither_read_written_nor_proven(constant):
    r1cs, key, _, _ = cube()
    lie = felts_from_ints([constant, 27, 3, 9])
    with pytest.raises(WitnessError):
        groth16.prove(key, lie, entropy=ENTROPY, r1cs=r1cs)
    with pytest.raises(WitnessError):
        groth16.prove(key, lie, entropy=ENTROPY)
    with pytest.raises(WitnessError):
        write_wtns(lie)
    data = bytearray(write_wtns(cube()[2]))
    place = data.rindex((1).to_bytes(32, "little"))
    data[place : place + 32] = constant.to_bytes(32, "little")
    with pytest.raises(FormatError):
        read_wtns(bytes(data))


def test_what_a_prover_publishes_is_without_the_constant():
    _, key, witness, _ = cube()

    assert groth16.statement_of(key, witness) == [27]
    assert key.statement_count == len(key.verifying.ic) - 1 == 1
