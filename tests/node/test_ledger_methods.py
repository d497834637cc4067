"""What a ledger says of its contracts and its state, and that any request has an answer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ledger.ledger import Ledger
from numen.ledger.state.account import Account
from numen.ledger.state.errors import OpeningError
from numen.ledger.state.opening import Neighbour, Opening, Turn
from numen.ledger.state.state import verify_account, verify_slot
from numen.ledger.world import World
from numen.node.rpc import trees
from numen.node.rpc.ledger_methods import METHODS
from numen.node.rpc.methods import METHODS as DEV_METHODS
from tests.node.ledger_served import AskedLedger, Deployed, compiled
from tests.node.served import ADDRESSES
from tests.node.test_methods import is_described

ANN, BOB = ADDRESSES[:2]


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


# Contracts and proofs. ---


def test_a_contract_says_what_it_is(asked, shop):
    found = asked("numen_getContract", shop.address)

    assert (found["mode"], found["name"]) == ("numen", "Shop")
    entries = {entry["name"]: entry for entry in found["entries"]}
    assert entries["buy"]["isAsync"]
    assert entries["tip"]["isPayable"]
    assert shop.data("buy", 1).startswith(entries["buy"]["selector"])
    assert [each["name"] for each in found["storage"]] == ["token", "price", "bought"]
    assert found["waits"][0]["asks"] == "Token.transferFrom"
    assert asked("numen_getContract", ANN) is None


def test_an_account_and_its_slots_are_shown_under_the_root_of_a_block(asked, token):
    def opened(found):
        near = found["neighbour"]
        return Opening(
            tuple(Turn(t["bit"], bytes.fromhex(t["other"][2:])) for t in found["turns"]),
            near and Neighbour(*(bytes.fromhex(near[n][2:]) for n in ("key", "valueHash"))),
        )

    token.send("transfer", BOB, 5)
    for number in ("0x0", "0x1", "latest"):
        found = asked("numen_getProof", ANN, [], number)
        root = bytes.fromhex(asked("eth_getBlockByNumber", number, False)["stateRoot"][2:])
        account = Account(
            *(int(found[name], 16) for name in ("balance", "nonce", "sequence")),
            bytes.fromhex(found["codeHash"][2:]),
        )
        verify_account(root, bytes.fromhex(ANN[2:]), account, opened(found["opening"]))
    found = asked("numen_getProof", token.address, ["0x0", "0x99"], "latest")
    values = [bytes.fromhex(slot["value"][2:]) for slot in found["slots"]]
    assert values == [(1000).to_bytes(2, "big"), b""]
    for slot, value in zip(found["slots"], values, strict=True):
        arguments = (root, bytes.fromhex(token.address[2:]), bytes.fromhex(slot["key"][2:]))
        verify_slot(*arguments, value, opened(slot["opening"]))
        with pytest.raises(OpeningError):
            verify_slot(*arguments, b"another", opened(slot["opening"]))


# The table, and strangers. ---


@pytest.mark.parametrize("name", sorted(set(METHODS) - set(DEV_METHODS)))
def test_a_method_of_the_ledger_is_described_by_a_sentence(name):
    assert is_described(METHODS[name])


def test_the_description_has_every_method(asked):
    described = asked("rpc.discover")

    assert [each["name"] for each in described["methods"]] == sorted(METHODS)
    assert "numen" in asked("rpc_modules")


NASTY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5)
    | st.sampled_from([ANN, "0x", "latest", "0x" + "00" * 32, "0xffffffffffff", "deadbeef"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["from", "to", "data", "value", "gas", "fromBlock", "address"]), inner,
        max_size=3,
    ),
    max_leaves=6,
)  # fmt: skip


@pytest.fixture(scope="module")
def lasting():
    found = AskedLedger()
    found.create(compiled("erc20"), 1000)
    return found


@settings(max_examples=200)
@given(st.sampled_from(sorted(METHODS)), st.lists(NASTY, max_size=3))
def test_any_parameters_have_an_answer(lasting, method, params):
    answer = lasting.ask(method, *params)

    assert ("result" in answer) != ("error" in answer)
    assert not lasting.reports, json.dumps(params)


def test_another_node_comes_to_the_same_by_taking_blocks(asked, token, shop):
    shop.send("buy", 5)
    other = AskedLedger(automine=False)
    other("eth_sendRawTransaction", asked("eth_getRawTransactionByHash",
          asked("eth_getBlockByNumber", "0x1", False)["transactions"][0]))  # fmt: skip
    for height in range(1, asked.node.ledger.height + 1):
        other.node.take(asked.node.archive.block(height))

    assert other("numen_status") == asked("numen_status")
    assert len(other.node.pool) == 0
    assert Ledger(31337, World(other.kv)).head == asked.node.ledger.head


def test_a_tree_ends_where_it_is_too_much(asked, shop, monkeypatch):
    identity = shop.send("buy", 5)["transactionHash"]
    for name, most in (("BRANCHES_MAX", 2), ("TREE_BYTES_MAX", 40)):
        with monkeypatch.context() as patch:
            patch.setattr(trees, name, most)
            found = asked("numen_getMessageTree", identity)
        assert (len(found["branches"]), found["isWhole"]) == (2, False)
        assert len(asked("numen_getMessageTree", identity)["branches"]) == 3
