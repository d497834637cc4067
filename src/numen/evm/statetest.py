"""State tests: one transaction on a small state, and what must come of it.

Both forms of file are read: the one of the old fillers and the one of the execution spec tests.
A case passes if state root and logs are the ones expected; where the transaction must be refused,
if it is, and the state is as before.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from numen.base.crypto import keccak256
from numen.base.errors import NumenError
from numen.evm import alloc, blobs, engines, txforms
from numen.evm.alloc import Alloc
from numen.evm.block import Block
from numen.evm.forks import BLOCK_HASHES_MAX, OSAKA, Fork, fork
from numen.evm.invalid import InvalidTransactionError
from numen.evm.readers import MalformedFileError, Number, load, number, octets
from numen.evm.roots import logs_hash
from numen.evm.state import State
from numen.evm.substate import Substate
from numen.evm.transaction import Transaction, decode
from numen.evm.transition import Receipt, apply

_BASE_FEE: Final = 10
"""Base fee where a file of a fork that has one names none, as geth takes it."""

_BLOBS_ONLY: Final = {
    "bpo1": {"target_blobs": 10, "max_blobs": 15, "blob_fee_fraction": 8_346_193},
    "bpo2": {"target_blobs": 14, "max_blobs": 21, "blob_fee_fraction": 11_684_671},
}
"""Forks after Osaka that change nothing but blobs (EIP-7892); a file may say otherwise."""


class CaseResult(msgspec.Struct, frozen=True):
    """What became of a case, with names as geth prints them.

    Attributes:
        name: The case's name in its file.
        fork: As the file calls it.
        index: Which of the fork's cases it is, from 0.
        passed: Whether all is as expected; ``pass`` in JSON.
        root: State root after it, 0x and 64 digits; ``stateRoot`` in JSON. Empty if none was found.
        error: What is not as expected, or empty.
    """

    name: str
    fork: str
    index: int
    passed: bool = msgspec.field(name="pass")
    root: str = msgspec.field(name="stateRoot")
    error: str = ""


# The file. ---------------------------------------------------------------------------------------


_Index = Annotated[int, msgspec.Meta(ge=0)]


class _Indexes(msgspec.Struct):
    data: _Index = 0
    gas: _Index = 0
    value: _Index = 0


class _Post(msgspec.Struct):
    hash: str
    logs: str
    indexes: _Indexes
    txbytes: str | None = None
    expect: str | None = msgspec.field(default=None, name="expectException")


class _Transaction(txforms.FeeForm, rename="camel", kw_only=True):
    data: list[str]
    gas_limit: list[Number]
    value: list[Number]
    access_lists: list[list[txforms.AccessForm] | None] | None = None


class _Env(msgspec.Struct, rename="camel"):
    current_coinbase: str
    current_gas_limit: Number
    current_number: Number
    current_timestamp: Number
    current_difficulty: Number | None = None
    current_random: Number | None = None
    current_base_fee: Number | None = None
    current_excess_blob_gas: Number | None = None
    previous_hash: str | None = None


class _BlobSchedule(msgspec.Struct, rename="camel"):
    target: Number
    max: Number
    base_fee_update_fraction: Number


class _Config(msgspec.Struct, rename="camel"):
    chainid: Number = 1
    blob_schedule: dict[str, _BlobSchedule] = {}


class _Test(msgspec.Struct):
    env: _Env
    pre: Alloc
    transaction: _Transaction
    post: dict[str, list[_Post]]
    config: _Config | None = None


class Case(msgspec.Struct, frozen=True):
    """One transaction of a test under one fork.

    Attributes:
        name: Of the test.
        fork_name: As the file calls it.
        index: Which of the fork's cases it is, from 0.
        where: File and name, for errors.
        test: What the cases of the test share.
        pre: The state before, not to be changed.
    """

    name: str
    fork_name: str
    index: int
    where: str
    test: Any
    pre: State

    @property
    def post(self) -> _Post:
        found = self.test.post[self.fork_name][self.index]
        assert isinstance(found, _Post)
        return found


def cases(path: Path) -> Iterator[Case]:
    """Read the cases of a file, test by test and fork by fork.

    Raises:
        MalformedFileError: It is no file of state tests.
    """
    tests: dict[str, _Test] = load(path, dict[str, _Test])
    for name, test in tests.items():
        where = f"{path}, {name}"
        pre = State(alloc.accounts(test.pre, f"{where}, pre"))
        for fork_name, posts in test.post.items():
            for index in range(len(posts)):
                yield Case(name, fork_name, index, where, test, pre)


# Running. ----------------------------------------------------------------------------------------


def run(case: Case, engine: str = "interpreter") -> CaseResult:
    """Run a case; whatever is wrong with it stands in the result.

    Args:
        case: Of `cases`.
        engine: A name in `numen.evm.engines.ENGINES`.
    """
    try:
        root, error = _outcome(case, engine)
    except NumenError as problem:
        root, error = b"", problem.message
    shown = "0x" + root.hex() if root else ""
    return CaseResult(case.name, case.fork_name, case.index, not error, shown, error)


def _outcome(case: Case, engine: str) -> tuple[bytes, str]:
    """Find the state root after a case, and what is not as expected or nothing."""
    rules = case_fork(case)
    block = case_block(case, rules)
    state = case.pre.copy()
    machine = engines.make(engine, rules, state)
    refused, receipt = "", Receipt(success=False, gas_used=0)
    try:
        tx, sender = case_transaction(case, rules, block.chain_id)
        receipt = apply(machine, block, tx, sender)
    except InvalidTransactionError as error:
        refused = error.message
    _touch_coinbase(machine, block)
    state.apply(machine.take_diff())
    root = state.root()
    if refused:
        return root, _refused(case, root, refused)
    if case.post.expect:
        return root, f"accepted, but expected {case.post.expect}"
    return root, _difference(case, root, receipt)


def _refused(case: Case, root: bytes, why: str) -> str:
    """Say what is wrong with a refusal.

    Files older than the exceptions that tests expect name none. A transaction that is carried out
    changes the root, so where the expected one is that of the state before, it must be refused.
    """
    expected = octets(case.post.hash, f"{case.where}, hash", 32)
    if expected in (root, case.pre.root()):
        return ""
    return _differs(f"refused, {why}, and the state root", root, expected)


def _difference(case: Case, root: bytes, receipt: Receipt) -> str:
    expected = octets(case.post.hash, f"{case.where}, hash", 32)
    if root != expected:
        return _differs("state root", root, expected)
    expected = octets(case.post.logs, f"{case.where}, logs", 32)
    found = logs_hash(receipt.logs)
    return "" if found == expected else _differs("logs", found, expected)


def _differs(what: str, found: bytes, expected: bytes) -> str:
    return f"{what} is 0x{found.hex()}, not 0x{expected.hex()}"


def _touch_coinbase(machine: Substate, block: Block) -> None:
    """Give the reward of a block, which is nothing here.

    It matters where the coinbase is gone, or there was no transaction: then it is made where the
    fork keeps empty accounts. The public tests were made so.
    """
    machine.begin()
    machine.add_balance(block.coinbase, 0)
    machine.finish()


def case_fork(case: Case) -> Fork:
    """The rules of a case; a file may say how blobs are priced.

    Raises:
        UnknownForkError: Nobody knows the fork.
    """
    name, only_blobs = case.fork_name, _BLOBS_ONLY.get(case.fork_name.lower())
    rules = msgspec.structs.replace(OSAKA, **only_blobs) if only_blobs else fork(name)
    schedule = case.test.config and case.test.config.blob_schedule.get(name)
    if not schedule or not rules.has_blobs:
        return rules
    where = f"{case.where}, blob schedule"
    priced = {
        "target_blobs": number(schedule.target, where, 32),
        "max_blobs": number(schedule.max, where, 32),
        "blob_fee_fraction": number(schedule.base_fee_update_fraction, where, 64),
    }
    if priced["blob_fee_fraction"] == 0:
        raise MalformedFileError(where, "an update fraction of 0")
    return msgspec.structs.replace(rules, **priced)


def case_block(case: Case, rules: Fork) -> Block:
    """The block of a case; what the fork does not have is left out.

    Raises:
        MalformedFileError: A value is none.
    """
    env, where = case.test.env, f"{case.where}, env"
    chance = env.current_difficulty
    if rules.has_prev_randao and env.current_random is not None:
        chance = env.current_random
    base_fee, blob_fee = 0, 0
    if rules.has_dynamic_fee:
        given = _BASE_FEE if env.current_base_fee is None else env.current_base_fee
        base_fee = number(given, where, 256)
    if rules.has_blobs:
        excess = number(env.current_excess_blob_gas or 0, where, 64)
        blob_fee = blobs.blob_base_fee(excess, rules)
    height = number(env.current_number, where, 64)
    return Block(
        number=height,
        timestamp=number(env.current_timestamp, where, 64),
        coinbase=octets(env.current_coinbase, where, 20),
        gas_limit=number(env.current_gas_limit, where, 64),
        prev_randao=number(chance or 0, where, 256),
        base_fee=base_fee,
        chain_id=number(case.test.config.chainid, where, 64) if case.test.config else 1,
        blob_base_fee=blob_fee,
        block_hashes=_block_hashes(height),
    )


def _block_hashes(height: int) -> Mapping[int, bytes]:
    """Hashes of earlier blocks, which the public tests agree to make of the number's digits."""
    known = range(max(height - BLOCK_HASHES_MAX, 0), height)
    return {at: keccak256(str(at).encode()) for at in known}


def case_transaction(case: Case, rules: Fork, chain_id: int) -> tuple[Transaction, bytes]:
    """The transaction of a case, and its sender.

    Where the file has its bytes too, they must be a transaction that somebody signed.

    Raises:
        MalformedFileError: A value is none, or there is no such transaction.
        InvalidTransactionError: The bytes are refused.
    """
    form, post = case.test.transaction, case.post
    kind = None
    if post.txbytes:
        raw = octets(post.txbytes, f"{case.where}, txbytes")
        signed = decode(raw, rules)
        signed.sender(rules, chain_id)
        kind = signed.kind
    where = f"{case.where}, transaction"
    try:
        data, lists = form.data[post.indexes.data], form.access_lists
        access_list = lists[post.indexes.data] if lists else None
        gas_limit, value = form.gas_limit[post.indexes.gas], form.value[post.indexes.value]
    except IndexError:
        raise MalformedFileError(where, "an index that names nothing") from None
    tx = txforms.transaction(
        form,
        chain_id=chain_id,
        gas_limit=gas_limit,
        value=value,
        data=data,
        access_list=access_list,
        where=where,
        kind=kind,
    )
    return tx, _sender(form, where)


def _sender(form: _Transaction, where: str) -> bytes:
    if form.sender is not None:
        return octets(form.sender, f"{where}, sender", 20)
    key = txforms.signer(form, where)
    if key is None:
        raise MalformedFileError(where, "neither a sender nor a secret key")
    return key.address
