"""Hostile files and arguments at the command line: one clear error, soon, and nothing left over."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numen.cli.main import run_command

SOURCE = """
def main(a: u64) -> u64:
    return a
"""

SECONDS_MAX = 120
"""Generous: the machine is shared; what this guards against takes forever."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a program, which is the current one."""
    path = tmp_path_factory.mktemp("entrances")
    (path / "program.py").write_text(SOURCE)
    before, home = Path.cwd(), os.environ.get("NUMEN_HOME")
    os.chdir(path)
    os.environ["NUMEN_HOME"] = str(tmp_path_factory.mktemp("home"))
    yield path
    os.chdir(before)
    os.environ.pop("NUMEN_HOME")
    if home is not None:
        os.environ["NUMEN_HOME"] = home


def meets(*words: str) -> int:
    """The exit code of a command that must come soon and leave no files behind."""
    before = sorted(Path().rglob("*"))
    start = time.monotonic()
    code = run_command(list(words))
    assert time.monotonic() - start < SECONDS_MAX
    if code == 2:
        assert sorted(Path().rglob("*")) == before
    return code


@pytest.mark.parametrize(
    "argument",
    [
        *("0x_1", "0x1_", "0x1__2", "0x", "--5", "+5", "1.", ".5", "5,", "[5", "]", "\x00", '"'),
        *("1 2", "\ud800", '"\ud800"', "NaN", "-Infinity", "1e999", "null", "true", '{"x": 1}'),
        *("9" * 5000, "0x" + "f" * 5000, "[" * 100_000, "]" * 100_000 + "[" * 100_000),
        *("@", "@@", "@/", "@program.py"),
    ],
    ids=lambda argument: ascii(argument[:12]),
)
def test_an_argument_that_is_no_number_is_refused(folder, argument):
    assert meets("run", "program.py", argument) == 2


def test_underscores_in_hexadecimal_numbers_stand_between_digits(folder, capfd):
    assert meets("run", "program.py", "0xdead_beef") == 0
    assert capfd.readouterr().out == f"{0xDEADBEEF}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("run", "{}", "1"),
        ("run", "program.py", "@{}"),
        ("verify", "{}", "{}", "{}"),
        ("inspect", "{}"),
    ],
)
def test_what_is_no_ordinary_file_is_refused(folder, words):
    """A pipe without a writer would be waited for, a device read until memory ends."""
    pipe = folder / "pipe"
    if not pipe.exists():
        os.mkfifo(pipe)
    loop = folder / "loop"
    if not loop.is_symlink():
        loop.symlink_to(loop)

    for name in (str(pipe), "/dev/zero", "/dev/null", str(loop), str(folder), "absent"):
        assert meets(*(word.format(name) for word in words)) == 2


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.text(alphabet='0123456789abxX_-+.eE[]{}",: @\\u', max_size=40))
def test_random_arguments_get_an_answer(folder, text):
    assert meets("run", "program.py", "--", text) in (0, 1, 2)


@pytest.fixture(scope="module")
def made(folder):
    """Files of every kind that a command reads, as our commands wrote them."""
    assert run_command(["compile", "program.py", "--emit", "bytecode", "-o", "made"]) == 0
    assert run_command(["compile", "program.py", "--emit", "ir", "-o", "made"]) == 0
    assert run_command(["setup", "program.py", "-o", "made"]) == 0
    assert run_command(["prove", "program.py", "5", "--keys", "made", "-o", "made"]) == 0
    return {path.name: path.read_bytes() for path in (folder / "made").iterdir()}


COMMANDS = {
    "program.numen": ("run", "broken/program.numen", "5"),
    "program.ir": ("run", "broken/program.ir", "5"),
    "circuit.r1cs": ("prove", "program.py", "5", "--keys", "broken", "-o", "proven"),
    "circuit.zkey": ("prove", "program.py", "5", "--keys", "broken", "-o", "proven"),
    "verification_key.json": (
        *("verify", "broken/verification_key.json"),
        *("made/proof.json", "made/public.json"),
    ),
    "proof.json": (
        *("verify", "made/verification_key.json"),
        *("broken/proof.json", "made/public.json"),
    ),
    "public.json": (
        *("verify", "made/verification_key.json"),
        *("made/proof.json", "broken/public.json"),
    ),
}
"""The command that reads each kind of file."""


def harmed(data: bytes, at: int, harm: str, bit: int) -> bytes:
    """Bytes with something wrong about them."""
    at %= max(len(data), 1)
    match harm:
        case "flip":
            return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        case "cut":
            return data[:at]
        case "double":
            return data + data
        case "insert":
            return data[:at] + bytes([0, 255, 128][: bit % 3 + 1]) + data[at:]
        case "digit":
            return data[:at] + b"9" + data[at + 1 :]
        case _:
            return b""


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(COMMANDS)),
    at=st.integers(0, 10**5),
    harm=st.sampled_from(["flip", "flip", "flip", "cut", "double", "insert", "digit", "empty"]),
    bit=st.integers(0, 7),
)
def test_a_harmed_file_gets_an_answer(folder, made, name, at, harm, bit):
    broken = folder / "broken"
    broken.mkdir(exist_ok=True)
    (folder / "proven").mkdir(exist_ok=True)
    for each, data in made.items():
        (broken / each).write_bytes(data)
    (broken / name).write_bytes(harmed(made[name], at, harm, bit))

    code = meets(*COMMANDS[name])

    assert code in (0, 1, 2)
    if code == 0 and COMMANDS[name][0] == "verify":
        assert harm == "digit" or (broken / name).read_bytes().split() == made[name].split()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize(
    "words",
    [
        ("compile", "program.py", "--emit", "ir", "-o", "stopped"),
        ("setup", "program.py", "-o", "stopped"),
        ("prove", "program.py", "5", "--keys", "made", "-o", "stopped"),
    ],
    ids=" ".join,
)
def test_an_interrupted_write_leaves_no_half_of_a_file(folder, made, monkeypatch, error, words):
    def fail(_descriptor):
        raise error

    (folder / "stopped").mkdir(exist_ok=True)
    monkeypatch.setattr("os.fsync", fail)

    assert meets(*words) == 2
    assert list((folder / "stopped").iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [SOURCE.replace("\n", "\r\n"), SOURCE.replace("    ", "\t"), "\ufeff" + SOURCE, "\f" + SOURCE],
    ids=["CRLF", "tabs", "mark", "form feed"],
)
def test_every_editor_may_be_used(folder, text):
    (folder / "edited.py").write_bytes(text.encode())

    assert meets("run", "edited.py", "5") == 0


@pytest.mark.parametrize(
    "data",
    [
        *(b"def main(a: u64) -> u64:\n    ret\0urn a\n", SOURCE.encode("utf-16"), b"\xed\xa0\x80"),
        *(b" \n\t\n", b"def main(a: u64) -> u64:\n    return a + \\", b"(" * 10**5, b"\n" * 10**6),
        *(b"def main(a: u64) -> u64:\n  if a:\n\treturn a\n", b"x = " + b"-" * 10**5 + b"1\n"),
        *(b"def main(a: u64) -> u64:\n    return a" + b" + a" * 10**5, b"\x80" * 10**6),
    ],
    ids=lambda data: ascii(data[:24]),
)
def test_a_source_that_is_none_is_refused(folder, data):
    (folder / "odd.py").write_bytes(data)

    assert meets("run", "odd.py", "5") == 2
