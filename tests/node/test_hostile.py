"""Whatever is sent, the answer is an answer, and the node goes on."""

import json

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.node.filters import FILTERS_MAX
from numen.node.rpc import chains, dispatch, listening
from numen.node.rpc.dispatch import BATCH_MAX, BODY_BYTES_MAX
from numen.node.rpc.faults import LIMIT
from numen.node.rpc.methods import METHODS
from numen.node.rpc.values import DATA_MAX, SEVERAL_MAX
from numen.node.subscriptions import SUBSCRIPTIONS_MAX, Subscriptions
from tests.node.served import ADDRESSES, Asked
from tests.node.test_chain import COUNTER

INTERNAL = -32603


def check_answer(node: Asked, answer: bytes) -> None:
    """An answer is nothing, an object, or a list of them; and no mistake of ours."""
    if answer:
        decoded = json.loads(answer)
        for each in decoded if isinstance(decoded, list) else [decoded]:
            assert each["jsonrpc"] == "2.0"
            assert ("result" in each) != ("error" in each)
            if "error" in each:
                assert isinstance(each["error"]["code"], int)
                assert each["error"]["code"] != INTERNAL
                assert "Traceback" not in each["error"]["message"]
    assert not node.reports, node.reports


def test_an_answer_nested_too_deep_to_be_written_is_an_error(monkeypatch):
    node, deep = Asked(), []
    for _ in range(100_000):  # as a trace of calls inside of calls can be
        deep = [deep]
    assert node("eth_accounts")
    monkeypatch.setattr(METHODS["eth_accounts"], "call", lambda _: deep)

    code, message = node.fault("eth_accounts")

    assert (code, "too deep" in message) == (-32000, True)
    assert not node.reports


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b'{"a":' * 100_000, -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":' + b"[" * 50_000, -32700),
        (b"null", -32600),
        (b"7", -32600),
        (b'"eth_chainId"', -32600),
        (b"{}", -32600),
        (b"[]", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', -32600),
        (b'{"id":1,"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":"' + b"x" * 300 + b'","method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":"\xff","method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_nothing"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"__class__"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":"x"}', -32602),
    ],
)
def test_what_is_no_request_gets_the_code_of_its_mistake(body, code):
    node = Asked()

    answer = node.raw(body)

    check_answer(node, answer)
    assert json.loads(answer)["error"]["code"] == code


@pytest.mark.parametrize(
    "value",
    [
        "0x", "0x0g", "0x" + "1" * 65, "0X1", "1", "-0x1", "0x-1", "0x 1", "0x1 ", "0x1\n",
        "0x\uff11", "0x" + "0" * 10**6, True, None, 1.5, [], {}, -1, 2**256, 2**63,
    ],
)  # fmt: skip
def test_a_number_that_is_none_is_refused(value):
    node = Asked()

    error = node.ask("evm_increaseTime", value)["error"]

    assert error["code"] == -32602
    assert len(error["message"]) < 500


@pytest.mark.parametrize(
    "value", ["0x1", "0x1 ", "0x 12", "12", "0xzz", "0x1\uff12", 7, None, ["0x"]]
)
def test_bytes_that_are_none_are_refused(value):
    assert Asked().ask("web3_sha3", value)["error"]["code"] == -32602


def test_bytes_are_bounded():
    node = Asked()

    assert node.ask("web3_sha3", "0x" + "00" * DATA_MAX)["result"]
    assert node.ask("web3_sha3", "0x" + "00" * (DATA_MAX + 1))["error"]["code"] == -32602


@pytest.mark.parametrize(
    "block", ["lates", "", "0x", {}, {"blockNumber": {}}, {"blockHash": "0x1"}, 1.5, [], {"x": 1}]
)
def test_a_block_that_is_none_is_refused(block):
    assert Asked().ask("eth_getBalance", ADDRESSES[0], block)["error"]["code"] == -32602


def test_a_block_that_is_not_there_is_not_found():
    node = Asked()

    assert node("eth_getBlockByNumber", "0x99", True) is None
    assert node.fault("eth_getBalance", ADDRESSES[0], "0x99") == (-32000, "header not found: 0x99")


def test_a_body_is_bounded():
    node = Asked()
    request = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'
    padding = b" " * (BODY_BYTES_MAX - len(request))

    assert b"result" in node.raw(request + padding)
    assert b"too large" in node.raw(request + padding + b" ")


def test_a_batch_is_bounded_and_each_request_has_its_answer():
    node = Asked()
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}

    answers = json.loads(node.raw(json.dumps([request] * BATCH_MAX).encode()))
    assert [each["result"] for each in answers] == ["0x7a69"] * BATCH_MAX
    assert b"batch too large" in node.raw(json.dumps([request] * (BATCH_MAX + 1)).encode())
    mixed = [1, request, [], {**request, "id": None}, {"jsonrpc": "2.0", "method": "evm_mine"}]
    answers = json.loads(node.raw(json.dumps(mixed).encode()))
    assert [each.get("error", {}).get("code") for each in answers] == [-32600, None, -32600, None]
    assert node("eth_blockNumber") == "0x1"


def test_the_answers_of_a_batch_are_bounded(monkeypatch):
    monkeypatch.setattr(dispatch, "ANSWERS_BYTES_MAX", 100)
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}

    answers = json.loads(Asked().raw(json.dumps([request] * 10).encode()))

    assert ["error" in each for each in answers] == [False] * 3 + [True] * 7


def test_others_have_their_turn_between_the_requests_of_a_batch():
    node = Asked()
    request = {"jsonrpc": "2.0", "id": 1, "method": "evm_mine"}
    steps = node.dispatcher.steps(json.dumps([request] * 3).encode(), lambda: node.now_s)

    seen = [node("eth_blockNumber") for _ in steps]

    assert seen == ["0x1", "0x2", "0x3"]


def test_a_transaction_is_bounded():
    node = Asked()
    form = {"from": ADDRESSES[0], "to": ADDRESSES[1], "gas": hex(20_000_000)}

    assert node("eth_sendTransaction", {**form, "data": "0x" + "00" * 130_000})
    long = node.fault("eth_sendTransaction", {**form, "data": "0x" + "00" * 140_000})
    assert long[1].startswith("oversized data")


def test_a_notification_is_carried_out_and_not_answered():
    node = Asked()

    assert node.raw(b'{"jsonrpc":"2.0","method":"evm_mine"}') == b""
    assert node.raw(b'[{"jsonrpc":"2.0","method":"evm_mine"}]') == b""
    assert node("eth_blockNumber") == "0x2"


def test_filters_and_what_they_name_are_bounded():
    node = Asked()
    many = [ADDRESSES[0]] * (SEVERAL_MAX + 1)
    topic = "0x" + "11" * 32

    for query in (
        {"address": many},
        {"topics": [[topic] * (SEVERAL_MAX + 1)]},
        {"topics": [None] * 5},
        {"fromBlock": "0x5", "toBlock": "0x1"},
    ):
        assert node.fault("eth_getLogs", query)[0] == -32602
    for _ in range(FILTERS_MAX):
        node("eth_newBlockFilter")
    assert "filters already" in node.fault("eth_newBlockFilter")[1]
    node.now_s += 301
    assert node("eth_newBlockFilter")


def test_subscriptions_of_a_connection_are_bounded():
    node = Asked()
    session = node.dispatcher.session(Subscriptions())

    for _ in range(SUBSCRIPTIONS_MAX):
        assert "result" in node.ask("eth_subscribe", "newHeads", session=session)
    assert "error" in node.ask("eth_subscribe", "newHeads", session=session)
    assert "error" in node.ask("eth_subscribe", "everything", session=session)


def test_so_many_logs_are_not_given_at_once(monkeypatch):
    monkeypatch.setattr(listening, "LOGS_MAX", 3)
    node = Asked()
    address = node.deploy(bytes.fromhex("5f5fa05f5fa000"))
    node.send(to=address)
    assert len(node("eth_getLogs", {"fromBlock": "0x0"})) == 2
    node.send(to=address)

    assert node.fault("eth_getLogs", {"fromBlock": "0x0"})[0] == -32005


@pytest.mark.parametrize("blocks", [100_001, 2**255])
def test_so_many_blocks_are_not_made_at_once(blocks):
    node = Asked()

    assert node.fault("anvil_mine", hex(blocks))[0] == -32602
    assert node.fault("evm_mine", {"blocks": hex(blocks)})[0] == -32602
    assert node("eth_blockNumber") == "0x0"


def test_a_mistake_of_ours_is_reported_and_says_nothing(monkeypatch):
    node = Asked()

    def broken(_):
        raise ZeroDivisionError("secret")

    assert node("eth_chainId")
    monkeypatch.setattr(METHODS["eth_chainId"], "call", broken)
    answer = node.ask("eth_chainId")

    assert answer["error"] == {"code": INTERNAL, "message": "internal error"}
    assert [(name, type(error)) for name, error in node.reports] == [
        ("eth_chainId", ZeroDivisionError)
    ]


# --- whatever comes ------------------------------------------------------------------------------

HEX = st.one_of(
    st.sampled_from(
        [
            *ADDRESSES[:3], "0x", "0x0", "0x1", "0x2", "0x5208", "0x" + "00" * 32, "0x" + "11" * 32,
            "latest", "pending", "earliest", "safe", "newHeads", "logs", "callTracer",
            "prestateTracer", "0x" + COUNTER.hex(), hex(2**63), hex(2**64 - 1), hex(2**256 - 1),
        ]
    ),
    st.integers(0, 2**70).map(hex),
    st.binary(max_size=40).map(lambda data: "0x" + data.hex()),
    st.text(max_size=8),
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "from", "to", "gas", "gasPrice", "value", "data", "input", "nonce", "maxFeePerGas", "type",
        "maxPriorityFeePerGas", "accessList", "authorizationList", "blobVersionedHashes", "tracer",
        "address", "topics", "fromBlock", "toBlock", "blockHash", "blockNumber", "tracerConfig",
        "diffMode", "balance", "code", "state", "stateDiff", "blocks", "timestamp", "types",
        "domain", "message", "primaryType", "storageKeys", *ADDRESSES[:2], "0x0",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 2**70), st.floats(), HEX),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)
REQUESTS = st.fixed_dictionaries(
    {
        "jsonrpc": st.just("2.0"),
        "id": st.integers(0, 9),
        "method": st.sampled_from(sorted(METHODS)),
        "params": st.lists(JSON, max_size=4),
    }
)


@pytest.mark.slow
@given(st.lists(REQUESTS, max_size=12))
@example([{"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"from": "0x"}]}])
def test_no_sequence_of_requests_meets_a_mistake_of_ours(requests):
    node = Asked(gas_limit=200_000)

    for request in requests:
        check_answer(node, node.raw(json.dumps(request).encode()))

    assert node("eth_chainId") == "0x7a69"
    assert "result" in node.ask("evm_mine", {}) or node("eth_blockNumber")


def valid(method, data):
    """Draw parameters of the right types for a method."""
    hints = {
        "Quantity": st.sampled_from([0, 1, 2, 5, 21_000, 2**64, 2**255]).map(hex),
        "Word": st.sampled_from(["0x0", "0x1", "0x" + "ff" * 32]),
        "Address": st.sampled_from([*ADDRESSES[:3], "0x" + "00" * 20, "0x" + "42" * 20]),
        "Hash": st.sampled_from(["0x" + "00" * 32, "0x" + "ab" * 32]),
        "Data": st.sampled_from(["0x", "0x" + COUNTER.hex(), "0x02c0", "0x03c0", "0xf800"]),
        "BlockId": st.sampled_from(["latest", "pending", "earliest", "0x1", "0x7"]),
        "TransactionForm": st.dictionaries(
            st.sampled_from(["from", "to"]), st.sampled_from(ADDRESSES[:2]), max_size=2
        ).map(lambda form: {**form, "gas": "0x186a0"}),
        "bool": st.booleans(),
        "int": st.integers(0, 3),
        "str": st.sampled_from(["newHeads", "x"]),
        "LogForm": st.just({"fromBlock": "0x0"}),
    }
    drawn = []
    for param in method.params:
        name = getattr(param.type, "__name__", str(param.type))
        if name in hints:
            drawn.append(data.draw(hints[name], label=param.name))
        elif param.is_required:
            drawn.append(data.draw(JSON, label=param.name))
        else:
            break
    return drawn


@pytest.mark.parametrize("name", sorted(METHODS))
@given(data=st.data())
@settings(max_examples=8)
def test_a_method_with_parameters_of_its_types_answers(name, data):
    node = Asked(gas_limit=300_000)
    node("eth_sendTransaction", {"from": ADDRESSES[0], "data": "0x00", "gas": "0x186a0"})
    if name in {"anvil_mine", "hardhat_mine"}:
        params = ["0x2", "0x1"]
    else:
        params = valid(METHODS[name], data)

    body = {"jsonrpc": "2.0", "id": 1, "method": name, "params": params}

    check_answer(node, node.raw(msgspec.json.encode(body)))
    assert node("eth_chainId") == "0x7a69"


def test_a_transaction_is_searched_in_the_last_blocks_alone(monkeypatch):
    node = Asked()
    first = node.send(to=ADDRESSES[1])
    for _ in range(5):
        node.send(to=ADDRESSES[1])
    asked = ("eth_getTransactionBySenderAndNonce", ADDRESSES[0], "0x0")
    assert node(*asked)["hash"] == first["transactionHash"]

    monkeypatch.setattr(chains, "SEARCHED_MAX", 8)

    code, message = node.fault(*asked)
    assert (code, "last blocks" in message) == (LIMIT, True)
    assert node(*asked[:2], "0x5")["nonce"] == "0x5"
