"""How frames begin, in native code: calls of contracts and precompiles, and creations.

The frame that will run lies above the one that calls; whoever begins it has written its gas, value,
caller, input, is_static, where its memory begins, and where its output goes. Here the journal gets
its mark, the wei move, and the code is found; what comes of it is an `Outcome`.
"""

from typing import Final

from numen.evm.forks import Fork
from numen.evm.native import accounts, contracts
from numen.evm.native.journal import undo
from numen.evm.native.layout import (
    ACCOUNT,
    CODE,
    CODE_PADDING_BYTES,
    FRAME,
    WORLD,
)
from numen.evm.native.memory import memory_behind
from numen.evm.native.outcome import Outcome
from numen.evm.native.precompiled import RUN_PRECOMPILE
from numen.evm.native.runtime_types import define, routine
from numen.evm.native.table import begin, give_up
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

PREPARE_CALL: Final = Callee("prepare_call", "i64", ("ptr", "ptr", "ptr", "ptr"))
"""``(frame, account, code account, payer)``: the account whose storage is used, the one whose code
runs, and the one that pays ``Frame.value``; null where nobody does and the account is not visited
but lends its storage (CALLCODE, DELEGATECALL)."""

PREPARE_CREATE: Final = Callee("prepare_create", "i64", ("ptr", "ptr", "ptr"))
"""``(frame, account, payer)``: the input is the code to run."""


def write_frames(module: Module, fork: Fork) -> None:
    """Define the functions of this file."""
    if fork.has_delegations:
        _write_access_delegate(module, fork)
    _write_prepare_call(module, fork)
    _write_prepare_create(module, fork)


def mark(f: Function, frame: Value, world: Value) -> None:
    """Emit noting in a frame what a failure goes back to."""
    pairs = ("journal_count", "journal_mark"), ("refund", "refund_mark")
    for source, field in (*pairs, ("log_count", "log_mark"), ("log_data_count", "log_data_mark")):
        FRAME.store(f, frame, field, WORLD.load(f, world, source))


def go_back(f: Function, frame: Value, world: Value) -> None:
    """Emit undoing everything since `mark`."""
    undo(f, world, FRAME.load(f, frame, "journal_mark"))
    pairs = ("refund", "refund_mark"), ("log_count", "log_mark")
    for field, source in (*pairs, ("log_data_count", "log_data_mark")):
        WORLD.store(f, world, field, FRAME.load(f, frame, source))


def _code_of_delegate(f: Function, world: Value, code: Value) -> Value:
    """Emit finding the account that a designator names; null as `account_at`."""
    return f.call(routine(f.module, "account_at"), world, CODE.load(f, code, "delegate"))


def _write_access_delegate(module: Module, fork: Fork) -> None:
    f = define(module, "access_delegate", "world", "account", attributes="nounwind")
    world, account = f.params
    code = ACCOUNT.load(f, account, "code")
    with f.when(f.icmp("eq", CODE.load(f, code, "is_delegation"), 0), likely=True):
        f.ret(const("i64", 0))
    delegate = _code_of_delegate(f, world, code)
    with f.when(f.icmp("eq", delegate, NULL), likely=False):
        f.ret(const("i64", -1))
    warm = fork.base_gas[0xF1]
    with f.when(f.not_(accounts.is_cold(f, world, delegate))):
        f.ret(const("i64", warm))
    f.call(routine(module, "warm_account"), world, delegate)
    f.ret(const("i64", warm + fork.gas.account_cold))


def _write_prepare_call(module: Module, fork: Fork) -> None:
    f = begin(module, PREPARE_CALL, "frame", "account", "lender", "payer")
    frame, account, lender, payer = f.params
    world = FRAME.load(f, frame, "world")
    mark(f, frame, world)
    FRAME.store(f, frame, "is_create", const("i64", 0))
    with f.when(f.icmp("ne", payer, NULL)):
        accounts.touch(f, world, account)
        accounts.transfer(f, world, payer, account, FRAME.load(f, frame, "value"))
    own_code = ACCOUNT.load(f, lender, "code")
    found = f.alloca("ptr", align=8)
    f.store(own_code, found)
    usual = f.block("usual")
    if fork.has_delegations:
        with f.when(f.icmp("ne", CODE.load(f, own_code, "is_delegation"), 0), likely=False):
            delegate = _code_of_delegate(f, world, own_code)
            with f.when(f.icmp("eq", delegate, NULL)):
                f.ret(const("i64", Outcome.GIVEN_UP))
            # A designator runs the code it names as it stands: no precompile, no next designator.
            f.store(ACCOUNT.load(f, delegate, "code"), found)
            f.br(usual)
    number = f.trunc(ACCOUNT.load(f, lender, "address"), "i64")
    with f.when(_is_precompile(f, fork, ACCOUNT.load(f, lender, "address")), likely=False):
        outcome = f.call(RUN_PRECOMPILE, frame, number)
        with f.when(f.icmp("eq", outcome, Outcome.FAILED)):
            go_back(f, frame, world)
        f.ret(outcome)
    f.br(usual)

    f.at(usual)
    code = f.load("ptr", found)
    with f.when(f.icmp("eq", CODE.load(f, code, "length"), 0)):
        f.ret(const("i64", Outcome.DONE))
    with f.when(f.icmp("eq", contracts.ready(f, world, code), NULL), likely=False):
        f.ret(const("i64", Outcome.GIVEN_UP))
    _fill(f, frame, account, {n: CODE.load(f, code, n) for n in ("bytes", "jumps", "regions")})
    FRAME.store(f, frame, "watch_gas", contracts.watch(f, code, FRAME.load(f, frame, "gas")))
    FRAME.store(f, frame, "code_length", CODE.load(f, code, "length"))
    FRAME.store(f, frame, "code_entry", code)
    f.ret(const("i64", Outcome.READY))


def _is_precompile(f: Function, fork: Fork, address: Value) -> Value:
    first = [n for n in fork.precompiles if n - 1 < len(fork.precompiles)]
    others = [n for n in fork.precompiles if n not in first]
    assert first == list(range(1, len(first) + 1))
    found = f.icmp("ult", f.sub(address, 1), len(first))
    for number in others:
        found = f.or_(found, f.icmp("eq", address, number))
    return found


def _fill(f: Function, frame: Value, account: Value, code: dict[str, Value]) -> None:
    """Emit writing the registers that a frame starts with, and what is fixed while it lives."""
    FRAME.store(f, frame, "pc", code["bytes"])
    FRAME.store(f, frame, "sp", FRAME.load(f, frame, "stack"))
    FRAME.store(f, frame, "msize", const("i64", 0))
    FRAME.store(f, frame, "code", code["bytes"])
    FRAME.store(f, frame, "jumps", code["jumps"])
    FRAME.store(f, frame, "regions", code["regions"])
    FRAME.store(f, frame, "account", account)
    FRAME.store(f, frame, "address", ACCOUNT.load(f, account, "address"))


def _write_prepare_create(module: Module, fork: Fork) -> None:
    f = begin(module, PREPARE_CREATE, "frame", "account", "payer")
    frame, account, payer = f.params
    world = FRAME.load(f, frame, "world")
    mark(f, frame, world)
    FRAME.store(f, frame, "is_create", const("i64", 1))
    FRAME.store(f, frame, "created", account)
    accounts.note_epoch(f, world, account, "created_epoch")
    accounts.touch(f, world, account)
    if fork.first_nonce:
        accounts.set_number(f, world, account, "nonce", const("i64", fork.first_nonce))
    accounts.transfer(f, world, payer, account, FRAME.load(f, frame, "value"))

    # The code and its jump map take the beginning of what would be the frame's memory.
    data, length = FRAME.load(f, frame, "calldata"), FRAME.load(f, frame, "calldata_length")
    own = FRAME.load(f, frame, "memory")
    jumps = f.gep("i8", own, f.add(length, CODE_PADDING_BYTES))
    memory = memory_behind(f, f.gep("i8", jumps, length))
    with f.when(f.icmp("ugt", memory, WORLD.load(f, world, "memory_limit")), likely=False):
        give_up(f, world)
        f.ret(const("i64", Outcome.GIVEN_UP))
    with f.when(f.icmp("ugt", memory, WORLD.load(f, world, "memory_peak"))):
        WORLD.store(f, world, "memory_peak", memory)
    f.copy(own, data, length)
    f.fill(f.gep("i8", own, length), 0, const("i64", CODE_PADDING_BYTES))
    f.call(routine(module, "map_jumps"), own, length, jumps)
    _fill(f, frame, account, {"bytes": own, "jumps": jumps, "regions": NULL})
    FRAME.store(f, frame, "watch_gas", const("i64", contracts.NEVER))
    FRAME.store(f, frame, "code_length", length)
    FRAME.store(f, frame, "code_entry", NULL)
    FRAME.store(f, frame, "memory", memory)
    FRAME.store(f, frame, "calldata_length", const("i64", 0))
    f.ret(const("i64", Outcome.READY))
