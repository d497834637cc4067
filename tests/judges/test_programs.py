"""Programs in the language, proven from source: outsiders accept the proofs and the files."""

import json

import pytest

import numen
from numen.proof import snarkjs
from numen.proof.bn254 import R
from numen.proof.eip197 import encode_proof
from numen.proof.formats import read_r1cs, write_wtns
from tests.judges import test_snarkjs
from tests.judges.test_groth16py import accepts, verifier_of
from tests.judges.test_snarkjs import POSEIDON_OF_1_2, Tools

pytestmark = test_snarkjs.pytestmark

ADD = "def main(a, b):\n    return a + b\n"

POSEIDON = """
from numen.std.poseidon import poseidon

def main(a: felt, b: felt) -> felt:
    return poseidon(a, b)
"""

SECRET_ROUTE = """
def main(start: u32, steps: Private[list[u8, 6]]) -> tuple[u32, bool]:
    place = start
    even = True
    for i in range(6):
        if steps[i] % 2 == 0:
            place = place * 3 + u32(steps[i])
        else:
            place = (place >> 1) ^ 0x5a
            even = False
        assert place < 1000000, "too far"
    return place, even
"""


def route(start, steps):
    place = start
    for step in steps:
        place = place * 3 + step if step % 2 == 0 else (place >> 1) ^ 0x5A
    return place


STEPS = [4, 7, 200, 1, 0, 9]
PROGRAMS = {
    "add": (ADD, (R - 1, 8), [7, R - 1, 8]),
    "poseidon": (POSEIDON, (1, 2), [POSEIDON_OF_1_2, 1, 2]),
    "secret route": (SECRET_ROUTE, (1234, STEPS), [route(1234, STEPS), 0, 1234]),
}


@pytest.fixture(params=PROGRAMS)
def proven(request, tmp_path):
    """A program's keys and a proof, saved as the command line saves them."""
    source, arguments, statement = PROGRAMS[request.param]
    program = numen.compile(source)
    keys = program.setup(entropy=b"program!" * 4)
    keys.save(tmp_path)
    done = program.prove(*arguments, keys=keys)
    done.save(tmp_path)
    assert list(done.public) == statement
    witness = program.circuit.witness(program.bind(arguments)).felts()
    (tmp_path / "witness.wtns").write_bytes(write_wtns(witness))
    return keys, done, Tools(tmp_path)


def test_groth16py_accepts_the_proof_and_no_other_statement(proven):
    keys, done, _ = proven
    verifier, proof = verifier_of(keys.proving), encode_proof(done.proof)

    assert accepts(verifier.verify, proof, list(done.public))
    for index, value in enumerate(done.public):
        other = [*done.public]
        other[index] = (value + 1) % R
        assert not accepts(verifier.verify, proof, other)


def test_snarkjs_accepts_the_proof_and_no_other_statement(proven):
    _, done, tools = proven

    assert tools.verifies("verification_key.json", "public.json", "proof.json")
    other = [(done.public[0] + 1) % R, *done.public[1:]]
    tools.write("other.json", snarkjs.write_public(other))
    assert not tools.verifies("verification_key.json", "other.json", "proof.json")


def test_snarkjs_works_with_the_files(proven):
    keys, done, tools = proven
    info = json.loads(
        tools.snarkjs("r1cs", "export", "json", "circuit.r1cs", "circuit.json")
        and tools.read("circuit.json")
    )
    r1cs = read_r1cs(tools.read("circuit.r1cs"))
    assert (info["nConstraints"], info["nVars"]) == (r1cs.constraint_count, r1cs.wire_count)
    tools.snarkjs("wtns", "check", "circuit.r1cs", "witness.wtns")

    tools.snarkjs("groth16", "prove", "circuit.zkey", "witness.wtns", "its.json", "its.public.json")

    assert tools.read("its.public.json") == tools.read("public.json")
    numen.verify(keys, snarkjs.read_proof(tools.read("its.json")), done.public)
