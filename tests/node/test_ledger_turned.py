"""What a test turns on a ledger in memory, and what one on disk refuses."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from numen.ledger import ethereum, unsigned
from numen.ledger.state.scratch import ScratchKV
from numen.ledger.transactions import BadTransactionError
from numen.node.rpc.absent import METHODS as ABSENT
from numen.node.rpc.controls import PLAYED
from numen.node.rpc.ledger_methods import METHODS
from tests.node.ledger_served import AskedLedger, Deployed, compiled
from tests.node.served import ADDRESSES, ETHER

ANN, BOB, CLEO = ADDRESSES[:3]
STRANGER = "0x" + "ab" * 20


@pytest.fixture
def asked():
    found = AskedLedger(ScratchKV())
    yield found
    assert not found.reports


@pytest.fixture
def token(asked) -> Deployed:
    return asked.create(compiled("erc20"), 1000)


def time_of(asked, block="latest"):
    return int(asked("eth_getBlockByNumber", block, False)["timestamp"], 16)


# The way back. ---


def test_a_snapshot_brings_back_state_blocks_logs_waiting_and_time(asked, token):
    asked("evm_setAutomine", False)
    waiting = asked("eth_sendTransaction", {"from": CLEO, "to": BOB, "value": "0x1"})
    before = asked("numen_status")
    number = asked("evm_snapshot")
    asked("evm_setAutomine", True)
    asked("evm_increaseTime", 10_000)
    sent = token.send("transfer", BOB, 5)
    assert (token.call("balanceOf", BOB), len(asked("eth_getLogs", {"fromBlock": "0x0"}))) == (5, 2)
    assert asked("evm_revert", number) is True

    assert asked("numen_status") == before
    assert token.call("balanceOf", BOB) == 0
    assert len(asked("eth_getLogs", {"fromBlock": "0x0"})) == 1
    assert asked("eth_getTransactionReceipt", sent["transactionHash"]) is None
    assert asked("numen_getMessageTree", _created(asked))["isWhole"]
    assert asked("txpool_status") == {"pending": "0x1", "queued": "0x0"}
    assert asked("evm_revert", number) is False
    asked("evm_mine")
    assert asked("eth_getTransactionReceipt", waiting)["status"] == "0x1"


def _created(asked):
    return asked("eth_getBlockByNumber", "0x1", False)["transactions"][0]


@pytest.mark.judges
def test_a_contract_that_ran_behind_a_snapshot_knows_nothing_of_it(asked):
    """Engines keep what they wrote; the way back makes them read again."""
    vyper = pytest.importorskip("vyper", reason="vyper is not installed")
    source = "n: public(uint256)\n\n@external\ndef up():\n    self.n += 1\n"
    made = vyper.compile_code(source, output_formats=["abi", "bytecode"])
    receipt = asked.send(data=made["bytecode"])
    counter = Deployed(asked, receipt["contractAddress"], made["abi"])
    counter.send("up")
    number = asked("evm_snapshot")
    counter.send("up")
    counter.send("up")
    asked("evm_revert", number)
    counter.send("up")

    assert counter.call("n") == 2
    asked("hardhat_setStorageAt", counter.address, "0x0", f"0x{40:064x}")
    counter.send("up")
    assert counter.call("n") == 41


class Turning(RuleBasedStateMachine):
    """Blocks, snapshots and ways back in any order come to what a ledger without them comes to."""

    @initialize()
    def begin(self):
        self.asked = AskedLedger(ScratchKV())
        self.token = self.asked.create(compiled("erc20"), 1000)
        self.shop = self.asked.create(compiled("shop"), self.token.address, 3)
        self.token.send("approve", self.shop, 1000)
        self.snapshots = []
        self.bought = self.given = 0

    @rule(count=st.integers(1, 9))
    def buy(self, count):
        self.shop.send("buy", count)
        self.bought += count

    @rule()
    def give(self):
        balance = int(self.asked("eth_getBalance", STRANGER, "latest"), 16)
        self.asked("hardhat_setBalance", STRANGER, hex(balance + 1))
        self.given += 1

    @precondition(lambda self: len(self.snapshots) < 5)
    @rule()
    def snapshot(self):
        self.snapshots.append((self.asked("evm_snapshot"), self.bought, self.given, self.seen()))

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def revert(self, data):
        at = data.draw(st.integers(0, len(self.snapshots) - 1))
        number, self.bought, self.given, seen = self.snapshots[at]
        assert self.asked("evm_revert", number)
        del self.snapshots[at:]
        assert self.seen() == seen

    def seen(self):
        return self.asked("numen_status"), self.asked("eth_getLogs", {"fromBlock": "0x0"})

    @invariant()
    def the_books_agree(self):
        assert self.shop.call("bought_by", ANN) == self.bought
        assert self.token.call("balanceOf", self.shop) == 3 * self.bought
        assert int(self.asked("eth_getBalance", STRANGER, "latest"), 16) == self.given
        assert not self.asked.reports


TestTurning = Turning.TestCase
TestTurning.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)


# Time. ---


def test_time_goes_where_a_test_wants_it_and_timers_run_with_blocks(asked):
    ticker = asked.create(compiled("ticker"))
    ticker.send("start", value=hex(ETHER))
    begun = time_of(asked)
    assert time_of(asked, "0x0") == asked.now_s
    assert asked("evm_increaseTime", 3600) == 3600
    asked("evm_mine")
    assert time_of(asked) == begun + 3600
    asked("evm_setNextBlockTimestamp", begun + 10**6)
    asked("evm_mine")
    assert time_of(asked) == begun + 10**6
    asked("hardhat_mine", "0x5", "0x3c")
    assert time_of(asked) == begun + 10**6 + 4 * 60
    asked("evm_mine")
    assert time_of(asked) == begun + 10**6 + 4 * 60
    assert ticker.call("ticks") == 8
    assert "not later" in asked.fault("evm_setNextBlockTimestamp", begun)[1]


# Who acts. ---


def test_anybody_is_impersonated_and_the_block_says_so(asked, token):
    asked("hardhat_setBalance", token.address, hex(ETHER))
    form = {"from": token.address, "to": BOB, "value": "0x5"}
    assert "no key" in asked.fault("eth_sendTransaction", form)[1]
    asked("hardhat_impersonateAccount", token.address)
    receipt = asked.send(**form)

    assert (receipt["status"], receipt["from"]) == ("0x1", token.address)
    found = asked("eth_getTransactionByHash", receipt["transactionHash"])
    assert (found["from"], found["nonce"], found["value"]) == (token.address, "0x0", "0x5")
    assert asked("hardhat_stopImpersonatingAccount", token.address) is True
    assert "no key" in asked.fault("eth_sendTransaction", form)[1]


def test_a_transaction_that_nobody_signed_is_refused_from_outside_and_by_other_ledgers(asked):
    asked("anvil_autoImpersonateAccount", True)
    receipt = asked.send(**{"from": STRANGER, "to": BOB, "value": "0x0"})
    raw = asked("eth_getRawTransactionByHash", receipt["transactionHash"])

    assert bytes.fromhex(raw[2:])[:1] == unsigned.MARK
    assert asked.ask("eth_sendRawTransaction", raw)["error"]["code"] == -32000
    with pytest.raises(BadTransactionError):
        ethereum.admit(bytes.fromhex(raw[2:]), 31337)
    with pytest.raises(BadTransactionError, match="for chain"):
        unsigned.admit(bytes.fromhex(raw[2:]), 1)
    block = asked.node.archive.block(1)
    with pytest.raises(Exception, match="transaction 0"):
        AskedLedger().node.take(block)


@pytest.mark.parametrize("raw", [b"", b"\x7e", b"\x7e" + bytes(20), b"\x7e" + bytes(40),
                                 b"\x7e" + bytes(1 << 20)])  # fmt: skip
def test_bytes_that_are_no_such_transaction_are_refused(raw):
    with pytest.raises(BadTransactionError):
        unsigned.read(raw)


# By hand. ---


def test_what_is_put_by_hand_is_seen_from_the_present_block_on(asked, token):
    height = asked("eth_blockNumber")
    asked("hardhat_setBalance", STRANGER, "0x5")
    asked("hardhat_setNonce", STRANGER, "0x9")
    asked("evm_mine")
    asked("hardhat_setBalance", STRANGER, "0x6")

    assert asked("eth_getBalance", STRANGER, "0x0") == "0x0"
    assert asked("eth_getBalance", STRANGER, height) == "0x5"
    assert asked("eth_getBalance", STRANGER, "latest") == "0x6"
    assert asked("eth_getTransactionCount", STRANGER, "latest") == "0x9"
    token.send("transfer", BOB, 5)
    assert token.call("balanceOf", BOB) == 5


def test_code_and_slots_are_put_by_hand_in_every_mode(asked, token):
    runtime = "0x60075f5260205ff3"  # gives 7
    asked("hardhat_setCode", STRANGER, runtime)
    assert asked("eth_getCode", STRANGER, "latest") == runtime
    assert int(asked("eth_call", {"to": STRANGER}, "latest"), 16) == 7
    copy = "0x" + "cd" * 20
    asked("hardhat_setCode", copy, asked("eth_getCode", token.address, "latest"))
    asked("hardhat_setStorageAt", copy, "0x0", f"0x{77:064x}")
    assert Deployed(asked, copy, token.abi).call("totalSupply") == 77
    assert token.call("totalSupply") == 1000
    asked("hardhat_setCode", STRANGER, "0x")
    assert asked("eth_getCode", STRANGER, "latest") == "0x"


# What is refused. ---


def test_a_ledger_on_disk_refuses_to_be_turned():
    asked = AskedLedger()
    calls = {
        "evm_snapshot": (), "evm_revert": ("0x0",), "evm_increaseTime": (1,), "evm_setTime": (1,),
        "evm_setNextBlockTimestamp": (2_000_000_000,), "hardhat_impersonateAccount": (ANN,),
        "anvil_autoImpersonateAccount": (True,), "hardhat_setBalance": (ANN, "0x1"),
        "hardhat_setNonce": (ANN, "0x1"), "hardhat_setCode": (ANN, "0x00"), "hardhat_reset": (),
        "hardhat_setStorageAt": (ANN, "0x0", "0x" + "00" * 32), "evm_setAutomine": (False,),
        "anvil_dropAllTransactions": (), "evm_setIntervalMining": (5,),
    }  # fmt: skip
    before = asked("numen_status")
    for method, params in calls.items():
        code, message = asked.fault(method, *params)
        assert (code, "kept on disk" in message) == (-32000, True), method
    assert asked("numen_status") == before
    asked("evm_mine")
    asked("hardhat_mine", "0x2")
    assert asked("eth_blockNumber") == "0x3"
    assert not asked.reports


@pytest.mark.parametrize("method", [each.name for each in ABSENT])
def test_what_a_ledger_has_not_is_told_with_the_reason(asked, method):
    code, message = asked.fault(method, "0x1")

    assert code == -32000
    assert message.startswith("not on a ledger: ")


def test_all_that_is_turned_on_a_chain_of_ethereum_is_answered():
    assert {each.name for each in PLAYED} <= set(METHODS)
