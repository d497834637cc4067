"""A ceremony as people type it: from powers of tau to a contract."""

import json
import shutil

import pytest

from numen.api.bounds import Bounds
from numen.api.proofs import Keys
from numen.cli.main import run_command

PROGRAM = "def main(a, b):\n    return a * b\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Prepared powers of tau, and a circuit's first key with a contribution."""
    at = tmp_path_factory.mktemp("ceremony")
    (at / "mul.py").write_text(PROGRAM)
    for words in (
        ("new", "3", "-o", at / "0.ptau"),
        ("contribute", at / "0.ptau", "-o", at / "1.ptau", "--name", "Ann"),
        ("beacon", at / "1.ptau", "0x1234", "-o", at / "2.ptau", "--name", "end"),
        ("prepare", at / "2.ptau", "-o", at / "powers.ptau"),
    ):
        assert run_command(["ceremony", *map(str, words)]) == 0
    setup = ["setup", at / "mul.py", "--ptau", at / "powers.ptau", "-o", at / "first"]
    assert run_command([str(word) for word in setup]) == 0
    joined = [
        "ceremony",
        "contribute",
        at / "first/circuit.zkey",
        "-o",
        at / "1.zkey",
        "--name",
        "Bob",
    ]
    assert run_command([str(word) for word in joined]) == 0
    return at


@pytest.fixture
def numen(folder, capfd):
    """Run a command in the folder; its exit code, output and errors."""
    capfd.readouterr()

    def command(*words):
        code = run_command([str(word) for word in words])
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return command


def verify(folder, *more):
    given = "--circuit", folder / "first/circuit.r1cs", "--ptau", folder / "powers.ptau"
    return "ceremony", "verify", folder / "1.zkey", *given, *more


def test_the_warning_goes_where_a_ceremony_was_verified(numen, folder, tmp_path):
    code, out, err = numen(
        "setup", folder / "mul.py", "--ptau", folder / "powers.ptau", "-o", tmp_path / "a"
    )
    assert (code, "Nobody has contributed" in err) == (0, True)

    # As somebody does who skips the verification.
    shutil.copytree(folder / "first", tmp_path / "unverified")
    shutil.copy(folder / "1.zkey", tmp_path / "unverified/circuit.zkey")
    proving = "prove", folder / "mul.py", "3", "4", "--keys"
    code, out, err = numen(*proving, tmp_path / "unverified", "-o", tmp_path / "out")
    assert (code, out.split()[0], "nobody has verified" in err) == (0, "12", True)

    code, out, _ = numen(*verify(folder, "-o", tmp_path / "keys"))
    assert (code, out.splitlines()[-1]) == (0, "valid")
    assert "Bob" in out
    code, out, err = numen(*proving, tmp_path / "keys", "-o", tmp_path / "out")
    assert (code, out.split()[0], err) == (0, "12", "")
    names = ["keys/verification_key.json", "out/proof.json", "out/public.json"]
    assert numen("verify", *(tmp_path / name for name in names))[:2] == (0, "valid\n")


def test_the_record_of_a_verification_is_of_these_files(folder, tmp_path, numen):
    numen(*verify(folder, "--trust-powers", "-o", tmp_path))
    assert Keys.load(tmp_path).proving.warning == ""

    again = tmp_path / "2.zkey"
    assert numen("ceremony", "contribute", tmp_path / "circuit.zkey", "-o", again)[0] == 0
    shutil.copy(again, tmp_path / "circuit.zkey")
    assert "nobody has verified" in Keys.load(tmp_path).proving.warning
    (tmp_path / "ceremony.json").write_text("{}")
    code, _, err = numen("prove", folder / "mul.py", "3", "4", "--keys", tmp_path, "-o", tmp_path)
    assert (code, "ceremony.json" in err) == (2, True)


def test_bounds_beside_the_circuit_go_with_the_verified_key(folder, tmp_path, numen):
    first = tmp_path / "first"
    shutil.copytree(folder / "first", first)
    Bounds(loop=3).save(first)
    words = [*verify(folder)]
    words[words.index("--circuit") + 1] = first / "circuit.r1cs"

    assert numen(*words, "--trust-powers", "-o", tmp_path / "keys")[0] == 0
    assert Keys.load(tmp_path / "keys").bounds == Bounds(loop=3)


def test_a_ceremony_that_lies_has_exit_code_1(numen, folder, tmp_path):
    data = bytearray((folder / "powers.ptau").read_bytes())
    data[-64:] = data[-128:-64]
    (tmp_path / "lie.ptau").write_bytes(data)

    code, out, err = numen("ceremony", "verify", tmp_path / "lie.ptau")
    assert (code, out, "not to be trusted" in err) == (1, "", True)
    code, out, _ = numen("ceremony", "verify", folder / "0.ptau", "--json")
    assert (code, json.loads(out)["error"]["kind"]) == (1, "CeremonyRejectedError")
    nobody = "ceremony", "verify", folder / "first/circuit.zkey", *verify(folder)[3:]
    assert numen(*nobody)[0] == 1


def test_contributors_are_listed(numen, folder):
    code, out, _ = numen("ceremony", "show", folder / "powers.ptau")
    assert code == 0
    assert "Ann" in out
    assert "beacon 1234 after 2**10 hashes" in out

    report = json.loads(numen("ceremony", "show", folder / "1.zkey", "--json")[1])
    (one,) = report["contributions"]
    assert (one["name"], len(one["receipt"]), one["beacon"]) == ("Bob", 128, None)
    report = json.loads(numen("ceremony", "verify", folder / "powers.ptau", "--json")[1])
    assert (report["valid"], report["contributions"][1]["beacon"]) == (True, "1234")


def test_keys_are_exchanged(numen, folder, tmp_path):
    challenge, back = tmp_path / "challenge", tmp_path / "back.zkey"
    assert numen("ceremony", "contribute", folder / "1.zkey", "-o", tmp_path / "2.zkey")[0] == 0
    assert numen("ceremony", "export", tmp_path / "2.zkey", "-o", challenge)[0] == 0
    assert (
        numen("ceremony", "import", folder / "1.zkey", challenge, "-o", back, "--name", "Eve")[0]
        == 0
    )

    assert "Eve" in numen("ceremony", "show", back)[1]
    lost = "ceremony", "import", folder / "first/circuit.zkey", folder / "mul.py", "-o", back
    assert numen(*lost)[0] == 2


@pytest.mark.parametrize("target", ["solidity", "vyper"])
def test_a_contract_is_written_of_either_key(numen, folder, tmp_path, target):
    numen("export", "key", folder / "1.zkey", "-o", tmp_path / "vk.json")
    texts = []
    for key in (folder / "1.zkey", tmp_path / "vk.json"):
        options = "--to", target, "--name", "Mine", "-o", tmp_path / "out"
        assert numen("export", "verifier", key, *options)[0] == 0
        texts.append((tmp_path / "out").read_text())

    assert texts[0] == texts[1]
    assert "Mine" in texts[0]
    code, _, err = numen(
        "export", "verifier", folder / "first/circuit.zkey", "--to", target, "-o", tmp_path / "no"
    )
    assert (code, "forge" in err, (tmp_path / "no").exists()) == (2, True, False)


@pytest.mark.parametrize(
    "words",
    [
        ("new", "0", "-o", "x"),
        ("new", "29", "-o", "x"),
        ("contribute", "absent.ptau", "-o", "x"),
        ("contribute", "mul.py", "-o", "x"),
        ("contribute", "0.ptau", "-o", "x", "--name", "n" * 65),
        ("beacon", "0.ptau", "xyz", "-o", "x"),
        ("beacon", "0.ptau", "", "-o", "x"),
        ("beacon", "0.ptau", "12", "-o", "x", "--iterations", "31"),
        ("prepare", "1.zkey", "-o", "x"),
        ("verify", "1.zkey"),
        ("show", "mul.py"),
        ("export", "0.ptau", "-o", "x"),
    ],
)
def test_bad_input_has_exit_code_2_and_leaves_no_file(numen, folder, tmp_path, words):
    places = [
        tmp_path / word if word == "x" else folder / word if "." in word else word for word in words
    ]

    code, _, err = numen("ceremony", *places)

    assert (code, "error:" in err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_setup_needs_prepared_powers_that_are_large_enough(numen, folder, tmp_path):
    code, _, err = numen("setup", folder / "mul.py", "--ptau", folder / "2.ptau", "-o", tmp_path)
    assert (code, "prepare" in err) == (2, True)

    large = tmp_path / "large.py"
    large.write_text("def main(a):\n    for i in range(9):\n        a = a * a\n    return a\n")
    code, _, err = numen("setup", large, "--ptau", folder / "powers.ptau", "-o", tmp_path)
    assert (code, "rows" in err) == (2, True)


def test_what_is_typed_is_mixed_and_not_shown(numen, folder, tmp_path, monkeypatch):
    """With a generator that is broken, what was typed still makes the difference."""
    from numen.api import ceremonies

    monkeypatch.setattr(ceremonies.secrets, "token_bytes", bytes)
    receipts = []
    for typed in (b"", b"dog", b"cat", b"dog"):
        made = ceremonies.contribute(folder / "1.zkey", tmp_path / "2.zkey", typed=typed)
        receipts.append(made.receipt)
        assert b"dog" not in (tmp_path / "2.zkey").read_bytes()

    assert receipts[1] == receipts[3]
    assert len(set(receipts)) == 3
