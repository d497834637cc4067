"""The ends of a frame that an opcode asks for."""

from typing import Final

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import accounts
from numen.evm.native.body import Body, Emitter
from numen.evm.native.layout import ACCOUNT, FRAME, WORLD
from numen.evm.native.opcodes.accounts import account_of, charge_access
from numen.evm.native.table import begin
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import Callee, Module, Value, const

_DESTROY = Callee("destroy", "void", ("ptr", "ptr"))


def stop(body: Body) -> None:
    """STOP."""
    body.finish(Halt.STOP, body.field("code"), const("i64", 0))


def return_(body: Body) -> None:
    """RETURN."""
    body.finish(Halt.RETURN, *body.memory(body.pop(), body.pop()))


def revert(body: Body) -> None:
    """REVERT (EIP-140)."""
    body.finish(Halt.REVERT, *body.memory(body.pop(), body.pop()))


def selfdestruct(body: Body) -> None:
    """SELFDESTRUCT (EIP-150, 161, 2929, 3529, 6780)."""
    f, fork = body.f, body.fork
    beneficiary = account_of(body, body.pop())
    if fork.has("STATICCALL"):
        body.fail_if(f.icmp("ne", body.field("is_static"), 0), Halt.STATIC_WRITE)
    charge_access(body, beneficiary, fork.gas.selfdestruct_cold)
    price = fork.gas.selfdestruct_new_account
    if price:
        is_new = _brings_to_life(body, beneficiary)
        body.charge(f.select(is_new, const("i64", price), 0))
    f.call(_DESTROY, body.frame, beneficiary)
    body.finish(Halt.SELFDESTRUCT, body.field("code"), const("i64", 0))


def _brings_to_life(body: Body, beneficiary: Value) -> Value:
    f = body.f
    if not body.fork.deletes_empty_accounts:
        return f.icmp("eq", ACCOUNT.load(f, beneficiary, "exists"), 0)
    own = ACCOUNT.load(f, body.field("account"), "balance")
    return f.and_(accounts.is_empty(f, beneficiary), f.icmp("ne", own, 0))


def write_destroy(module: Module, fork: Fork) -> None:
    """Define what SELFDESTRUCT does: ``void destroy(frame, beneficiary)``."""
    f = begin(module, _DESTROY, "frame", "beneficiary", attributes="nounwind noinline")
    frame, beneficiary = f.params
    world, account = FRAME.load(f, frame, "world"), FRAME.load(f, frame, "account")
    now = WORLD.load(f, world, "epoch")
    if fork.gas.selfdestruct_refund:
        is_first = f.icmp("ne", ACCOUNT.load(f, account, "destroyed_epoch"), now)
        refund = f.select(is_first, const("i64", fork.gas.selfdestruct_refund), 0)
        WORLD.store(f, world, "refund", f.add(WORLD.load(f, world, "refund"), refund))
    accounts.transfer(f, world, account, beneficiary, ACCOUNT.load(f, account, "balance"))
    accounts.touch(f, world, beneficiary)
    if fork.selfdestruct_only_new:
        with f.when(f.icmp("ne", ACCOUNT.load(f, account, "created_epoch"), now)):
            f.ret()
    # What it sent to itself is gone with it.
    accounts.set_balance(f, world, account, const("i256", 0))
    accounts.note_epoch(f, world, account, "destroyed_epoch")
    accounts.mark(f, world, account)
    f.ret()


EMIT: Final[dict[int, Emitter]] = {
    BY_NAME[name].byte: emit
    for name, emit in {
        "STOP": stop,
        "RETURN": return_,
        "REVERT": revert,
        "SELFDESTRUCT": selfdestruct,
    }.items()
}
"""By byte. Every byte that is no opcode of the fork, INVALID among them, fails by itself."""
