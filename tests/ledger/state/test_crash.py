"""What was acknowledged survives kill -9, and no block is there in part."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def crash(directory: Path, runs: int) -> dict[str, int]:
    command = [sys.executable, str(Path(__file__).with_name("crashing.py")), str(directory)]
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        [*command, str(runs), "1"],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_forty_kills_lose_nothing(tmp_path):
    assert crash(tmp_path, 40)["blocks"] > 10


@pytest.mark.slow
def test_a_thousand_kills_lose_nothing(tmp_path):
    found = crash(tmp_path, 1000)

    assert found["blocks"] > 1000
    assert found["unacknowledged"] > 0, "no kill came between a commit and its acknowledgement"
