"""A ledger that Ethereum's tools can ask: transactions, receipts, logs, calls, and messages."""

import pytest

from numen.base.codec import U256
from numen.evm.transaction import Kind, Transaction
from numen.ledger import tariff
from numen.ledger.state.kv import MemoryKV
from numen.ledger.transactions import Call, sign
from numen.ledger.transactions import Transaction as Own
from numen.node.ledger.chain import WORK_MAX
from numen.node.ledger.node import LedgerNode, WrongLedgerError
from numen.node.ledger.settings import Settings
from numen.node.subscriptions import Subscriptions
from numen.vm.codes import Code, write_code
from tests.node.ledger_served import AskedLedger, Deployed, compiled, creation
from tests.node.served import ADDRESSES, ETHER, KEYS

ANN, BOB, CLEO = ADDRESSES[:3]


@pytest.fixture
def asked():
    found = AskedLedger()
    yield found
    assert not found.reports


@pytest.fixture
def token(asked) -> Deployed:
    return asked.create(compiled("erc20"), 1000)


@pytest.fixture
def shop(asked, token) -> Deployed:
    made = asked.create(compiled("shop"), token.address, 3)
    token.send("approve", made, 100)
    return made


def raw(nonce: int, to: str | None, data: str = "0x", **fields) -> str:
    """A transaction that Ann signs."""
    given = {"gas_limit": 10**6, "max_fee": 3 * 10**9, "max_priority_fee": 10**9, "value": 0}
    tx = Transaction(
        Kind.FEE_MARKET, 31337, nonce, to=bytes.fromhex(to[2:]) if to else None,
        data=bytes.fromhex(data[2:]), **(given | fields),
    )  # fmt: skip
    return "0x" + tx.sign(KEYS[0]).encode().hex()


# Transactions and what they come to. ---


def test_coins_are_sent_and_cost_nothing_but_the_asking(asked):
    receipt = asked.send(to=BOB, value=hex(ETHER))

    assert (receipt["status"], receipt["gasUsed"], receipt["contractAddress"]) == (
        "0x1",
        "0x0",
        None,
    )
    assert int(asked("eth_getBalance", BOB, "latest"), 16) == 10_001 * ETHER
    assert int(asked("eth_getBalance", ANN, "latest"), 16) == 9_999 * ETHER
    assert asked("eth_getTransactionCount", ANN, "latest") == "0x1"
    assert int(asked("eth_getBalance", BOB, "0x0"), 16) == 10_000 * ETHER


def test_a_contract_is_created_asked_and_leaves_logs(asked, token):
    receipt = token.send("transfer", BOB, 5)
    (log,) = receipt["logs"]

    assert token.call("balanceOf", BOB) == 5
    assert token.call("balanceOf", BOB, block="0x1") == 0
    assert token.call("name") == "Coin of the examples"
    assert (log["address"], int(log["data"], 16)) == (token.address, 5)
    assert log["transactionHash"] == receipt["transactionHash"]
    assert asked("eth_getLogs", {"fromBlock": "0x2"}) == [log]
    assert asked("eth_getLogs", {"fromBlock": "0x2", "topics": [None, log["topics"][1]]}) == [log]
    assert asked("eth_getLogs", {"fromBlock": "0x0", "address": BOB}) == []
    assert asked("eth_getStorageAt", token.address, "0x0", "latest") == f"0x{1000:064x}"
    assert asked("eth_getCode", token.address, "latest") == creation(compiled("erc20"), 0)[:-64]
    assert asked("eth_getCode", BOB, "latest") == "0x"


def test_what_a_transaction_pays_is_what_its_receipt_says(asked, token):
    before = int(asked("eth_getBalance", ANN, "latest"), 16)
    earned = int(asked("eth_getBalance", asked("eth_coinbase"), "latest"), 16)
    receipt = token.send("transfer", BOB, 5)
    cost = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)

    assert int(receipt["effectiveGasPrice"], 16) == 2 * 10**9
    assert int(asked("eth_getBalance", ANN, "latest"), 16) == before - cost
    assert int(asked("eth_getBalance", asked("eth_coinbase"), "latest"), 16) == earned + cost


def test_a_refusal_has_its_data_and_a_failed_transaction_its_receipt(asked, token):
    form = {"from": BOB, "to": token.address, "data": token.data("transfer", ANN, 9)}
    for method in ("eth_call", "eth_estimateGas", "eth_sendTransaction"):
        error = asked.ask(method, form)["error"]
        assert (error["code"], error["message"]) == (3, "execution reverted")
        assert error["data"].endswith(f"{0:064x}{9:064x}")
    receipt = asked.send(**form, gas=hex(10**5))

    assert (receipt["status"], receipt["logs"]) == ("0x0", [])
    assert "reverted" in asked("numen_explain", receipt["transactionHash"])[0]


def test_an_estimate_is_enough_and_hardly_more(asked, token, shop):
    for contract, name, args in ((token, "transfer", (BOB, 1)), (shop, "buy", (2,))):
        form = {"from": ANN, "to": contract.address, "data": contract.data(name, *args)}
        work = int(asked("eth_estimateGas", form), 16)
        tree = [branch["message"]["state"] for branch in _tree(asked, contract, name, args, work)]
        less = _tree(asked, contract, name, args, work - work // 32)
        assert "failed" not in tree
        assert "failed" in [branch["message"]["state"] for branch in less]


def _tree(asked, contract, name, args, work):
    receipt = contract.send(name, *args, gas=hex(work))
    return asked("numen_getMessageTree", receipt["transactionHash"])["branches"]


def test_a_contract_that_waits_is_tried_with_the_answer(asked, token, shop):
    assert shop.call("buy", 5) == 5
    assert shop.call("buy", 5, **{"from": BOB}) == 0
    assert token.call("balanceOf", shop) == 0
    height = asked("eth_blockNumber")
    older = {"from": ANN, "to": shop.address, "data": shop.data("buy", 1)}
    assert "last block alone" in asked.fault("eth_call", older, hex(int(height, 16) - 1))[1]
    assert shop.call("bought_by", ANN, block=hex(int(height, 16) - 1)) == 0


def test_a_purchase_is_one_tree_with_the_events_of_both(asked, token, shop):
    receipt = shop.send("buy", 5)
    identity = receipt["transactionHash"]
    tree = asked("numen_getMessageTree", identity)

    assert [(b["depth"], b["message"]["kind"], b["message"]["toName"].split()[0])
            for b in tree["branches"]] == [
        (0, "request", "Shop"), (1, "request", "Erc20"), (2, "reply", "Shop"),
    ]  # fmt: skip
    assert tree["isWhole"]
    assert tree["branches"][1]["message"]["call"].startswith("transferFrom(0xf39fd6e5, 0x")
    assert tree["branches"][0]["message"]["state"] == "waits"
    assert (receipt["status"], len(receipt["logs"])) == ("0x1", 1)
    assert receipt["logs"][0]["address"] == token.address
    used = sum(int(b["message"]["workUsed"], 16) for b in tree["branches"])
    assert int(receipt["gasUsed"], 16) == used
    assert shop.call("bought_by", ANN) == 5
    first = tree["branches"][0]["message"]["id"]
    assert asked("numen_getMessageTree", first[:20])["branches"] == tree["branches"]
    assert asked("numen_explain", identity) == [
        f"{'  ' * b['depth']}{b['said']}" for b in tree["branches"]
    ]


def test_why_says_what_to_do(asked, token, shop):
    tree = asked("numen_getMessageTree", shop.send("buy", 5, **{"from": BOB})["transactionHash"])
    failed = next(b["message"] for b in tree["branches"] if b["message"]["state"] == "failed")
    lines = asked("numen_why", failed["id"])

    assert failed["failure"]["reason"] == "reverted"
    assert failed["failure"]["data"].startswith("0x")
    assert lines[-1] == "what to do: the contract refused; its error says why"
    assert len(lines) == 4
    assert asked("numen_getMessage", failed["id"]) == failed
    assert asked("numen_getMessage", "0x" + "00" * 32) is None


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ("0x1", "at least 4"),
        ("nothing", "hexadecimal"),
        ("00000000", "begins with"),
        ("0" * 67, "at most 64"),
    ],
)
def test_an_id_that_is_none_is_refused(asked, identity, words):
    for method in ("numen_why", "numen_explain", "numen_getMessageTree"):
        assert words in asked.fault(method, identity)[1]


def test_why_is_asked_of_messages(asked):
    identity = asked.send(to=BOB, value="0x1")["transactionHash"]

    assert "that is a transaction" in asked.fault("numen_why", identity)[1]


def test_blocks_are_shown_as_those_of_ethereum(asked, token):
    asked.now_s += 5
    receipt = token.send("transfer", BOB, 5)
    block = asked("eth_getBlockByNumber", "latest", True)

    assert block == asked("eth_getBlockByHash", receipt["blockHash"], True)
    assert block["parentHash"] == asked("eth_getBlockByNumber", "0x1", False)["hash"]
    assert asked("eth_getBlockByNumber", "0x0", False)["hash"] == "0x" + "00" * 32
    assert asked("eth_getBlockByHash", "0x" + "00" * 32, False)["number"] == "0x0"
    assert int(block["timestamp"], 16) == asked.now_s
    assert block["stateRoot"] == asked("numen_status")["stateRoot"]
    (transaction,) = block["transactions"]
    assert transaction == asked("eth_getTransactionByHash", receipt["transactionHash"])
    assert (transaction["from"], transaction["to"]) == (ANN, token.address)
    assert asked("eth_getBlockReceipts", "latest") == [receipt]
    assert asked("eth_getRawTransactionByHash", receipt["transactionHash"]).startswith("0x02")
    assert asked("eth_getBlockByNumber", "0x9", False) is None
    assert asked("eth_getBlockByNumber", "pending", False)["hash"] is None
    assert asked("eth_feeHistory", "0x2", "latest", [50])["reward"] == [["0x3b9aca00"]] * 2


REFUSED = {
    "of another chain": ({"chain_id": 1}, "invalid chain id"),
    "whose nonce was used": ({"nonce": 0}, "nonce too low"),
    "that nobody can pay": ({"value": 10**30}, "insufficient funds"),
    "with more work than a block has": ({"gas_limit": WORK_MAX + 1}, "exceeds block gas limit"),
    "that offers too little": ({"max_fee": 5, "max_priority_fee": 5}, "less than block base fee"),
    "of a kind that is unknown": ({"kind": Kind.BLOB, "blob_hashes": (bytes(32),)}, "type"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_transaction_is_refused(asked, what):
    fields, words = REFUSED[what]
    asked.send(to=BOB, value="0x1")
    given = {
        "kind": Kind.FEE_MARKET, "chain_id": 31337, "nonce": 1, "gas_limit": 10**5,
        "max_fee": 3 * 10**9, "max_priority_fee": 1, "to": bytes(20),
    }  # fmt: skip
    signed = Transaction(**(given | fields)).sign(KEYS[0]).encode()

    assert words in asked.fault("eth_sendRawTransaction", "0x" + signed.hex())[1]
    assert asked("eth_blockNumber") == "0x1"


def test_a_transaction_is_taken_once(asked):
    sent = raw(0, BOB, value=1)
    asked("eth_sendRawTransaction", sent)

    assert "already known" in asked.fault("eth_sendRawTransaction", sent)[1]


def test_a_node_signs_for_its_own_accounts_alone(asked):
    stranger = "0x" + "aa" * 20

    assert "no key" in asked.fault("eth_sendTransaction", {"from": stranger, "to": BOB})[1]


def test_the_ledgers_own_form_is_taken_too(asked, token):
    calls = tuple(
        Call(bytes.fromhex(token.address[2:]), U256(0), bytes.fromhex(data[2:]), 10**5)
        for data in (token.data("transfer", BOB, 1), token.data("transfer", CLEO, 2))
    )
    signed = sign(Own(31337, 1, 10**9, 10**6, calls), KEYS[0])
    identity = asked("eth_sendRawTransaction", "0x" + signed.hex())
    receipt = asked("eth_getTransactionReceipt", identity)

    assert (receipt["status"], len(receipt["logs"])) == ("0x1", 2)
    assert len(asked("numen_getMessageTree", identity)["branches"]) == 2
    shown = asked("eth_getTransactionByHash", identity)
    assert (shown["from"], shown["to"], shown["gas"]) == (ANN, token.address, hex(2 * 10**5))
    assert token.call("balanceOf", CLEO) == 2


# Bytecode of the EVM. ---

SAVES = bytes.fromhex("5f355f55" + "00")  # SSTORE(0, CALLDATALOAD(0))


def initcode(runtime: bytes) -> str:
    head = bytes.fromhex(f"61{len(runtime):04x}80600a5f395ff3")
    return "0x" + (head + runtime).hex()


def test_bytecode_of_ethereum_is_created_as_it_is(asked):
    receipt = asked.send(data=initcode(SAVES))
    address = receipt["contractAddress"]
    asked.send(to=address, data=f"0x{77:064x}", gas=hex(10**5))

    assert asked("eth_getCode", address, "latest") == "0x" + SAVES.hex()
    assert int(asked("eth_getStorageAt", address, "0x0", "latest"), 16) == 77
    assert int(asked("eth_getStorageAt", address, "0x0", "0x1"), 16) == 0
    assert asked("numen_getContract", address)["mode"] == "evm"
    assert asked("eth_call", {"to": address, "data": f"0x{5:064x}"}) == "0x"
    assert int(asked("eth_getStorageAt", address, "0x0", "latest"), 16) == 77


# PUSH0 x 4, value / 2 to the address in the call data, its success back
PAYS = bytes.fromhex("5f5f5f5f600234045f355af15f5260205ff3")


def atomic(runtime: bytes) -> str:
    return "0x" + write_code(Code("atomic", bytes.fromhex(initcode(runtime)[2:]))).hex()


def test_bytecode_in_an_evm_of_its_own_is_one_contract_to_others(asked):
    address = asked.send(data=atomic(SAVES))["contractAddress"]
    asked.send(to=address, data=f"0x{77:064x}")

    assert asked("eth_getCode", address, "latest") == "0x" + SAVES.hex()
    assert int(asked("eth_getStorageAt", address, "0x0", "latest"), 16) == 77
    assert int(asked("eth_getStorageAt", address, "0x0", "0x1"), 16) == 0
    assert asked("numen_getContract", address)["mode"] == "atomic"


def test_coins_that_leave_an_evm_of_its_own_come_to_the_account(asked):
    address = asked.send(data=atomic(PAYS))["contractAddress"]
    form = {"from": ANN, "to": address, "data": "0x" + BOB[2:].zfill(64), "value": hex(100)}
    assert int(asked("eth_call", form), 16) == 1
    receipt = asked.send(**form)

    assert int(asked("eth_getBalance", BOB, "latest"), 16) == 10_000 * ETHER + 50
    assert int(asked("eth_getBalance", address, "latest"), 16) == 50
    tree = asked("numen_getMessageTree", receipt["transactionHash"])["branches"]
    assert [b["message"]["to"] for b in tree] == [address, BOB]
    back = asked.send(**{**form, "data": "0x" + ANN[2:].zfill(64)})
    assert back["status"] == "0x1"
    assert int(asked("eth_getBalance", address, "latest"), 16) == 100


def test_a_constructor_may_refuse_in_an_evm_of_its_own(asked):
    refuses = "0x" + write_code(Code("atomic", bytes.fromhex("5f5ffd"))).hex()
    receipt = asked.send(data=refuses, gas=hex(10**6), value="0x5")

    assert receipt["status"] == "0x0"
    assert asked("eth_getCode", receipt["contractAddress"], "latest") == "0x"
    assert int(asked("eth_getBalance", receipt["contractAddress"], "latest"), 16) == 0


# What waits. ---


def test_transactions_wait_for_a_block_that_is_asked_for(asked):
    asked = AskedLedger(automine=False)
    second = asked("eth_sendRawTransaction", raw(1, BOB, value=1))
    first = asked("eth_sendRawTransaction", raw(0, BOB, value=2))

    assert asked("eth_getTransactionReceipt", first) is None
    assert asked("eth_getTransactionByHash", second)["blockNumber"] is None
    assert asked("eth_getTransactionCount", ANN, "pending") == "0x2"
    assert asked("txpool_status") == {"pending": "0x2", "queued": "0x0"}
    assert asked("numen_mine") == "0x1"
    assert asked("eth_getBlockByNumber", "0x1", False)["transactions"] == [first, second]
    assert asked("txpool_status")["pending"] == "0x0"


def test_what_waits_is_there_after_a_restart_and_what_was_replaced_is_not(asked):
    kv = MemoryKV()
    before = AskedLedger(kv, automine=False)
    before("eth_sendRawTransaction", raw(0, BOB, value=1))
    dear = before("eth_sendRawTransaction", raw(0, BOB, value=2, max_fee=9 * 10**9,
                                                max_priority_fee=9 * 10**9))  # fmt: skip
    gap = before("eth_sendRawTransaction", raw(3, BOB, value=1))
    after = AskedLedger(kv, automine=False)

    assert after("txpool_status") == {"pending": "0x1", "queued": "0x1"}
    after("numen_mine")
    assert after("eth_getBlockByNumber", "latest", False)["transactions"] == [dear]
    again = AskedLedger(kv, automine=False)
    assert [each.hash.hex() for each in again.node.pool] == [gap[2:]]


def test_a_restart_loses_nothing(asked, token, shop):
    receipt = shop.send("buy", 2)
    after = AskedLedger(asked.kv)

    assert after("eth_getTransactionReceipt", receipt["transactionHash"]) == receipt
    assert after("numen_status") == asked("numen_status")
    assert after("numen_explain", receipt["transactionHash"]) == asked(
        "numen_explain", receipt["transactionHash"]
    )
    moved = Deployed(after, token.address, token.abi)
    moved.send("transfer", BOB, 1)
    assert moved.call("balanceOf", BOB) == 1


def test_another_ledger_is_not_opened(asked):
    given = Settings({}, KEYS[0], chain_id=5)
    with pytest.raises(WrongLedgerError, match="ledger 31337, not 5"):
        LedgerNode(asked.kv, given, 0)


def test_timers_run_in_a_transaction_that_nobody_signed(asked):
    ticker = asked.create(compiled("ticker"))
    ticker.send("start", value=hex(ETHER))
    asked("numen_mine", "0x3")

    assert ticker.call("ticks") == 3
    block = asked("eth_getBlockByNumber", "latest", True)
    (wake,) = block["transactions"]
    receipt = asked("eth_getTransactionReceipt", wake["hash"])
    assert (wake["from"], receipt["status"]) == ("0x" + "00" * 20, "0x1")
    assert receipt["logs"] == asked("eth_getLogs", {"fromBlock": block["number"]})
    tree = asked("numen_getMessageTree", wake["hash"])["branches"]
    assert [b["message"]["kind"] for b in tree] == ["timer"]
    assert tree[0]["said"].split(" ", 1)[1].startswith("timer the ledger -> Ticker")
    contract = asked("numen_getContract", ticker.address)
    assert (contract["timers"], contract["name"]) == (1, "Ticker")


def test_messages_without_room_wait_and_the_next_block_comes_soon(asked, token, shop, monkeypatch):
    monkeypatch.setattr(tariff, "DELIVERIES_MAX", 1)
    receipt = shop.send("buy", 5)

    (queued,) = asked("numen_pendingMessages")
    assert (queued["state"], queued["kind"]) == ("queued", "request")
    assert asked("numen_getMessage", queued["id"]) == queued
    assert (asked("numen_status")["queued"], asked.node.interval_s) == (1, 1)
    assert receipt["logs"] == []
    asked("numen_mine", "0x2")
    assert asked("numen_pendingMessages") == []
    assert asked.node.interval_s == 0
    tree = asked("numen_getMessageTree", receipt["transactionHash"])["branches"]
    assert [b["message"]["state"] for b in tree] == ["waits", "done", "done"]
    assert len(asked("eth_getLogs", {"fromBlock": receipt["blockNumber"]})) == 1


# What listens. ---


def test_filters_and_subscriptions_hear_of_blocks_logs_and_messages(asked, token):
    logs, blocks = asked("eth_newFilter", {}), asked("eth_newBlockFilter")
    session = asked.dispatcher.session(Subscriptions(1))
    number = int(asked.ask("eth_subscribe", "messages", session=session)["result"], 16)
    asked.node.take_events()
    receipt = token.send("transfer", BOB, 5)

    assert asked("eth_getFilterChanges", logs) == receipt["logs"]
    assert asked("eth_getFilterChanges", blocks) == [receipt["blockHash"]]
    assert asked("eth_getFilterChanges", blocks) == []
    from numen.node.rpc.listening import shown
    from numen.node.rpc.messages import shown as messages

    how = shown(asked.node, asked.dispatcher.written, lambda sealed: messages(asked.node, sealed))
    told = [
        (which, message.call)
        for event in asked.node.take_events()
        for which, message in session.subscriptions.told(event, how)
    ]
    assert told == [(number, f"transfer({BOB[:10]}, 5)")]
