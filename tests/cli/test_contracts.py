"""Contracts of the EVM on the command line: listed, drawn, and their functions run as programs."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from numen.cli.main import run_command

CONTRACT = Path(__file__).parents[2] / "examples/contracts/numbers.hex"


def run(capsys, *words) -> tuple[int, str]:
    """A command's exit code and what it printed."""
    code = run_command([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_a_contract_is_listed(capsys, tmp_path):
    code, out = run(capsys, "compile", CONTRACT, "--emit", "ir", "-o", tmp_path)

    assert (code, out) == (0, f"{tmp_path}/contract.ir.txt\n")
    assert "at0000:" in (tmp_path / "contract.ir.txt").read_text()


def test_a_contract_is_drawn_and_described(capsys, tmp_path):
    code, out = run(capsys, "compile", CONTRACT, "--emit", "cfg", "-o", tmp_path, "--json")
    report = json.loads(out)

    assert code == 0
    assert report["files"] == [f"{tmp_path}/contract.svg"]
    assert report["contract"]["unresolved"] == []
    assert ET.parse(tmp_path / "contract.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("form", "name", "says"), [("llvm", "contract.ll", "define"), ("asm", "contract.s", "# 0x0000")]
)
def test_a_contract_is_shown_as_native_code(capsys, tmp_path, form, name, says):
    code, _ = run(capsys, "compile", CONTRACT, "--emit", form, "-o", tmp_path)
    text = (tmp_path / name).read_text()

    assert code == 0
    assert says in text
    assert "ISZERO" in text


@pytest.mark.parametrize("name", ["code.bin", "code.hex", "code.evm"])
def test_raw_bytes_are_a_contract_as_well(capsys, tmp_path, name):
    (tmp_path / name).write_bytes(bytes.fromhex(CONTRACT.read_text()))

    code, _ = run(capsys, "compile", tmp_path / name, "--emit", "ir", "-o", tmp_path)
    assert code == 0
    run(capsys, "compile", CONTRACT, "--emit", "ir", "-o", tmp_path / "hex")
    assert (tmp_path / "contract.ir.txt").read_text() == (
        tmp_path / "hex/contract.ir.txt"
    ).read_text()


def test_any_name_is_a_contract_where_that_is_said(capsys, tmp_path):
    (tmp_path / "code").write_text("0x00")

    assert run(capsys, "compile", tmp_path / "code", "--emit", "ir", "-o", tmp_path)[0] == 2
    code, _ = run(capsys, "compile", tmp_path / "code", "--evm", "--emit", "ir", "-o", tmp_path)
    assert code == 0


def test_the_fork_is_chosen(capsys, tmp_path):
    (tmp_path / "code.hex").write_text("5f5f01")
    target = tmp_path / "code.hex"

    run(capsys, "compile", target, "--emit", "ir", "-o", tmp_path, "--fork", "london")
    assert "BAD_5F  # invalid instruction" in (tmp_path / "contract.ir.txt").read_text()
    code, out = run(capsys, "compile", target, "--emit", "ir", "-o", tmp_path, "--fork", "x")
    assert code == 2
    assert "london" in out


def test_a_function_of_a_contract_is_a_program(capsys, tmp_path):
    target = f"{CONTRACT}:gcd(uint256,uint256)"

    assert run(capsys, "run", target, 48, 36)[1].startswith("12\n")
    code, _ = run(capsys, "compile", target, "--emit", "ir", "-o", tmp_path)
    assert code == 0
    assert "func gcd -> (u256)" in (tmp_path / "program.ir").read_text()
    code, out = run(capsys, "run", tmp_path / "program.ir", 48, 36)
    assert (code, out.partition("\n")[0]) == (0, "12")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", str(CONTRACT), "1"], "called by their signatures"),
        (["run", f"{CONTRACT}:gcd", "1"], "called by their signatures"),
        (["run", f"{CONTRACT}:gcd(uint256)", "1"], "has it the function"),
        (["run", f"{CONTRACT}:gcd(uint256,uint256)", "1"], "takes 2 arguments"),
        (["compile", str(CONTRACT), "--emit", "r1cs", "-o", "out"], "no form r1cs"),
        (["compile", "examples/gcd.py", "--emit", "cfg", "-o", "out"], "no form cfg"),
        (["compile", "absent.hex", "--emit", "ir", "-o", "out"], "absent.hex"),
    ],
)
def test_what_a_contract_does_not_have_is_said(capsys, monkeypatch, tmp_path, words, says):
    monkeypatch.chdir(CONTRACT.parents[2])

    code, out = run(capsys, *words)
    assert code == 2
    assert says in out
    assert "Traceback" not in out
