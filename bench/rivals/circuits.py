"""How many constraints ZoKrates and circom take, counted by their own compilers from npm.

Both are in `.judges` (`make judges` installs them). circom2 is WebAssembly and sees its folder
only, so circomlib's circuits are copied beside each program.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from numen.proof.formats import read_r1cs

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / ".judges/node_modules"

TIMEOUT_SECONDS = 1200


def count_zokrates(programs: Mapping[str, str]) -> dict[str, int] | None:
    """Constraints by name, inputs' ranges included; None where zokrates-js is not installed."""
    if not (MODULES / "zokrates-js").is_dir():
        return None
    script = ROOT / "bench/rivals/zokrates.mjs"
    done = subprocess.run(
        ["node", str(script)],
        input=json.dumps(dict(programs)),
        cwd=MODULES.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def count_circom(programs: Mapping[str, str]) -> dict[str, int] | None:
    """Constraints by name, as circom simplifies most (`--O2`); None where it is not installed."""
    if not (MODULES / "circom2").is_dir() or not (MODULES / "circomlib").is_dir():
        return None
    counts = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(MODULES / "circomlib/circuits", folder, dirs_exist_ok=True)
        for title, source in programs.items():
            (folder / "main.circom").write_text("pragma circom 2.0.0;\n" + source)
            subprocess.run(
                [str(MODULES / ".bin/circom2"), "main.circom", "--r1cs", "--O2", "-o", "."],
                cwd=folder,
                capture_output=True,
                check=True,
                timeout=TIMEOUT_SECONDS,
            )
            counts[title] = read_r1cs((folder / "main.r1cs").read_bytes()).constraint_count
    return counts
