"""A development chain as it is shown: its blocks, who called whom, what was taken back."""

import asyncio
import json

import msgspec
import pytest

from numen.watch.chain import ChainShownError, ChainSource
from numen.watch.market import About
from tests.node.served import ADDRESSES, ETHER, Asked
from tests.watch.test_metrics import of, read
from tests.watch.test_terminal import state_of, text

ABOUT = About("ledger", "chain", "chain")
CALLS_TWO = bytes.fromhex("5f5f5f5f5f600161fffff15f5f5f5f5f600261fffff15000")
"""Calls the precompiles 1 and 2."""


@pytest.fixture
def asked():
    made = Asked()
    made.send(to=ADDRESSES[1], value=hex(ETHER))
    made.send(to=made.deploy(CALLS_TWO), data="0xa9059cbb", gas="0x30000")
    made.send(to=made.deploy(bytes.fromhex("5f5ffd")), gas="0x30000")
    return made


def test_transactions_are_counted_and_drawn_with_their_calls(asked):
    shown = ChainSource(ABOUT, asked.node).sections()

    assert shown["ledger"]["transactions"] == sum(b.transactions for b in shown["blocks"]) == 5
    assert shown["ledger"]["states"] == {"done": 4, "failed": 1}
    assert shown["ledger"]["work"] == sum(
        int(asked("eth_getBlockByNumber", hex(number), False)["gasUsed"], 16)
        for number in range(1, 6)
    )
    failed, _, called, _, paid = shown["trees"]
    assert [(each["depth"], each["to"]) for each in called["branches"]][1:] == [
        (1, "0x1"),
        (1, "0x2"),
    ]
    assert failed["branches"][0]["failure"] == "execution reverted"
    assert paid["branches"][0]["call"] == "1 ether"
    assert all(tree["is_whole"] for tree in shown["trees"])
    assert json.loads(msgspec.json.encode(shown))


def test_what_is_taken_back_is_not_counted_any_more(asked):
    source = ChainSource(ABOUT, asked.node)
    snapshot, before = asked("evm_snapshot"), source.sections()
    asked.send(to=ADDRESSES[1], value="0x1")
    assert source.sections()["ledger"]["transactions"] == 6
    asked("evm_revert", snapshot)
    assert source.sections() == before


def test_a_transaction_is_found_by_its_beginning_and_told(asked):
    source = ChainSource(ABOUT, asked.node)
    failed = source.sections()["trees"][0]
    said = asyncio.run(source.explained(failed["id"][:12]))

    assert said[0] == f"Transaction 0x{failed['id']}"
    assert "failed, execution reverted" in said[1]
    assert asyncio.run(source.tree(f"0x{failed['id']}")) == failed
    for nothing in ("ffffffff", "", "0x", "zz"):
        with pytest.raises(ChainShownError):
            asyncio.run(source.tree(nothing))


def test_its_numbers_are_those_of_its_blocks(asked):
    found = read(ChainSource(ABOUT, asked.node).metrics())
    assert of(found, "numen_chain_height") == 5
    assert of(found, "numen_chain_transactions_total", fate="failed") == 1


def test_a_terminal_speaks_of_gas(asked):
    said = text(state_of(ChainSource(ABOUT, asked.node)))
    assert "gas" in said
    assert "messages" not in said
    assert "failed, execution reverted" in said
