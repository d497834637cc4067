"""Cases as files: the form of state tests, with a plain message in place of the transaction.

    {"name": "...", "env": {"currentNumber": "0x1", ...}, "pre": {"0x...": {"balance": "0x0",
     "nonce": "0x0", "code": "0x", "storage": {"0x0": "0x1"}}}, "sender": "0x...", "to": "0x...",
     "value": "0x0", "data": "0x", "gas": 100000, "expect": {"fork": "cancun", "ok": true,
     "execution_gas_used": 21, "output": "0x"}}

The public collections of benchmark calls have this form too. Numbers may be JSON integers or
hexadecimal text. ``to`` is null for a creation; what `env` leaves out is zero.
"""

from typing import Any, Final

import msgspec

from numen.evm import forks
from numen.evm.block import Block, Context
from numen.evm.errors import EvmError
from numen.evm.fuzz.case import Case, MalformedCaseError, Outcome
from numen.evm.message import Message
from numen.evm.state import Account

Number = str | int

SIZE_MAX: Final = 64 * 2**20
"""Longest text of a case, in bytes."""


class _Account(msgspec.Struct):
    balance: Number = 0
    nonce: Number = 0
    code: str = "0x"
    storage: dict[str, Number] = {}


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
    pre: dict[str, _Account]
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


def read_cases(text: bytes) -> list[tuple[Case, Expected]]:
    """Read a file of one case or of a list of them.

    Raises:
        MalformedCaseError: It is no such file.
    """
    if len(text) > SIZE_MAX:
        raise MalformedCaseError(f"a case of {len(text)} bytes, more than {SIZE_MAX}")
    try:
        saved = msgspec.json.decode(text, type=_Saved | list[_Saved])
        return [_case(one) for one in (saved if isinstance(saved, list) else [saved])]
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedCaseError(f"not a saved case: {error}") from None
    except EvmError as error:
        raise MalformedCaseError(f"not a saved case: {error.message}") from None


def write_case(case: Case, outcome: Outcome | None, notes: list[str]) -> bytes:
    """Write a case with what it should come to, if that is known, and notes for people."""
    block, message = case.block, case.message
    expect: dict[str, Any] = {"fork": case.fork}
    if outcome is not None:
        expect |= {
            "ok": outcome.status == "success",
            "execution_gas_used": message.gas - outcome.gas_left,
            "output": _hex(outcome.output),
            "log_count": len(outcome.logs),
        }
    env = {
        "currentCoinbase": _hex(block.coinbase),
        "currentNumber": hex(block.number),
        "currentTimestamp": hex(block.timestamp),
        "currentGasLimit": hex(block.gas_limit),
        "currentRandom": hex(block.prev_randao),
        "currentBaseFee": hex(block.base_fee),
        "chainId": hex(block.chain_id),
        "gasPrice": hex(case.context.gas_price),
        "blobHashes": [_hex(h) for h in case.context.blob_hashes],
        "blockHashes": {hex(n): _hex(h) for n, h in block.block_hashes.items()},
    }
    record = {
        "name": case.name,
        "notes": notes,
        "env": env,
        "pre": {_hex(a): _plain(account) for a, account in sorted(case.pre.items())},
        "sender": _hex(message.caller),
        "to": None if message.to is None else _hex(message.to),
        "value": hex(message.value),
        "data": _hex(message.data),
        "gas": message.gas,
        "expect": expect,
    }
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def _plain(account: Account) -> dict[str, Any]:
    return {
        "balance": hex(account.balance),
        "nonce": hex(account.nonce),
        "code": _hex(account.code),
        "storage": {hex(key): hex(word) for key, word in sorted(account.storage.items())},
    }


def _case(saved: _Saved) -> tuple[Case, Expected]:
    sender = _address(saved.sender)
    env, expect = saved.env, saved.expect
    block = Block(
        number=_number(env.current_number, 64),
        timestamp=_number(env.current_timestamp, 64),
        coinbase=_address(env.current_coinbase),
        gas_limit=_number(env.current_gas_limit, 64),
        prev_randao=_number(env.current_random, 256),
        base_fee=_number(env.current_base_fee, 256),
        chain_id=_number(env.chain_id, 64),
        blob_base_fee=1,
        block_hashes={_number(n, 64): _bytes(h) for n, h in env.block_hashes.items()},
    )
    message = Message(
        caller=sender,
        to=None if saved.to is None else _address(saved.to),
        value=_number(saved.value, 256),
        data=_bytes(saved.data),
        gas=_number(saved.gas, 63),
    )
    hashes = tuple(map(_bytes, env.blob_hashes))
    context = Context(sender, _number(env.gas_price, 256), hashes)
    pre = {_address(address): _account(account) for address, account in saved.pre.items()}
    case = Case(saved.name, forks.fork(expect.fork).name, block, context, pre, message)
    output = None if expect.output is None else _bytes(expect.output)
    return case, Expected(expect.ok, expect.execution_gas_used, output, expect.log_count)


def _account(account: _Account) -> Account:
    return Account(
        nonce=_number(account.nonce, 64),
        balance=_number(account.balance, 256),
        code=_bytes(account.code),
        storage={_number(k, 256): _number(w, 256) for k, w in account.storage.items()},
    )


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError("bytes without 0x")
    return bytes.fromhex(text[2:])


def _address(text: str) -> bytes:
    raw = _bytes(text)
    if len(raw) != 20:
        raise ValueError(f"an address of {len(raw)} bytes")
    return raw


def _number(value: Number, bits: int) -> int:
    if isinstance(value, str):
        digits = value.removeprefix("0x")
        if digits == value or not 0 < len(digits) <= 64 or not digits.isalnum():
            raise ValueError(f"not a number in hexadecimal: {value[:70]!r}")
        value = int(digits, 16)
    if not 0 <= value < 1 << bits:
        raise ValueError(f"a number of more than {bits} bits")
    return value
