"""`numen evm` as a person and a test tool use it: output, files, exit codes, bad input."""

import json
import re
from io import BytesIO, TextIOWrapper

import click
import pytest

from numen.base.crypto import SigningKey, keccak256
from numen.cli.main import run_command
from numen.evm import rlp
from numen.evm.forks import fork
from numen.evm.transaction import Transaction
from tests.evm import blocks

KEY = SigningKey(bytes(31) + b"\x01")
CONTRACT = "0x" + "cc" * 20
ADD = "6001600201600052602060" + "00f3"


@pytest.fixture
def numen(tmp_path, monkeypatch, capfd):
    """Run a command in an empty folder; its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def command(*words):
        code = run_command([str(word) for word in words])
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return command


def state_test(**post) -> dict:
    """A test with one case: a call that stores 1 in slot 0."""
    expected = {"hash": "0x" + "00" * 32, "logs": "0x" + keccak256(rlp.encode([])).hex()}
    return {
        "env": {
            "currentCoinbase": "0x" + "c0" * 20,
            "currentGasLimit": "0x05f5e100",
            "currentNumber": "0x01",
            "currentTimestamp": "0x03e8",
            "currentDifficulty": "0x020000",
            "currentRandom": "0x" + "00" * 31 + "02",
            "currentBaseFee": "0x0a",
        },
        "pre": {
            "0x" + KEY.address.hex(): {"balance": "0x0de0b6b3a7640000", "nonce": "0x00"},
            CONTRACT: {"balance": "0", "nonce": 1, "code": "0x6001600055", "storage": {}},
        },
        "transaction": {
            "data": ["0x"],
            "gasLimit": ["0x0186a0"],
            "gasPrice": "0x0a",
            "nonce": "0x00",
            "secretKey": "0x" + "00" * 31 + "01",
            "to": CONTRACT,
            "value": ["0x00"],
        },
        "post": {"Prague": [{"indexes": {"data": 0, "gas": 0, "value": 0}} | expected | post]},
    }


def right_root(numen, path) -> str:
    """The root that a case comes to, taken from its own result."""
    path.write_text(json.dumps({"one": state_test()}))
    return json.loads(numen("evm", "statetest", path, "--engine", "reference")[1])["stateRoot"]


# statetest. --------------------------------------------------------------------------------------


def test_each_case_is_one_object_and_the_exit_code_says_if_all_pass(numen, tmp_path):
    path = tmp_path / "test.json"
    root = right_root(numen, path)
    path.write_text(json.dumps({"good": state_test(hash=root), "bad": state_test()}))

    code, out, err = numen("evm", "statetest", path, "--engine", "reference")

    good, bad = map(json.loads, out.splitlines())
    assert code == 1
    assert good == {
        "name": "good",
        "fork": "Prague",
        "index": 0,
        "pass": True,
        "stateRoot": root,
        "error": "",
    }
    assert not bad["pass"]
    assert bad["error"].startswith("state root is 0x")
    assert "2 cases in 1 files: 1 passed, 1 failed" in err


def test_with_json_the_cases_are_a_list_whose_lines_are_objects(numen, tmp_path):
    path = tmp_path / "test.json"
    root = right_root(numen, path)
    path.write_text(json.dumps({"a": state_test(hash=root), "b": state_test(hash=root)}))

    code, out, _ = numen("evm", "statetest", path, "--engine", "reference", "--json")

    assert code == 0
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert json.loads(out) == lines
    assert [line["name"] for line in lines] == ["a", "b"]


def test_folders_are_walked_by_several_processes(numen, tmp_path):
    root = right_root(numen, tmp_path / "x.json")
    (tmp_path / "deep").mkdir()
    (tmp_path / ".meta").mkdir()
    for name in ("x.json", "deep/y.json"):
        (tmp_path / name).write_text(json.dumps({name: state_test(hash=root)}))
    (tmp_path / ".meta" / "index.json").write_text("{}")
    (tmp_path / "deep" / "broken.json").write_text("{")

    code, out, err = numen("evm", "statetest", tmp_path, "--engine", "reference", "--workers", 2)

    found = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [each["pass"] for each in found] == [False, True, True]
    assert found[0]["name"].endswith("broken.json")
    assert "3 cases in 3 files" in err


def test_cases_are_chosen_by_fork_and_by_name(numen, tmp_path):
    path = tmp_path / "test.json"
    both = state_test()
    both["post"]["London"] = both["post"]["Prague"]
    path.write_text(json.dumps({"one": both, "two": both}))

    _, out, _ = numen(
        *("evm", "statetest", path, "--engine", "reference"), "--fork", "london", "--run", "tw[o]$"
    )

    (found,) = map(json.loads, out.splitlines())
    assert (found["name"], found["fork"]) == ("two", "London")
    assert numen("evm", "statetest", path, "--fork", "osaka")[0] == 2
    assert numen("evm", "statetest", path, "--run", "(")[0] == 2


def test_a_transaction_that_must_be_refused_passes_if_it_is(numen, tmp_path):
    path = tmp_path / "test.json"
    poor = state_test(expectException="TransactionException.INSUFFICIENT_ACCOUNT_FUNDS")
    poor["transaction"]["value"] = ["0x0de0b6b3a7640001"]
    path.write_text(json.dumps({"poor": poor}))
    before = json.loads(numen("evm", "statetest", path, "--engine", "reference")[1])["stateRoot"]
    poor["post"]["Prague"][0]["hash"] = before
    able = state_test(expectException="TransactionException.SENDER_NOT_EOA", hash=before)
    path.write_text(json.dumps({"poor": poor, "able": able}))

    code, out, _ = numen("evm", "statetest", path, "--engine", "reference")

    refused, accepted = map(json.loads, out.splitlines())
    assert code == 1
    assert refused["pass"]
    assert accepted["error"] == "accepted, but expected TransactionException.SENDER_NOT_EOA"


def test_a_file_older_than_expected_exceptions_says_by_its_root_what_is_refused(numen, tmp_path):
    path = tmp_path / "test.json"
    poor = state_test()
    poor["transaction"]["value"] = ["0x0de0b6b3a7640001"]
    path.write_text(json.dumps({"poor": poor}))
    code, out, _ = numen("evm", "statetest", path, "--engine", "reference")
    refused = json.loads(out)
    assert (code, refused["pass"]) == (1, False)
    assert "INSUFFICIENT_ACCOUNT_FUNDS" in refused["error"]

    poor["post"]["Prague"][0]["hash"] = refused["stateRoot"]
    path.write_text(json.dumps({"poor": poor}))

    assert numen("evm", "statetest", path, "--engine", "reference")[0] == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Input data was truncated"),
        ("[]", "Expected `object`, got `array`"),
        ('{"a": {}}', "missing required field `env`"),
        ("[" * 100_000, ""),
        ('{"a": ' * 100_000, ""),
        ("\xff", ""),
    ],
)
def test_a_file_that_is_none_is_a_case_that_fails(numen, tmp_path, text, says):
    (tmp_path / "bad.json").write_text(text)

    code, out, _ = numen("evm", "statetest", "bad.json")

    assert code == 1
    assert says in json.loads(out)["error"]


# run. --------------------------------------------------------------------------------------------


def test_code_runs_and_shows_its_output_and_gas(numen):
    code, out, err = numen("evm", "run", "--code", ADD)

    assert (code, out) == (0, f"0x{3:064x}\n")
    assert "24 gas" in err


@pytest.mark.parametrize("engine", ["reference", "interpreter"])
def test_a_run_as_json(numen, engine):
    echo = "366000600037" + "60ff366000a1" + "366000fd"

    code, out, _ = numen(
        *("evm", "run", "--code", echo, "--input", "0xabcd", "--json"), "--engine", engine
    )

    found = json.loads(out)
    assert code == 1
    assert (found["output"], found["error"], found["logs"]) == ("0xabcd", "revert", [])
    copy, log, revert = 2 + 3 + 3 + 3 + 3 + 3, 3 + 2 + 3 + 2 * 375 + 2 * 8, 2 + 3
    assert found["gasUsed"] == copy + log + revert


def test_a_trace_ends_with_output_and_gas(numen):
    code, out, _ = numen("evm", "run", "--code", ADD, "--trace", "--gas", 1_000, "--fork", "london")

    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["opName"] for line in lines[:3]] == ["PUSH1", "PUSH1", "ADD"]
    assert lines[2]["stack"] == ["0x1", "0x2"]
    assert lines[-1] == {"output": f"{3:064x}", "gasUsed": "0x18"}


def test_code_of_a_prestate_is_called_with_wei(numen, tmp_path):
    sender = "0x" + "5e" * 20
    genesis = {"alloc": {CONTRACT: {"code": "0x3460005260206000f3"}, sender: {"balance": "0x9"}}}
    (tmp_path / "genesis.json").write_text(json.dumps(genesis))
    (tmp_path / "alloc.json").write_text(json.dumps(genesis["alloc"]))
    words = ("evm", "run", "--receiver", CONTRACT, "--sender", sender, "--value", 7)

    for name in ("genesis.json", "alloc.json"):
        assert numen(*words, "--prestate", name)[:2] == (0, f"0x{7:064x}\n")
    assert numen(*words[:-1], "0xa", "--prestate", "alloc.json")[0] == 1


def test_code_that_makes_a_contract(numen):
    code, out, err = numen(
        "evm", "run", "--create", "--code", "60016000536001" + "6000f3", "--json"
    )

    found = json.loads(out)
    assert (code, found["output"], err) == (0, "0x01", "")
    assert re.fullmatch("0x[0-9a-f]{40}", found["created"])


@pytest.mark.parametrize(
    "words",
    [
        ["--code", "0xzz"],
        ["--code", "@absent"],
        ["--fork", "nowhere", "--code", "00"],
        ["--sender", "0x12", "--code", "00"],
        ["--prestate", "absent.json"],
        ["--gas", "-1", "--code", "00"],
        ["--gas", str(2**63), "--code", "00"],
        ["--value", "0x1" + "0" * 64, "--code", "00"],
    ],
)
def test_bad_options_are_named(numen, words):
    code, _, err = numen("evm", "run", *words)

    assert code == 2
    assert err.splitlines()[-1].startswith(("error: ", "    hint: "))


# t8n. --------------------------------------------------------------------------------------------


def test_a_transition_reads_and_writes_files(numen, tmp_path):
    given = blocks.block(fork("cancun"), 3)
    for name, piece in given.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(piece))

    code, out, _ = numen(
        *("evm", "t8n", "--state.fork", "Cancun", "--state.reward", -1, "--engine", "reference"),
        *("--output.basedir", "out", "--output.body", "body.rlp", "--output.alloc", "after.json"),
    )

    result = json.loads((tmp_path / "out" / "result.json").read_text())
    alloc = json.loads((tmp_path / "out" / "after.json").read_text())
    assert (code, out) == (0, "")
    assert len(result["receipts"]) + len(result["rejected"]) == len(given["txs"])
    assert set(alloc) >= {"0x" + key.address.hex() for key in blocks.KEYS.values()}
    body = json.loads((tmp_path / "out" / "body.rlp").read_text())
    assert len(rlp.decode(bytes.fromhex(body[2:]))) == len(result["receipts"])


def test_a_transition_of_stdin_goes_to_stdout(numen, monkeypatch):
    given = blocks.block(fork("berlin"), 3)
    key = blocks.KEYS[1]
    tx = Transaction(max_fee=10**5, max_priority_fee=10**5, gas_limit=21_000, to=bytes(20)).sign(
        key
    )
    given["txs"] = "0x" + rlp.encode([rlp.decode(tx.encode()), b"\x07", b""]).hex()
    stdin = TextIOWrapper(BytesIO(json.dumps(given).encode()))
    monkeypatch.setattr("sys.stdin", stdin)

    code, out, _ = numen(
        *("evm", "t8n", "--state.fork", "Berlin", "--engine", "reference"),
        *(f"--input.{name}=stdin" for name in ("alloc", "env", "txs")),
        *("--output.alloc=stdout", "--output.result=stdout"),
    )

    result = json.loads(out)["result"]
    assert code == 0
    assert result["gasUsed"] == hex(21_000)
    assert result["receipts"][0]["transactionHash"] == "0x" + tx.hash().hex()
    assert [each["index"] for each in result["rejected"]] == [1, 2]


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({}, "missing required field"),
        ({"currentRandom": None}, "currentRandom is missing"),
        ({"withdrawals": None}, "needs withdrawals"),
        ({"currentNumber": "0xzz"}, "not a number"),
        ({"parentBaseFee": None, "currentBaseFee": None}, "parentBaseFee is missing"),
    ],
)
def test_a_transition_without_what_it_needs_is_refused(numen, tmp_path, env, says):
    given = blocks.block(fork("cancun"), 3)
    given["env"] = env and given["env"] | env
    for name, piece in given.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(piece))

    code, _, err = numen("evm", "t8n", "--state.fork", "Cancun")

    assert code == 2
    assert says in err


def test_the_help_of_every_command_is_there(numen):
    group = numen("evm", "--help")[1]

    for name in ("run", "statetest", "t8n"):
        assert name in group
        assert numen("evm", name, "--help")[0] == 0
    assert click.unstyle(group) == group
