"""Traces of messages in the form that Ethereum's tools read."""

import pytest

from numen.api import services
from numen.ledger.state.scratch import ScratchKV
from numen.node.ledger import frames, replay
from tests.node.ledger_served import AskedLedger, Deployed, compiled
from tests.node.served import ADDRESSES, ETHER

ANN, BOB = ADDRESSES[:2]


@pytest.fixture(params=["memory", "scratch"])
def asked(request):
    found = AskedLedger(ScratchKV() if request.param == "scratch" else None)
    yield found
    assert not found.reports


@pytest.fixture
def shop(asked) -> Deployed:
    token = asked.create(compiled("erc20"), 1000)
    made = asked.create(compiled("shop"), token.address, 3)
    token.send("approve", made, 100)
    made.token = token
    return made


def traced(asked, receipt, tracer=None, **config):
    options = {"tracerConfig": config} | ({"tracer": tracer} if tracer else {})
    return asked("debug_traceTransaction", receipt["transactionHash"], options)


def test_a_tree_of_messages_is_a_tree_of_calls(asked, shop):
    receipt = shop.send("buy", 5)
    top = traced(asked, receipt, "callTracer", withLog=True)
    (asks,) = top["calls"]
    (answer,) = asks["calls"]

    assert [(f["type"], f["from"], f["to"]) for f in (top, asks, answer)] == [
        ("CALL", ANN, shop.address),
        ("CALL", shop.address, shop.token.address),
        ("REPLY", shop.token.address, shop.address),
    ]
    assert [int(f["output"], 16) for f in (top, asks, answer)] == [5, 1, 5]
    assert int(asks["logs"][0]["data"], 16) == 15
    assert top["gasUsed"] == receipt["gasUsed"]
    tree = asked("numen_getMessageTree", receipt["transactionHash"])["branches"]
    assert [f["input"] for f in (top, asks, answer)] == [b["message"]["payload"] for b in tree]
    assert [f["gasUsed"] for f in (asks, answer)] == [b["message"]["workUsed"] for b in tree[1:]]
    assert "calls" not in traced(asked, receipt, "callTracer", onlyTopCall=True)


def test_a_failure_stands_where_it_happened_and_whoever_goes_on_has_none(asked, shop):
    receipt = shop.send("buy", 5, **{"from": BOB})
    top = traced(asked, receipt, "callTracer")
    refused = top["calls"][0]

    assert "error" not in top
    assert refused["error"] == "execution reverted"
    assert refused["calls"][0]["type"] == "BOUNCE"
    plain = asked.send(to=shop.address, data="0x12345678", gas=hex(10**5))
    assert traced(asked, plain, "callTracer")["error"].startswith("absent")
    form = {"from": BOB, "to": shop.token.address, "data": shop.token.data("transfer", ANN, 9)}
    tried = asked("debug_traceCall", form, "latest", {"tracer": "callTracer"})
    assert tried["error"] == "execution reverted"
    assert tried["output"].endswith(f"{0:064x}{9:064x}")


def test_what_messages_read_and_wrote_is_the_state_before_and_after(asked, shop):
    token = shop.token
    receipt = shop.send("buy", 5)
    height = int(receipt["blockNumber"], 16)
    read = traced(asked, receipt, "prestateTracer")
    changed = traced(asked, receipt, "prestateTracer", diffMode=True)

    assert set(read) == {ANN, shop.address, token.address}
    for address, account in read.items():
        assert account["balance"] == asked("eth_getBalance", address, hex(height - 1))
        for key, value in account.get("storage", {}).items():
            assert value == asked("eth_getStorageAt", address, key, hex(height - 1))
    assert read[token.address]["code"] == asked("eth_getCode", token.address, "latest")
    maker = asked("eth_coinbase")
    assert set(changed["post"]) == {ANN, shop.address, token.address, maker}
    for when, at in (("pre", height - 1), ("post", height)):
        for address, account in changed[when].items():
            for key, value in account.get("storage", {}).items():
                assert value == asked("eth_getStorageAt", address, key, hex(at))
            if "balance" in account:
                assert account["balance"] == asked("eth_getBalance", address, hex(at))
    assert "code" not in traced(asked, receipt, "prestateTracer", disableCode=True)[token.address]


def test_a_contract_that_was_just_created_has_its_code_in_the_changes(asked):
    receipt = asked.send(data="0x" + services.creation(compiled("ticker")).hex())
    changed = traced(asked, receipt, "prestateTracer", diffMode=True)
    address = receipt["contractAddress"]

    assert changed["post"][address]["code"] == asked("eth_getCode", address, "latest")
    assert address not in changed["pre"]


TOKEN = """
balanceOf: public(HashMap[address, uint256])

@deploy
def __init__(supply: uint256):
    self.balanceOf[msg.sender] = supply

@external
def transfer(to: address, amount: uint256):
    assert self.balanceOf[msg.sender] >= amount, "too little"
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[to] += amount
"""


@pytest.mark.judges
@pytest.mark.parametrize("mode", ["event", "atomic"])
def test_bytecode_is_traced_by_instruction_in_both_modes(asked, mode):
    vyper = pytest.importorskip("vyper", reason="vyper is not installed")
    made = vyper.compile_code(TOKEN, output_formats=["abi", "bytecode"])
    code = bytes.fromhex(made["bytecode"][2:])
    carried = services.atomic(code) if mode == "atomic" else code
    created = asked.send(data="0x" + (carried + (1000).to_bytes(32, "big")).hex())
    token = Deployed(asked, created["contractAddress"], made["abi"])
    receipt = token.send("transfer", BOB, 5)
    found = traced(asked, receipt)

    steps = found["structLogs"]
    assert (found["failed"], found["gas"]) == (False, int(receipt["gasUsed"], 16))
    written = [step for step in steps if step["op"] == "SSTORE"]
    assert [int(step["stack"][-2], 16) for step in written] == [995, 5]
    assert {step["depth"] for step in steps} == {1}
    assert len({step["pc"] for step in steps}) > 50
    form = {"from": ANN, "to": token.address, "data": token.data("transfer", BOB, 5000)}
    tried = asked("debug_traceCall", form, "latest")
    assert (tried["failed"], tried["structLogs"][-1]["op"]) == (True, "REVERT")
    earlier = asked("debug_traceCall", form | {"data": token.data("transfer", BOB, 998)},
                    hex(int(receipt["blockNumber"], 16) - 1))  # fmt: skip
    assert earlier["failed"] is False
    assert asked("debug_traceTransaction", created["transactionHash"])["structLogs"]


def test_a_block_is_traced_with_what_nobody_signed(asked):
    ticker = asked.create(compiled("ticker"))
    ticker.send("start", value=hex(ETHER))
    asked("evm_mine")
    calls, wanted = "debug_traceBlockByNumber", {"tracer": "callTracer"}
    (wake,) = asked(calls, "latest", wanted)

    assert wake["result"]["type"] == "WAKE"
    assert [(f["type"], f["to"]) for f in wake["result"]["calls"]] == [("TIMER", ticker.address)]
    block = asked("eth_getBlockByNumber", "latest", False)
    assert asked("debug_traceBlockByHash", block["hash"], wanted) == [wake]
    diff = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    (changed,) = asked(calls, "latest", diff)
    assert changed["result"]["post"][ticker.address]["storage"]
    asked.send(to=BOB, value="0x1")
    both = asked(calls, "latest", wanted)
    assert [each["result"]["type"] for each in both] == ["CALL", "WAKE"]
    assert set(asked(calls, "latest", {"tracer": "prestateTracer"})[0]["result"]) == {ANN, BOB}
    assert "same rounds" in asked.fault(calls, "latest", diff)[1]
    assert asked(calls, "0x0", wanted) == asked(calls, "0x0", diff) == []


def test_a_block_is_carried_out_once_for_all_its_traces(monkeypatch):
    asked = AskedLedger(ScratchKV())
    token = asked.create(compiled("erc20"), 1000)
    asked("evm_setAutomine", False)
    form = {"from": ANN, "to": token.address, "data": token.data("transfer", BOB, 1)}
    form["gas"] = hex(10**7)
    names = [asked("eth_sendTransaction", form) for _ in range(3)]
    asked("evm_mine")
    wanted, runs = {"tracer": "prestateTracer"}, []
    original = replay.block
    monkeypatch.setattr(replay, "block", lambda *given: runs.append(given) or original(*given))

    traces = asked("debug_traceBlockByNumber", "latest", wanted)

    assert len(runs) == 1
    assert [each["txHash"] for each in traces][:3] == names
    alone = [asked("debug_traceTransaction", each["txHash"], wanted) for each in traces]
    assert [each["result"] for each in traces] == alone


def test_what_cannot_be_said_is_told_with_the_reason(asked, shop):
    receipt = shop.send("buy", 1)
    identity, form = receipt["transactionHash"], {"to": shop.address, "data": shop.data("buy", 1)}
    assert "no instructions of the EVM" in asked.fault("debug_traceTransaction", identity)[1]
    diff = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    assert "forgotten" in asked.fault("debug_traceCall", form, "latest", diff)[1]
    unknown = asked.fault("debug_traceTransaction", identity, {"tracer": "4byteTracer"})
    assert (unknown[0], "tracer not found" in unknown[1]) == (-32602, True)
    assert asked("debug_traceTransaction", identity, {"tracer": "noopTracer"}) == {}
    overridden = {"tracer": "callTracer", "stateOverrides": {ANN: {"balance": "0x1"}}}
    assert "makes up" in asked.fault("debug_traceCall", form, "latest", overridden)[1]
    assert asked.fault("debug_traceTransaction", "0x" + "11" * 32)[1] == "transaction not found"
    poor = {"from": "0x" + "77" * 20, "to": BOB, "value": "0x1"}
    assert "insufficient" in asked.fault("debug_traceCall", poor)[1]


def test_a_tree_too_deep_for_a_client_is_refused(asked, shop, monkeypatch):
    receipt = shop.send("buy", 1)
    monkeypatch.setattr(frames, "DEPTH_MAX", 2)
    options = {"tracer": "callTracer"}

    assert "numen_getMessageTree" in asked.fault(
        "debug_traceTransaction", receipt["transactionHash"], options)[1]  # fmt: skip


def test_the_bytes_of_blocks_and_receipts_are_given(asked, shop):
    for method in ("debug_getRawHeader", "debug_getRawBlock"):
        assert asked(method, "latest").startswith("0x")
    assert len(asked("debug_getRawReceipts", "latest")) == 1
    block = asked("eth_getBlockByNumber", "latest", False)
    assert asked("debug_getRawTransaction", block["transactions"][0]).startswith("0x02")
