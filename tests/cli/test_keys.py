"""`numen key`: passwords come from people, files and the environment, and from nowhere else."""

import json

import click
import pytest

from numen.cli import keys
from numen.cli.main import run_command
from numen.net.keystore import COST_MIN, KeyStore

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMEN_PASSWORD", raising=False)
    monkeypatch.setenv("NUMEN_KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(keys, "KeyStore", lambda folder: KeyStore(folder, COST_MIN))


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\nmore\n")
    return str(path)


def asked(capsys, *words):
    """Run a command with --json: its exit code and what it printed."""
    code = run_command(["key", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_key_is_made_shown_and_listed(capsys, password_file, tmp_path):
    code, made = asked(capsys, "new", "alice", "--password-file", password_file)
    assert code == 0
    assert made["state"] == "made"
    assert made["file"] == str(tmp_path / "keys/alice.json")

    code, shown = asked(capsys, "show", "alice")
    assert (code, shown | {"state": "made"}) == (0, made)
    assert asked(capsys, "list") == (0, {"keys": [shown]})
    _, checked = asked(capsys, "show", "alice", "--check", "--password-file", password_file)
    assert checked == shown | {"state": "opened"}

    assert run_command(["key", "show", "alice"]) == 0
    text = capsys.readouterr().out
    assert made["node"] in text
    assert made["account"] in text
    assert run_command(["key", "list"]) == 0
    assert capsys.readouterr().out.startswith("alice  node " + made["node"])


def test_without_keys_the_list_says_what_to_do(capsys):
    assert run_command(["key", "list"]) == 0
    assert "numen key new" in capsys.readouterr().out


def test_the_environment_may_say_the_password(capsys, monkeypatch):
    monkeypatch.setenv("NUMEN_PASSWORD", PASSWORD)
    assert asked(capsys, "new", "alice")[0] == 0
    monkeypatch.setenv("NUMEN_PASSWORD", PASSWORD + "!")
    code, said = asked(capsys, "show", "alice", "--check")

    assert code == 2
    assert said["error"]["kind"] == "WrongPasswordError"
    assert PASSWORD not in str(said)


def test_a_person_is_asked_twice_for_a_new_one(capsys, monkeypatch):
    prompts = []

    def prompt(text, **options):
        prompts.append(options)
        return PASSWORD

    monkeypatch.setattr(keys.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "prompt", prompt)
    assert asked(capsys, "new", "alice")[0] == 0
    assert asked(capsys, "show", "alice", "--check")[0] == 0

    assert [each["confirmation_prompt"] for each in prompts] == [True, False]
    assert all(each["hide_input"] for each in prompts)


def test_where_nobody_can_be_asked_it_says_what_to_do(capsys):
    code, said = asked(capsys, "new", "alice")

    assert code == 2
    assert "--password-file" in said["error"]["message"]


@pytest.mark.parametrize("password", [b"", b"\n", b"short\n", b"x" * 2000, b"\xff" * 20])
def test_passwords_that_are_none(capsys, tmp_path, password):
    path = tmp_path / "bad"
    path.write_bytes(password)

    assert asked(capsys, "new", "alice", "--password-file", str(path))[0] == 2
    assert not (tmp_path / "keys/alice.json").exists()


def test_a_password_is_no_argument(capsys):
    for word in ("--password", PASSWORD):
        assert run_command(["key", "new", "alice", word]) == 2
    capsys.readouterr()
    assert run_command(["key", "new", "Alice", "--json"]) == 2
