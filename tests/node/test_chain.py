"""Blocks, states, and the way back."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from numen.base.crypto import keccak256
from numen.evm import rlp
from numen.evm.state import State
from tests.node.served import ADDRESSES, ETHER, Asked

COUNTER = bytes.fromhex("5f5460010180 5f55 5f52 60205ff3".replace(" ", ""))
"""Counts its slot 0 up, and gives it."""


def test_a_block_is_named_by_the_hash_of_its_header():
    node = Asked()
    node.send(to=ADDRESSES[1], value="0x5")

    block = node("eth_getBlockByNumber", "latest", False)
    raw = bytes.fromhex(node("debug_getRawHeader", "latest")[2:])

    assert "0x" + keccak256(raw).hex() == block["hash"]
    assert rlp.decode(bytes.fromhex(node("debug_getRawBlock", "latest")[2:]))[0] == rlp.decode(raw)
    assert block["parentHash"] == node("eth_getBlockByNumber", "0x0", False)["hash"]


def test_calls_on_older_blocks_see_the_state_of_then():
    node = Asked()
    counter = node.deploy(COUNTER)
    for _ in range(5):
        node.send(to=counter)

    seen = [int(node("eth_call", {"to": counter}, hex(n)), 16) for n in range(1, 7)]
    slots = [int(node("eth_getStorageAt", counter, "0x0", hex(n)), 16) for n in range(7)]

    assert seen == [1, 2, 3, 4, 5, 6]
    assert slots == [0, 0, 1, 2, 3, 4, 5]
    assert int(node("eth_call", {"to": counter}), 16) == 6


def test_a_change_by_hand_holds_from_now_on_and_not_before():
    node = Asked()
    node.send(to=ADDRESSES[1])
    node("anvil_setBalance", ADDRESSES[5], "0x7")

    assert node("eth_getBalance", ADDRESSES[5], "latest") == "0x7"
    node("evm_mine")

    assert node("eth_getBalance", ADDRESSES[5], "0x2") == "0x7"
    assert int(node("eth_getBalance", ADDRESSES[5], "0x1"), 16) == 10_000 * ETHER


def test_transactions_of_a_block_come_by_tip_and_by_nonce():
    node = Asked()
    node("evm_setAutomine", False)
    tips = [(0, 1), (1, 5), (0, 9), (2, 3)]
    for sender, tip in tips:
        fees = {"maxFeePerGas": hex(10**10), "maxPriorityFeePerGas": hex(tip)}
        node("eth_sendTransaction", {"from": ADDRESSES[sender], "to": ADDRESSES[9], **fees})

    node("evm_mine")
    block = node("eth_getBlockByNumber", "latest", True)

    order = [(t["from"], int(t["maxPriorityFeePerGas"], 16)) for t in block["transactions"]]
    assert order == [(ADDRESSES[i], tip) for i, tip in [(1, 5), (2, 3), (0, 1), (0, 9)]]


def test_a_transaction_behind_a_gap_waits():
    node = Asked()
    hash_ = node("eth_sendTransaction", {"from": ADDRESSES[0], "to": ADDRESSES[1], "nonce": "0x1"})

    assert node("eth_getTransactionReceipt", hash_) is None
    assert node("txpool_status") == {"pending": "0x0", "queued": "0x1"}
    node.send(to=ADDRESSES[1], nonce="0x0")
    node("evm_mine")

    assert node("eth_getTransactionReceipt", hash_)["status"] == "0x1"


def test_a_replacement_pays_a_tenth_more():
    node = Asked()
    node("evm_setAutomine", False)
    form = {"from": ADDRESSES[0], "to": ADDRESSES[1], "nonce": "0x0", "gas": "0x5208"}
    node("eth_sendTransaction", {**form, "gasPrice": hex(10**10)})

    assert node.fault("eth_sendTransaction", {**form, "gasPrice": hex(10**10 + 1)}) == (
        -32000, "replacement transaction underpriced",
    )  # fmt: skip
    better = node("eth_sendTransaction", {**form, "gasPrice": hex(11 * 10**9)})
    node("evm_mine")

    assert node("eth_getBlockByNumber", "latest", False)["transactions"] == [better]


def test_the_pending_block_has_what_waits():
    node = Asked()
    counter = node.deploy(COUNTER)
    node("evm_setAutomine", False)
    for _ in range(3):
        node("eth_sendTransaction", {"from": ADDRESSES[0], "to": counter, "gas": "0x186a0"})

    assert int(node("eth_call", {"to": counter}, "pending"), 16) == 4
    assert int(node("eth_call", {"to": counter}, "latest"), 16) == 1
    assert int(node("eth_getStorageAt", counter, "0x0", "pending"), 16) == 3
    assert node("eth_getTransactionCount", ADDRESSES[0], "pending") == "0x4"
    assert node("eth_getTransactionCount", ADDRESSES[0], "latest") == "0x1"
    block = node("eth_getBlockByNumber", "pending", True)
    assert (block["hash"], block["number"], len(block["transactions"])) == (None, "0x2", 3)


@pytest.mark.parametrize("fork", ["frontier", "berlin", "london", "shanghai", "cancun", "osaka"])
def test_a_chain_of_another_fork_has_its_blocks(fork):
    node = Asked(fork=fork)

    receipt = node.send(to=ADDRESSES[1], value="0x1")
    block = node("eth_getBlockByNumber", "latest", True)

    assert receipt["status"] == "0x1"
    assert ("baseFeePerGas" in block) == (fork not in {"frontier", "berlin"})
    assert ("withdrawals" in block) == (fork in {"shanghai", "cancun", "osaka"})
    assert ("blobGasUsed" in block) == (fork in {"cancun", "osaka"})


@settings(max_examples=25, stateful_step_count=15)
class Travels(RuleBasedStateMachine):
    """Snapshots and returns, against what was seen when they were made."""

    snapshots = Bundle("snapshots")

    def __init__(self):
        super().__init__()
        self.node = Asked()
        self.counter = self.node.deploy(COUNTER)
        self.kept = {}

    def seen(self):
        node = self.node
        return (
            node("eth_getBlockByNumber", "latest", False)["number"],
            node("eth_getStorageAt", self.counter, "0x0"),
            [node("eth_getBalance", address) for address in ADDRESSES[:3]],
            node("txpool_status"),
            node("eth_getProof", self.counter, ["0x0"])["storageHash"],
        )

    @rule(target=snapshots)
    def snapshot(self):
        number = self.node("evm_snapshot")
        self.kept[number] = self.seen()
        return number

    @rule(number=snapshots)
    def revert(self, number):
        there = number in self.kept
        expected = self.kept.get(number)
        assert self.node("evm_revert", number) is there
        if there:
            assert self.seen() == expected
            self.kept = {n: s for n, s in self.kept.items() if int(n, 16) < int(number, 16)}

    @rule()
    def count(self):
        self.node("eth_sendTransaction", {"from": ADDRESSES[0], "to": self.counter})

    @rule(wei=st.integers(0, 5))
    def give(self, wei):
        self.node("hardhat_setBalance", ADDRESSES[1], hex(wei))

    @rule(wei=st.integers(0, 5), block=st.sampled_from(["latest", "pending", "earliest"]))
    def try_(self, wei, block):
        form = {"from": ADDRESSES[0], "to": self.counter}
        made_up = {self.counter: {"state": {"0x0": "0x9"}}, ADDRESSES[1]: {"balance": hex(wei)}}
        self.node("eth_call", form, block, made_up)
        self.node("eth_estimateGas", form, block, made_up)
        self.node("eth_createAccessList", form, block)
        self.node("debug_traceCall", form, block, {"stateOverrides": made_up})
        self.node("eth_call", {"from": ADDRESSES[0], "data": "0x5f5ffd00"[:4]}, block)

    @rule(automine=st.booleans())
    def switch(self, automine):
        self.node("evm_setAutomine", automine)

    @rule(blocks=st.integers(0, 3))
    def mine(self, blocks):
        self.node("anvil_mine", hex(blocks), "0xa")

    @invariant()
    def the_chain_hangs_together(self):
        chain = self.node.node.chain
        for parent, child in zip(chain.blocks, chain.blocks[1:], strict=False):
            assert child.header.parent_hash == parent.hash
            assert child.block.timestamp > parent.block.timestamp
        fresh = State(dict(chain.state.accounts))
        assert chain.state.root() == fresh.root()
        present = chain.history.at(chain.history.moment)
        for address in [bytes.fromhex(each[2:]) for each in (*ADDRESSES[:3], self.counter)]:
            assert present.account(address) == chain.state.account(address)
            assert (present.account(address) or (0, 0, b"")) == self.machine_says(address)
            assert present.slot(address, 0) == chain.machine.storage(address, 0)

    def machine_says(self, address):
        machine = self.node.node.chain.machine
        return machine.nonce(address), machine.balance(address), machine.code(address)


test_travels = Travels.TestCase


@given(st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=10)
def test_time_moves_as_it_is_told(ahead, later):
    node = Asked()
    node("evm_increaseTime", ahead)
    node("evm_mine")
    first = int(node("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    node("evm_setNextBlockTimestamp", hex(first + 1 + later))
    node("evm_mine")
    second = int(node("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    node.now_s += 10
    node("evm_mine")
    third = int(node("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    assert first == max(node.now_s - 10 + ahead, 1_800_000_001)
    assert (second, third) == (first + 1 + later, first + 1 + later + 10)
    code, message = node.fault("evm_setNextBlockTimestamp", hex(third))
    assert code == -32000
    assert "not later" in message


@pytest.mark.parametrize(("seconds", "apart"), [(0, 1), (1, 1), (60, 60)])
def test_blocks_come_at_an_interval_of_time(seconds, apart):
    node = Asked()
    node("anvil_setBlockTimestampInterval", seconds)
    node("anvil_mine", 3)

    times = [each.block.timestamp for each in node.node.chain.blocks]

    assert [b - a for a, b in itertools.pairwise(times)] == [apart] * 3
    assert node("anvil_removeBlockTimestampInterval") is True
    assert node("anvil_removeBlockTimestampInterval") is False
