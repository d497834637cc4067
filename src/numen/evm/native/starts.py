"""What CALL, CREATE and their kin do once they are paid for, in native code.

The caller's registers are in its frame, with the gas of the callee already taken; the frame above
has what `frames` wants of it. Each function gives the frame to go on with: the one above, or the
caller's own with the result on its stack; null gives up the run.
"""

from typing import Final

from numen.evm.forks import CALL_DEPTH_MAX, NONCE_MAX, Fork
from numen.evm.native import accounts
from numen.evm.native.addresses import ADDRESS_MASK
from numen.evm.native.ends import RETURN_TO_CALLER, push
from numen.evm.native.frames import PREPARE_CALL, PREPARE_CREATE
from numen.evm.native.layout import ACCOUNT, FRAME, WINDOW_BYTES, WORLD
from numen.evm.native.memory import memory_behind
from numen.evm.native.outcome import Outcome
from numen.evm.native.runtime_types import routine
from numen.evm.native.table import begin
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

START_CALL: Final = Callee("start_call", "ptr", ("ptr", "ptr", "ptr", "ptr", "i1"))
"""``(caller frame, account, lender, payer, can pay)``; accounts as for `frames.PREPARE_CALL`."""

START_CREATE: Final = Callee("start_create", "ptr", ("ptr", "i256"))
"""``(caller frame, address)``"""

CLAIM: Final = Callee("claim_address", "ptr", ("ptr", "i256"))
"""``(world, address)``: the Account for a new contract, warm; null as `account_at`."""


def write_starts(module: Module, fork: Fork) -> None:
    """Define the functions of this file."""
    _write_claim(module, fork)
    _write_start_call(module)
    _write_start_create(module)


def frame_above(f: Function, frame: Value) -> Value:
    """Emit the address of the frame that a call from this one gets."""
    return f.gep("i8", frame, FRAME.size_bytes)


def is_taken(f: Function, account: Value) -> Value:
    """Emit whether an address cannot get a contract (EIP-684, EIP-7610), an i1."""
    has_nonce = f.icmp("ne", ACCOUNT.load(f, account, "nonce"), 0)
    is_first = f.icmp("eq", ACCOUNT.load(f, account, "generation"), 0)
    has_storage = f.icmp("ne", ACCOUNT.load(f, account, "has_storage"), 0)
    return f.or_(f.or_(has_nonce, accounts.has_code(f, account)), f.and_(is_first, has_storage))


def _write_claim(module: Module, fork: Fork) -> None:
    f = begin(module, CLAIM, "world", "address")
    world, address = f.params
    account = f.call(routine(module, "account_at"), world, address)
    with f.when(f.icmp("eq", account, NULL), likely=False):
        f.ret(NULL)
    if fork.has_access_lists:
        with f.when(accounts.is_cold(f, world, account)):
            f.call(routine(module, "warm_account"), world, account)
    f.ret(account)


def _begin_above(f: Function, frame: Value, world: Value) -> Value:
    """Emit giving the frame above its place in the memory; returns that frame."""
    above = frame_above(f, frame)
    end = f.gep("i8", FRAME.load(f, frame, "memory"), FRAME.load(f, frame, "msize"))
    FRAME.store(f, above, "memory", memory_behind(f, end))
    # A frame gets its place among the others when it is first needed.
    depth, stack = FRAME.load(f, frame, "depth"), FRAME.load(f, frame, "stack")
    FRAME.store(f, above, "world", world)
    FRAME.store(f, above, "depth", f.add(depth, 1))
    FRAME.store(f, above, "stack", f.gep("i8", stack, WINDOW_BYTES))
    WORLD.store(f, world, "return_length", const("i64", 0))
    return above


def _refuse(f: Function, frame: Value, above: Value) -> None:
    """Emit the end of a call that does not happen: its gas comes back, the result is 0."""
    gas = f.add(FRAME.load(f, frame, "gas"), FRAME.load(f, above, "gas"))
    FRAME.store(f, frame, "gas", gas)
    push(f, frame, const("i256", 0))
    f.ret(frame)


def _write_start_call(module: Module) -> None:
    f = begin(module, START_CALL, "frame", "account", "lender", "payer", "can_pay")
    frame, account, lender, payer, can_pay = f.params
    world = FRAME.load(f, frame, "world")
    above = _begin_above(f, frame, world)
    is_deepest = f.icmp("uge", FRAME.load(f, frame, "depth"), CALL_DEPTH_MAX)
    with f.when(f.or_(is_deepest, f.not_(can_pay)), likely=False):
        _refuse(f, frame, above)
    outcome = f.call(PREPARE_CALL, above, account, lender, payer)
    with f.when(f.icmp("eq", outcome, Outcome.READY), likely=True):
        WORLD.store(f, world, "frame", above)
        f.ret(above)
    with f.when(f.icmp("eq", outcome, Outcome.GIVEN_UP), likely=False):
        f.ret(NULL)
    data, length = (WORLD.load(f, world, name) for name in ("return_data", "return_length"))
    result = f.zext(f.icmp("ne", outcome, Outcome.FAILED), "i64")
    f.ret(f.call(RETURN_TO_CALLER, above, data, length, result))


def _write_start_create(module: Module) -> None:
    f = begin(module, START_CREATE, "frame", "address", attributes="nounwind noinline")
    frame, address = f.params
    world, creator = FRAME.load(f, frame, "world"), FRAME.load(f, frame, "account")
    above = _begin_above(f, frame, world)
    nonce = ACCOUNT.load(f, creator, "nonce")
    is_deepest = f.icmp("uge", FRAME.load(f, frame, "depth"), CALL_DEPTH_MAX)
    has_last_nonce = f.icmp("eq", nonce, NONCE_MAX)
    is_poor = f.icmp("ult", ACCOUNT.load(f, creator, "balance"), FRAME.load(f, above, "value"))
    with f.when(f.or_(f.or_(is_deepest, has_last_nonce), is_poor), likely=False):
        _refuse(f, frame, above)
    account = f.call(CLAIM, world, f.and_(address, ADDRESS_MASK))
    with f.when(f.icmp("eq", account, NULL), likely=False):
        f.ret(NULL)
    accounts.set_number(f, world, creator, "nonce", f.add(nonce, 1))
    with f.when(is_taken(f, account), likely=False):
        push(f, frame, const("i256", 0))
        f.ret(frame)
    outcome = f.call(PREPARE_CREATE, above, account, creator)
    with f.when(f.icmp("eq", outcome, Outcome.GIVEN_UP), likely=False):
        f.ret(NULL)
    WORLD.store(f, world, "frame", above)
    f.ret(above)
