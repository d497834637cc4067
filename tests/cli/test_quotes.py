"""Quotes on the command line: real documents, demands, exit codes and JSON."""

import json
from pathlib import Path

import pytest

from numen.cli.main import run_command

QUOTES = Path(__file__).parents[2] / "examples/quotes"
NITRO = ("verify", QUOTES / "nitro.bin", "--platform", "nitro")
THEN = ("--at", "2022-10-13T08:58:03Z")
SNP = (
    "verify", QUOTES / "snp.bin", "--platform", "snp", "--at", "1700000000",
    "--with", QUOTES / "snp-chip.der", "--with", QUOTES / "snp-milan.pem",
)  # fmt: skip
LAUNCH = "7d8c432ce06c2f7bbafff8432c5893ac7ff4b92aeb43167a4be2fe44f1ca2265"


def told(capsys, *words):
    code = run_command(["quote", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_real_document_is_verified_at_its_time(capsys):
    code, found = told(capsys, *NITRO, *THEN, "--launch", LAUNCH)
    assert (code, found["valid"], found["launch"]) == (0, True, LAUNCH)
    assert found["registers"]["pcr0"].startswith("f4d48b81")
    assert found["at"] == "2022-10-13T08:58:03Z"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ((*NITRO,), "ExpiredQuoteError"),
        ((*NITRO, *THEN, "--launch", "00" * 32), "OtherQuoteError"),
        ((*NITRO, *THEN, "--report", "00ff"), "OtherQuoteError"),
        ((*NITRO, *THEN, "--root", "00" * 32), "ForgedQuoteError"),
        ((*NITRO, *THEN, "--tcb-min", "up_to_date"), "DistrustError"),
        (("verify", QUOTES / "nitro-debug.bin", "--platform", "nitro", "--at", 1695049411),
         "DistrustError"),
        ((*SNP,), "DistrustError"),
        ((*SNP[:6],), "MalformedQuoteError"),
        (("verify", QUOTES / "snp.bin", "--platform", "tdx"), "MalformedQuoteError"),
    ],
)  # fmt: skip
def test_what_is_not_as_demanded_is_refused_with_its_kind(capsys, words, kind):
    code, found = told(capsys, *words)
    assert (code, found["error"]["kind"]) == (1, kind)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("verify", QUOTES / "nitro.bin"), "--platform"),
        ((*NITRO, "--at", "yesterday"), "no time"),
        ((*NITRO, "--at", "-5"), "no time"),
        ((*NITRO, "--at", "9" * 15), "between 1970"),
        ((*NITRO, "--launch", "zz"), "not hexadecimal"),
        ((*NITRO, "--boot", "13=" + "00" * 32), "0 to 9"),
        ((*NITRO, "--boot", "1=00"), "1 bytes, not 32"),
        ((*NITRO, "--launch", "00"), "1 bytes, not 32"),
        ((*SNP, "--floor", "1,2"), "four numbers"),
        (("verify", QUOTES / "nitro.bin", "--platform", "tpm"), "--root"),
        (("verify", QUOTES / "none.bin", "--platform", "snp"), "none.bin"),
    ],
)
def test_bad_input_is_told_from_false_evidence(capsys, words, says):
    code, found = told(capsys, *words)
    assert code == 2
    assert says in found["error"]["message"]


def test_a_program_is_measured(capsys, tmp_path):
    (tmp_path / "f.py").write_text("def main(a: u64) -> u64:\n    return a + 1\n")
    (tmp_path / "g.py").write_text("def main(a: u64) -> u64:\n    return a + 2\n")
    _, first = told(capsys, "measure", tmp_path / "f.py")
    _, again = told(capsys, "measure", tmp_path / "f.py")
    _, other = told(capsys, "measure", tmp_path / "g.py")
    assert first == again
    assert first["measurement"] != other["measurement"]
    assert first["target"]


def test_people_are_told_in_lines(capsys):
    assert run_command(["quote", *map(str, NITRO), *THEN]) == 0
    out = capsys.readouterr().out
    assert out.startswith("valid\nplatform       nitro\n")
