"""A node of a ledger of several, asked by JSON-RPC: final blocks, and whom it trusts."""

import json
from functools import partial

import pytest

from numen.base.codec import U256
from numen.ledger.transactions import Call, Transaction, sign
from numen.node.ledger.follower import Follower
from numen.node.replica.body import Body
from numen.node.replica.packet import Submit, write_packet
from numen.node.replica.plan import Mode
from numen.node.rpc.dispatch import Dispatcher
from numen.node.rpc.openrpc import describe
from numen.node.rpc.replica_methods import METHODS
from numen.node.trust.speech import Accusation
from numen.sim.town import CHAIN
from tests.node.trust.neighbours import ANN, BOB, Neighbours, lie_of

MODES = (Mode.EXECUTE, Mode.EXECUTE, Mode.EXECUTE, Mode.VERIFY, Mode.APPLY)
BOB_TEXT = "0x" + BOB.hex()


class Asked:
    """A node of a town that is asked without a socket."""

    def __init__(self, near, index):
        self.handed = []
        body = near.body(index)
        members = body.watch.members.roster.members
        names = tuple(f"node-{near.cast.nodes.index(address)}" for address in members)
        key = near.cast.keys[index]
        node = Follower(body.world, key, body.plan, body.watch, names, self.handed.append)
        self.dispatcher = Dispatcher(node, METHODS)

    def ask(self, method, *params):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return json.loads(self.dispatcher.answer(json.dumps(body).encode(), 1_800_000_000))

    def __call__(self, method, *params):
        answer = self.ask(method, *params)
        assert "result" in answer, answer
        return answer["result"]


def _town():
    made = Neighbours(MODES, bodies=dict.fromkeys(range(5), partial(Body, is_indexed=True)))
    made.pay(5)
    made.steps(8)
    return made


@pytest.fixture(scope="module")
def near():
    """A town that tests only look at."""
    return _town()


@pytest.fixture
def fresh():
    """One in which something happens."""
    return _town()


def test_final_blocks_and_accounts_are_shown(near):
    asked = Asked(near, 1)
    assert asked("eth_blockNumber") == "0x5"
    assert asked("eth_getBalance", BOB_TEXT) == "0x5"
    assert asked("eth_getBalance", BOB_TEXT, "0x2") == "0x2"
    block = asked("eth_getBlockByNumber", "0x3", True)
    (transaction,) = block["transactions"]
    receipt = asked("eth_getTransactionReceipt", transaction["hash"])
    assert (receipt["status"], receipt["blockNumber"]) == ("0x1", "0x3")
    assert asked("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"}) == []
    status = asked("numen_status")
    assert (status["chain"], status["height"]) == (CHAIN, 5)
    assert asked("net_peerCount") == "0x4"


@pytest.mark.parametrize("index", [3, 4])
def test_what_was_applied_unseen_is_not_made_up(near, index):
    asked = Asked(near, index)
    assert asked("eth_getBalance", BOB_TEXT) == "0x5"
    identity = asked("eth_getBlockByNumber", "0x3", False)["transactions"][0]
    for method, *params in (
        ("eth_getTransactionReceipt", identity),
        ("eth_getBlockReceipts", "0x3"),
        ("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x3"}),
    ):
        error = asked.ask(method, *params)["error"]
        assert "was applied here and not carried out" in error["message"]


def test_a_transaction_is_handed_to_the_nodes_and_nothing_is_made(fresh):
    asked = Asked(fresh, 1)
    call = Call(BOB, U256(7), b"", 100_000)
    raw = sign(Transaction(CHAIN, fresh.nonce, 0, 1 << 40, (call,)), ANN)
    identity = asked("eth_sendRawTransaction", "0x" + raw.hex())
    assert asked.handed == [raw]
    assert asked("eth_blockNumber") == "0x5"
    fresh.town.deliver(ANN.address, fresh.cast.nodes[1], write_packet(Submit(raw)))
    fresh.nonce += 1
    fresh.town.wait(800)
    found = Asked(fresh, 1)("eth_getTransactionByHash", identity)
    assert found["blockNumber"] == "0x6"
    again = Asked(fresh, 1)
    assert (
        again.ask("eth_sendRawTransaction", "0x" + raw.hex())["error"]["message"] == "already known"
    )
    assert again.handed == []


@pytest.mark.parametrize(
    "method", ["numen_mine", "evm_mine", "eth_sendTransaction", "eth_sign", "eth_subscribe"]
)
def test_what_needs_keys_or_makes_blocks_is_not_there(near, method):
    assert Asked(near, 1).ask(method)["error"]["code"] == -32601


def test_trust_is_shown_and_explained(near):
    asked = Asked(near, 1)
    trust = asked("numen_getTrust")
    assert trust["name"] == "node-1"
    assert [each["isTrusted"] for each in trust["nodes"]] == [True] * 5
    assert {(edge["isGood"]) for edge in trust["edges"]} == {True}
    found = asked("numen_explainTrust", "node-0", "0x5")
    assert found["isTrusted"]
    assert (found["accepted"], found["applied"]) == (near.body(1).ledger.height, 0)
    assert found["decision"]["treatment"] == "execute"  # too few blocks yet
    assert found["why"][0] == "node-1 trusts node-0"
    assert found["tickets"]
    number = str(found["node"])
    assert asked("numen_explainTrust", number)["name"] == "node-0"
    peers = asked("numen_trustPeers")
    assert peers["isEverybody"]
    assert {each["name"] for each in peers["active"]} == {f"node-{i}" for i in (0, 2, 3, 4)}


@pytest.mark.parametrize("name", ["nobody", "99", "", "x" * 300])
def test_nobody_is_called_so(near, name):
    asked = Asked(near, 1)
    assert "error" in asked.ask("numen_explainTrust", name)
    assert "error" in asked.ask("numen_attest", name)


def test_a_node_looks_at_whom_it_is_asked_to(fresh):
    asked = Asked(fresh, 1)
    assert asked("numen_attest", "node-4") == "node-4"
    fresh.steps(1)
    seen = fresh.watch(1).history(fresh.number(4))
    fresh.steps(2)
    assert fresh.watch(1).history(fresh.number(4)).good > seen.good >> 2
    assert asked.ask("numen_attest", "node-1")["error"]["message"] == "nobody attests itself"


def test_a_lie_is_told(fresh):
    lie = lie_of(fresh.false_block(2))
    fresh.hear(1, 2, Accusation(lie))
    fresh.steps(3)
    asked = Asked(fresh, 1)
    found = asked("numen_explainTrust", "node-0", "0x5")
    assert not found["isTrusted"]
    assert found["lie"] in found["why"][3] + found["why"][4] + found["why"][5]
    assert "its block 2 is false: its state is not what its transactions come to" in found["lie"]
    assert found["decision"]["treatment"] == "execute"
    (shown,) = [each for each in asked("numen_getTrust")["nodes"] if each["name"] == "node-0"]
    assert (shown["isTrusted"], shown["lie"]) == (False, found["lie"])


def test_every_method_is_described():
    document = describe(METHODS)
    assert {each["name"] for each in document["methods"]} == set(METHODS)
    assert all(len(each["summary"].split()) > 2 for each in document["methods"])
