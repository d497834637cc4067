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

SECONDS_MAX = 10
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


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.text(alphabet='0123456789abxX_-+.eE[]{}",: @\\u', max_size=40))
def test_random_arguments_get_an_answer(folder, text):
    assert meets("run", "program.py", "--", text) in (0, 1, 2)
