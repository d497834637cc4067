"""The tools that people have, unchanged, against the node: web3.py, cast, ethers, viem, Hardhat.

`make judges` installs them into `.judges`; the tests say so when they are absent.
"""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.node.served import ADDRESSES, ETHER, MODULES, running

pytest.importorskip("uvicorn", reason="the extra `node` is not installed")

# The tools warn about themselves.
pytestmark = [pytest.mark.judges, pytest.mark.filterwarnings("ignore")]

CLIENTS = Path(__file__).parent / "clients"
NODE = shutil.which("node")
CAST = MODULES / "@foundry-rs/cast-linux-amd64/bin/cast"
SECONDS_MAX = 240


def needs(*packages: str) -> pytest.MarkDecorator:
    absent = [each for each in packages if not (MODULES / each).exists()]
    reason = f"{', '.join(absent)} not in .judges; `make judges` installs what is missing"
    return pytest.mark.skipif(bool(absent) or NODE is None, reason=reason)


@pytest.fixture
def served():
    with running() as report:
        yield report


def javascript(folder: Path, served: dict, command: list[str]) -> str:
    """Run a script where it finds the judges; give what it prints."""
    (folder / "node_modules").symlink_to(MODULES.resolve())
    environment = {
        **os.environ,
        "NUMEN_URL": served["http"],
        "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        [NODE, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("client", ["ethers", "viem"])
@needs("ethers", "viem", "solc")
def test_a_contract_of_solidity_is_deployed_and_used_by(client, served, tmp_path):
    for file in CLIENTS.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    secret = served["accounts"][0]["privateKey"]

    said = javascript(
        tmp_path, served, [f"{client}.mjs", served["http"], served["websocket"], secret]
    )

    assert said.startswith(client)


@pytest.mark.slow
@needs("hardhat", "ethers", "solc")
def test_a_project_of_hardhat_passes_its_tests(served, tmp_path):
    for folder in ("contracts", "test"):
        (tmp_path / folder).mkdir()
    (tmp_path / "package.json").write_text('{"name": "vault", "private": true}')
    shutil.copy(CLIENTS / "Vault.sol", tmp_path / "contracts")
    shutil.copy(CLIENTS / "hardhat/hardhat.config.js", tmp_path)
    shutil.copy(CLIENTS / "hardhat/vault.js", tmp_path / "test")

    said = javascript(tmp_path, served, ["node_modules/hardhat/internal/cli/bootstrap.js", "test"])

    assert "5 passing" in said
    assert "failing" not in said


@needs("@foundry-rs/cast-linux-amd64")
def test_cast_reads_and_sends(served):
    secret, other = served["accounts"][0]["privateKey"], ADDRESSES[1]

    def cast(*words: str) -> str:
        environment = {**os.environ, "ETH_RPC_URL": served["http"], "NO_COLOR": "1"}
        done = subprocess.run(
            [CAST, *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert cast("chain-id") == "31337"
    assert cast("client").startswith("numen/")
    receipt = json.loads(
        cast("send", "--json", "--private-key", secret, other, "--value", "1ether")
    )
    assert receipt["status"] == "0x1"
    assert int(cast("balance", other)) == 10_001 * ETHER
    assert cast("nonce", ADDRESSES[0]) == "1"
    assert cast("tx", receipt["transactionHash"], "value") == str(ETHER)
    assert cast("receipt", receipt["transactionHash"], "gasUsed") == "21000"
    assert "21000" in cast("run", receipt["transactionHash"])
    assert json.loads(cast("block", "latest", "--json"))["number"] == "0x1"
    sent = cast("send", "--unlocked", "--from", other, ADDRESSES[2], "--value", "1", "--json")
    assert json.loads(sent)["from"] == other
    assert cast("estimate", other, "--value", "1") == "21000"
    assert json.loads(cast("proof", other))["balance"] == hex(int(cast("balance", other)))
    snapshot = json.loads(cast("rpc", "evm_snapshot"))
    cast("rpc", "anvil_setBalance", other, "0x5")
    assert cast("balance", other) == "5"
    assert cast("rpc", "evm_revert", snapshot) == "true"
    assert int(cast("balance", other)) > ETHER
    assert cast("storage", other, "0") == "0x" + "00" * 32
    failed = subprocess.run(
        [CAST, "call", "--rpc-url", served["http"], "--create", "0x5f5ffd"],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert "reverted" in failed.stderr


TOKEN = """
event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

balanceOf: public(HashMap[address, uint256])

@deploy
def __init__(supply: uint256):
    self.balanceOf[msg.sender] = supply

@external
def transfer(to: address, amount: uint256) -> bool:
    assert self.balanceOf[msg.sender] >= amount, "too little"
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[to] += amount
    log Transfer(sender=msg.sender, receiver=to, value=amount)
    return True
"""


@pytest.fixture
def token(served):
    web3 = pytest.importorskip("web3", reason="web3.py is not installed")
    vyper = pytest.importorskip("vyper", reason="vyper is not installed")
    w3 = web3.Web3(web3.Web3.HTTPProvider(served["http"]))
    made = vyper.compile_code(TOKEN, output_formats=["abi", "bytecode"])
    factory = w3.eth.contract(abi=made["abi"], bytecode=made["bytecode"])
    sent = factory.constructor(1000).transact({"from": w3.eth.accounts[0]})
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    return w3, w3.eth.contract(receipt.contractAddress, abi=made["abi"])


def test_a_contract_of_vyper_is_deployed_and_used_by_web3(token):
    from web3.exceptions import ContractLogicError

    w3, contract = token
    alice, bob = w3.eth.accounts[:2]
    entries = w3.eth.filter({"address": contract.address})

    sent = contract.functions.transfer(bob, 5).transact({"from": alice})
    receipt = w3.eth.wait_for_transaction_receipt(sent)

    (event,) = contract.events.Transfer().process_receipt(receipt)
    assert (event.args.receiver, event.args.value) == (bob, 5)
    assert contract.events.Transfer().get_logs(from_block=0)[0].transactionHash == sent
    assert len(entries.get_new_entries()) == 1
    assert contract.functions.balanceOf(bob).call() == 5
    assert contract.functions.balanceOf(bob).call(block_identifier=receipt.blockNumber - 1) == 0
    with pytest.raises(ContractLogicError, match="too little"):
        contract.functions.transfer(bob, 5000).call({"from": alice})
    with w3.batch_requests() as batch:
        for each in (alice, bob):
            batch.add(contract.functions.balanceOf(each))
        assert batch.execute() == [995, 5]
    assert w3.eth.get_block("latest", full_transactions=True).transactions[0].hash == sent
    assert w3.eth.fee_history(2, "latest", [10]).oldestBlock == 1
    assert w3.eth.get_proof(contract.address, [0]).storageHash


def test_web3_hears_of_blocks_logs_and_transactions(token, served):
    import web3

    w3, contract = token
    alice, bob = w3.eth.accounts[:2]

    async def listen():
        provider = web3.WebSocketProvider(served["websocket"])
        async with web3.AsyncWeb3(provider) as socket:
            wanted = {
                await socket.eth.subscribe("newHeads"),
                await socket.eth.subscribe("logs", {"address": contract.address}),
                await socket.eth.subscribe("newPendingTransactions"),
            }
            contract.functions.transfer(bob, 1).transact({"from": alice})
            async for message in socket.socket.process_subscriptions():
                wanted.remove(message["subscription"])
                if not wanted:
                    return

    asyncio.run(asyncio.wait_for(listen(), 60))
    assert contract.functions.balanceOf(bob).call() == 1
