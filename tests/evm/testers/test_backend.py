"""The backend of eth-tester against eth-tester's own tests for backends, and under web3.py."""

import json
from pathlib import Path

import pytest

pytest.importorskip("eth_tester", reason="eth-tester is not installed")
pytest.importorskip("web3", reason="web3.py is not installed")

from eth_tester import EthereumTester
from eth_tester.exceptions import TransactionFailed
from eth_tester.utils.backend_testing import BaseTestBackendDirect
from web3 import EthereumTesterProvider, Web3

from numen.evm.testers.backend import NumenBackend

# eth-tester and web3.py warn about themselves.
pytestmark = [pytest.mark.judges, pytest.mark.filterwarnings("ignore")]

ARTIFACTS = Path(__file__).parents[3] / "bench/contracts/artifacts.json"


class TestNumenBackend(BaseTestBackendDirect):
    """Everything that eth-tester asks of a backend that runs code."""

    supports_evm_execution = True

    @pytest.fixture
    def eth_tester(self):
        return EthereumTester(backend=NumenBackend())


@pytest.fixture
def w3():
    return Web3(EthereumTesterProvider(EthereumTester(NumenBackend(engine="interpreter"))))


@pytest.fixture
def token(w3):
    made = json.loads(ARTIFACTS.read_text())["contracts"]["Token"]
    owner = w3.eth.accounts[0]
    factory = w3.eth.contract(abi=made["abi"], bytecode=made["bytecode"])
    address = w3.eth.wait_for_transaction_receipt(factory.constructor().transact())[
        "contractAddress"
    ]
    token = w3.eth.contract(address=address, abi=made["abi"])
    token.functions.initialize("Coin", "COIN", owner, 1000).transact({"from": owner})
    return token


def test_a_transfer_through_web3_moves_tokens_and_leaves_an_event(w3, token):
    owner, other = w3.eth.accounts[:2]

    sent = token.functions.transfer(other, 5).transact({"from": owner})
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    (event,) = token.events.Transfer().process_receipt(receipt)

    assert receipt["status"] == 1
    assert token.functions.balanceOf(other).call() == 5
    assert dict(event["args"]) == {"from": owner, "to": other, "value": 5}


def test_web3_sees_a_custom_error(w3, token):
    owner, other = w3.eth.accounts[:2]

    with pytest.raises(TransactionFailed) as caught:
        token.functions.transfer(other, 5000).call({"from": owner})

    assert str(bytes.fromhex("db42144d"))[2:-1] in str(caught.value)


def test_web3_sees_the_reason_of_a_revert(w3):
    # PUSH the four words of Error("no") to memory, and revert with them.
    reason = "08c379a0" + "20".rjust(64, "0") + "2".rjust(64, "0") + "6e6f".ljust(64, "0")
    code = "6064600c60003960646000fd" + reason

    with pytest.raises(TransactionFailed, match="no"):
        w3.eth.call({"from": w3.eth.accounts[0], "data": "0x" + code})


def test_a_block_through_web3_has_the_hash_of_its_header(w3):
    w3.eth.send_transaction({"from": w3.eth.accounts[0], "to": w3.eth.accounts[1], "value": 1})

    block = w3.eth.get_block("latest")

    assert w3.eth.get_block(block["hash"])["number"] == block["number"] == 1
    assert w3.eth.get_block(0)["hash"] == block["parentHash"]


def test_a_suite_that_names_no_backend_is_turned_over_by_the_environment(monkeypatch):
    name = f"{NumenBackend.__module__}.{NumenBackend.__qualname__}"
    monkeypatch.setenv("ETHEREUM_TESTER_CHAIN_BACKEND", name)

    assert isinstance(EthereumTester().backend, NumenBackend)


def test_accounts_of_a_chosen_genesis_are_there():
    address = bytes(19) + b"\7"

    backend = NumenBackend("cancun", "reference", {address: {"balance": 5, "storage": {1: 2}}})

    assert backend.get_balance(address) == 5
    assert backend.get_storage(address, 1) == 2
    assert len(backend.get_accounts()) == 10
