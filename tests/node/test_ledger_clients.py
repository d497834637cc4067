"""The tools that people have, unchanged, against a ledger: web3.py, cast, ethers, viem, Hardhat."""

import asyncio
import json
import os
import shutil
import subprocess
from secrets import token_bytes

import pytest

from numen.api import services
from numen.ledger import looking
from numen.ledger.sealed.envelope import public_key
from numen.ledger.sealed.keyring import seal_request
from numen.testing import build
from tests.node.ledger_served import compiled, creation, running
from tests.node.served import ADDRESSES, ETHER
from tests.node.test_clients import CAST, CLIENTS, SECONDS_MAX, TOKEN, javascript, needs
from tests.node.test_private_node import PURSE

pytest.importorskip("uvicorn", reason="the extra `node` is not installed")

# The tools warn about themselves.
pytestmark = [pytest.mark.judges, pytest.mark.filterwarnings("ignore")]

ANN, BOB = ADDRESSES[:2]


@pytest.fixture(scope="module")
def served():
    with running() as (report, _):
        yield report


@pytest.fixture(scope="module")
def w3(served):
    web3 = pytest.importorskip("web3", reason="web3.py is not installed")
    return web3.Web3(web3.Web3.HTTPProvider(served["http"]))


def made(w3, name: str, *args):
    """Create a contract as a person does: ABI and bytecode, and a constructor."""
    contract = compiled(name)
    factory = w3.eth.contract(abi=list(contract.abi), bytecode=bare(contract))
    sent = factory.constructor(*args).transact({"from": w3.eth.accounts[0]})
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    assert receipt.status == 1
    return w3.eth.contract(receipt.contractAddress, abi=list(contract.abi))


def bare(contract) -> str:
    """What a contract is created from, without arguments."""
    return "0x" + services.creation(contract).hex()


def test_web3_creates_asks_and_reads_logs(w3):
    from web3.exceptions import ContractCustomError

    token = made(w3, "erc20", 1000)
    alice, bob = w3.eth.accounts[:2]
    entries = w3.eth.filter({"address": token.address})
    sent = token.functions.transfer(bob, 5).transact({"from": alice})
    receipt = w3.eth.wait_for_transaction_receipt(sent)

    (event,) = token.events.Transfer().process_receipt(receipt)
    assert (event.args.to, event.args.amount) == (bob, 5)
    assert token.events.Transfer().get_logs(from_block=0)[-1].transactionHash == sent
    assert len(entries.get_new_entries()) == 1
    assert token.functions.name().call() == "Coin of the examples"
    assert token.functions.balanceOf(bob).call() == 5
    assert token.functions.balanceOf(bob).call(block_identifier=receipt.blockNumber - 1) == 0
    with pytest.raises(ContractCustomError):
        token.functions.transfer(alice, 5000).call({"from": bob})
    with w3.batch_requests() as batch:
        for each in (alice, bob):
            batch.add(token.functions.balanceOf(each))
        assert batch.execute() == [995, 5]
    assert w3.eth.get_block("latest", full_transactions=True).transactions[0].hash == sent
    assert w3.eth.fee_history(1, "latest", [10]).oldestBlock == receipt.blockNumber
    assert w3.eth.get_code(token.address)[:1] == b"\x92"
    assert int.from_bytes(w3.eth.get_storage_at(token.address, 0), "big") == 1000


def test_web3_signs_itself_and_a_contract_awaits_another(w3, served):
    account = w3.eth.account.from_key(served["accounts"][1]["privateKey"])
    token = made(w3, "erc20", 1000)
    shop = made(w3, "shop", token.address, 3)
    token.functions.transfer(account.address, 50).transact({"from": w3.eth.accounts[0]})

    def send(call):
        fields = {"from": account.address, "nonce": w3.eth.get_transaction_count(account.address)}
        signed = account.sign_transaction(call.build_transaction(fields))
        return w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(signed[0]))

    send(token.functions.approve(shop.address, 30))
    receipt = send(shop.functions.buy(5))

    assert receipt.status == 1
    assert [log.address for log in receipt.logs] == [token.address]
    assert shop.functions.bought_by(account.address).call() == 5
    assert token.functions.balanceOf(shop.address).call() == 15
    tree = w3.provider.make_request(
        "numen_getMessageTree", [w3.to_hex(receipt.transactionHash)]
    )["result"]  # fmt: skip
    assert [branch["depth"] for branch in tree["branches"]] == [0, 1, 2]
    assert tree["branches"][1]["message"]["call"].startswith("transferFrom(")


def test_web3_signs_what_only_the_contract_can_read(w3):
    from numen.base.crypto import SigningKey

    built = build(PURSE)
    factory = w3.eth.contract(abi=list(built.abi), bytecode=bare(built))
    sent = factory.constructor().transact({"from": w3.eth.accounts[0]})
    address = w3.eth.wait_for_transaction_receipt(sent).contractAddress
    purse = w3.eth.contract(address, abi=list(built.abi))
    public = bytes.fromhex(numen(w3, "getContract", address)["charter"]["key"][2:])
    person, contract = w3.eth.account.create(), bytes.fromhex(address[2:])
    sent = w3.eth.send_transaction(
        {"from": w3.eth.accounts[0], "to": person.address, "value": ETHER}
    )
    w3.eth.wait_for_transaction_receipt(sent)

    plain = bytes.fromhex(purse.encode_abi("put", [300])[2:])
    sender = bytes.fromhex(person.address[2:])
    form = {
        "to": address, "data": seal_request(plain, contract, sender, public, token_bytes(32)),
        "gas": 10**7, "gasPrice": w3.eth.gas_price, "nonce": 0, "value": 0,
        "chainId": w3.eth.chain_id,
    }  # fmt: skip
    sent = w3.eth.send_raw_transaction(person.sign_transaction(form).raw_transaction)
    assert w3.eth.wait_for_transaction_receipt(sent).status == 1
    assert purse.functions.moved().call() == 1

    reply = token_bytes(32)
    payload = bytes.fromhex(purse.encode_abi("mine", [])[2:])
    question = looking.Look(contract, payload, w3.eth.block_number + 9, public_key(reply))
    asked = looking.ask(question, SigningKey(bytes(person.key)), public, token_bytes(32))
    envelope = bytes.fromhex(numen(w3, "sealedCall", address, "0x" + asked.hex())[2:])
    assert int.from_bytes(looking.read(envelope, question, reply).result, "big") == 300


def numen(w3, name: str, *params):
    """Ask a method of ours."""
    return w3.provider.make_request(f"numen_{name}", params)["result"]


def test_web3_hears_of_blocks_logs_and_messages(w3, served):
    import web3

    token, bob = made(w3, "erc20", 1000), w3.eth.accounts[1]

    async def listen():
        provider = web3.WebSocketProvider(served["websocket"])
        async with web3.AsyncWeb3(provider) as socket:
            wanted = {
                await socket.eth.subscribe("newHeads"),
                await socket.eth.subscribe("logs", {"address": token.address}),
                await socket.eth.subscribe("messages"),
            }
            token.functions.transfer(bob, 1).transact({"from": w3.eth.accounts[0]})
            async for message in socket.socket.process_subscriptions():
                wanted.discard(message["subscription"])
                if not wanted:
                    return

    asyncio.run(asyncio.wait_for(listen(), 60))


@needs("@foundry-rs/cast-linux-amd64")
def test_cast_creates_sends_and_reads(served, tmp_path):
    secret = served["accounts"][2]["privateKey"]

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

    key = ("--private-key", secret)
    code = creation(compiled("erc20"), 1000)
    created = json.loads(cast("send", "--json", *key, "--create", code))
    token = created["contractAddress"]
    sent = json.loads(cast("send", "--json", *key, token, "transfer(address,uint128)", BOB, "7"))

    assert sent["status"] == "0x1"
    assert cast("call", token, "balanceOf(address)(uint128)", BOB) == "7"
    assert cast("call", token, "name()(string)") == '"Coin of the examples"'
    assert cast("chain-id") == "31337"
    assert int(cast("estimate", token, "transfer(address,uint128)", BOB, "7", "--from",
                    ADDRESSES[2])) < 20_000  # fmt: skip
    assert len(json.loads(cast("logs", "--address", token, "--from-block", "0", "--json"))) == 2
    assert cast("tx", sent["transactionHash"], "to").lower() == token.lower()
    value = json.loads(cast("send", "--json", *key, ADDRESSES[7], "--value", "1ether"))
    assert value["status"] == "0x1"
    assert int(cast("balance", ADDRESSES[7])) == 10_001 * ETHER
    assert json.loads(cast("rpc", "numen_explain", sent["transactionHash"]))[0].endswith("of work")


ETHERS = """
import { ethers } from "ethers";
const [url, secret, abi, code, other] = process.argv.slice(2);
// Without its cache of 250 ms: a node that makes a block at once is faster than that.
const provider = new ethers.JsonRpcProvider(url, undefined, { cacheTimeout: -1 });
const wallet = new ethers.Wallet(secret, provider);
const factory = new ethers.ContractFactory(JSON.parse(abi), code, wallet);
const token = await factory.deploy(1000n);
await token.waitForDeployment();
const receipt = await (await token.transfer(other, 9n)).wait();
if (receipt.status !== 1) throw new Error("failed");
if (await token.balanceOf(other) !== 9n) throw new Error("balance");
const logs = await token.queryFilter("Transfer", 0);
if (logs.length !== 2 || logs[1].args.amount !== 9n) throw new Error("logs");
let refused = "";
try { await token.connect(provider).transfer.staticCall(other, 5000n, { from: other }); }
catch (error) { refused = error.revert?.name ?? String(error); }
console.log("ethers", refused);
provider.destroy();
"""


@pytest.mark.slow
@needs("ethers")
def test_ethers_finds_the_contract_where_it_expects_it(served, tmp_path):
    (tmp_path / "token.mjs").write_text(ETHERS)
    contract = compiled("erc20")
    said = javascript(
        tmp_path,
        served,
        [
            "token.mjs", served["http"], served["accounts"][3]["privateKey"],
            json.dumps(list(contract.abi)), bare(contract), ADDRESSES[4],
        ],
    )  # fmt: skip

    assert said.strip() == "ethers Insufficient"


@pytest.mark.parametrize("mode", ["event", "atomic"])
def test_a_contract_of_vyper_is_used_by_web3_in_both_modes(mode, w3):
    from web3.exceptions import ContractLogicError

    vyper = pytest.importorskip("vyper", reason="vyper is not installed")
    compiled_ = vyper.compile_code(TOKEN, output_formats=["abi", "bytecode"])
    code = bytes.fromhex(compiled_["bytecode"][2:])
    carried = services.atomic(code) if mode == "atomic" else code
    factory = w3.eth.contract(abi=compiled_["abi"], bytecode=carried)
    alice, bob = w3.eth.accounts[:2]
    created = factory.constructor(1000).transact({"from": alice})
    receipt = w3.eth.wait_for_transaction_receipt(created)
    token = w3.eth.contract(receipt.contractAddress, abi=compiled_["abi"])

    sent = token.functions.transfer(bob, 5).transact({"from": alice})
    (event,) = token.events.Transfer().process_receipt(w3.eth.wait_for_transaction_receipt(sent))
    assert (event.args.receiver, event.args.value) == (bob, 5)
    assert token.functions.balanceOf(bob).call() == 5
    assert token.functions.transfer(bob, 5).call({"from": alice})
    with pytest.raises(ContractLogicError, match="too little"):
        token.functions.transfer(bob, 5000).call({"from": alice})
    assert len(token.events.Transfer().get_logs(from_block=receipt.blockNumber)) == 1


def contracts() -> str:
    """Two contracts as projects of JavaScript keep them."""
    made = {"token": compiled("erc20"), "shop": compiled("shop")}
    return json.dumps(
        {name: {"abi": list(each.abi), "bytecode": bare(each)} for name, each in made.items()}
    )


@pytest.mark.slow
@needs("viem")
def test_viem_tests_contracts_that_await_each_other(served, tmp_path):
    shutil.copy(CLIENTS / "ledger.viem.mjs", tmp_path)
    (tmp_path / "contracts.json").write_text(contracts())
    secret = served["accounts"][5]["privateKey"]

    said = javascript(
        tmp_path, served, ["ledger.viem.mjs", served["http"], served["websocket"], secret]
    )

    assert said.strip() == "viem"


@pytest.mark.slow
@needs("hardhat", "ethers", "solc")
@pytest.mark.parametrize(("suite", "count"), [("hardhat/vault.js", 5), ("ledger.hardhat.js", 4)])
def test_a_project_of_hardhat_passes_its_tests_on_a_ledger(suite, count, tmp_path):
    for folder in ("contracts", "test"):
        (tmp_path / folder).mkdir()
    (tmp_path / "package.json").write_text('{"name": "project", "private": true}')
    (tmp_path / "contracts.json").write_text(contracts())
    shutil.copy(CLIENTS / "Vault.sol", tmp_path / "contracts")
    shutil.copy(CLIENTS / "hardhat/hardhat.config.js", tmp_path)
    shutil.copy(CLIENTS / suite, tmp_path / "test")

    with running() as (report, _):
        command = ["node_modules/hardhat/internal/cli/bootstrap.js", "test"]
        said = javascript(tmp_path, report, command)

    assert f"{count} passing" in said
    assert "failing" not in said
