"""snarkjs takes part in our ceremonies, and we in its; each verifies what the other made."""

import json
import secrets
import subprocess
from pathlib import Path

import pytest

from numen.proof import groth16, snarkjs
from numen.proof.bn254 import G1, Q
from numen.proof.ceremony import exchange, phase1, phase2, prepare, ptau, verify1
from numen.proof.ceremony.circuit_key import first_key
from numen.proof.ceremony.ptau import Ptau
from numen.proof.ceremony.record import Beacon, Signature
from numen.proof.ceremony.unreduced import difference
from numen.proof.errors import CeremonyRejectedError
from numen.proof.formats import read_r1cs, write_r1cs
from numen.proof.zkey import read_zkey, write_zkey
from tests.judges.test_groth16py import Case
from tests.judges.test_snarkjs import MODULES, NODE, TIMEOUT_SECONDS, Tools

pytestmark = [
    pytest.mark.judges,
    pytest.mark.skipif(NODE is None, reason="node is not installed; `make judges` needs it"),
    pytest.mark.skipif(
        not (MODULES / "snarkjs").is_dir(),
        reason="snarkjs is not in .judges; `make judges` installs it",
    ),
]

POWER = 3
BEACON = Signature("end", Beacon(bytes(range(1, 9)), 10))
ITS_BEACON = (BEACON.beacon.value.hex(), "10", "-n=end")


def entropy():
    return secrets.token_bytes(32)


@pytest.fixture(scope="module")
def powers(tmp_path_factory):
    """A first phase in turns: ours, its, ours; its beacon and ours, each prepared by its maker."""
    tools = Tools(tmp_path_factory.mktemp("powers"))
    at = tools.folder
    tools.snarkjs("powersoftau", "new", "bn128", POWER, "0.ptau")
    phase1.contribute(at / "0.ptau", at / "1.ptau", seed=entropy(), name="ours")
    tools.snarkjs("powersoftau", "contribute", "1.ptau", "2.ptau", "--name=its", "-e=x")
    phase1.contribute(at / "2.ptau", at / "3.ptau", seed=entropy())
    tools.snarkjs("powersoftau", "beacon", "3.ptau", "its.ptau", *ITS_BEACON)
    phase1.contribute_beacon(at / "3.ptau", at / "ours.ptau", BEACON)
    tools.snarkjs("powersoftau", "prepare", "phase2", "its.ptau", "its-prepared.ptau")
    prepare.prepare(at / "ours.ptau", at / "ours-prepared.ptau")
    return tools


def test_a_first_file_is_its_first_file(powers):
    phase1.new(POWER, powers.folder / "new.ptau")

    assert powers.read("new.ptau") == powers.read("0.ptau")


def test_a_beacon_and_its_preparation_are_its_own(powers):
    """But for the rest of a hash's block, which means nothing."""
    for name in ("", "-prepared"):
        ours, its = (powers.read(f"{who}{name}.ptau") for who in ("ours", "its"))
        differing = [i for i, (a, b) in enumerate(zip(ours, its, strict=True)) if a != b]
        with Ptau(powers.folder / f"ours{name}.ptau") as file:
            partial = file.contributions[-1].partial
        slack = ours.index(partial) + partial[200]
        assert set(differing) <= set(range(slack, slack + 128 - partial[200]))


@pytest.mark.parametrize("name", ["1", "3", "ours", "ours-prepared"])
def test_it_verifies_our_powers(powers, name):
    assert "Powers of Tau Ok" in powers.snarkjs("powersoftau", "verify", f"{name}.ptau")


@pytest.mark.parametrize("name", ["2", "3", "its", "its-prepared"])
def test_we_verify_its_powers(powers, name):
    made = verify1.verify_file(powers.folder / f"{name}.ptau", entropy=entropy())

    assert [one.signature.name for one in made][:2] == ["ours", "its"]


def test_a_file_that_it_cut_down_serves_smaller_circuits(powers):
    powers.snarkjs("powersoftau", "truncate", "its-prepared.ptau")

    with Ptau(powers.folder / "its-prepared_02.ptau") as file:
        assert (file.power, file.ceremony_power) == (2, POWER)
        verify1.verify(file, entropy=entropy())


@pytest.fixture(scope="module", params=["publics", "all public", "nothing public", "cube"])
def keys(request, powers, tmp_path_factory):
    """A second phase in turns: ours, its, its beacon and ours."""
    case = Case(request.param, tmp_path_factory.mktemp("case"))
    r1cs = read_r1cs(Path(case.paths["r1cs"]).read_bytes())
    tools = Tools(tmp_path_factory.mktemp("keys"))
    tools.write("powers.ptau", powers.read("its-prepared.ptau"))
    tools.write("c.r1cs", write_r1cs(r1cs))
    with Ptau(tools.folder / "powers.ptau") as file:
        first = first_key(r1cs, file)
    tools.write("0.zkey", write_zkey(first))
    tools.write("1.zkey", write_zkey(phase2.contribute(first, seed=entropy(), name="ours")))
    tools.snarkjs("zkey", "contribute", "1.zkey", "2.zkey", "--name=its", "-e=x")
    second = read_zkey(tools.read("2.zkey"))
    tools.write("ours.zkey", write_zkey(phase2.contribute_beacon(second, BEACON)))
    tools.snarkjs("zkey", "beacon", "2.zkey", "its.zkey", *ITS_BEACON)
    return case, r1cs, tools


def test_our_first_key_is_its_first_key(keys):
    *_, tools = keys
    tools.snarkjs("groth16", "setup", "c.r1cs", "powers.ptau", "setup.zkey")

    assert tools.read("setup.zkey") == tools.read("0.zkey")


def test_a_beacon_makes_the_same_key_on_both_sides(keys):
    *_, tools = keys

    assert write_zkey(read_zkey(tools.read("its.zkey"))) == tools.read("ours.zkey")


def test_each_verifies_the_keys_of_both(keys):
    _, r1cs, tools = keys
    for name in ("1", "2", "ours", "its"):
        said = tools.snarkjs("zkey", "verify", "c.r1cs", "powers.ptau", f"{name}.zkey")
        assert "ZKey Ok" in said
        with Ptau(tools.folder / "powers.ptau") as file:
            key = read_zkey(tools.read(f"{name}.zkey"))
            assert phase2.verify(key, r1cs, file, entropy=entropy()).warning == ""


def test_each_refuses_a_key_whose_points_were_changed(keys):
    _, r1cs, tools = keys
    key = read_zkey(tools.read("ours.zkey"))
    key.h[0] = key.h[1]
    tools.write("lie.zkey", write_zkey(key))

    done = tools.run(".bin/snarkjs", "zkey", "verify", "c.r1cs", "powers.ptau", "lie.zkey")
    assert "ZKey Ok" not in done.stdout
    with Ptau(tools.folder / "powers.ptau") as file, pytest.raises(CeremonyRejectedError):
        phase2.verify(key, r1cs, file, entropy=entropy())


def test_keys_of_the_ceremony_prove_for_both(keys):
    case, r1cs, tools = keys
    key = read_zkey(tools.read("its.zkey"))
    tools.write("key.json", snarkjs.write_verifying_key(key.verifying))
    proof = groth16.prove(key, case.witness, entropy=entropy(), r1cs=r1cs)
    tools.write("proof.json", snarkjs.write_proof(proof))
    tools.write("public.json", snarkjs.write_public(case.statement))

    assert tools.verifies("key.json", "public.json", "proof.json")


def test_keys_go_to_bellman_and_back(keys):
    """Our challenge is its challenge, its response is answered, and ours is taken by it."""
    _, r1cs, tools = keys
    at = tools.folder
    exchange.export_file(at / "1.zkey", at / "ours.params")
    tools.snarkjs("zkey", "export", "bellman", "1.zkey", "its.params")
    assert tools.read("ours.params") == tools.read("its.params")
    tools.snarkjs("zkey", "bellman", "contribute", "bn128", "ours.params", "response", "-e=x")
    exchange.import_file(at / "1.zkey", at / "response", at / "back.zkey", name="bellman")
    tools.snarkjs("zkey", "import", "bellman", "1.zkey", "response", "its-back.zkey", "-n=bellman")

    assert tools.read("back.zkey") == write_zkey(read_zkey(tools.read("its-back.zkey")))
    said = tools.snarkjs("zkey", "verify", "c.r1cs", "powers.ptau", "back.zkey")
    assert "ZKey Ok" in said
    with Ptau(at / "powers.ptau") as file:
        phase2.verify(read_zkey(tools.read("back.zkey")), r1cs, file, entropy=entropy())


SUBTRACT = """
const { getCurveFromName } = require(process.argv[1]);
(async () => {
    const curve = await getCurveFromName("bn128", true);
    const [a, b] = process.argv.slice(2).map((hex) => Uint8Array.from(Buffer.from(hex, "hex")));
    const { tm } = curve;
    const [left, right, out] = [tm.alloc(64), tm.alloc(64), tm.alloc(96)];
    tm.setBuff(left, a);
    tm.setBuff(right, b);
    tm.instance.exports.g1m_subAffine(left, right, out);
    tm.instance.exports.g1m_batchToAffine(out, 1, out);
    console.log(JSON.stringify(Buffer.from(tm.getBuff(out, 64)).toString("hex")));
    await curve.terminate();
})();
"""


@pytest.mark.parametrize("seed", range(3))
def test_bytes_that_are_no_point_are_subtracted_as_it_does(seed):
    generator = ptau.GROUP_OF[ptau.TAU_2].generator.astype("<u8").tobytes()
    size = (128 << (15 + seed)).to_bytes(8, "little")
    behind = ((3).to_bytes(4, "little") + size + generator)[:64]
    point = G1.multiply(G1.generator, 12345 + seed)
    row = b"".join((c * 2**256 % Q).to_bytes(32, "little") for c in point)

    said = subprocess.run(
        [NODE, "-e", SUBTRACT, str(MODULES / "ffjavascript"), behind.hex(), row.hex()],
        capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True,
    )  # fmt: skip

    pair = [
        tuple(int.from_bytes(data[i : i + 32], "little") for i in (0, 32)) for data in (behind, row)
    ]
    ours = b"".join(word.to_bytes(32, "little") for word in difference(*pair))
    assert ours.hex() == json.loads(said.stdout)
