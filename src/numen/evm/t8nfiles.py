"""The files of a state transition: what comes in, and what goes out.

Input is three pieces of JSON, ``alloc``, ``env`` and ``txs``, alone or as fields of one object; the
transactions may be RLP in hexadecimal instead. Output is ``result``, ``alloc`` and ``body``. The
fields are those of geth's ``evm t8n``.
"""

from typing import Any

import msgspec

from numen.base.crypto import keccak256
from numen.evm import blobs, fees, rlp, roots, txforms
from numen.evm.alloc import Alloc
from numen.evm.block import Block
from numen.evm.difficulty import next_difficulty
from numen.evm.forks import Fork
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.readers import MalformedFileError, Number, hexadecimal, number, octets
from numen.evm.t8n import Included, Input, Ommer, Output, Withdrawal, withdrawals_root
from numen.evm.transaction import Kind, Transaction, decode

_NO_OMMERS = keccak256(rlp.encode([]))


# Input. ------------------------------------------------------------------------------------------


class OmmerForm(msgspec.Struct):
    """A late block in JSON."""

    delta: Number
    address: str


class WithdrawalForm(msgspec.Struct, rename="camel"):
    """A withdrawal in JSON; the amount is in gwei."""

    index: Number
    validator_index: Number
    address: str
    amount: Number


class Env(msgspec.Struct, rename="camel", kw_only=True):
    """The block in JSON. What is missing is computed from the parent, if that is there."""

    current_coinbase: str
    current_gas_limit: Number
    current_number: Number
    current_timestamp: Number
    current_difficulty: Number | None = None
    current_random: Number | None = None
    current_base_fee: Number | None = None
    current_excess_blob_gas: Number | None = None
    parent_difficulty: Number | None = None
    parent_timestamp: Number | None = None
    parent_uncle_hash: str | None = None
    parent_base_fee: Number | None = None
    parent_gas_used: Number | None = None
    parent_gas_limit: Number | None = None
    parent_excess_blob_gas: Number | None = None
    parent_blob_gas_used: Number | None = None
    parent_beacon_block_root: str | None = None
    block_hashes: dict[str, str] | None = None
    ommers: list[OmmerForm] | None = None
    withdrawals: list[WithdrawalForm] | None = None


class TxForm(txforms.FeeForm, rename="camel", kw_only=True):
    """A transaction in JSON, signed, or with the key that is to sign it."""

    type: Number | None = None
    chain_id: Number | None = None
    gas: Number | None = None
    gas_limit: Number | None = None
    value: Number = 0
    input: str | None = None
    data: str | None = None
    access_list: list[txforms.AccessForm] | None = None
    protected: bool = True
    v: Number | None = None
    y_parity: Number | None = None
    parity: Number | None = msgspec.field(default=None, name="y_parity")
    r: Number | None = None
    s: Number | None = None


Txs = list[TxForm] | str | None
"""The transactions: as JSON, or as one list of RLP in hexadecimal."""


class Together(msgspec.Struct, rename="camel"):
    """The three pieces in one."""

    alloc: Alloc | None = None
    env: Env | None = None
    txs: Txs = None
    txs_rlp: str | None = None


def read(fork: Fork, env: Env, txs: Txs, *, chain_id: int = 1, reward: int = 0) -> Input:
    """Understand what came in.

    Args:
        fork: The block's rules.
        env: The block.
        txs: Its transactions.
        chain_id: Of the chain.
        reward: Wei for the coinbase, below 0 for no reward at all.

    Raises:
        MalformedFileError: A value is none, or one that the fork needs is missing.
    """
    excess = _excess_blob_gas(env, fork)
    block = _block(env, fork, chain_id, excess)
    if fork.warms_coinbase and env.withdrawals is None:  # Shanghai and later
        raise MalformedFileError("env", f"{fork.name} needs withdrawals")
    root = env.parent_beacon_block_root
    return Input(
        fork=fork,
        block=block,
        transactions=_transactions(txs, fork, chain_id),
        reward=reward,
        ommers=tuple(_ommer(each) for each in env.ommers or ()),
        withdrawals=tuple(_withdrawal(each) for each in env.withdrawals or ())
        if fork.warms_coinbase
        else None,
        parent_hash=block.block_hashes.get(block.number - 1),
        beacon_root=None if root is None else octets(root, "env, beacon root", 32),
        excess_blob_gas=excess if fork.has_blobs else None,
    )


def _block(env: Env, fork: Fork, chain_id: int, excess: int) -> Block:
    hashes = {
        number(at, "env, block hashes", 64): octets(text, "env, block hashes", 32)
        for at, text in (env.block_hashes or {}).items()
    }
    return Block(
        number=number(env.current_number, "env, number", 64),
        timestamp=number(env.current_timestamp, "env, timestamp", 64),
        coinbase=octets(env.current_coinbase, "env, coinbase", 20),
        gas_limit=number(env.current_gas_limit, "env, gas limit", 64),
        prev_randao=_chance(env, fork),
        base_fee=_base_fee(env) if fork.has_dynamic_fee else 0,
        chain_id=chain_id,
        blob_base_fee=blobs.blob_base_fee(excess, fork) if fork.has_blobs else 0,
        block_hashes=hashes,
    )


def _chance(env: Env, fork: Fork) -> int:
    """Find the beacon chain's chance, or the difficulty before there was one."""
    if fork.has_prev_randao:
        return _needed(env.current_random, "currentRandom", 256)
    if env.current_difficulty is not None:
        return number(env.current_difficulty, "env, difficulty", 256)
    height = number(env.current_number, "env, number", 64)
    seconds = number(env.current_timestamp, "env, timestamp", 64) - _needed(
        env.parent_timestamp, "currentDifficulty or parentTimestamp", 64
    )
    if seconds <= 0 or height == 0:
        raise MalformedFileError("env", "a block without difficulty needs an older parent")
    ommers = env.parent_uncle_hash
    found = next_difficulty(
        fork,
        height,
        seconds,
        _needed(env.parent_difficulty, "parentDifficulty", 256),
        has_ommers=bool(ommers) and octets(ommers or "", "env, uncles", 32) != _NO_OMMERS,
    )
    return number(found, "env, difficulty", 256)


def _base_fee(env: Env) -> int:
    if env.current_base_fee is not None:
        return number(env.current_base_fee, "env, base fee", 256)
    parent = _needed(env.parent_base_fee, "currentBaseFee or parentBaseFee", 256)
    used = _needed(env.parent_gas_used, "parentGasUsed", 64)
    limit = _needed(env.parent_gas_limit, "parentGasLimit", 64)
    return fees.next_base_fee(parent, used, limit)


def _excess_blob_gas(env: Env, fork: Fork) -> int:
    if env.current_excess_blob_gas is not None:
        return number(env.current_excess_blob_gas, "env, excess blob gas", 64)
    excess = number(env.parent_excess_blob_gas or 0, "env, parent's excess blob gas", 64)
    used = number(env.parent_blob_gas_used or 0, "env, parent's blob gas", 64)
    base_fee = number(env.parent_base_fee or 0, "env, parent's base fee", 256)
    return blobs.next_excess(excess, used, fork, base_fee) if fork.has_blobs else 0


def _needed(value: Number | None, name: str, bits: int) -> int:
    if value is None:
        raise MalformedFileError("env", f"{name} is missing")
    return number(value, f"env, {name}", bits)


def _ommer(form: OmmerForm) -> Ommer:
    delta = number(form.delta, "env, ommer", 3)
    return Ommer(delta, octets(form.address, "env, ommer", 20))


def _withdrawal(form: WithdrawalForm) -> Withdrawal:
    return Withdrawal(
        number(form.index, "env, withdrawal", 64),
        number(form.validator_index, "env, withdrawal", 64),
        octets(form.address, "env, withdrawal", 20),
        number(form.amount, "env, withdrawal", 64),
    )


# Transactions. -----------------------------------------------------------------------------------


def _transactions(
    txs: Txs, fork: Fork, chain_id: int
) -> tuple[Transaction | InvalidTransactionError, ...]:
    if isinstance(txs, str):
        return tuple(_from_rlp(item, fork) for item in _body(txs))
    return tuple(
        _from_json(form, f"transaction {i}", fork, chain_id) for i, form in enumerate(txs or ())
    )


def _body(text: str) -> list[rlp.Item]:
    try:
        items = rlp.decode(octets(text, "txs"))
    except (rlp.DecodeError, rlp.TooLongError) as error:
        raise MalformedFileError("txs", error.message) from error
    if not isinstance(items, list):
        raise MalformedFileError("txs", "not a list of transactions")
    return items


def _from_rlp(item: rlp.Item, fork: Fork) -> Transaction | InvalidTransactionError:
    try:
        return decode(item if isinstance(item, bytes) else rlp.encode(item), fork)
    except InvalidTransactionError as error:
        return error


def _from_json(
    form: TxForm, where: str, fork: Fork, chain_id: int
) -> Transaction | InvalidTransactionError:
    kind = None if form.type is None else number(form.type, f"{where}, type")
    if kind is not None and kind > max(Kind):
        return InvalidTransactionError(Reason.TYPE_NOT_SUPPORTED, f"type {kind}", field="kind")
    named = chain_id if form.chain_id is None else number(form.chain_id, f"{where}, chain id")
    gas = form.gas if form.gas is not None else form.gas_limit
    if gas is None:
        raise MalformedFileError(where, "gas is missing")
    tx = txforms.transaction(
        form,
        chain_id=named,
        gas_limit=gas,
        value=form.value,
        data=form.input or form.data or "",
        access_list=form.access_list,
        where=where,
        kind=None if kind is None else Kind(kind),
    )
    return _signed(tx, form, where, fork)


def _signed(tx: Transaction, form: TxForm, where: str, fork: Fork) -> Transaction:
    """Give a transaction the signature of its form, or sign it with the key that is there."""
    parity = form.y_parity if form.y_parity is not None else form.parity
    v = number((form.v if form.v is not None else parity) or 0, f"{where}, v")
    r, s = number(form.r or 0, f"{where}, r"), number(form.s or 0, f"{where}, s")
    is_legacy = tx.kind is Kind.LEGACY
    key = txforms.signer(form, where)
    if key is not None and not (v or r or s):
        if is_legacy and not (form.protected and fork.has_replay_protection):
            tx = msgspec.structs.replace(tx, chain_id=None)
        return tx.sign(key)
    if is_legacy:
        named = None if v in (0, 1, 27, 28) else max(v - 35, 0) // 2
        tx = msgspec.structs.replace(tx, chain_id=named)
    return msgspec.structs.replace(tx, v=v, r=r, s=s)


# Output. -----------------------------------------------------------------------------------------


def result(given: Input, made: Output) -> dict[str, Any]:
    """Write what a block came to, as JSON has it."""
    fork, block, logs = given.fork, given.block, made.logs
    found: dict[str, Any] = {
        "stateRoot": hexadecimal(made.root),
        "txRoot": hexadecimal(made.transactions_root()),
        "receiptsRoot": hexadecimal(made.receipts_root()),
        "logsHash": hexadecimal(roots.logs_hash(logs)),
        "logsBloom": hexadecimal(roots.logs_bloom(logs)),
        "receipts": [_receipt(each, index) for index, each in enumerate(made.included)],
        "rejected": [{"index": at, "error": why} for at, why in sorted(made.rejected.items())],
        "currentDifficulty": None if fork.has_prev_randao else hex(block.prev_randao),
        "gasUsed": hex(made.gas_used),
    }
    if fork.has_dynamic_fee:
        found["currentBaseFee"] = hex(block.base_fee)
    if given.withdrawals is not None:
        found["withdrawalsRoot"] = hexadecimal(withdrawals_root(given.withdrawals))
    if given.excess_blob_gas is not None:
        found["currentExcessBlobGas"] = hex(given.excess_blob_gas)
        found["blobGasUsed"] = hex(made.blob_gas_used)
    if made.requests is not None:
        found["requestsHash"] = hexadecimal(roots.requests_hash(made.requests))
        found["requests"] = [hexadecimal(each) for each in made.requests]
    if made.error:
        found["blockException"] = made.error
    return found


def _receipt(each: Included, index: int) -> dict[str, Any]:
    tx, receipt = each.tx, each.receipt
    tx_hash = hexadecimal(tx.hash())
    created = contract_address(each.sender, tx.nonce) if tx.to is None else bytes(20)
    logs = [
        {
            "address": hexadecimal(log.address),
            "topics": [hexadecimal(topic) for topic in log.topics],
            "data": hexadecimal(log.data),
            "transactionHash": tx_hash,
            "transactionIndex": hex(index),
        }
        for log in receipt.logs
    ]
    return {
        "type": hex(tx.kind),
        "root": hexadecimal(each.root),
        "status": hex(receipt.success),
        "cumulativeGasUsed": hex(each.cumulative_gas),
        "logsBloom": hexadecimal(roots.logs_bloom(receipt.logs)),
        "logs": logs,
        "transactionHash": tx_hash,
        "contractAddress": hexadecimal(created),
        "gasUsed": hex(receipt.gas_used),
        "effectiveGasPrice": hex(receipt.gas_price),
        "transactionIndex": hex(index),
    }


def contract_address(sender: bytes, nonce: int) -> bytes:
    """Address of the contract that a transaction would make (yellow paper, section 7)."""
    return keccak256(rlp.encode([sender, nonce]))[12:]
