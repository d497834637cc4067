"""Keys in bellman's form: a party that has nothing but the challenge, and responses that lie."""

import msgspec
import pytest

from numen.kernels.curve import G1
from numen.proof import groth16
from numen.proof.bn254 import G1 as REFERENCE
from numen.proof.bn254 import R
from numen.proof.ceremony import exchange, phase2
from numen.proof.ceremony.encoding import read_whole
from numen.proof.ceremony.exchange import read_response, write_challenge
from numen.proof.errors import CeremonyError, FormatError, ProofError
from numen.proof.files import write_file
from numen.proof.zkey import read_zkey, write_zkey
from tests.strategies.ceremony import Ceremony, factors, seed


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory):
    return Ceremony(tmp_path_factory.mktemp("ceremony"))


@pytest.fixture(scope="module")
def response(ceremony):
    """What a party with another tool answers to the second key: its challenge, one step on."""
    return write_challenge(ceremony.third)


def test_a_challenge_has_powers_where_a_key_has_lagrange_polynomials(ceremony):
    data = write_challenge(ceremony.first)
    tau, _, _ = factors()
    begin = 64 * 3 + 128 * 3 + 4 + 64 * 2
    assert int.from_bytes(data[begin : begin + 4], "big") == 3

    points = G1.decode(read_whole("x", G1, data[begin + 4 : begin + 4 + 3 * 64], 0))

    vanishing = pow(tau, 4, R) - 1
    assert points == [
        REFERENCE.multiply(REFERENCE.generator, pow(tau, i, R) * vanishing % R) for i in range(3)
    ]


def test_a_response_makes_the_next_key(ceremony, response):
    key = read_response(response, ceremony.second, name="Eve")

    ceremony.verify(key)
    names = [one.signature.name for one in phase2.transcript_of(key).contributions]
    assert names == ["Bob", "Eve"]
    assert write_challenge(key) == response
    proof = groth16.prove(key, ceremony.witness, entropy=bytes(32), r1cs=ceremony.r1cs)
    groth16.verify(ceremony.third.verifying, proof, [27])
    for field in ("a", "b_1", "b_2", "c"):
        assert getattr(key, field).tolist() == getattr(ceremony.third, field).tolist()


def test_files_are_exchanged(ceremony, tmp_path):
    for name in ("second", "third"):
        write_file(tmp_path / f"{name}.zkey", write_zkey(getattr(ceremony, name)))
    exchange.export_file(tmp_path / "third.zkey", tmp_path / "response")
    exchange.import_file(tmp_path / "second.zkey", tmp_path / "response", tmp_path / "next.zkey")

    ceremony.verify(read_zkey((tmp_path / "next.zkey").read_bytes()))


def test_a_response_to_another_key_is_refused(ceremony, response):
    other = phase2.contribute(ceremony.first, seed=seed(9))
    with pytest.raises(CeremonyError, match="another key"):
        read_response(response, other)
    with pytest.raises(CeremonyError, match="no new"):
        read_response(write_challenge(ceremony.second), ceremony.second)
    stranger = msgspec.structs.replace(ceremony.second, ceremony=bytes(68))
    with pytest.raises(CeremonyError, match="another circuit"):
        read_response(response, stranger)
    with pytest.raises(CeremonyError, match="name"):
        read_response(response, ceremony.second, name="x" * 65)


def test_every_truncation_is_refused(ceremony, response):
    for size in range(0, len(response), 1 + len(response) // 100):
        with pytest.raises(FormatError):
            read_response(response[:size], ceremony.second)
    with pytest.raises(FormatError):
        read_response(response + b"x", ceremony.second)


def test_a_changed_byte_is_refused_or_unused(ceremony, response):
    """What a response cannot change is not read from it."""
    good = read_response(response, ceremony.second)
    for offset in range(5, len(response), 1 + len(response) // 40):
        bad = bytearray(response)
        bad[offset] ^= 1 << offset % 8
        try:
            key = read_response(bytes(bad), ceremony.second)
        except ProofError:
            continue
        if key.ceremony == good.ceremony and (key.c == good.c).all() and (key.h == good.h).all():
            assert key.verifying == good.verifying
            continue
        with pytest.raises(ProofError):
            ceremony.verify(key)
