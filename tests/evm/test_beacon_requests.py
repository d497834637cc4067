"""What a block asks of the beacon chain, and blocks that cannot be."""

import json

import pytest

from numen.base.crypto import keccak256
from numen.evm import alloc, t8nfiles
from numen.evm.beacon_requests import DEPOSIT_CONTRACT, deposits
from numen.evm.forks import fork
from numen.evm.message import Log
from numen.evm.readers import parse
from numen.evm.state import State
from numen.evm.system import WITHDRAWAL_REQUESTS, InvalidBlockError
from numen.evm.t8n import transition
from tests.evm import blocks

TOPIC = keccak256(b"DepositEvent(bytes,bytes,bytes,bytes,bytes)")
DEPOSIT = b"".join(bytes(range(size)) for size in (48, 32, 8, 96, 8))


def test_deposits_are_joined_in_order_without_their_encoding():
    event = Log(DEPOSIT_CONTRACT, (TOPIC,), blocks.deposit_event())
    other = [
        Log(bytes(20), (TOPIC,), b"not the contract's"),
        Log(DEPOSIT_CONTRACT, (bytes(32),), b"no deposit"),
        Log(DEPOSIT_CONTRACT, (), b"no deposit"),
    ]

    assert deposits([*other, event, event]) == DEPOSIT + DEPOSIT


@pytest.mark.parametrize("at", [31, 63, 95, 127, 159, 191, 287, 351, 415, 543])
def test_a_deposit_with_another_layout_makes_the_block_invalid(at):
    data = bytearray(blocks.deposit_event())
    data[at] ^= 1

    with pytest.raises(InvalidBlockError):
        deposits([Log(DEPOSIT_CONTRACT, (TOPIC,), bytes(data))])


@pytest.mark.parametrize("size", [0, 160, 575, 577, 10_000])
def test_a_deposit_of_another_length_makes_the_block_invalid(size):
    data = blocks.deposit_event().ljust(size, b"\0")[:size]

    with pytest.raises(InvalidBlockError):
        deposits([Log(DEPOSIT_CONTRACT, (TOPIC,), data)])


@pytest.mark.parametrize("code", [None, "0xfe"])
def test_a_block_needs_its_system_contracts(code):
    given = blocks.block(fork("prague"), 1)
    address = "0x" + WITHDRAWAL_REQUESTS.hex()
    if code is None:
        del given["alloc"][address]
    else:
        given["alloc"][address]["code"] = code
    together = parse(json.dumps(given), t8nfiles.Together, "test")
    state = State(alloc.accounts(together.alloc, "test"))
    read = t8nfiles.read(fork("prague"), together.env, together.txs)

    made = transition(state, read, "reference")

    assert made.requests == ()
    assert t8nfiles.result(read, made)["blockException"] == (
        f"system contract {address} is missing or failed"
    )
