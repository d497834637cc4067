"""`numen doctor`, and programs run in a sandbox from the command line."""

import json
import sys

import msgspec
import pytest

from numen.cli import doctor
from numen.cli.main import run_command
from numen.sandbox import jail, probe
from tests.sandbox.inside import isolation, needs_jail

ADD = "def main(a, b):\n    return a + b\n"
SPIN = "from numen import u64\ndef main(n: u64) -> u64:\n    return n // (n - n)\n"


def asked(capsys, *words):
    code = run_command([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


@needs_jail
def test_where_all_works_it_says_so(capsys):
    code, report = asked(capsys, "doctor")

    assert code == 0
    parts = ["namespaces", "filter", "limits", "sandbox", "native", "tls"]
    assert [report[part]["works"] for part in parts] == [True] * 6
    assert not any("advice" in report[part] for part in parts)
    assert run_command(["doctor"]) == 0
    assert capsys.readouterr().out.count("works") == 6


def test_without_bubblewrap_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setattr(jail, "find_bubblewrap", lambda: None)
    code, report = asked(capsys, "doctor")

    assert code == 1
    assert not report["namespaces"]["works"]
    if sys.platform == "linux":
        assert "numen[sandbox]" in report["namespaces"]["advice"]
    assert not report["sandbox"]["works"]
    assert "refused" in report["sandbox"]["says"]
    assert report["tls"]["works"]
    assert run_command(["doctor"]) == 1
    assert "to do:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo setting up uid map: Permission denied >&2; exit 1", "uid map"),
        ("echo something else", "makes no jail"),
    ],
)
def test_where_namespaces_are_off_it_says_how_to_allow_them(tmp_path, monkeypatch, script, found):
    fake = tmp_path / "bwrap"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(jail, "find_bubblewrap", lambda: fake)
    made = probe.probe()

    assert made.bubblewrap is None
    assert not made.is_full
    if sys.platform == "linux":
        assert found in made.namespaces.says
        assert "user namespaces" in made.namespaces.advice
        assert found in made.lacks


def test_a_python_among_a_persons_files_is_not_shown_to_strangers(monkeypatch, tmp_path):
    monkeypatch.setattr(jail.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(jail.Path, "home", lambda: tmp_path / "somebody")
    if jail.find_bubblewrap() and sys.platform == "linux":
        assert "files are too" in probe.probe().namespaces.says


def test_what_cannot_be_joined_or_compiled_is_said(monkeypatch):
    class Deaf:
        def __init__(self, *_):
            raise OSError("no such cipher")

    monkeypatch.setattr(doctor, "TlsTransport", Deaf)
    assert "no such cipher" in doctor._tls().says


@needs_jail
def test_a_program_runs_in_the_sandbox(capsys, tmp_path):
    path = tmp_path / "add.py"
    path.write_text(ADD)
    code, report = asked(capsys, "run", str(path), "2", "3", "--sandbox")

    assert (code, report["outputs"], report["engine"]) == (0, 5, "jit")


@needs_jail
def test_a_trap_in_the_sandbox_is_the_same_trap(capsys, tmp_path):
    path = tmp_path / "spin.py"
    path.write_text(SPIN)
    found = [asked(capsys, "run", str(path), "2", *more) for more in ([], ["--sandbox"])]

    assert found[0] == found[1]
    assert found[0][0] == 1


def test_native_work_that_cannot_be_confined_is_refused(capsys, tmp_path, monkeypatch):
    lacking = msgspec.structs.replace(
        isolation(), bubblewrap=None, namespaces=probe.Check(is_there=False, says="none here")
    )
    monkeypatch.setattr("numen.sandbox.runner.probe", lambda: lacking)
    path = tmp_path / "add.py"
    path.write_text(ADD)
    code, report = asked(capsys, "run", str(path), "2", "3", "--sandbox", "--engine", "jit")

    assert code == 2
    assert report["error"]["kind"] == "NativeRefusedError"
    assert "numen doctor" in report["error"]["hint"]
