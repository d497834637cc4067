"""Every command as a person types it: output, files, exit codes, and bad input."""

import json
import os
import subprocess
import sys

import click
import pytest

from numen.cli.main import COMMANDS, run_command
from numen.cli.main import numen as command_line

ADD = "def main(a, b):\n    return a + b\n"

SUM = """
from numen import u64

def main(xs: list[u64, 3], limit: u64) -> u64:
    total: u64 = 0
    for i in range(3):
        total += xs[i]
    assert total <= limit, "too much"
    return total

def twice(x: u64) -> u64:
    return x + x
"""

SPIN = """
from numen import u64

def main(n: u64) -> u64:
    i: u64 = 0
    while i != n:
        i = i * 3 % 7
    return i
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with programs in it, which is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMEN_HOME", str(tmp_path / "home"))
    for name, text in (("add.py", ADD), ("sum.py", SUM), ("spin.py", SPIN)):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def numen(files, capfd):
    """Run a command; its exit code, output and errors."""

    def command(*words):
        code = run_command([str(word) for word in words])
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return command


def test_run(numen):
    code, out, err = numen("run", "add.py", "2", "0x3")

    assert (code, out) == (0, "5\n")
    assert "work units" in err


@pytest.mark.parametrize("engine", ["jit", "interp"])
def test_run_as_json_says_the_same_on_every_engine(numen, engine):
    code, out, _ = numen("run", "sum.py", "[1, 2, 3]", "6", "--engine", engine, "--json")

    report = json.loads(out)
    assert code == 0
    assert report["outputs"] == 6
    assert report["engine"] == engine
    assert (
        report["work"]
        == json.loads(numen("run", "sum.py", "[1, 2, 3]", "6", "--engine", "interp", "--json")[1])[
            "work"
        ]
    )
    assert len(bytes.fromhex(report["program"])) == 32


def test_a_function_can_be_named(numen):
    assert numen("run", "sum.py:twice", "21")[:2] == (0, "42\n")


def test_negative_arguments(numen, files):
    (files / "neg.py").write_text(
        "from numen import i64\ndef main(a: i64) -> i64:\n    return a - 1\n"
    )

    assert numen("run", "neg.py", "-5")[:2] == (0, "-6\n")


def test_an_argument_from_a_file(numen, files):
    (files / "xs.json").write_text("[1, 0x10, 3]")

    assert numen("run", "sum.py", "@xs.json", "99")[:2] == (0, "20\n")


def test_a_trap_points_at_its_line_and_exits_with_1(numen):
    code, out, err = numen("run", "sum.py", "[1, 2, 3]", "5")

    assert (code, out) == (1, "")
    assert "sum.py:8:" in err
    assert "too much" in err


def test_a_trap_as_json(numen):
    code, out, _ = numen("run", "sum.py", "[1, 2, 3]", "5", "--json")

    error = json.loads(out)["error"]
    assert code == 1
    assert error["message"] == "too much"
    assert error["place"]["line"] == 8


@pytest.mark.parametrize("engine", ["jit", "interp"])
def test_the_work_limit_ends_a_program_that_does_not_end(numen, engine):
    code, _, err = numen("run", "spin.py", "1", "--work-limit", "10000", "--engine", engine)

    assert code == 1
    assert "work limit" in err


BAD = [
    ("run", "absent.py", "1"),
    ("run", "add.py"),
    ("run", "add.py", "1", "2", "3"),
    ("run", "add.py", "1", "1.5"),
    ("run", "add.py", "1", "true"),
    ("run", "add.py", "1", "-1"),
    ("run", "add.py", "1", str(2**254)),
    ("run", "add.py:other", "1", "2"),
    ("run", "sum.py", "[1, 2]", "3"),
    ("run", "sum.py", "[1, 2, [3]]", "3"),
    ("run", "sum.py", "@absent.json", "3"),
    ("run", "broken.py"),
    ("run", "huge.py"),
    ("run", "deep.py"),
    ("run", "empty.py"),
    ("run", "binary.py"),
    ("run", "recursive.py", "1"),
    ("run", "."),
    ("run", "add.py", "1", "2", "--work-limit", "0"),
    ("setup", "spin.py", "-o", "keys"),
    ("compile", "spin.py", "--emit", "r1cs", "-o", "out"),
    ("compile", "add.py", "--emit", "java", "-o", "out"),
    ("prove", "add.py", "1", "2", "--keys", "absent", "-o", "out"),
    ("verify", "absent.json", "absent.json", "absent.json"),
    ("verify", "add.py", "add.py", "add.py"),
    ("juggle",),
    ("run", "add.py", "1", "2", "--frobnicate"),
]


@pytest.mark.parametrize("words", BAD, ids=" ".join)
def test_bad_input_is_one_clear_error(numen, files, words):
    (files / "broken.py").write_text("def main(a:\n")
    (files / "huge.py").write_text("# " + "x" * 10_000_000)
    (files / "deep.py").write_text(f"def main(a):\n    return {'(' * 20_000}a{')' * 20_000}\n")
    (files / "empty.py").write_text("")
    (files / "binary.py").write_bytes(bytes(range(256)))
    (files / "recursive.py").write_text("def main(a):\n    return main(a)\n")
    before = sorted(path.name for path in files.iterdir())

    code, out, err = numen(*words)

    assert code == 2
    assert out == ""
    assert "error:" in err
    assert sorted(path.name for path in files.iterdir()) == before


@pytest.mark.parametrize("words", BAD, ids=" ".join)
def test_bad_input_as_json(numen, words):
    code, out, _ = numen(*words, "--json")

    assert code == 2
    assert json.loads(out)["error"]["message"]


def test_inspect(numen):
    code, out, _ = numen("inspect", "add.py", "--json")

    report = json.loads(out)
    assert code == 0
    assert report["constraints"] == 1
    assert report["work"] > 0
    assert [line["line"] for line in report["lines"]] == [2]


def test_inspect_says_why_there_is_no_circuit(numen):
    code, out, err = numen("inspect", "spin.py")

    assert code == 0
    assert "while i != n" in out
    assert "no circuit" in err
    assert json.loads(numen("inspect", "spin.py", "--json")[1])["constraints"] is None


@pytest.mark.parametrize(
    ("form", "name", "start"),
    [
        ("ir", "program.ir", b"program main"),
        ("bytecode", "program.numen", None),
        ("llvm", "program.ll", b"; ModuleID"),
        ("asm", "program.s", None),
        ("r1cs", "circuit.r1cs", b"r1cs"),
    ],
)
def test_compile(numen, files, form, name, start):
    code, out, _ = numen("compile", "add.py", "--emit", form, "-o", "out")

    assert (code, out) == (0, f"out/{name}\n")
    data = (files / "out" / name).read_bytes()
    assert data.startswith(start or data[:4])
    assert data


@pytest.mark.parametrize(("form", "name"), [("ir", "program.ir"), ("bytecode", "program.numen")])
def test_what_was_compiled_is_the_same_program(numen, form, name):
    numen("compile", "sum.py", "--emit", form, "-o", "out")

    source = json.loads(numen("run", "sum.py", "[1,2,3]", "9", "--json")[1])
    assert json.loads(numen("run", f"out/{name}", "[1,2,3]", "9", "--json")[1]) == source


@pytest.mark.parametrize("name", ["program.ir", "program.numen"])
def test_damaged_code_is_refused(numen, files, name):
    numen("compile", "sum.py", "--emit", "ir", "-o", "out")
    numen("compile", "sum.py", "--emit", "bytecode", "-o", "out")
    whole = (files / "out" / name).read_bytes()

    for cut in range(0, len(whole), max(len(whole) // 20, 1)):
        (files / "out" / name).write_bytes(whole[:cut] + b"\x01" + whole[cut + 2 :])
        code, _, err = numen("run", f"out/{name}", "[1,2,3]", "9")
        assert code == 2
        assert "error:" in err


def test_dump_writes_every_stage_and_says_which_there_is_not(numen, files):
    code, out, _ = numen("dump", "spin.py", "-o", "out")

    names = {path.name for path in (files / "out").iterdir()}
    assert code == 0
    assert names == {line.removeprefix("out/") for line in out.split()}
    assert "circuit.r1cs.refused.txt" in names
    assert {"lowered.ir", "program.ir", "metered.ir", "emitted.ll", "program.s"} <= names


def test_setup_prove_verify(numen, files):
    assert numen("setup", "add.py", "-o", "keys")[0] == 0
    assert {path.name for path in (files / "keys").iterdir()} == {
        "circuit.r1cs",
        "circuit.zkey",
        "verification_key.json",
    }
    code, out, err = numen("prove", "add.py", "2", "3", "--keys", "keys", "-o", "out")
    assert (code, out.splitlines()[0]) == (0, "5")
    assert "Do not use it in production" in err
    names = "keys/verification_key.json", "out/proof.json", "out/public.json"
    assert json.loads((files / "out" / "public.json").read_text()) == ["5", "2", "3"]
    assert numen("verify", *names)[:2] == (0, "valid\n")
    assert json.loads(numen("verify", *names, "--json")[1]) == {"valid": True}

    (files / "out" / "public.json").write_text('["6", "2", "3"]')

    assert numen("verify", *names)[0] == 1
    assert numen("verify", *names, "--json")[0] == 1


def test_keys_of_another_program_are_refused(numen):
    numen("setup", "add.py", "-o", "keys")

    code, _, err = numen("prove", "sum.py:twice", "2", "--keys", "keys", "-o", "out")

    assert code == 2
    assert "another program" in err


def test_a_run_that_traps_is_not_proven(numen, files):
    numen("setup", "sum.py", "-o", "keys")

    code, _, err = numen("prove", "sum.py", "[1,2,3]", "5", "--keys", "keys", "-o", "out")

    assert code == 1
    assert "sum.py:8:" in err
    assert not (files / "out").exists()


def test_help_names_every_command(numen):
    code, out, _ = numen("--help")

    assert code == 0
    assert all(f"\n  {name} " in out for name in COMMANDS)


def test_no_summary_is_cut_where_a_terminal_has_80_columns():
    context = click.Context(command_line)
    room = 80 - 2 - 6 - max(map(len, COMMANDS))  # margins as click has them
    summaries = [
        command_line.get_command(context, name).get_short_help_str(room) for name in COMMANDS
    ]
    assert [said for said in summaries if said.endswith("...")] == []


def spoken(name: str, command: click.Command) -> list[tuple[str, ...]]:
    """What is typed for a command, or for each of those that it is only a name for."""
    if not isinstance(command, click.Group):
        return [(name,)]
    return [
        (name, *words)
        for below, inner in command.commands.items()
        for words in spoken(below, inner)
    ]


ALL = [
    words
    for name in COMMANDS
    for words in spoken(name, command_line.get_command(click.Context(command_line), name))
]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_explains_itself_and_speaks_json(numen, words):
    code, out, _ = numen(*words, "--help")

    assert code == 0
    assert "--json" in out or words == ("evm", "t8n")  # which writes nothing else


def test_who_listens_no_more_is_told_nothing():
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "numen", "market", "show", "--json"]
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(words, stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert b"Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written(numen, files):
    (files / "file").write_text("")

    code, _, err = numen("compile", "add.py", "--emit", "ir", "-o", "file/out")

    assert code == 2
    assert "error:" in err


def test_a_program_cannot_import_what_is_not_its_own(numen, files):
    (files / "bad.py").write_text("import os\ndef main(a):\n    return a\n")

    code, _, err = numen("run", "bad.py", "1")

    assert code == 2
    assert "bad.py:1:" in err


def test_a_link_out_of_the_folder_is_refused(numen, files):
    inner = files / "inner"
    inner.mkdir()
    (inner / "other.py").symlink_to(files / "sum.py")
    (inner / "main.py").write_text("from other import twice\ndef main(a):\n    return a\n")

    code, _, err = numen("run", "inner/main.py", "1")

    assert code == 2
    assert "link" in err


def test_no_heavy_module_is_imported_for_a_run():
    import subprocess

    heavy = "numpy", "rich", "llvmlite"
    probe = f"import sys, numen.cli.programs; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
