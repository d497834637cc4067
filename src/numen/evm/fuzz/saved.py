"""Cases as files: the form of state tests, with a plain message in place of the transaction.

    {"name": "...", "env": {"currentNumber": "0x1", ...}, "pre": {"0x...": {"balance": "0x0",
     "nonce": "0x0", "code": "0x", "storage": {"0x0": "0x1"}}}, "sender": "0x...", "to": "0x...",
     "value": "0x0", "data": "0x", "gas": 100000, "expect": {"fork": "cancun", "ok": true,
     "execution_gas_used": 21, "output": "0x"}}

The public collections of benchmark calls have this form too. Numbers may be JSON integers or
hexadecimal text. ``to`` is null for a creation; what `env` leaves out is zero.
"""

from typing import Any

import msgspec

from numen.evm import forks
from numen.evm.alloc import AccountForm, accounts, to_json
from numen.evm.block import Block, Context
from numen.evm.fuzz.case import Case, Outcome
from numen.evm.message import Message
from numen.evm.readers import Number, hexadecimal, number, octets, parse


class _Env(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    current_coinbase: str = "0x" + "00" * 20
    current_number: Number = 1
    current_timestamp: Number = 1
    current_gas_limit: Number = 2**63 - 1
    current_random: Number = 0
    current_base_fee: Number = 0
    chain_id: Number = 1
    gas_price: Number = 0
    blob_hashes: list[str] = []
    block_hashes: dict[str, str] = {}


class _Expect(msgspec.Struct):
    fork: str
    ok: bool | None = None
    execution_gas_used: int | None = None
    output: str | None = None
    log_count: int | None = None


class _Saved(msgspec.Struct):
    name: str
    pre: dict[str, AccountForm]
    sender: str
    to: str | None
    data: str
    gas: Number
    expect: _Expect
    value: Number = 0
    env: _Env = _Env()


class Expected(msgspec.Struct, frozen=True):
    """What a saved case says it comes to; None where it says nothing.

    Attributes:
        ok: Whether it succeeds.
        gas_used: Gas of the message alone, refunds not counted.
        output: What it gives back.
        log_count: How many logs it leaves.
    """

    ok: bool | None
    gas_used: int | None
    output: bytes | None
    log_count: int | None

    def objections(self, case: Case, outcome: Outcome) -> list[str]:
        """Say where an outcome is not what the file says."""
        used = case.message.gas - outcome.gas_left
        pairs = {
            "success": (outcome.status == "success", self.ok),
            "gas used": (used, self.gas_used),
            "output": (outcome.output.hex(), None if self.output is None else self.output.hex()),
            "logs": (len(outcome.logs), self.log_count),
        }
        return [
            f"{what}: {ours}, not {theirs}"
            for what, (ours, theirs) in pairs.items()
            if theirs is not None and ours != theirs
        ]


def read_cases(text: bytes, where: str = "case") -> list[tuple[Case, Expected]]:
    """Read a file of one case or of a list of them.

    Args:
        text: Its content.
        where: Its name, for errors.

    Raises:
        MalformedFileError: It is no such file.
        UnknownForkError: It names a fork that there is not.
    """
    saved = parse(text, _Saved | list[_Saved], where)
    several: list[_Saved] = saved if isinstance(saved, list) else [saved]
    return [_case(one, f"{where}: {one.name}") for one in several]


def write_case(case: Case, outcome: Outcome | None, notes: list[str]) -> bytes:
    """Write a case with what it should come to, if that is known, and notes for people."""
    block, message = case.block, case.message
    expect: dict[str, Any] = {"fork": case.fork}
    if outcome is not None:
        expect |= {
            "ok": outcome.status == "success",
            "execution_gas_used": message.gas - outcome.gas_left,
            "output": hexadecimal(outcome.output),
            "log_count": len(outcome.logs),
        }
    env = {
        "currentCoinbase": hexadecimal(block.coinbase),
        "currentNumber": hex(block.number),
        "currentTimestamp": hex(block.timestamp),
        "currentGasLimit": hex(block.gas_limit),
        "currentRandom": hex(block.prev_randao),
        "currentBaseFee": hex(block.base_fee),
        "chainId": hex(block.chain_id),
        "gasPrice": hex(case.context.gas_price),
        "blobHashes": [hexadecimal(h) for h in case.context.blob_hashes],
        "blockHashes": {hex(n): hexadecimal(h) for n, h in block.block_hashes.items()},
    }
    record = {
        "name": case.name,
        "notes": notes,
        "env": env,
        "pre": to_json(case.pre),
        "sender": hexadecimal(message.caller),
        "to": None if message.to is None else hexadecimal(message.to),
        "value": hex(message.value),
        "data": hexadecimal(message.data),
        "gas": message.gas,
        "expect": expect,
    }
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def _case(saved: _Saved, where: str) -> tuple[Case, Expected]:
    sender = octets(saved.sender, where, 20)
    env, expect = saved.env, saved.expect
    block = Block(
        number=number(env.current_number, where, 64),
        timestamp=number(env.current_timestamp, where, 64),
        coinbase=octets(env.current_coinbase, where, 20),
        gas_limit=number(env.current_gas_limit, where, 64),
        prev_randao=number(env.current_random, where, 256),
        base_fee=number(env.current_base_fee, where, 256),
        chain_id=number(env.chain_id, where, 64),
        blob_base_fee=1,
        block_hashes={
            number(n, where, 64): octets(h, where, 32) for n, h in env.block_hashes.items()
        },
    )
    message = Message(
        caller=sender,
        to=None if saved.to is None else octets(saved.to, where, 20),
        value=number(saved.value, where, 256),
        data=octets(saved.data, where),
        gas=number(saved.gas, where, 63),
    )
    hashes = tuple(octets(h, where, 32) for h in env.blob_hashes)
    context = Context(sender, number(env.gas_price, where, 256), hashes)
    fork = forks.fork(expect.fork).name
    case = Case(saved.name, fork, block, context, accounts(saved.pre, where), message)
    output = None if expect.output is None else octets(expect.output, where)
    return case, Expected(expect.ok, expect.execution_gas_used, output, expect.log_count)
