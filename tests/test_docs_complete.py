"""What a person can meet is described somewhere, and the tables of the reference are true."""

import re
from collections.abc import Iterator

import click
import msgspec
import pytest

import numen
from numen.cli.main import numen as command_line
from numen.demo import report
from numen.ir.ops import Op
from numen.ir.trap import Reason
from numen.lang.builtins import BUILTINS
from numen.lang.modules import STANDARD
from numen.lang.scope import RESERVED
from numen.lang.subset import FOREIGN_FUNCTIONS
from numen.market import events
from numen.market.offence import Outcome
from tests.markdown import ROOT, pages
from tools import reference

TEXTS = {page: (ROOT / page).read_text() for page in pages()}
CLI = TEXTS["docs/reference/cli.md"]


def section(page: str, heading: str) -> str:
    """The part of a page below a heading, to the next one of its rank."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL
    )
    assert found, f"no section {heading!r}"
    return found[1]


def options(command: click.Command) -> set[str]:
    """Every spelling of a command's options but `--help`, which all have."""
    found = {
        spelling
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    }
    return found - {"-h", "--help"}


def commands() -> dict[str, click.Command]:
    """Every command by the heading of its section."""
    return dict(below("numen", command_line))


def below(heading: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield heading, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner
            yield from below(f"{heading} {name}", inner)


@pytest.mark.parametrize("heading", commands())
def test_a_command_is_described_with_exactly_its_options(heading):
    command, text = commands()[heading], section(CLI, heading)
    rows = re.findall(r"^\| (`-.*?) \|", text, re.MULTILINE)
    shown = {word for row in rows for word in re.findall(r"`(--?[\w.-]+)`", row)}

    assert shown - {"-h", "--help"} == options(command)
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            assert parameter.make_metavar(click.Context(command)) in text.partition("\n\n|")[0]
        if isinstance(parameter.type, click.Choice):
            assert all(f"`{choice}`" in text for choice in parameter.type.choices)


def test_a_section_of_a_command_is_about_one_that_exists():
    headings = re.findall(r"^## (numen.*)$", CLI, re.MULTILINE)

    assert headings == list(commands())


@pytest.mark.parametrize("record", [report.Report, report.JobReport, report.Caught, report.Holding])
def test_the_keys_of_the_demo_are_described(record):
    text = section(CLI, "numen demo")
    missing = [name for name in record.__struct_fields__ if f"`{name}`" not in text]

    assert not missing


def test_every_public_name_of_python_is_described():
    text = TEXTS["docs/guides/python.md"]
    public = {name for name in dir(numen) if not name.startswith("_")}
    public -= {name for name in public if type(getattr(numen, name)).__name__ == "module"}
    public -= {"Any", "TYPE_CHECKING", "import_module"}
    missing = [name for name in sorted(public) if not re.search(rf"\b{name}\b", text)]

    assert {"compile", "verify", "u64", "Private", "NumenError"} <= public
    assert not missing


@pytest.mark.parametrize("kind", [numen.Compiled, numen.Keys, numen.Proven])
def test_every_public_method_is_described(kind):
    text = TEXTS["docs/guides/python.md"]
    methods = [name for name in vars(kind) if not name.startswith("_")]
    missing = [
        name
        for name in methods
        if name not in INTERNAL and f"`{name}" not in text and f".{name}" not in text
    ]

    assert methods
    assert not missing


INTERNAL = {
    "bind": "what `run` and `prove` do with arguments",
    "require_for": "what `prove` does with keys",
    "trapped": "makes the error of a trap",
}
"""Methods that other modules of ours use, with the reason why nobody else needs to read of them."""


@pytest.mark.parametrize("op", Op, ids=lambda op: op.value)
def test_every_instruction_is_described(op):
    assert f"| `{op.value}` |" in TEXTS["docs/reference/ir.md"]


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.value)
def test_every_reason_of_a_trap_is_described(reason):
    assert f"| {reason.value} |" in TEXTS["docs/reference/ir.md"]


@pytest.mark.parametrize("outcome", Outcome, ids=lambda outcome: outcome.value)
def test_every_end_of_a_seat_is_described(outcome):
    assert outcome.value in TEXTS["docs/reference/market.md"]


@pytest.mark.parametrize("name", sorted((RESERVED | set(BUILTINS)) - set(FOREIGN_FUNCTIONS)))
def test_every_name_of_the_language_is_described(name):
    assert re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", TEXTS["docs/guides/language.md"])


@pytest.mark.parametrize("module", STANDARD)
def test_every_standard_module_is_described(module):
    source = (ROOT / f"src/numen/lang/std/{module}.numen").read_text()
    functions = re.findall(r"^def ([a-z]\w*)\(", source, re.MULTILINE)
    text = TEXTS["docs/guides/language.md"]

    assert functions
    assert f"numen.std.{module}" in text
    assert any(name in text for name in functions)


def test_every_event_of_the_log_is_described():
    tags = [event.__struct_config__.tag for event in events.Base.__subclasses__()]

    assert len(tags) == len(msgspec.json.schema(events.Event)["anyOf"])
    assert all(f"| `{tag}` |" in TEXTS["docs/reference/formats.md"] for tag in tags)


def test_the_tables_are_what_the_code_says():
    stale = [path.name for path, text in reference.pages().items() if path.read_text() != text]

    assert not stale, "run tools/reference.py"


def test_a_table_that_is_not_what_the_code_says_is_seen():
    page = "<!-- table: words -->\n\n| lie |\n\n<!-- end: words -->\n"

    assert reference.put(page, "words", reference.words()) != page
    with pytest.raises(ValueError, match="no marks"):
        reference.put("", "words", reference.words())


def test_the_readme_shows_what_the_guide_runs():
    shown = re.search(r"\$ numen demo\n(.*?)```", TEXTS["README.md"], re.DOTALL)
    run = re.search(r"\$ numen demo\n(.*?)```", TEXTS["docs/guides/market.md"], re.DOTALL)
    assert shown
    assert run
    lines = [line for line in shown[1].splitlines() if line != "..."]

    assert len(lines) > 10
    assert set(lines) <= set(run[1].splitlines())
