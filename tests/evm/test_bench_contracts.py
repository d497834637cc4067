"""The benchmark's contracts: what they answer on every engine, and what they come from."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from numen.evm.fuzz.ours import Engine
from numen.evm.fuzz.saved import read_cases
from tests.evm.vectors import VECTORS

FOLDER = Path(__file__).parents[2] / "bench/contracts"
CONTRACTS = read_cases((FOLDER / "cases.json").read_bytes())
COLLECTION = VECTORS / "evm-bench/bench_cases.json"
QUICK_GAS = 300_000
"""Most gas of a case for the readable engine."""


def names(cases):
    return [case.name for case, _ in cases]


def objections(case, expected, engine):
    trial = Engine(engine).prepare(case)
    trial.run()
    return expected.objections(case, trial.outcome({}))


@pytest.mark.parametrize(("case", "expected"), CONTRACTS, ids=names(CONTRACTS))
@pytest.mark.parametrize("engine", ["interpreter", "hot"])
def test_contracts_answer_as_the_specifications_say(case, expected, engine):
    assert not objections(case, expected, engine)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "expected"), CONTRACTS[:2], ids=names(CONTRACTS[:2]))
@pytest.mark.parametrize("engine", ["compiler", "reference"])
def test_the_other_engines_answer_so_too(case, expected, engine):
    assert not objections(case, expected, engine)


@pytest.mark.skipif(not COLLECTION.exists(), reason=f"no {COLLECTION} (set NUMEN_VECTORS)")
@pytest.mark.parametrize("engine", ["interpreter", "hot", "reference"])
def test_the_public_collection_of_calls(engine):
    cases = read_cases(COLLECTION.read_bytes())
    if engine == "reference":
        cases = [pair for pair in cases if pair[1].gas_used < QUICK_GAS]

    wrong = {case.name: objections(case, expected, engine) for case, expected in cases}

    assert len(cases) >= 30
    assert not {name: said for name, said in wrong.items() if said}


@pytest.mark.judges
@pytest.mark.skipif(
    not (
        (FOLDER.parents[1] / ".judges/node_modules/.bin/solcjs").exists() or shutil.which("solcjs")
    ),
    reason="no solcjs",
)
def test_recompiling_the_sources_gives_the_same_code(tmp_path):
    copied = tmp_path / "bench/contracts"
    shutil.copytree(FOLDER, copied)
    solc = shutil.which("solcjs") or FOLDER.parents[1] / ".judges/node_modules/.bin/solcjs"

    subprocess.run([sys.executable, copied / "recompile.py", "--solc", solc], check=True)

    assert json.loads((copied / "artifacts.json").read_text()) == json.loads(
        (FOLDER / "artifacts.json").read_text()
    )
