"""Functions of contracts, proven from the command line."""

import json
from pathlib import Path

import pytest

from numen.cli.main import run_command
from tests.evm.tier.assembly import assemble

CONTRACTS = Path(__file__).parents[2] / "examples/contracts"
SOLC, VYPER = CONTRACTS / "provable.solc.hex", CONTRACTS / "provable.vyper.hex"
TOTAL = ("--function", "total(uint256[])", "--array-bound", "2")
GCD = ("--function", "gcd(uint256,uint256)", "--loop-bound", "1")


@pytest.fixture
def numen(capfd, tmp_path, monkeypatch):
    """Run a command with --json; its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def command(*words):
        code = run_command([str(word) for word in words] + ["--json"])
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err
        return code, json.loads(captured.out)

    return command


def files(folder="out"):
    return ["keys/verification_key.json", f"{folder}/proof.json", f"{folder}/public.json"]


def test_a_call_is_set_up_proven_and_verified(numen):
    code, made = numen("setup", "--evm", SOLC, *TOTAL, "-o", "keys")
    assert (code, made["folder"]) == (0, "keys")
    code, inspected = numen("inspect", "--evm", SOLC, *TOTAL)
    assert (code, inspected["constraints"]) == (0, made["constraints"])

    code, proven = numen("prove", "--evm", SOLC, *TOTAL, "[5, 0x6]", "--keys", "keys", "-o", "out")
    assert (code, proven["outputs"]) == (0, 11)
    # The result, the length, two elements.
    assert proven["public"] == [str(n) for n in (11, 0, 0, 0, 2, 5, 0, 0, 0, 6, 0, 0, 0)]
    assert numen("verify", *files()) == (0, {"valid": True})


def test_lies_about_a_call_are_rejected(numen):
    numen("setup", "--evm", SOLC, *TOTAL, "-o", "keys")
    numen("prove", "--evm", SOLC, *TOTAL, "[5, 6]", "--keys", "keys", "-o", "out")
    public = json.loads(Path("out/public.json").read_text())

    for index in range(len(public)):
        lie = list(public)
        lie[index] = str(int(lie[index]) + 1)
        Path("out/public.json").write_text(json.dumps(lie))
        code, report = numen("verify", *files())
        assert (code, report["error"]["kind"]) == (1, "ProofRejectedError"), index
    Path("out/public.json").write_text(json.dumps(public))
    proof = json.loads(Path("out/proof.json").read_text())
    proof["pi_a"], proof["pi_c"] = proof["pi_c"], proof["pi_a"]
    Path("out/proof.json").write_text(json.dumps(proof))
    assert numen("verify", *files())[1]["error"]["kind"] == "ProofRejectedError"


def test_the_two_ways_to_name_a_function_are_one(numen):
    _, one = numen("inspect", "--evm", SOLC, *GCD)
    _, two = numen("inspect", f"{SOLC}:gcd(uint256,uint256)", "--loop-bound", 1)

    assert one == two


def test_keys_are_of_the_bounds_and_the_contract(numen):
    numen("setup", "--evm", SOLC, *TOTAL, "-o", "keys")

    for words in (
        ("--evm", SOLC, *TOTAL[:3], "1", "[5]"),
        ("--evm", VYPER, *TOTAL, "[5]"),
        ("--evm", SOLC, *TOTAL, "--private", "0", "[5]"),
    ):
        code, report = numen("prove", *words, "--keys", "keys", "-o", "out")
        assert (code, report["error"]["kind"]) == (2, "KeysError")
    assert not Path("out").exists()


@pytest.mark.parametrize("test", ["DUP3 DUP2 LT ISZERO", "DUP3 DUP2 EQ", "DUP3 DUP2 XOR ISZERO"])
def test_a_bound_in_the_code_bounds_its_loops(numen, tmp_path, test):
    # The sum of i * i for i below a word that is at most 5.
    body = "DUP1 DUP1 MUL SWAP1 SWAP2 ADD SWAP1 1 ADD @loop JUMP"
    code = assemble(
        "4 CALLDATALOAD 5 DUP2 GT @no JUMPI 0 0 "
        f"loop: {test} @done JUMPI {body} "
        "done: POP 0 MSTORE 32 0 RETURN no: 0 0 REVERT"
    )
    (tmp_path / "sum.hex").write_text(code.hex())
    named = ("--evm", "sum.hex", "--function", "f(uint256)")

    assert numen("setup", *named, "-o", "keys")[0] == 0
    for n in range(6):
        code, proven = numen("prove", *named, n, "--keys", "keys", "-o", "out")
        assert (code, proven["outputs"]) == (0, sum(i * i for i in range(n)))
    assert numen("verify", *files()) == (0, {"valid": True})
    code, report = numen("prove", *named, 6, "--keys", "keys", "-o", "out")
    assert (code, report["error"]["kind"]) == (1, "TrappedError")


def test_keys_know_their_bounds(numen):
    bounds = (*TOTAL[2:], "--loop-bound", "2", "--private", "0", "--memory-bytes", "1024")
    numen("setup", "--evm", SOLC, *TOTAL[:2], *bounds, "-o", "keys")
    named = ("prove", "--evm", SOLC, *TOTAL[:2], "[5, 6]", "--keys", "keys", "-o", "out")

    code, proven = numen(*named)
    assert (code, proven["outputs"], proven["public"]) == (0, 11, ["11", "0", "0", "0"])
    assert numen(*named, *bounds)[0] == 0
    assert numen(*named, "--loop-bound", "2")[0] == 0
    for flag, other, kept in (
        ("--loop-bound", 3, "--loop-bound 2"),
        ("--array-bound", 1, "--array-bound 2"),
        ("--memory-bytes", 64, "--memory-bytes 1024"),
        ("--private", 1, "--private 0"),
        ("--fork", "london", "--fork prague"),
    ):
        code, report = numen(*named, flag, other)
        assert (code, report["error"]["kind"]) == (2, "KeysError")
        assert f"made with {kept}, not with {flag} {other}" in report["error"]["message"]


def test_keys_of_a_program_know_the_bound_of_its_loops(numen):
    Path("half.py").write_text(
        "def main(n: u64) -> u64:\n    while n > 1:\n        n = n // 2\n    return n\n"
    )
    numen("setup", "half.py", "--loop-bound", 3, "-o", "keys")
    proven = numen("prove", "half.py", 8, "--keys", "keys", "-o", "out")
    assert (proven[0], proven[1]["outputs"]) == (0, 1)
    # A folder without bounds has none: what was there before is gone.
    Path("add.py").write_text("def main(n: u64) -> u64:\n    return n\n")
    numen("setup", "add.py", "-o", "keys")
    assert not Path("keys/bounds.json").exists()
    assert numen("prove", "half.py", 8, "--keys", "keys", "-o", "out")[0] == 2


@pytest.mark.parametrize(
    "text", [b"{", b"[]", b'{"loop":0}', b'{"loop":"3"}', b'{"loops":3}', b"\xff", b"9" * 70_000]
)
def test_bounds_that_are_none_are_refused(numen, text):
    numen("setup", "--evm", SOLC, *GCD, "-o", "keys")
    Path("keys/bounds.json").write_bytes(text)

    code, report = numen("prove", "--evm", SOLC, *GCD, 1, 1, "--keys", "keys", "-o", "out")
    assert code == 2
    assert "bounds.json" in report["error"]["message"]


def test_private_parameters_are_not_public(numen):
    hidden = (*TOTAL, "--private", "0")
    numen("setup", "--evm", SOLC, *hidden, "-o", "keys")

    _, proven = numen("prove", "--evm", SOLC, *hidden, "[5, 6]", "--keys", "keys", "-o", "out")
    assert proven["public"] == ["11", "0", "0", "0"]
    assert numen("verify", *files()) == (0, {"valid": True})


def test_a_run_that_reverts_or_takes_too_long_leaves_no_proof(numen):
    numen("setup", "--evm", SOLC, *GCD, "-o", "keys")
    code, report = numen("prove", "--evm", SOLC, *GCD, 48, 36, "--keys", "keys", "-o", "out")
    assert (code, report["error"]["kind"]) == (2, "TooManyRoundsError")
    assert report["error"]["place"]["line"] == 585
    assert "--loop-bound" in report["error"]["hint"]

    numen("setup", "--evm", VYPER, *TOTAL, "-o", "keys")
    args = ("[0x8" + "0" * 63 + ", 0x8" + "0" * 63 + "]", "--keys", "keys", "-o", "out")
    code, report = numen("prove", "--evm", VYPER, *TOTAL, *args)
    assert (code, report["error"]["kind"]) == (1, "TrappedError")
    assert not Path("out").exists()


def test_texts_are_arguments_of_functions_that_take_bytes(numen, tmp_path):
    code = assemble(
        "36 CALLDATALOAD 4 ADD DUP1 32 ADD CALLDATALOAD 0 MSTORE CALLDATALOAD 32 MSTORE 64 0 RETURN"
    )
    (tmp_path / "bytes.hex").write_bytes(code)

    for kind, text, word in (
        ("bytes", '"0x0102"', 0x0102 << 240),
        ("string", '"ab"', 0x6162 << 240),
    ):
        named = ("--evm", "bytes.hex", "--function", f"f(uint256,{kind})", "--array-bound", "40")
        exit_code, report = numen("run", *named, 7, text)
        assert (exit_code, report["outputs"]) == (0, [word, 2])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "--evm", SOLC, "1"), "--function"),
        (("inspect",), "Missing argument"),
        (("inspect", "--evm", SOLC, *GCD, "add.py"), "in place of add.py"),
        (("inspect", f"{SOLC}:gcd(uint256,uint256)", "--function", "f()"), "two functions"),
        (("run", "--evm", SOLC, *TOTAL, "[1,2,3]"), "do not fit"),
        (("run", "--evm", SOLC, *TOTAL, "5"), "expected a list"),
        (("run", "--evm", SOLC, *TOTAL, '["a"]'), "arg0"),
        (("run", "--evm", SOLC, *TOTAL), "takes 1 argument"),
        (("inspect", "--evm", SOLC, "--function", "total(uint256[])"), "--array-bound"),
        (("inspect", "--evm", SOLC, *TOTAL[:3], "2000"), "1 to 1024"),
        (("inspect", "--evm", SOLC, *TOTAL, "--private", "1"), "no parameter 1"),
        (("inspect", "--evm", SOLC, *TOTAL, "--memory-bytes", "99999999"), "can be"),
        (("inspect", "--evm", SOLC, *TOTAL, "--fork", "x"), "london"),
        (("setup", "--evm", SOLC, *GCD[:2], "-o", "k"), "--loop-bound"),
        (("setup", "--evm", SOLC, "--function", "f(uint256[][2])", "--array-bound", 2, "-o", "k"),
         "inside another type"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(numen, words, says):
    code, report = numen(*words)

    assert code == 2
    assert says in json.dumps(report["error"])
