"""The pytest plugin, in a pytest of its own."""

import subprocess
import sys

TESTS = """
def test_one(evm):
    evm.set_balance("0x" + "11" * 20, 5)
    assert evm.balance("0x" + "11" * 20) == 5
    assert evm.fork.name == "{fork}" and evm.engine == "reference"

def test_two(evm):
    assert evm.balance("0x" + "11" * 20) == 0

def test_three(isolated):
    isolated.set_balance("0x" + "22" * 20, 5)

def test_four(isolated, session_evm):
    assert isolated.balance("0x" + "22" * 20) == 0 and isolated is session_evm
"""


def test_each_test_gets_a_machine_that_no_other_has_changed(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS.format(fork="cancun"))
    (tmp_path / "pytest.ini").write_text("[pytest]\nnumen_engine = reference\n")
    options = ["-q", "-p", "numen.evm.testers.pytest_plugin", "-p", "no:randomly"]

    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--numen-fork", "cancun", tmp_path],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert "4 passed" in run.stdout, run.stdout + run.stderr
