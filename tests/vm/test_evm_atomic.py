"""A synchronous EVM in one contract's slots: the same as the EVM alone, message by message."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.evm import abi
from numen.ledger.space import Space
from numen.vm.evm_atomic import AtomicService
from numen.vm.host import Delivery, Kind, Outcome, Reason, Send

ROOT = Path(__file__).parents[2]
CODES = json.loads((ROOT / "bench/contracts/artifacts.json").read_text())["contracts"]
ALICE, BOB, HOME = (bytes([i]) * 20 for i in (0xA1, 0xB0, 0xCC))


def code(name: str) -> bytes:
    return bytes.fromhex(CODES[name]["bytecode"].removeprefix("0x"))


def call(signature: str, *values: Any) -> bytes:
    kinds = signature[signature.index("(") + 1 : -1]
    return abi.selector(signature) + abi.encode(kinds.split(",") if kinds else [], values)


class Shard:
    """An atomic service and the slots that the ledger would keep."""

    def __init__(self, engine: str = "interpreter") -> None:
        self.slots: Space[int, int] = Space(0)
        self.service = AtomicService(engine=engine)

    def send(
        self, payload: bytes, *, sender: bytes = ALICE, value: int = 0,
        kind: Kind = Kind.REQUEST, is_kept: bool = True,
    ) -> Outcome:  # fmt: skip
        told = Delivery(kind, HOME, sender, value, payload, 5_000_000, 5, 7_000, value)
        outcome = self.service.handle(told, self.slots)
        if outcome.failure is None and is_kept and kind is not Kind.VIEW:
            self.slots.update(outcome.writes)
        return outcome

    def create(self, initcode: bytes) -> bytes:
        made = self.send(call("create(bytes)", initcode))
        assert made.failure is None, made.failure
        return made.result[12:]

    def call(self, to: bytes, data: bytes, **how: Any) -> Outcome:
        return self.send(call("call(address,bytes)", to, data), **how)


@pytest.fixture
def shard() -> Shard:
    return Shard()


def token_on(shard: Shard) -> bytes:
    token = shard.create(code("Token"))
    signature = "initialize(string,string,address,uint256)"
    assert shard.call(token, call(signature, "Coin", "C", ALICE, 1000)).failure is None
    return token


def balance(shard: Shard, token: bytes, owner: bytes) -> int:
    found = shard.call(token, call("balanceOf(address)", owner), kind=Kind.VIEW)
    assert found.failure is None
    return int.from_bytes(found.result, "big")


def test_contracts_call_each_other_in_one_message(shard):
    token = token_on(shard)
    payroll = shard.create(code("Payroll"))
    shard.call(token, call("transfer(address,uint256)", payroll, 500))
    done = shard.call(payroll, call("pay(address,uint160,uint256,uint256)", token, 1000, 4, 25))

    assert int.from_bytes(done.result, "big") == 400
    assert [balance(shard, token, (1000 + i).to_bytes(20, "big")) for i in range(5)] == [25] * 4 + [
        0
    ]


def test_a_failure_in_the_middle_undoes_all(shard):
    token = token_on(shard)
    payroll = shard.create(code("Payroll"))
    shard.call(token, call("transfer(address,uint256)", payroll, 60))
    done = shard.call(payroll, call("pay(address,uint160,uint256,uint256)", token, 1000, 4, 25))

    assert done.failure is not None
    assert done.failure.reason is Reason.REVERTED
    assert balance(shard, token, (1000).to_bytes(20, "big")) == 0
    assert balance(shard, token, payroll) == 60


@given(st.lists(st.tuples(st.sampled_from([ALICE, BOB]), st.integers(0, 1200)), max_size=6))
def test_engines_come_to_the_same(transfers):
    """The reference reads as the specification, and the state tests hold both."""
    native, readable = Shard("interpreter"), Shard("reference")
    tokens = token_on(native), token_on(readable)
    assert tokens[0] == tokens[1]
    for who, amount in transfers:
        data = call("transfer(address,uint256)", BOB, amount)
        outcomes = [shard.call(tokens[0], data, sender=who) for shard in (native, readable)]
        assert outcomes[0] == outcomes[1]


def test_what_the_ledger_did_not_want_did_not_happen(shard):
    token = token_on(shard)
    shard.call(token, call("transfer(address,uint256)", BOB, 30), is_kept=False)
    assert balance(shard, token, BOB) == 0

    shard.call(token, call("transfer(address,uint256)", BOB, 30))
    assert balance(shard, token, BOB) == 30
    shard.slots.abandon()
    assert not shard.call(token, call("balanceOf(address)", BOB), kind=Kind.VIEW).result


def test_a_machine_that_is_new_sees_what_one_that_is_kept_sees(shard):
    token = token_on(shard)
    shard.call(token, call("transfer(address,uint256)", BOB, 30))
    shard.service = AtomicService(engine="reference")
    assert balance(shard, token, BOB) == 30
    done = shard.call(token, call("transfer(address,uint256)", BOB, 1))
    assert done.failure is None
    assert balance(shard, token, BOB) == 31


def test_coins_go_in_with_a_call_and_come_out_by_withdrawal(shard):
    shard.call(BOB, b"", value=9)
    short = shard.send(call("withdraw(uint256)", 10), sender=BOB)
    assert short.failure is not None
    assert "9 coins" in short.failure.detail

    out = shard.send(call("withdraw(uint256)", 4), sender=BOB)
    assert out.effects == (Send(BOB, 4, b"", 0),)
    rest = shard.send(call("withdraw(uint256)", 6), sender=BOB, value=1)
    assert rest.effects == (Send(BOB, 6, b"", 0),)


def test_coins_of_a_failed_call_are_nowhere_in_here(shard):
    token = token_on(shard)
    refused = shard.call(token, call("transfer(address,uint256)", BOB, 1), value=5)
    assert refused.failure is not None  # the function takes no coins
    out = shard.send(call("withdraw(uint256)", 5))
    assert out.failure is not None


@pytest.mark.parametrize(
    "payload", [b"", b"\x01\x02\x03\x04", call("call(address,bytes)", BOB, b"")[:40]]
)
def test_what_is_no_call_is_refused(shard, payload):
    refused = shard.send(payload)
    assert refused.failure is not None
    assert refused.failure.reason is Reason.ABSENT
