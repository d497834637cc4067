"""What methods answer: calls, gas, logs, filters, traces, controls."""

import hashlib
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import SigningKey, keccak256, recover
from numen.evm import proofs, rlp
from numen.evm.transaction import Kind, Transaction
from numen.node import steps
from numen.node.subscriptions import Subscriptions
from tests.node.served import ADDRESSES, ETHER, KEYS, Asked
from tests.node.test_chain import COUNTER

LOGS = bytes.fromhex("5f355f5fa15f355f5fa100")
"""Leaves two logs, whose topics are the first word of the input and it again."""

SPENDS = bytes.fromhex("5b5f56")
"""Spends all gas."""

NEEDY = bytes.fromhex("5a61c35011600957005b5f5ffd")
"""Reverts with less than 50,000 gas left, though it uses nearly none."""


def error_code(text: str) -> bytes:
    """Code that reverts with Error(text), of at most 32 bytes."""
    data = text.encode().ljust(32, b"\0").hex()
    return bytes.fromhex(
        f"6308c379a060e01b5f52602060045260{len(text):02x}6024527f{data}60445260645ffd"
    )


def test_a_revert_has_code_3_its_reason_and_its_data():
    node = Asked()
    address = node.deploy(error_code("not today"))

    for method in ("eth_call", "eth_estimateGas", "eth_sendTransaction"):
        error = node.ask(method, {"from": ADDRESSES[0], "to": address})["error"]
        assert error["code"] == 3
        assert error["message"] == "execution reverted: not today"
        assert error["data"].startswith("0x08c379a0")


def test_a_failure_says_what_failed():
    node = Asked()

    assert node.fault("eth_call", {"to": node.deploy(SPENDS)}) == (-32000, "out of gas")
    assert node.fault("eth_call", {"to": node.deploy(b"\x01")}) == (-32000, "stack underflow")


def test_an_estimate_is_exact_where_gas_used_is_not_enough():
    node = Asked()
    address = node.deploy(NEEDY)
    gas = int(node("eth_estimateGas", {"from": ADDRESSES[0], "to": address}), 16)

    assert node.send(to=address, gas=hex(gas))["status"] == "0x1"
    assert node.send(to=address, gas=hex(gas - 1))["status"] == "0x0"
    assert gas > 71_000


@pytest.mark.parametrize("data", ["0x", "0x00", "0x" + "ff" * 100, "0x" + "00" * 5_000])
def test_an_estimate_of_a_transfer_is_what_it_costs(data):
    node = Asked()
    form = {"from": ADDRESSES[0], "to": ADDRESSES[1], "data": data, "value": "0x1"}
    gas = node("eth_estimateGas", form)

    assert node.send(**{k: v for k, v in form.items() if k != "from"}, gas=gas)["gasUsed"] == gas


def test_an_estimate_says_when_the_gas_is_not_enough():
    node = Asked()
    address = node.deploy(SPENDS)

    assert node.fault("eth_estimateGas", {"to": address}) == (
        -32000, "gas required exceeds allowance (30000000)",
    )  # fmt: skip
    poor = {"from": "0x" + "99" * 20, "to": address, "value": "0x1"}
    assert node.fault("eth_estimateGas", poor)[1].startswith("insufficient funds")


def test_accounts_are_made_up_for_one_call():
    node = Asked()
    address = node.deploy(COUNTER)
    node.send(to=address)
    other = "0x" + "77" * 20
    runtime = "0x" + COUNTER.hex()

    def count(overrides):
        return int(node("eth_call", {"to": address}, "latest", overrides), 16)

    assert count({address: {"stateDiff": {"0x0": "0x9"}}}) == 10
    assert count({address: {"state": {}}}) == 1
    assert int(node("eth_call", {"to": other}, "latest", {other: {"code": runtime}}), 16) == 1
    rich = {other: {"balance": hex(ETHER)}}
    assert (
        node("eth_call", {"from": other, "to": ADDRESSES[0], "value": "0x5"}, "latest", rich)
        == "0x"
    )
    assert count({}) == 2
    timestamp = "0x" + bytes.fromhex("425f5260205ff3").hex()
    made_up = {other: {"code": timestamp}}
    seen = node("eth_call", {"to": other}, "latest", made_up, {"time": "0x1234"})
    assert int(seen, 16) == 0x1234


def test_an_access_list_has_what_a_call_looks_at():
    node = Asked()
    address = node.deploy(COUNTER)
    found = node("eth_createAccessList", {"from": ADDRESSES[0], "to": address})

    assert found["accessList"] == [{"address": address, "storageKeys": ["0x" + "00" * 32]}]
    receipt = node.send(to=address, accessList=found["accessList"])
    assert receipt["gasUsed"] == found["gasUsed"]


def test_logs_are_found_by_address_topic_and_block():
    node = Asked()
    one, other = node.deploy(LOGS), node.deploy(LOGS)
    topics = ["0x" + bytes([n]).rjust(32, b"\0").hex() for n in range(4)]
    hashes = [node.send(to=to, data=topic)["blockHash"] for to in (one, other) for topic in topics]

    def count(**query):
        return len(node("eth_getLogs", {"fromBlock": "0x0", **query}))

    assert count() == 16
    assert count(address=one) == 8
    assert count(address=[one, other]) == 16
    assert count(topics=[topics[1]]) == 4
    assert count(topics=[[topics[1], topics[2]]]) == 8
    assert count(topics=[None]) == 16
    assert count(topics=[None, None]) == 0
    assert count(address=one, topics=[topics[3]], toBlock="0x5") == 0
    assert len(node("eth_getLogs", {"blockHash": hashes[2]})) == 2
    log = node("eth_getLogs", {"blockHash": hashes[2]})[1]
    assert log["logIndex"] == "0x1"
    assert log["topics"] == [topics[2]]
    assert node("eth_getTransactionReceipt", log["transactionHash"])["logs"][1] == log


def test_filters_tell_what_is_new_once():
    node = Asked()
    address = node.deploy(LOGS)
    blocks, logs = node("eth_newBlockFilter"), node("eth_newFilter", {"address": address})
    waiting = node("eth_newPendingTransactionFilter")
    receipt = node.send(to=address, data="0x")

    assert node("eth_getFilterChanges", blocks) == [receipt["blockHash"]]
    assert len(node("eth_getFilterChanges", logs)) == 2
    assert node("eth_getFilterChanges", waiting) == [receipt["transactionHash"]]
    assert [node("eth_getFilterChanges", each) for each in (blocks, logs, waiting)] == [[], [], []]
    assert len(node("eth_getFilterLogs", logs)) == 2
    assert node("eth_uninstallFilter", logs)
    assert node.fault("eth_getFilterChanges", logs) == (-32000, "filter not found")
    node.now_s += 301
    assert node.fault("eth_getFilterChanges", blocks) == (-32000, "filter not found")


def test_a_filter_tells_of_blocks_that_come_in_place_of_others():
    node = Asked()
    snapshot = node("evm_snapshot")
    blocks = node("eth_newBlockFilter")
    node("evm_mine")
    assert len(node("eth_getFilterChanges", blocks)) == 1

    node("evm_revert", snapshot)
    node.send(to=ADDRESSES[1])

    assert len(node("eth_getFilterChanges", blocks)) == 1


def test_subscriptions_need_a_connection_that_stays():
    node = Asked()
    code, message = node.fault("eth_subscribe", "newHeads")
    assert (code, "WebSocket" in message) == (-32601, True)

    session = node.dispatcher.session(Subscriptions(1))
    number = node.ask("eth_subscribe", "logs", {"address": ADDRESSES[0]}, session=session)["result"]
    assert node.ask("eth_unsubscribe", number, session=session)["result"] is True
    assert node.ask("eth_unsubscribe", number, session=session)["result"] is False


# --- sending -------------------------------------------------------------------------------------


def raw(**fields):
    tx = Transaction(**{"chain_id": 31337, "gas_limit": 21_000, "to": b"\x11" * 20, **fields})
    return "0x" + tx.sign(KEYS[0]).encode().hex()


FEES = {"max_fee": 10**10, "max_priority_fee": 10**9}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nonce": 0, "max_fee": 1, "max_priority_fee": 1}, "max fee per gas less than block"),
        ({"gas_limit": 20_000}, "intrinsic gas too low"),
        ({"gas_limit": 30_000_001}, "exceeds block gas limit"),
        ({"value": 10**30}, "insufficient funds for gas * price + value"),
        ({"chain_id": 5}, "invalid chain id"),
        ({"max_priority_fee": 10**11}, "max priority fee per gas higher than max fee per gas"),
    ],
)
def test_a_transaction_that_no_block_can_have_is_refused(fields, message):
    node = Asked()

    code, said = node.fault("eth_sendRawTransaction", raw(kind=Kind.FEE_MARKET, **(FEES | fields)))

    assert code == -32000
    assert said.startswith(message)
    assert node("txpool_status") == {"pending": "0x0", "queued": "0x0"}


def test_a_transaction_is_taken_once():
    node = Asked()
    text = raw(kind=Kind.FEE_MARKET, **FEES)
    assert node("eth_sendRawTransaction", text) == "0x" + keccak256(bytes.fromhex(text[2:])).hex()

    assert node.fault("eth_sendRawTransaction", text) == (-32000, "already known")
    again = raw(kind=Kind.FEE_MARKET, value=1, **FEES)
    assert node.fault("eth_sendRawTransaction", again)[1].startswith("nonce too low")
    assert (
        node("eth_getRawTransactionByHash", "0x" + keccak256(bytes.fromhex(text[2:])).hex()) == text
    )


def test_blobs_are_taken_off_after_a_look():
    node = Asked()
    commitment = b"\xc0" + bytes(47)
    hashes = (b"\1" + hashlib.sha256(commitment).digest()[1:],)
    tx = Transaction(
        kind=Kind.BLOB, chain_id=31337, gas_limit=21_000, to=b"\x11" * 20, blob_hashes=hashes,
        max_fee_per_blob_gas=10, **FEES,
    ).sign(KEYS[0])  # fmt: skip
    body = rlp.decode(tx.encode()[1:])
    sidecar = [[bytes(131_072)], [commitment], [bytes(48)]]

    wrong = rlp.encode([body, [bytes(131_072)], [bytes(48)], [bytes(48)]])
    assert "commitment" in node.fault("eth_sendRawTransaction", "0x03" + wrong.hex())[1]
    hash_ = node("eth_sendRawTransaction", "0x03" + rlp.encode([body, *sidecar]).hex())

    assert hash_ == "0x" + tx.hash().hex()
    receipt = node("eth_getTransactionReceipt", hash_)
    assert (receipt["blobGasUsed"], receipt["blobGasPrice"]) == ("0x20000", "0x1")
    assert node("eth_getBlockByNumber", "latest", False)["blobGasUsed"] == "0x20000"


def test_who_has_no_key_here_is_impersonated_or_refused():
    node = Asked()
    contract = node.deploy(COUNTER, value="0x5")
    form = {"from": contract, "to": ADDRESSES[1], "value": "0x1", "gas": "0x5208"}
    node("anvil_setBalance", contract, hex(ETHER))

    assert "no key" in node.fault("eth_sendTransaction", form)[1]
    node("hardhat_impersonateAccount", contract)
    receipt = node("eth_getTransactionReceipt", node("eth_sendTransaction", form))
    assert (receipt["status"], receipt["from"]) == ("0x1", contract)
    node("hardhat_stopImpersonatingAccount", contract)
    assert "no key" in node.fault("eth_sendTransaction", form)[1]
    node("anvil_autoImpersonateAccount", True)
    assert node("eth_sendTransaction", form)


def test_a_signature_is_that_of_the_account():
    node = Asked()
    digest = keccak256(b"\x19Ethereum Signed Message:\n5hello")

    signature = bytes.fromhex(node("eth_sign", ADDRESSES[3], "0x" + b"hello".hex())[2:])

    assert recover(digest, signature) == KEYS[3].address
    assert node("personal_sign", "0x" + b"hello".hex(), ADDRESSES[3]) == "0x" + signature.hex()
    assert "no key" in node.fault("eth_sign", "0x" + "12" * 20, "0x")[1]


def test_typed_data_of_the_eip_has_its_digest():
    typed = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"}, {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
            "Mail": [
                {"name": "from", "type": "Person"}, {"name": "to", "type": "Person"},
                {"name": "contents", "type": "string"},
            ],
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail", "version": "1", "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
            "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
            "contents": "Hello, Bob!",
        },
    }  # fmt: skip
    cow = SigningKey(keccak256(b"cow"))
    node = Asked(keys=(cow,))
    address = "0x" + cow.address.hex()

    signature = bytes.fromhex(node("eth_signTypedData_v4", address, typed)[2:])

    # The example of EIP-712, with the signature that it prints.
    assert signature[:4].hex() == "4355c47d"
    assert signature[32:36].hex() == "07299936"
    assert signature[64] == 28
    assert node("eth_signTypedData_v4", address, json.dumps(typed)) == "0x" + signature.hex()
    typed["types"]["Person"] = [{"name": "x", "type": "Person"}]
    assert node.fault("eth_signTypedData_v4", address, {**typed, "message": []})[0] == -32000


# --- traces --------------------------------------------------------------------------------------


def test_a_trace_of_instructions_adds_up():
    node = Asked()
    address = node.deploy(COUNTER)
    hash_ = node.send(to=address)["transactionHash"]

    trace = node("debug_traceTransaction", hash_, {"enableMemory": True})

    steps = trace["structLogs"]
    assert [step["op"] for step in steps[:3]] == ["PUSH0", "SLOAD", "PUSH1"]
    assert all(a["gas"] - a["gasCost"] == b["gas"] for a, b in itertools.pairwise(steps))
    assert trace["gas"] == int(node("eth_getTransactionReceipt", hash_)["gasUsed"], 16)
    assert int(trace["returnValue"], 16) == 1
    assert steps[1]["storage"] == {"0x" + "00" * 32: "0x" + "00" * 32}
    assert steps[-1]["memory"] == ["0x" + "00" * 31 + "01"]
    few = node("debug_traceTransaction", hash_, {"disableStack": True, "limit": 2})
    assert [set(step) for step in few["structLogs"]] == [
        {"pc", "op", "gas", "gasCost", "depth"}, {"pc", "op", "gas", "gasCost", "depth", "storage"},
    ]  # fmt: skip


def test_a_trace_of_calls_is_a_tree():
    node = Asked()
    inner = node.deploy(error_code("inside"))
    # CALL(gas, inner, 0, 0, 0, 0, 0), and go on
    outer = node.deploy(bytes.fromhex(f"5f5f5f5f5f73{inner[2:]}5af15000"))
    hash_ = node.send(to=outer)["transactionHash"]

    top = node("debug_traceTransaction", hash_, {"tracer": "callTracer"})

    receipt = node("eth_getTransactionReceipt", hash_)
    assert (top["type"], top["to"], top["gasUsed"]) == ("CALL", outer, receipt["gasUsed"])
    (call,) = top["calls"]
    assert (call["from"], call["to"], call["type"]) == (outer, inner, "CALL")
    assert (call["error"], call["revertReason"]) == ("execution reverted", "inside")
    config = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
    assert "calls" not in node("debug_traceTransaction", hash_, config)


def test_a_trace_of_accounts_has_what_was_and_what_became():
    node = Asked()
    address = node.deploy(COUNTER)
    node.send(to=address)
    hash_ = node.send(to=address)["transactionHash"]
    zero, one, two = (f"0x{n:064x}" for n in range(3))

    before = node("debug_traceTransaction", hash_, {"tracer": "prestateTracer"})
    config = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    changes = node("debug_traceTransaction", hash_, config)

    assert before[address]["storage"] == {zero: one}
    assert before[ADDRESSES[0]]["nonce"] == 2
    assert changes["pre"][address]["storage"] == {zero: one}
    assert changes["post"][address] == {"storage": {zero: two}}
    assert changes["post"][ADDRESSES[0]]["nonce"] == 3


def test_a_transaction_is_traced_behind_those_before_it_in_its_block():
    node = Asked()
    address = node.deploy(COUNTER)
    node("evm_setAutomine", False)
    form = {"from": ADDRESSES[0], "to": address, "gas": "0x186a0"}
    for _ in range(3):
        node("eth_sendTransaction", form)
    node("evm_mine")

    traces = node("debug_traceBlockByNumber", "latest", {})
    block = node("eth_getBlockByNumber", "latest", False)

    assert [int(each["result"]["returnValue"], 16) for each in traces] == [1, 2, 3]
    assert [each["txHash"] for each in traces] == block["transactions"]
    assert node("debug_traceBlockByHash", block["hash"], {}) == traces
    assert node.fault("debug_traceTransaction", "0x" + "12" * 32) == (
        -32000, "transaction not found",
    )  # fmt: skip


def test_a_trace_that_would_be_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(steps, "STEPS_MAX", 10_000)  # of a million
    node = Asked()
    address = node.deploy(SPENDS)

    code, message = node.fault("debug_traceCall", {"to": address, "gas": hex(30_000_000)}, "latest")

    assert code == -32000
    assert "too long" in message


# --- the node ------------------------------------------------------------------------------------


@given(st.integers(0, 5), st.lists(st.integers(0, 100), max_size=3).map(sorted))
@settings(max_examples=15)
def test_a_fee_history_has_a_row_for_each_block(count, percentiles):
    node = Asked()
    for _ in range(3):
        node.send(to=ADDRESSES[1])

    history = node("eth_feeHistory", hex(count), "latest", percentiles)

    rows = min(count, 4)
    assert len(history["baseFeePerGas"]) == rows + 1
    assert len(history["gasUsedRatio"]) == len(history["reward"]) == rows
    assert all(len(row) == len(percentiles) for row in history["reward"])
    blocks = [node("eth_getBlockByNumber", hex(3 - i), False) for i in reversed(range(rows))]
    assert history["baseFeePerGas"][:-1] == [block["baseFeePerGas"] for block in blocks]


def test_a_chain_begins_again():
    node = Asked()
    node.send(to=ADDRESSES[1])
    genesis = node("eth_getBlockByNumber", "0x0", False)

    assert node("hardhat_reset") is True

    assert node("eth_blockNumber") == "0x0"
    assert node("eth_getBlockByNumber", "0x0", False)["stateRoot"] == genesis["stateRoot"]
    assert node.fault("hardhat_reset", {"forking": {"jsonRpcUrl": "http://x"}})[0] == -32000


def test_blocks_are_taken_away():
    node = Asked()
    for _ in range(3):
        node.send(to=ADDRESSES[1], value="0x1")

    node("anvil_rollback", 2)

    assert node("eth_blockNumber") == "0x1"
    assert node("eth_getTransactionCount", ADDRESSES[0]) == "0x1"
    assert node.fault("anvil_rollback", 5)[0] == -32602


def test_the_next_block_is_as_it_is_told():
    node = Asked()
    node("hardhat_setNextBlockBaseFeePerGas", "0x777")
    node("anvil_setPrevRandao", "0x" + "12" * 32)
    node("hardhat_setCoinbase", ADDRESSES[7])
    node("evm_setBlockGasLimit", "0xf4240")
    node("evm_mine", {"timestamp": 1_900_000_000})

    block = node("eth_getBlockByNumber", "latest", False)

    assert block["baseFeePerGas"] == "0x777"
    assert block["mixHash"] == "0x" + "12" * 32
    assert block["miner"] == ADDRESSES[7]
    assert block["gasLimit"] == "0xf4240"
    assert block["timestamp"] == hex(1_900_000_000)
    node("evm_mine")
    assert node("eth_getBlockByNumber", "latest", False)["baseFeePerGas"] != "0x777"


@pytest.mark.parametrize("block", ["0x1", "0x2", "latest"])
def test_a_proof_shows_the_state_of_its_block(block):
    node = Asked()
    address = node.deploy(COUNTER)
    for _ in range(3):
        node.send(to=address)
    root = bytes.fromhex(node("eth_getBlockByNumber", block, False)["stateRoot"][2:])

    found = node("eth_getProof", address, ["0x0", "0x1"], block)

    nodes = [bytes.fromhex(each[2:]) for each in found["accountProof"]]
    proven = proofs.verify_account(root, bytes.fromhex(address[2:]), nodes)
    assert found["storageHash"] == "0x" + proven.storage_root.hex()
    for key, slot in enumerate(found["storageProof"]):
        path = [bytes.fromhex(each[2:]) for each in slot["proof"]]
        word = proofs.verify_slot(proven.storage_root, key, path)
        assert (
            hex(word)
            == slot["value"]
            == hex(int(node("eth_getStorageAt", address, hex(key), block), 16))
        )
