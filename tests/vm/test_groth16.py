"""A contract that is a verifying key: true proofs are true, and nothing else is."""

from functools import cache

import pytest

import numen
from numen.proof.bn254 import R
from numen.proof.eip197 import decode_key, encode_g1, encode_g2, encode_key, encode_proof
from numen.proof.errors import FormatError
from numen.testing import Chain, SentError, build
from numen.vm.codes import Code, CodeError, service_of, write_code
from numen.vm.groth16 import VALUE_WORK, VERIFY_WORK, Groth16Service
from numen.vm.host import Delivery, Kind, Reason
from tests.contracts.stage import State
from tests.proof.twist import twist_points

ASKER = """
from numen import contract, interface, message, u256

@interface
class Verifier:
    async def verify(proof: list[u256, 8], statement: list[u256, 2]) -> bool: ...

@contract
class Asker:
    @message
    async def ask(self, verifier: Verifier, proof: list[u256, 8], statement: list[u256, 2]) -> bool:
        is_true = await verifier.verify(proof, statement)
        return is_true
"""


@cache
def squares():
    """A proof of 49 = 7 * 7, and the key it is true under."""
    circuit = numen.compile("def main(x: Private[felt], k: felt) -> felt:\n    return x * x + k\n")
    keys = circuit.setup()
    proven = circuit.prove(7, 3, keys=keys)
    assert proven.public == (52, 3)
    return keys.verifying, encode_proof(proven.proof)


def words(*values: int) -> bytes:
    return b"".join((value % 2**256).to_bytes(32, "big") for value in values)


def asked(proof: bytes, *statement: int, kind=Kind.REQUEST, work=10**7, value=0, tail=b""):
    service = Groth16Service(squares()[0])
    payload = service.selector + proof + words(*statement) + tail
    told = Delivery(kind, b"\1" * 20, b"\2" * 20, value, payload, work, 1, 1, value)
    return service.handle(told, State())


def test_a_true_proof_is_true():
    done = asked(squares()[1], 52, 3)
    assert done.result == words(1)
    assert done.work == VERIFY_WORK + 2 * VALUE_WORK
    assert asked(squares()[1], 52, 3, kind=Kind.VIEW) == done


@pytest.mark.parametrize(
    "statement", [(53, 3), (52, 4), (3, 52), (52 + R, 3), (52, 3 + R), (-1, 3)]
)
def test_another_statement_is_not_proven(statement):
    done = asked(squares()[1], *statement)
    assert done.failure is None
    assert done.result == words(0)


@pytest.mark.parametrize("at", [0, 31, 63, 64, 130, 191, 192, 255])
def test_an_altered_proof_is_none(at):
    proof = bytearray(squares()[1])
    proof[at] ^= 1
    assert asked(bytes(proof), 52, 3).result == words(0)


@pytest.mark.parametrize("proof", [bytes(256), b"\xff" * 256, words(1, 2, 0, 0, 0, 0, 1, 2)])
def test_what_is_no_proof_is_none(proof):
    assert asked(proof, 52, 3).result == words(0)


def test_what_it_does_not_understand_fails():
    proof = squares()[1]
    assert asked(proof, 52).failure.reason is Reason.ABSENT
    assert asked(proof, 52, 3, tail=b"\0").failure.reason is Reason.ABSENT
    assert asked(proof, 52, 3, kind=Kind.TIMER).failure.reason is Reason.ABSENT
    assert asked(proof, 52, 3, value=1).failure.reason is Reason.REVERTED
    least = VERIFY_WORK + 2 * VALUE_WORK
    assert asked(proof, 52, 3, work=least).failure is None
    assert asked(proof, 52, 3, work=least - 1).failure.reason is Reason.OUT_OF_WORK


def test_a_contract_asks_it():
    key, proof = squares()
    chain = Chain()
    verifier = chain.deploy(Code("groth16", encode_key(key)))
    asker = chain.deploy(build(ASKER))
    values = [int.from_bytes(proof[at : at + 32], "big") for at in range(0, 256, 32)]
    assert asker.send("ask", verifier, values, [52, 3]).result() is True
    assert asker.send("ask", verifier, values, [52, 5]).result() is False


def test_a_key_is_read_as_it_was_written():
    key = squares()[0]
    assert decode_key(encode_key(key)) == key


def test_a_key_that_is_none_is_refused():
    raw = encode_key(squares()[0])
    lies = [
        b"",
        raw[:448],  # no point of a statement
        raw[:-1],
        raw + bytes(32),
        encode_g1(None)[:32] + (1).to_bytes(32, "big") + raw[64:],  # not on the curve
        b"\xff" * 64 + raw[64:],
        raw[:64] + words(1, 2, 3, 4) + raw[192:],
        raw[:64] + encode_g2(next(twist_points())) + raw[192:],  # not in the subgroup
    ]
    for lie in lies:
        with pytest.raises(FormatError):
            decode_key(lie)
        with pytest.raises(CodeError):
            service_of(write_code(Code("groth16", lie)))
    chain = Chain()
    with pytest.raises(SentError):
        chain.deploy(Code("groth16", lies[-1]))
