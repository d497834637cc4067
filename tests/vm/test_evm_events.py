"""EVM bytecode, event by event: calls become requests, and machines remember nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.evm import abi
from numen.ledger.space import Space
from numen.vm.evm_events import CODE_AT, EvmService
from numen.vm.host import Delivery, Event, Kind, Outcome, Reason, Send
from numen.vm.long_values import long_writes, read_long

ROOT = Path(__file__).parents[2]
TOKEN = json.loads((ROOT / "bench/contracts/artifacts.json").read_text())["contracts"]["Token"]
ALICE, BOB, ME = (bytes([i]) * 20 for i in (0xA1, 0xB0, 0xCC))
ELSEWHERE = b"\xee" * 20
WORK = 5_000_000


def call(signature: str, *values: Any) -> bytes:
    kinds = signature[signature.index("(") + 1 : -1]
    return abi.selector(signature) + abi.encode(kinds.split(",") if kinds else [], values)


class Home:
    """A contract with slots that keep what succeeds."""

    def __init__(
        self, initcode: bytes, arguments: bytes = b"", engine: str = "interpreter"
    ) -> None:
        self.slots: Space[int, int] = Space(0)
        self.service = EvmService(initcode, engine=engine)
        self.balance = 0
        assert self.send(arguments, kind=Kind.CREATE).failure is None

    def send(
        self, payload: bytes, *, sender: bytes = ALICE, value: int = 0,
        kind: Kind = Kind.REQUEST, is_kept: bool = True, work: int = WORK,
    ) -> Outcome:  # fmt: skip
        balance = self.balance + value
        told = Delivery(kind, ME, sender, value, payload, work, 5, 7_000, balance)
        outcome = self.service.handle(told, self.slots)
        if outcome.failure is None and is_kept and kind is not Kind.VIEW:
            self.slots.update(outcome.writes)
            sent = sum(effect.value for effect in outcome.effects if isinstance(effect, Send))
            self.balance = balance - sent
        return outcome


def home(assembly: str) -> Home:
    """A contract that is this code, given as hexadecimal digits."""
    code = bytes.fromhex(assembly.replace(" ", ""))
    initcode = bytes.fromhex("61") + len(code).to_bytes(2, "big") + bytes.fromhex("80600a3d393df3")
    return Home(initcode + code)


def token_of_alice() -> Home:
    token = Home(bytes.fromhex(TOKEN["bytecode"].removeprefix("0x")))
    signature = "initialize(string,string,address,uint256)"
    assert token.send(call(signature, "Coin", "C", ALICE, 1000)).failure is None
    return token


def word(outcome: Outcome) -> int:
    assert outcome.failure is None, outcome.failure
    return int.from_bytes(outcome.result, "big")


def test_a_token_of_solidity_keeps_its_balances():
    token = token_of_alice()
    done = token.send(call("transfer(address,uint256)", BOB, 30))

    assert word(done) == 1
    assert [type(effect) for effect in done.effects] == [Event]
    assert word(token.send(call("balanceOf(address)", BOB), kind=Kind.VIEW)) == 30
    assert word(token.send(call("balanceOf(address)", ALICE), kind=Kind.VIEW)) == 970


def test_what_the_ledger_did_not_want_did_not_happen():
    token = token_of_alice()
    token.send(call("transfer(address,uint256)", BOB, 30), is_kept=False)
    assert word(token.send(call("balanceOf(address)", BOB), kind=Kind.VIEW)) == 0

    token.send(call("transfer(address,uint256)", BOB, 30))
    token.slots.abandon()
    gone = token.send(call("balanceOf(address)", BOB), kind=Kind.VIEW)
    assert gone.failure is not None
    assert gone.failure.reason is Reason.ABSENT  # even the code came with the block


def test_a_refusal_brings_its_error():
    token = token_of_alice()
    refused = token.send(call("transfer(address,uint256)", ALICE, 30), sender=BOB)

    assert refused.failure is not None
    assert refused.failure.reason is Reason.REVERTED
    assert not refused.writes
    assert not refused.effects


CALL_ELSEWHERE = "6000 6000 6004 6000 6007 73" + ELSEWHERE.hex() + "5a f1"
"""CALL with 7 coins and four bytes of memory; leaves its success on the stack."""


def test_a_call_is_a_request_and_gives_nothing_back():
    contract = home(CALL_ELSEWHERE + "3d 01 6000 52 6020 6000 f3")
    done = contract.send(b"", value=10)

    assert word(done) == 1  # it was taken; RETURNDATASIZE is 0
    assert done.effects == (Send(ELSEWHERE, 7, bytes(4), 0),)
    assert contract.balance == 3


def test_a_call_in_a_frame_that_reverts_is_not_sent():
    contract = home(CALL_ELSEWHERE + "6000 6000 fd")
    done = contract.send(b"", value=10)

    assert done.failure is not None
    assert done.effects == ()


def test_a_static_call_fails_and_sends_nothing():
    contract = home("6000 6000 6000 6000 73" + ELSEWHERE.hex() + "5a fa 6000 52 6020 6000 f3")
    done = contract.send(b"")

    assert word(done) == 0
    assert done.effects == ()


@pytest.mark.parametrize("opcode", ["f4", "f2"])
def test_nobodys_code_runs_on_the_storage_of_another(opcode):
    value = "6000" if opcode == "f2" else ""
    contract = home(f"6000 6000 6000 6000 {value} 73" + ELSEWHERE.hex() + f"5a {opcode} 00")
    done = contract.send(b"")

    assert done.failure is not None
    assert "storage" in done.failure.detail


def test_coins_that_leave_by_selfdestruct_are_sent():
    contract = home("73" + ELSEWHERE.hex() + "ff")
    done = contract.send(b"", value=9)

    assert done.effects == (Send(ELSEWHERE, 9, b"", 0),)


def test_a_contract_makes_no_other():
    contract = home("6000 6000 6000 f0 00")
    made_nothing = contract.send(b"")
    assert made_nothing.failure is None  # a contract without code is none

    contract = home("600160005360016000 6000 f0 00")
    assert contract.send(b"").effects == ()


def test_other_balances_read_the_same_however_often_they_were_paid():
    """A machine that is kept and one that is new must see alike."""
    contract = home(CALL_ELSEWHERE + "50 73" + ELSEWHERE.hex() + "31 6000 52 6020 6000 f3")
    first = contract.send(b"", value=20)
    again = contract.send(b"", value=20)

    assert word(first) == word(again) == 7


def test_work_is_gas():
    contract = home("6001 6002 01 6000 55 00")
    done = contract.send(b"")

    assert done.work == 3 + 3 + 3 + 3 + 22_100
    assert contract.send(b"", work=2_000).failure is not None


def test_a_view_changes_nothing():
    contract = home("6001 6000 55 00")
    assert contract.send(b"", kind=Kind.VIEW).failure is not None


@given(st.binary(max_size=100))
def test_code_is_kept_in_slots(code):
    slots: Space[int, int] = Space(0)
    slots.update(long_writes(CODE_AT, code))
    assert read_long(slots, CODE_AT) == code
