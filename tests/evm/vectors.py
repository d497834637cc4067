"""Where the public test suites are, and how tests say that they are not there."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(os.environ.get("NUMEN_VECTORS", Path(__file__).parents[3] / "shared" / "vectors"))
STATE_TESTS = VECTORS / "ethereum-tests" / "GeneralStateTests"
TRANSACTION_TESTS = VECTORS / "ethereum-tests" / "TransactionTests"

needs_state_tests = pytest.mark.skipif(
    not STATE_TESTS.is_dir(), reason=f"no state tests in {STATE_TESTS} (set NUMEN_VECTORS)"
)
needs_transaction_tests = pytest.mark.skipif(
    not TRANSACTION_TESTS.is_dir(),
    reason=f"no transaction tests in {TRANSACTION_TESTS} (set NUMEN_VECTORS)",
)


def files(folder: Path) -> list[Path]:
    """Every JSON file below a folder, in order."""
    return sorted(folder.rglob("*.json"))


def load(path: Path) -> dict[str, Any]:
    """The cases of one file by name."""
    cases = json.loads(path.read_text())
    assert isinstance(cases, dict)
    return cases


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
