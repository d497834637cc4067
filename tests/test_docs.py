"""What the documentation shows is what happens: its examples are run, its links lead somewhere."""

import contextlib
import doctest
import io
import linecache
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.markdown import ROOT, Block, blocks, pages, prose

PAGES = {page: tuple(blocks(page)) for page in pages()}
RUN = ("python", "console", "numen")
"""Languages whose blocks are run."""

SHOWN = (
    "",
    "text",
    "json",
    "toml",
    "sh",
    "mermaid",
    "llvm",
    "c",
    "asm",
    "diff",
    "markdown",
    "make",
)
"""Languages whose blocks are only shown."""

COMMAND = [str(Path(sys.executable).parent / "numen")]
LIMIT_S = 600
"""After which a command is taken for stuck; the machine may be busy."""

TERMINAL = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}


# Pages: a page is run from top to bottom, in a directory of its own. ---


@pytest.fixture
def namespace() -> Iterator[dict[str, object]]:
    """The names of a page; programs that it started end with it, wherever it ends."""
    names: dict[str, object] = {"__name__": "__main__"}
    yield names
    for value in names.values():
        if isinstance(value, subprocess.Popen):
            with value:
                value.kill()


@pytest.mark.parametrize("page", [p for p in PAGES if any(b.language in RUN for b in PAGES[p])])
def test_a_page_does_what_it_shows(page, tmp_path, monkeypatch, namespace):
    monkeypatch.chdir(tmp_path)
    if (ROOT / "examples").is_dir():
        shutil.copytree(ROOT / "examples", tmp_path / "examples")
    printed = None
    for block in PAGES[page]:
        expected = block.text if block.follows and block.language == "text" else None
        if printed is not None and expected is not None:
            assert matches(expected, printed), difference(block, expected, printed)
        printed = None
        if block.not_run:
            continue
        if block.file_name:
            (tmp_path / block.file_name).write_text(block.text)
        elif block.language == "python":
            printed = run_python(block, namespace)
        elif block.language == "console":
            run_console(block)


def test_the_examples_that_exist_are_run():
    shown = [b for page in PAGES.values() for b in page if b.language in RUN and not b.not_run]

    assert shown, "no page has an example"


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page):
    strange = [str(b) for b in PAGES[page] if b.language not in RUN + SHOWN]

    assert not strange, f"a language that is neither run nor shown: {strange}"


# Python ---


def run_python(block: Block, namespace: dict[str, object]) -> str:
    """Run a block and give what it printed; one with `>>>` is a session, compared line by line."""
    if ">>> " in block.text:
        example = doctest.DocTestParser().get_doctest(
            block.text, {}, str(block), block.page, block.line - 1
        )
        example.globs = namespace
        report = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(example, out=report.write, clear_globs=False)
        assert runner.failures == 0, report.getvalue()
        return ""
    # The lines are where `inspect` looks for the source of a function.
    name = f"<{block}>"
    linecache.cache[name] = (len(block.text), None, block.text.splitlines(keepends=True), name)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(block.text, name, "exec"), namespace)
    return out.getvalue()


# Console ---


def run_console(block: Block) -> None:
    """Run the commands of a block, when they are ours, and compare what they write."""
    status = 0
    for command, expected in commands(block.text):
        if command == "echo $?":
            assert expected.strip() == str(status), f"{block}: the exit code is {status}"
            status = 0
            continue
        words = shlex.split(command, comments=True)
        if words[0] != "numen":
            assert not status, f"{block}: exit code {status} of the command before is not shown"
            continue
        assert not status, f"{block}: exit code {status} before `{command}` is not shown"
        environment = os.environ | TERMINAL | {"NUMEN_HOME": str(Path.cwd() / "state")}
        status, written = run_command(words[1:], environment)
        assert matches(expected, written), difference(block, expected, written)
    assert not status, f"{block}: exit code {status} is not shown by `echo $?`"


def run_command(words: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command of ours to its end, else end it and whatever it started."""
    with subprocess.Popen(
        COMMAND + words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            written, _ = process.communicate(timeout=LIMIT_S)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, written


def commands(text: str) -> list[tuple[str, str]]:
    """Split a console block into commands and what each writes."""
    parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)
    assert not parts[0], "a console block starts with a command"
    return list(zip(parts[1::2], parts[2::2], strict=True))


def matches(expected: str, actual: str) -> bool:
    """Compare texts; `...` stands for any text in a line, alone on a line for any lines."""
    pattern = ""
    for line in expected.rstrip().splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part.rstrip()) for part in line.split("...")) + r" *\n"
    return re.fullmatch(pattern, actual.rstrip() + "\n" if actual.strip() else "") is not None


def difference(block: Block, expected: str, actual: str) -> str:
    return f"{block}\n--- the page shows\n{expected}--- it is\n{actual}"


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("3\n", "3\n", True),
        ("3\n", "4\n", False),
        ("", "", True),
        ("", "4\n", False),
        ("took ... s\n", "took 0.3 s\n", True),
        ("took ... s\n", "took 0.3 ms\n", False),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\nd\n", "a\nd\n", True),
        ("a\n...\nd\n", "a\nb\n", False),
        ("a\n", "a\nb\n", False),
    ],
)
def test_wildcards(expected, actual, same):
    assert matches(expected, actual) == same


# Links, headings, navigation ---


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_one_title(page):
    titles = re.findall(r"^# .+", prose(page), flags=re.MULTILINE)

    assert len(titles) == 1, titles


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose(page))
    local = [target for target in targets if "://" not in target]
    broken = [target for target in local if not (ROOT / page).parent.joinpath(target).exists()]

    assert not broken


def test_the_navigation_names_every_page():
    named = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text()))

    assert {f"docs/{name}" for name in named} == set(PAGES) - {"README.md"}


def test_the_terms_name_files_that_exist():
    rows = re.findall(
        r"^\| (.+?) \| (.+?) \| (.*?) \|$", (ROOT / "docs/terms.md").read_text(), re.MULTILINE
    )
    files = [name for *_, where in rows[1:] for name in re.findall(r"`([\w/.]+)`", where)]
    missing = [name for name in files if not (ROOT / "src/numen" / name).exists()]

    assert len(rows) > 50
    assert not missing


@pytest.mark.parametrize("page", [page for page in PAGES if re.search(r"decisions/\d", page)])
def test_a_decision_has_its_four_parts(page):
    parts = re.findall(r"^## (.+)", prose(page), flags=re.MULTILINE)

    assert parts == ["Context", "Choice", "Rejected", "Consequences"]


def test_decisions_are_numbered_without_gaps():
    numbers = [int(match[1]) for page in PAGES if (match := re.search(r"decisions/(\d{4})-", page))]

    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
