"""`numen top` draws what the page shows, and nothing that a stranger wrote steers the terminal."""

import io
import json

import msgspec
import pytest
from rich.console import Console

from numen.cli.main import run_command
from numen.watch import terminal
from numen.watch.sources import LedgerSource
from tests.watch.test_ledger import ABOUT, asked
from tests.watch.test_replica import robbed
from tests.watch.test_replica import source_of as source_of_replica
from tests.watch.watched import HOSTILE, happened, played, served, source_of

__all__ = ["asked", "robbed"]


def text(state, width=120) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(terminal.drawn(state, 10**13))
    return out.getvalue()


def state_of(source) -> dict:
    return msgspec.json.decode(msgspec.json.encode(source.sections()))


def test_a_market_is_drawn_with_its_liar():
    town = played()
    liar = town.workers[1].address.hex()

    said = text(state_of(source_of(happened(town), names={liar: "Bob"})))

    assert "settled" in said
    assert "Bob" in said
    assert "wrong answer" in said


def test_an_empty_market_says_what_to_do():
    assert "start `numen verifier`" in text(state_of(source_of()))


def test_a_ledger_is_drawn_as_trees(asked):
    said = text(state_of(LedgerSource(ABOUT, asked.node)), width=200)

    assert "buy(5)" in said
    assert "failed" in said


def test_a_bond_that_was_taken_is_in_red_words(robbed):
    said = text(state_of(source_of_replica(robbed, 1)), width=200)

    assert "✗ node-0 lost its bond of 1,000,000 in block " in said
    assert "for a false block: 62,500 to node-" in said


@pytest.mark.parametrize("width", [20, 80])
def test_a_hostile_name_is_text(width):
    town = played()
    liar = town.workers[1].address.hex()
    name = f"{HOSTILE}\x07\x9b2J[bold]x[/bold][/]\r\n"

    said = text(state_of(source_of(happened(town), names={liar: name})), width)

    assert not set(said) & {"\x1b", "\x07", "\x9b", "\r"}


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0"), (999, "999"), (1000, "1K"), (900_000, "900K"), (10**15, "1P")]
)
def test_numbers_are_brief(count, said):
    assert terminal.brief(count) == said


def test_one_reading_is_printed(capsys):
    with served(source_of(happened(played()))) as url:
        assert run_command(["top", url, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert run_command(["top", url, "--once"]) == 0
        drawn = capsys.readouterr().out

    assert found["totals"]["slashes"] > 0
    assert "slashed" in drawn


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "file:///etc/passwd", "nonsense"])
def test_who_does_not_answer_is_named(url, capsys):
    assert run_command(["top", url, "--once"]) == 2
    assert url in capsys.readouterr().err
