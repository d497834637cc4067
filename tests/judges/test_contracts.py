"""The compilers make of verifier contracts what is committed, and revm runs it as our EVM does."""

import json

import pytest

from tests.proof.contracts.cases import CASES, TARGET
from tests.proof.contracts.lies import calldata, lies
from tests.proof.contracts.recompile import SOLC, compiled

try:
    import pyrevm
except ImportError:
    pyrevm = None

ARTIFACTS = json.loads(TARGET.read_text())
SENDER = "0x" + "a1" * 20

pytestmark = pytest.mark.judges


@pytest.mark.skipif(not SOLC.exists(), reason="solc is not in .judges; `make judges` installs it")
@pytest.mark.parametrize("name", ARTIFACTS)
def test_compiled_again_they_are_the_same(name):
    case, _, target = name.rpartition(" ")
    if target == "vyper":
        pytest.importorskip("vyper", reason="`make judges` installs it")

    assert compiled(CASES[case]().key, target) == ARTIFACTS[name]


@pytest.mark.skipif(pyrevm is None, reason="pyrevm is not installed; `make judges` installs it")
@pytest.mark.parametrize("name", ARTIFACTS)
def test_revm_accepts_true_proofs_and_nothing_else(name):
    case = CASES[name.rpartition(" ")[0]]()
    evm = pyrevm.EVM(spec_id="PRAGUE")
    evm.set_balance(SENDER, 10**20)
    address = evm.deploy(SENDER, bytes.fromhex(ARTIFACTS[name]["bytecode"]))

    def accepts(data):
        try:
            answer = evm.message_call(SENDER, address, calldata=data, gas=10_000_000)
        except RuntimeError:
            return False
        return int.from_bytes(answer, "big") == 1

    assert accepts(calldata(case.words, case.statement))
    assert [what for what, data in lies(case) if accepts(data)] == []
