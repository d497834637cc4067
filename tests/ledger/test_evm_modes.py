"""One ERC-20 from Solidity's bytecode on the ledger, in both modes, through one suite."""

import json
from pathlib import Path
from typing import Any

import pytest

from numen.base.codec import U256
from numen.evm import abi
from numen.ledger.receipts import Fate, Receipt
from numen.ledger.transactions import Call, Transaction, created_address, sign
from numen.vm.codes import Code, Mode, code_id, write_code
from numen.vm.host import Delivery, Kind
from tests.ledger.town import CHAIN, PEOPLE, Town

ROOT = Path(__file__).parents[2]
CODES = json.loads((ROOT / "bench/contracts/artifacts.json").read_text())["contracts"]
INITCODE = bytes.fromhex(CODES["Token"]["bytecode"].removeprefix("0x"))
ALICE, BOB, CAROL = (key.address for key in PEOPLE)
WORK = 5_000_000


def call(signature: str, *values: Any) -> bytes:
    kinds = signature[signature.index("(") + 1 : -1]
    return abi.selector(signature) + abi.encode(kinds.split(",") if kinds else [], values)


class Token:
    """A token on a ledger, asked by transactions and looked at by views."""

    def __init__(self, mode: Mode, *, is_first: bool = False) -> None:
        self.town = Town()
        self.mode = mode
        self.is_inside = mode == "atomic" and not is_first
        code = write_code(Code(mode, b"" if self.is_inside else INITCODE))
        made = self._publish(code)
        assert made.fate is Fate.DONE, made
        self.home = made.message.target
        self.address = self.home
        if self.is_inside:
            created = self._ask(call("create(bytes)", INITCODE), 0)
            self.address = created.result[12:]
        self.send("initialize(string,string,address,uint256)", "Coin", "C", ALICE, 1000)

    def send(self, signature: str, *values: Any, who: int = 0) -> Receipt:
        data = call(signature, *values)
        if self.is_inside:
            data = call("call(address,bytes)", self.address, data)
        return self._ask(data, who)

    def view(self, signature: str, *values: Any) -> int:
        data = call(signature, *values)
        if self.is_inside:
            data = call("call(address,bytes)", self.address, data)
        cell = self.town.world.cell(self.home)
        service = self.town.world.service(cell.account.code)
        assert service is not None
        told = Delivery(Kind.VIEW, self.home, CAROL, 0, data, WORK, 9, 9, 0)
        outcome = service.handle(told, cell.slots)
        assert outcome.failure is None
        return int.from_bytes(outcome.result, "big")

    def _ask(self, payload: bytes, who: int) -> Receipt:
        made = self.town.block(self.town.calls([(self.home, payload, 0, WORK)], who=who))
        return made.receipts[0]

    def _publish(self, code: bytes) -> Receipt:
        create = Call(b"", U256(0), code_id(code), WORK)
        self.town.nonces[0] += 1
        raw = sign(Transaction(CHAIN, 0, 1, 100, (create,), (code,)), PEOPLE[0])
        made = self.town.block(raw)
        assert not made.refused
        assert made.receipts[0].message.target == created_address(ALICE, 0, 0)
        return made.receipts[0]


@pytest.fixture(params=["evm", "atomic", "first"])
def token(request) -> Token:
    if request.param == "first":
        return Token("atomic", is_first=True)
    return Token(request.param)


def test_the_supply_belongs_to_who_it_was_made_for(token):
    assert token.view("totalSupply()") == 1000
    assert token.view("balanceOf(address)", ALICE) == 1000


def test_a_transfer_moves_and_tells(token):
    done = token.send("transfer(address,uint256)", BOB, 30)

    assert done.fate is Fate.DONE
    assert int.from_bytes(done.result, "big") == 1
    assert done.events[0].topics[0] == abi.keccak256(b"Transfer(address,address,uint256)")
    assert token.view("balanceOf(address)", BOB) == 30
    assert token.view("balanceOf(address)", ALICE) == 970


def test_nobody_sends_what_they_do_not_have(token):
    refused = token.send("transfer(address,uint256)", CAROL, 1, who=1)

    assert refused.fate is Fate.FAILED
    assert refused.failure is not None
    error = "InsufficientBalance(address,uint256,uint256)"
    assert refused.failure.data[:4] == abi.selector(error)


def test_an_allowance_is_used_up(token):
    token.send("approve(address,uint256)", BOB, 50)
    assert (
        token.send("transferFrom(address,address,uint256)", ALICE, CAROL, 40, who=1).failure is None
    )
    assert token.view("allowance(address,address)", ALICE, BOB) == 10
    assert token.send("transferFrom(address,address,uint256)", ALICE, CAROL, 11, who=1).failure
    assert token.view("balanceOf(address)", CAROL) == 40


def test_it_is_set_up_once(token):
    again = token.send("initialize(string,string,address,uint256)", "X", "X", BOB, 5, who=1)
    assert again.failure is not None
    assert again.failure.data[:4] == abi.selector("AlreadyInitialized()")
