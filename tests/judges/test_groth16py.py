"""groth16py, on arkworks, judges our files and proofs, and we judge its."""

import json

import pytest

from numen.proof import groth16, snarkjs
from numen.proof.bn254 import G1, R
from numen.proof.eip197 import decode_proof, encode_proof
from numen.proof.errors import ProofRejectedError
from numen.proof.felts import felts_from_ints
from numen.proof.formats import write_r1cs, write_wtns
from numen.proof.r1cs import R1CS
from numen.proof.zkey import write_zkey

try:
    import groth16py
except ImportError:
    groth16py = None

pytestmark = [
    pytest.mark.judges,
    pytest.mark.skipif(
        groth16py is None, reason="groth16py is not installed; `make judges` installs it"
    ),
]

CUBE = [({2: 1}, {2: 1}, {3: 1}), ({3: 1}, {2: 1}, {1: 1})]
CIRCUITS = {
    "cube": (CUBE, {"output_count": 1, "private_count": 1}, [1, 27, 3, 9]),
    # x, y public; w = (x - 2y + 5)(7x), o = w * w
    "publics": (
        [({2: 1, 3: -2, 0: 5}, {2: 7}, {4: 1}), ({4: 1}, {4: 1}, {1: 1})],
        {"output_count": 1, "public_count": 2},
        [1, (126 * 126), 6, 4, 126],
    ),
    # Statement of everything; a wire that no constraint mentions.
    "all public": ([({1: 1}, {1: R - 1}, {2: R - 1})], {"public_count": 3}, [1, 5, 25, 8]),
    "nothing public": ([({1: 1}, {1: 1}, {0: 49})], {"private_count": 1}, [1, R - 7]),
}


def _chain(length):
    """Map x to (x + i) * x so often; the end is the output."""
    values, rows = [1, 0, 3], []
    for i in range(length):
        wire = len(values) - 1
        values.append((values[wire] + i) * values[wire] % R)
        rows.append(({wire: 1, 0: i}, {wire: 1}, {wire + 1: 1}))
    rows[-1] = (*rows[-1][:2], {1: 1})
    values[1] = values.pop()
    return rows, {"output_count": 1, "private_count": 1}, values


CIRCUITS["chain"] = _chain(1000)


class Case:
    """Our files of one circuit, and a proof."""

    def __init__(self, name, folder):
        rows, counts, values = CIRCUITS[name]
        self.witness = felts_from_ints(values)
        r1cs = R1CS.from_rows(rows, wire_count=len(values), **counts)
        self.key = groth16.setup(r1cs, entropy=b"judge" * 8)
        self.statement = groth16.statement_of(self.key, self.witness)
        self.proof = groth16.prove(self.key, self.witness, entropy=bytes(32), r1cs=r1cs)
        self.paths = {kind: str(folder / f"circuit.{kind}") for kind in ("r1cs", "wtns", "zkey")}
        for kind, data in (
            ("r1cs", write_r1cs(r1cs)),
            ("wtns", write_wtns(self.witness)),
            ("zkey", write_zkey(self.key)),
        ):
            (folder / f"circuit.{kind}").write_bytes(data)


@pytest.fixture(params=CIRCUITS)
def case(request, tmp_path):
    return Case(request.param, tmp_path)


def verifier_of(key):
    text = snarkjs.write_verifying_key(key.verifying).decode()
    return groth16py.Verifier(groth16py.VerifyingKey.from_snarkjs(text))


def accepts(verify, *arguments):
    """Whether it says yes; it says no in two ways."""
    try:
        verdict = verify(*arguments)
    except (groth16py.VerificationError, groth16py.EncodingError):
        return False
    assert isinstance(verdict, bool)
    return verdict


def test_it_accepts_our_proofs_and_refuses_changed_ones(case):
    verifier, proof = verifier_of(case.key), encode_proof(case.proof)

    assert accepts(verifier.verify, proof, case.statement)
    for index in range(0, 256, 17):
        bad = bytearray(proof)
        bad[index] ^= 1
        assert not accepts(verifier.verify, bytes(bad), case.statement)
    for index in range(len(case.statement)):
        for value in (case.statement[index] + 1, case.statement[index] + R):
            other = [*case.statement]
            other[index] = value
            assert not accepts(verifier.verify, proof, other)


def test_it_accepts_our_texts(case):
    verifier = verifier_of(case.key)
    proof, public = snarkjs.write_proof(case.proof), snarkjs.write_public(case.statement)

    assert accepts(verifier.verify_snarkjs, proof.decode(), public.decode())
    negated = groth16.Proof(G1.negate(case.proof.a), case.proof.b, case.proof.c)
    bad = snarkjs.write_proof(negated).decode()
    assert not accepts(verifier.verify_snarkjs, bad, public.decode())


def test_it_proves_with_our_key(case):
    key, its_verifying = groth16py.import_zkey(case.paths["zkey"])

    proof = groth16py.prove_wtns(key, case.paths["wtns"])

    groth16.verify(case.key.verifying, decode_proof(proof), case.statement)
    assert snarkjs.read_verifying_key(its_verifying.to_json().encode()) == case.key.verifying


def test_we_accept_its_proofs_under_its_keys(case):
    its_key, its_verifying = groth16py.setup(case.paths["r1cs"])
    verifying = snarkjs.read_verifying_key(its_verifying.to_json().encode())

    proof = decode_proof(groth16py.prove_wtns(its_key, case.paths["wtns"]))

    groth16.verify(verifying, proof, case.statement)
    for index, value in enumerate(case.statement):
        other = [*case.statement]
        other[index] = (value + 1) % R
        with pytest.raises(ProofRejectedError):
            groth16.verify(verifying, proof, other)


def test_it_reads_the_key_as_we_write_it(case):
    text = json.loads(snarkjs.write_verifying_key(case.key.verifying))
    theirs = json.loads(groth16py.VerifyingKey.from_snarkjs(json.dumps(text)).to_json())

    for name in ("nPublic", "vk_alpha_1", "vk_beta_2", "vk_gamma_2", "vk_delta_2", "IC"):
        assert theirs[name] == text[name]
