"""Verifier contracts on our EVM: they accept true proofs and nothing else."""

import json

import msgspec
import pytest

from numen.evm import EVM
from numen.proof.bn254 import R
from numen.proof.contracts import INPUT_COUNT_MAX, write_contract
from numen.proof.errors import FormatError, WeakKeyError
from tests.proof.contracts.cases import CASES, TARGET
from tests.proof.contracts.lies import calldata, lies

ARTIFACTS = json.loads(TARGET.read_text())
SENDER = "0x" + "a1" * 20
YES, NO = (bytes(31) + bytes([answer]) for answer in (1, 0))

GAS = {
    "three values solidity": 229_500,
    "three values vyper": 228_000,
    "one value solidity": 215_000,
    "one value vyper": 215_000,
    "no value solidity": 208_500,
    "no value vyper": 208_500,
}
"""What a transaction that checks a proof costs at most; 181,000 of it is the pairing."""


@pytest.fixture(params=ARTIFACTS)
def deployed(request):
    name = request.param.rpartition(" ")[0]
    evm = EVM(fork="prague")
    contract = evm.deploy(ARTIFACTS[request.param], sender=SENDER)

    def call(data):
        outcome = evm.call(to=contract.address, data=data, sender=SENDER)
        return outcome.output if outcome.success else None

    return request.param, CASES[name](), evm, contract, call


@pytest.mark.parametrize("name", ARTIFACTS)
def test_contracts_are_those_that_were_compiled(name):
    case, _, target = name.rpartition(" ")

    assert write_contract(CASES[case]().key, target) == ARTIFACTS[name]["source"]


def test_a_true_proof_is_accepted_for_its_gas(deployed):
    name, case, evm, contract, call = deployed

    assert call(calldata(case.words, case.statement)) == YES
    outcome = evm.transact(
        to=contract.address, data=calldata(case.words, case.statement), sender=SENDER
    )
    assert outcome.success
    assert GAS[name] * 0.97 < outcome.gas_used <= GAS[name]


def test_nothing_else_is_accepted(deployed):
    _, case, _, _, call = deployed

    accepted = [what for what, data in lies(case) if call(data) == YES]
    assert accepted == []


def test_a_false_proof_is_answered_and_not_reverted(deployed):
    """Who calls learns that a proof is false, and pays no more than its gas."""
    _, case, _, _, call = deployed
    answers = dict(lies(case))

    for what in ("another c", "b off its group", "a is infinity", "proof[0] other"):
        assert call(answers[what]) == NO, what
    if case.statement:
        assert call(answers["input[0] + 1 R"]) == NO


def test_a_contract_has_no_storage_and_pays_nobody(deployed):
    _, case, evm, contract, _ = deployed
    data = calldata(case.words, case.statement)

    assert not evm.call(to=contract.address, data=data, sender=SENDER, value=1).success
    assert all(evm.storage(contract.address, slot) == 0 for slot in range(4))


@pytest.mark.parametrize("target", ["solidity", "vyper"])
def test_what_makes_no_contract_is_refused(target):
    key = CASES["one value"]().key
    weak = msgspec.structs.replace(key, delta=key.gamma)
    large = msgspec.structs.replace(key, ic=key.ic[:1] * (INPUT_COUNT_MAX + 2))

    with pytest.raises(WeakKeyError):
        write_contract(weak, target)
    with pytest.raises(FormatError, match="values"):
        write_contract(large, target)
    for name in ("", "verifier", "A B", "A{}", "A\n", "Ä", "A" * 65):
        with pytest.raises(FormatError, match="name"):
            write_contract(key, target, name=name)
    assert "Mine" in write_contract(key, target, name="Mine")


@pytest.mark.parametrize("target", ["solidity", "vyper"])
def test_every_value_is_compared_with_the_order(target):
    key = CASES["three values"]().key
    text = write_contract(key, target)

    assert str(R) in text
    assert [text.count(f"input[{i}] >= R") for i in range(4)] == [1, 1, 1, 0]
