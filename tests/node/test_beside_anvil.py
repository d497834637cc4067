"""The node beside anvil: the same requests to both, the same answers.

What the two choose for themselves is left out: hashes of blocks, which commit to times and chance
(and so does the state, which keeps them); words of errors; and what anvil does in ways of its own.
Its blocks are a byte shorter, the outermost call of a tree has the gas behind the intrinsic one
where geth gives the limit, and the proof of a word in no storage is an empty node where geth has
none.
"""

import json
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from numen.evm import abi
from tests.node.served import ADDRESSES, ETHER, KEYS, MODULES, Asked
from tests.node.test_chain import COUNTER
from tests.node.test_rpc import LOGS, NEEDY, error_code

ANVIL = MODULES / "@foundry-rs/anvil-linux-amd64/bin/anvil"
ARTIFACTS = Path(__file__).parents[2] / "bench/contracts/artifacts.json"

pytestmark = [
    pytest.mark.judges,
    pytest.mark.skipif(
        not ANVIL.exists(), reason="anvil is not in .judges; `make judges` installs it"
    ),
]


class Anvil:
    """Anvil, asked as `Asked` is."""

    def __init__(self, url):
        self.url = url

    def ask(self, method, *params):
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    __call__ = Asked.__call__

    def send(self, **fields):
        """Send a transaction of the first account; its receipt comes a moment later."""
        sent = self("eth_sendTransaction", {"from": ADDRESSES[0], **fields})
        for _ in range(200):
            receipt = self("eth_getTransactionReceipt", sent)
            if receipt is not None:
                return receipt
            time.sleep(0.01)
        pytest.fail("anvil makes no block")


@contextmanager
def anvil(*options):
    command = [str(ANVIL), "--port", "0", "--hardfork", "prague", "--timestamp", "1800000000"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                if line.startswith("Listening on "):
                    yield Anvil("http://" + line.split()[-1])
                    break
        finally:
            process.terminate()
            process.stdout.read()


@pytest.fixture(scope="module")
def pair():
    """Both, after the same transactions."""
    with anvil("--steps-tracing") as theirs:
        found = Asked(), theirs
        for node in found:
            # anvil's second block has the base fee of its first, whatever that used.
            node("anvil_setNextBlockBaseFeePerGas", hex(10**9))
        yield found


LEFT_OUT = {
    "blockHash", "blockTimestamp", "timestamp", "parentHash", "hash", "mixHash", "stateRoot",
    "blobGasPrice", "root", "size", "accountProof",
}  # fmt: skip


def plain(value):
    """What both must agree on: without what they choose, and without what is empty."""
    if isinstance(value, dict):
        return {
            key: plain(each)
            for key, each in value.items()
            if key not in LEFT_OUT and each not in (None, [], {})
        }
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.lower() if isinstance(value, str) else value


def same(pair, method, *params):
    ours, theirs = (plain(node(method, *params)) for node in pair)
    assert ours == theirs, method
    return ours


FEES = {"maxFeePerGas": hex(10 * 10**9), "maxPriorityFeePerGas": hex(10**9)}


@pytest.fixture(scope="module")
def token(pair):
    """An ERC-20 that both have, and transfers of it."""
    code = json.loads(ARTIFACTS.read_text())["contracts"]["Token"]["bytecode"]
    first = abi_initialize()
    receipts = []
    for node in pair:
        receipts.append(node.send(data="0x" + code.removeprefix("0x"), gas=hex(3_000_000), **FEES))
        address = receipts[-1]["contractAddress"]
        assert node.send(to=address, data=first, gas=hex(300_000), **FEES)["status"] == "0x1"
    assert plain(receipts[0]) == plain(receipts[1])
    return receipts[0]["contractAddress"]


def abi_initialize() -> str:
    types = ["string", "string", "address", "uint256"]
    signature = f"initialize({','.join(types)})"
    encoded = abi.encode(types, ["Coin", "COIN", ADDRESSES[0], 10**6])
    return "0x" + (abi.selector(signature) + encoded).hex()


def data(signature_hash: str, *words: int) -> str:
    return "0x" + signature_hash + "".join(f"{word:064x}" for word in words)


def transfer(to: str, amount: int) -> str:
    return data("a9059cbb", int(to, 16), amount)


def test_transactions_come_to_the_same(pair, token):
    forms = [
        {"to": ADDRESSES[1], "value": hex(ETHER), "gas": hex(21_000)},
        {"to": token, "data": transfer(ADDRESSES[1], 5), "gas": hex(200_000)},
        {"to": token, "data": transfer(ADDRESSES[1], 2**255), "gas": hex(200_000)},
        {"data": "0x5f5ffd", "gas": hex(200_000)},
        {"to": token, "data": transfer(ADDRESSES[2], 7), "gas": hex(200_000),
         "accessList": [{"address": token, "storageKeys": ["0x" + "00" * 32]}]},
    ]  # fmt: skip
    for form in forms:
        receipts = [plain(node.send(**form, **FEES)) for node in pair]
        assert receipts[0] == receipts[1]

    for number in ("0x1", "latest"):
        same(pair, "eth_getBlockByNumber", number, True)
        same(pair, "eth_getBlockReceipts", number)
    for address in (ADDRESSES[0], ADDRESSES[1], token):
        same(pair, "eth_getBalance", address, "latest")
        same(pair, "eth_getTransactionCount", address, "latest")
        same(pair, "eth_getCode", address, "latest")
        keys = ["0x" + "00" * 32, "0x" + "00" * 31 + "06"] if address == token else []
        same(pair, "eth_getProof", address, keys, "latest")
    same(pair, "eth_getLogs", {"fromBlock": "0x0", "address": token})
    same(pair, "eth_call", {"to": token, "data": data("70a08231", int(ADDRESSES[1], 16))}, "latest")


def test_traces_are_the_same(pair, token):
    sent = [
        n.send(to=token, data=transfer(ADDRESSES[3], 3), gas=hex(200_000), **FEES) for n in pair
    ]
    hash_ = sent[0]["transactionHash"]
    assert hash_ == sent[1]["transactionHash"]

    calls = {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
    ours, theirs = (plain(n("debug_traceTransaction", hash_, calls)) for n in pair)
    assert ours.pop("gas") == hex(200_000)
    for tree in (ours, theirs):
        tree.pop("gas", None)
        for log in tree["logs"]:
            log.pop("index", None)
    assert ours == theirs
    same(pair, "debug_traceTransaction", hash_, {"tracer": "prestateTracer"})
    changes = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    same(pair, "debug_traceTransaction", hash_, changes)
    ours, theirs = (n("debug_traceTransaction", hash_, {}) for n in pair)
    assert (ours["gas"], ours["failed"]) == (theirs["gas"], theirs["failed"])
    wanted = ("pc", "op", "gas", "gasCost", "depth", "stack")
    for our, their in zip(ours["structLogs"], theirs["structLogs"], strict=True):
        assert {key: our[key] for key in wanted} == {key: their[key] for key in wanted}
        assert our.get("storage") == their.get("storage") or our["op"] not in ("SLOAD", "SSTORE")


@pytest.mark.parametrize("code", [COUNTER, NEEDY, LOGS, error_code("inside")])
def test_gas_and_access_lists_are_the_same(pair, code):
    head = bytes.fromhex(f"61{len(code):04x}80600a5f395ff3")
    form = {"data": "0x" + (head + code).hex(), "gas": hex(500_000), **FEES}
    first, second = (node.send(**form)["contractAddress"] for node in pair)
    assert first == second
    call = {"from": ADDRESSES[0], "to": first, "data": "0x" + "11" * 32}

    for method in ("eth_estimateGas", "eth_createAccessList"):
        ours, theirs = (node.ask(method, call) for node in pair)
        if "error" in theirs:  # geth, and so we, give a list all the same
            assert "error" in ours or ours["result"]["error"]
        else:
            assert plain(ours["result"]) == plain(theirs["result"])
    same(pair, "debug_traceCall", call, "latest", {"tracer": "prestateTracer"})


def test_calls_fail_with_the_same_code_and_data(pair, token):
    call = {"from": ADDRESSES[0], "to": token, "data": transfer(ADDRESSES[1], 2**255)}
    ours, theirs = (node.ask("eth_call", call, "latest")["error"] for node in pair)
    assert (ours["code"], ours.get("data")) == (theirs["code"], theirs.get("data"))

    for method, params in (
        ("eth_nothing", []),
        ("eth_getBalance", ["0x12"]),
        ("eth_getBalance", []),
        ("eth_call", [{"to": 5}]),
    ):
        ours, theirs = (node.ask(method, *params)["error"]["code"] for node in pair)
        assert ours == theirs, method


def test_accounts_of_the_mnemonic_are_the_same(pair):
    same(pair, "eth_accounts")
    assert len(KEYS) == 10
    same(pair, "eth_chainId")
    same(pair, "net_version")
    message = "0x" + b"hello".hex()
    same(pair, "personal_sign", message, ADDRESSES[4])


def test_fees_go_the_same_way(pair):
    for _ in range(3):
        for node in pair:
            node("evm_mine")
    count = 4
    for _ in range(100):  # anvil notes the fees of a block some time after it has answered
        ours, theirs = (node("eth_feeHistory", hex(count), "latest", []) for node in pair)
        if len(theirs["baseFeePerGas"]) == count + 1:
            break
        time.sleep(0.05)
    assert ours["baseFeePerGas"] == theirs["baseFeePerGas"]
    same(pair, "eth_maxPriorityFeePerGas")
