"""snarkjs and circom, whose formats we speak, judge our files and proofs, and we judge theirs.

`make judges` installs them into `.judges`; the tests say so when they are absent.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from numen.proof import groth16, snarkjs
from numen.proof.bn254 import R
from numen.proof.errors import ProofError, UnsatisfiedError, WeakKeyError
from numen.proof.felts import ints_from_felts
from numen.proof.formats import read_r1cs, read_wtns, write_r1cs, write_wtns
from numen.proof.r1cs import check_witness
from numen.proof.zkey import read_zkey, write_zkey
from tests.judges.test_groth16py import CIRCUITS, Case

MODULES = Path(__file__).parents[2] / ".judges/node_modules"
NODE = shutil.which("node")
TIMEOUT_SECONDS = 300

pytestmark = [
    pytest.mark.judges,
    pytest.mark.skipif(NODE is None, reason="node is not installed; `make judges` needs it"),
    pytest.mark.skipif(
        not (MODULES / "snarkjs").is_dir() or not (MODULES / "circom2").is_dir(),
        reason="snarkjs and circom2 are not in .judges; `make judges` installs them",
    ),
]

CIRCOM = """
pragma circom 2.0.0;
template Main() {
    signal input a; signal input b; signal input x;
    signal output c; signal t;
    t <== a * b + 3 * a;
    c <== t * x - 7;
}
component main {public [x]} = Main();
"""
POSEIDON = """
pragma circom 2.0.0;
include "poseidon.circom";
component main {public [inputs]} = Poseidon(2);
"""
POSEIDON_OF_1_2 = 7853200120776062878684798364095072458815029376092732009249414926327459813530
"""The value that circomlib's own tests ask for."""


class Tools:
    """Command lines of the judges, run in one folder."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, script, *arguments):
        command = [NODE, str(MODULES / script), *map(str, arguments)]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS,
            check=False,
        )  # fmt: skip

    def snarkjs(self, *arguments):
        done = self.run(".bin/snarkjs", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def verifies(self, key, public, proof):
        done = self.run(".bin/snarkjs", "groth16", "verify", key, public, proof)
        assert ("OK!" in done.stdout) == (done.returncode == 0), done.stdout + done.stderr
        return done.returncode == 0

    def compile(self, name, source, inputs):
        """Let circom make a circuit and a witness."""
        (self.folder / f"{name}.circom").write_text(source)
        done = self.run(".bin/circom2", f"{name}.circom", "--r1cs", "--wasm", "-o", ".")
        assert done.returncode == 0, done.stdout + done.stderr
        (self.folder / f"{name}.in.json").write_text(json.dumps(inputs))
        wasm = f"{name}_js/{name}.wasm"
        self.snarkjs("wtns", "calculate", wasm, f"{name}.in.json", f"{name}.wtns")

    def read(self, name):
        return (self.folder / name).read_bytes()

    def write(self, name, data):
        (self.folder / name).write_bytes(data)


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory):
    """A circuit of circom's with keys, witness and proof of snarkjs's own making."""
    tools = Tools(tmp_path_factory.mktemp("ceremony"))
    tools.compile("main", CIRCOM, {"a": "3", "b": "11", "x": "5"})
    tools.snarkjs("powersoftau", "new", "bn128", 4, "0.ptau")
    tools.snarkjs("powersoftau", "contribute", "0.ptau", "1.ptau", "--name=a", "-e=some text")
    tools.snarkjs("powersoftau", "prepare", "phase2", "1.ptau", "2.ptau")
    tools.snarkjs("groth16", "setup", "main.r1cs", "2.ptau", "0.zkey")
    tools.snarkjs("zkey", "contribute", "0.zkey", "1.zkey", "--name=b", "-e=more text")
    tools.snarkjs("zkey", "export", "verificationkey", "0.zkey", "0.json")
    tools.snarkjs("zkey", "export", "verificationkey", "1.zkey", "1.json")
    tools.snarkjs("groth16", "prove", "1.zkey", "main.wtns", "proof.json", "public.json")
    return tools


def test_files_of_circom_are_read_and_written_byte_for_byte(ceremony):
    circuit, witness = ceremony.read("main.r1cs"), ceremony.read("main.wtns")

    assert write_r1cs(read_r1cs(circuit)) == circuit
    assert write_wtns(read_wtns(witness)) == witness
    check_witness(read_r1cs(circuit), read_wtns(witness))


def test_keys_of_snarkjs_are_read_and_written_byte_for_byte(ceremony):
    first, second = read_zkey(ceremony.read("0.zkey")), read_zkey(ceremony.read("1.zkey"))

    assert write_zkey(first) == ceremony.read("0.zkey")
    assert snarkjs.write_verifying_key(second.verifying) == ceremony.read("1.json")
    assert (first.contribution_count, second.contribution_count) == (0, 1)
    assert "nobody has verified" in second.warning
    # A contribution moves sections about, so the second key is the same in another order.
    ceremony.write("again.zkey", write_zkey(second))
    ceremony.snarkjs("zkey", "export", "verificationkey", "again.zkey", "again.json")
    assert ceremony.read("again.json") == ceremony.read("1.json")


def test_texts_of_snarkjs_are_read_and_written_byte_for_byte(ceremony):
    for name, read, write in (
        ("proof.json", snarkjs.read_proof, snarkjs.write_proof),
        ("public.json", snarkjs.read_public, snarkjs.write_public),
        ("1.json", snarkjs.read_verifying_key, snarkjs.write_verifying_key),
    ):
        assert write(read(ceremony.read(name))) == ceremony.read(name)


def test_we_accept_its_proofs_and_refuse_changed_ones(ceremony):
    key = snarkjs.read_verifying_key(ceremony.read("1.json"))
    proof = snarkjs.read_proof(ceremony.read("proof.json"))

    groth16.verify(key, proof, [203, 5])
    for statement in ([204, 5], [203, 6], [203 + R, 5], [203], [5, 203]):
        with pytest.raises(ProofError):
            groth16.verify(key, proof, statement)


def test_it_accepts_our_proofs_under_its_key(ceremony):
    key, witness = read_zkey(ceremony.read("1.zkey")), read_wtns(ceremony.read("main.wtns"))
    r1cs = read_r1cs(ceremony.read("main.r1cs"))

    proof = groth16.prove(key, witness, entropy=bytes(32), r1cs=r1cs)

    ceremony.write("ours.json", snarkjs.write_proof(proof))
    assert ceremony.verifies("1.json", "public.json", "ours.json")


def test_a_key_without_a_contribution_is_weak(ceremony):
    key = snarkjs.read_verifying_key(ceremony.read("0.json"))

    with pytest.raises(WeakKeyError):
        groth16.verify(key, snarkjs.read_proof(ceremony.read("proof.json")), [203, 5])


@pytest.fixture(params=CIRCUITS)
def ours(request, tmp_path):
    return Case(request.param, tmp_path), Tools(tmp_path)


def test_it_accepts_our_proofs_and_refuses_changed_ones(ours):
    case, tools = ours
    tools.write("key.json", snarkjs.write_verifying_key(case.key.verifying))
    tools.write("proof.json", snarkjs.write_proof(case.proof))
    tools.write("public.json", snarkjs.write_public(case.statement))

    assert tools.verifies("key.json", "public.json", "proof.json")
    tools.write("bad.json", snarkjs.write_proof(groth16.Proof(*changed(case.proof))))
    assert not tools.verifies("key.json", "public.json", "bad.json")
    if case.statement:
        tools.write(
            "other.json", snarkjs.write_public([case.statement[0] + 1, *case.statement[1:]])
        )
        assert not tools.verifies("key.json", "other.json", "proof.json")


def changed(proof):
    from numen.proof.bn254 import G1

    return proof.a, proof.b, G1.add(proof.c, G1.generator)


def test_it_proves_with_our_keys_and_files(ours):
    case, tools = ours
    tools.snarkjs("wtns", "check", "circuit.r1cs", "circuit.wtns")
    tools.snarkjs("zkey", "export", "verificationkey", "circuit.zkey", "key.json")

    tools.snarkjs("groth16", "prove", "circuit.zkey", "circuit.wtns", "proof.json", "public.json")

    assert tools.read("key.json") == snarkjs.write_verifying_key(case.key.verifying)
    assert tools.read("public.json") == snarkjs.write_public(case.statement)
    groth16.verify(case.key.verifying, snarkjs.read_proof(tools.read("proof.json")), case.statement)


def test_a_circuit_of_circomlib_is_proven(tmp_path):
    tools = Tools(tmp_path)
    # circom2 is WebAssembly and sees nothing but its folder.
    for file in ("poseidon.circom", "poseidon_constants.circom"):
        shutil.copy(MODULES / "circomlib/circuits" / file, tmp_path)
    tools.compile("main", POSEIDON, {"inputs": ["1", "2"]})
    r1cs, witness = read_r1cs(tools.read("main.r1cs")), read_wtns(tools.read("main.wtns"))
    assert write_r1cs(r1cs) == tools.read("main.r1cs")

    key = groth16.setup(r1cs, entropy=b"poseidon" * 4)
    proof = groth16.prove(key, witness, entropy=bytes(32), r1cs=r1cs)

    statement = groth16.statement_of(key, witness)
    assert statement == [POSEIDON_OF_1_2, 1, 2]
    tools.write("key.json", snarkjs.write_verifying_key(key.verifying))
    tools.write("proof.json", snarkjs.write_proof(proof))
    tools.write("public.json", snarkjs.write_public(statement))
    assert tools.verifies("key.json", "public.json", "proof.json")
    wrong = witness.copy()
    wrong[1, 0] ^= 1
    assert ints_from_felts(wrong) != ints_from_felts(witness)
    with pytest.raises(UnsatisfiedError):
        groth16.prove(key, wrong, entropy=bytes(32), r1cs=r1cs)
