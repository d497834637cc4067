"""The worked scripts, between processes: one market for all three."""

import runpy
from pathlib import Path

import pytest

from numen.api.market import PLACE_VARIABLE
from numen.demo.processes import Processes

SCRIPTS = Path(__file__).parents[2] / "examples" / "market"


@pytest.fixture(scope="module")
def place():
    with Processes(("ada", "bob")) as processes:
        yield processes.place


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("folding", {"seeds": 2, "steps": 20_000}, "best energy: -"),
        ("digits", {"batches": 1}, " of 49 as people say"),
        ("inference", {"images": 1}, "the model says [2] and people say [2]"),
    ],
)
def test_a_worked_script_sells_its_work_between_processes(
    place, monkeypatch, capsys, name, given, said
):
    monkeypatch.setenv(PLACE_VARIABLE, place)
    runpy.run_path(str(SCRIPTS / f"{name}.py"))["main"](**given)

    shown = capsys.readouterr().out
    assert said in shown
    assert "on the market" in shown
    assert "overhead" in shown
