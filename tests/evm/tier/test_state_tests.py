"""Official state tests in compiled code; every one of them when the night is long."""

import os

import pytest

from numen.evm import statetest
from tests.evm.vectors import STATE_TESTS, files, needs_state_tests

STEP = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "night" else 97
"""Of so many files one is run."""

_SLOW = ("stTimeConsuming", "DiffPlaces")


@needs_state_tests
@pytest.mark.slow
@pytest.mark.parametrize("engine", ["compiler", "hot"])
def test_state_tests_pass_in_compiled_code(engine):
    paths = [path for path in files(STATE_TESTS) if not any(s in str(path) for s in _SLOW)]
    chosen = paths[::STEP]

    results = [statetest.run(case, engine) for path in chosen for case in statetest.cases(path)]

    assert len(results) >= len(chosen)
    assert [(r.name, r.fork, r.index, r.error) for r in results if not r.passed] == []
