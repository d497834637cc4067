"""Accounts in native code: looking them up, and every way they change.

All changes of accounts go through the functions here, so that each is noted in the journal, and the
account in the list of what the next diff has to look at.
"""

from numen.evm.forks import Fork
from numen.evm.native import table
from numen.evm.native.journal import record
from numen.evm.native.layout import ACCOUNT, CODE, WORLD
from numen.evm.native.runtime_types import define
from numen.evm.native.table import begin
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

RIPEMD_ADDRESS = 3
"""Precompile whose touch no revert undoes."""

_LOAD = Callee("load_account", "ptr", ("ptr", "ptr"))
_ON_ACCOUNT = Callee("on_account", "void", ("ptr", "ptr"))
_ENLIST = Callee("enlist_account", "void", ("ptr", "ptr"))
_SET_BALANCE = Callee("set_balance", "void", ("ptr", "ptr", "i256"))
_SET_NUMBER = Callee("set_number", "void", ("ptr", "ptr", "ptr", "i64"))
_MARK = Callee("mark_account", "void", ("ptr", "ptr"))
_NOTE_TOUCH = Callee("note_touch", "void", ("ptr", "ptr"))
_TOUCH = Callee("touch", "void", ("ptr", "ptr"))
_TRANSFER = Callee("transfer", "void", ("ptr", "ptr", "ptr", "i256"))


def write_accounts(module: Module, fork: Fork) -> None:
    """Define the functions of this file."""
    _write_load(module)
    _write_account_at(module)
    _write_warm(module)
    _write_enlist(module)
    _write_set_balance(module)
    _write_set_number(module)
    _write_mark(module)
    _write_note_touch(module, fork)
    _write_touch(module)
    _write_transfer(module)


def set_balance(f: Function, world: Value, account: Value, wei: Value) -> None:
    """Emit changing a balance, an i256."""
    f.call(_SET_BALANCE, world, account, wei)


def set_number(f: Function, world: Value, account: Value, field: str, number: Value) -> None:
    """Emit changing ``nonce``, ``exists`` or ``code``; the number an i64."""
    f.call(_SET_NUMBER, world, account, ACCOUNT.at(f, account, field), number)


def set_code(f: Function, world: Value, account: Value, code: Value) -> None:
    """Emit giving an account a Code."""
    set_number(f, world, account, "code", f.cast("ptrtoint", code, "i64"))


def note_epoch(f: Function, world: Value, account: Value, field: str) -> None:
    """Emit setting ``created_epoch`` or ``destroyed_epoch`` to now."""
    place = ACCOUNT.at(f, account, field)
    record(f, world, place, "i64")
    f.store(WORLD.load(f, world, "epoch"), place)


def mark(f: Function, world: Value, account: Value) -> None:
    """Emit putting an account on the list of those that `finish` looks at."""
    f.call(_MARK, world, account)


def touch(f: Function, world: Value, account: Value) -> None:
    """Emit touching an account (EIP-161), which makes it exist."""
    f.call(_TOUCH, world, account)


def transfer(f: Function, world: Value, sender: Value, receiver: Value, wei: Value) -> None:
    """Emit moving wei that the sender has; of no wei, nothing happens."""
    f.call(_TRANSFER, world, sender, receiver, wei)


def has_code(f: Function, account: Value) -> Value:
    """Emit whether an account has code, an i1."""
    return f.icmp("ne", CODE.load(f, ACCOUNT.load(f, account, "code"), "length"), 0)


def is_empty(f: Function, account: Value) -> Value:
    """Emit whether an account is empty (EIP-161) or not there, an i1."""
    has_wei = f.icmp("ne", ACCOUNT.load(f, account, "balance"), 0)
    has_nonce = f.icmp("ne", ACCOUNT.load(f, account, "nonce"), 0)
    return f.not_(f.or_(f.or_(has_wei, has_nonce), has_code(f, account)))


def is_cold(f: Function, world: Value, account: Value) -> Value:
    """Emit whether an account is still to be accessed in this transaction, an i1."""
    warm, now = ACCOUNT.load(f, account, "warm_epoch"), WORLD.load(f, world, "epoch")
    return f.icmp("ne", warm, now)


def _write_load(module: Module) -> None:
    """``ptr load_account(world, account)``: ask Python; null when the run is to be given up."""
    f = begin(module, _LOAD, "world", "account", attributes="nounwind noinline cold")
    world, account = f.params
    with f.when(f.icmp("eq", account, NULL)):
        f.ret(NULL)
    f.call_pointer(WORLD.load(f, world, "on_account"), _ON_ACCOUNT, world, account)
    is_known = f.icmp("ne", ACCOUNT.load(f, account, "is_known"), 0)
    f.ret(f.select(is_known, account, NULL))


def _write_account_at(module: Module) -> None:
    f = define(module, "account_at", "world", "address", attributes="nounwind")
    world, address = f.params
    account = f.call(table.ACCOUNTS.finder, world, address)
    look, load = f.block("look"), f.block("load")
    f.cond_br(f.icmp("eq", account, NULL), load, look, likely=False)
    f.at(look)
    with f.when(f.icmp("ne", ACCOUNT.load(f, account, "is_known"), 0), likely=True):
        f.ret(account)
    f.br(load)
    f.at(load)
    f.ret(f.call(_LOAD, world, account))


def _write_warm(module: Module) -> None:
    f = define(module, "warm_account", "world", "account")
    world, account = f.params
    place = ACCOUNT.at(f, account, "warm_epoch")
    record(f, world, place, "i64")
    f.store(WORLD.load(f, world, "epoch"), place)
    f.ret()


def _write_enlist(module: Module) -> None:
    """``void enlist_account(world, account)``: remember how it was at the last diff."""
    f = begin(module, _ENLIST, "world", "account")
    world, account = f.params
    with f.when(f.icmp("ne", ACCOUNT.load(f, account, "is_dirty"), 0), likely=True):
        f.ret()
    for name in ("balance", "nonce", "exists", "code", "generation"):
        ACCOUNT.store(f, account, f"before_{name}", ACCOUNT.load(f, account, name))
    ACCOUNT.store(f, account, "is_dirty", const("i64", 1))
    ACCOUNT.store(f, account, "next_dirty", WORLD.load(f, world, "dirty_accounts"))
    WORLD.store(f, world, "dirty_accounts", account)
    f.ret()


def enlist(f: Function, world: Value, account: Value) -> None:
    """Emit putting an account on the list that the next diff looks at."""
    f.call(_ENLIST, world, account)


def _write_set_balance(module: Module) -> None:
    f = begin(module, _SET_BALANCE, "world", "account", "wei")
    world, account, wei = f.params
    enlist(f, world, account)
    f.call(_NOTE_TOUCH, world, account)
    record(f, world, ACCOUNT.at(f, account, "balance"), "i256")
    ACCOUNT.store(f, account, "balance", wei)
    with f.when(f.icmp("eq", ACCOUNT.load(f, account, "exists"), 0), likely=False):
        set_number(f, world, account, "exists", const("i64", 1))
    f.ret()


def _write_set_number(module: Module) -> None:
    """Define ``void set_number(world, account, field, number)``."""
    f = begin(module, _SET_NUMBER, "world", "account", "field", "number")
    world, account, field, number = f.params
    enlist(f, world, account)
    f.call(_NOTE_TOUCH, world, account)
    record(f, world, field, "i64")
    f.store(number, field)
    exists = ACCOUNT.at(f, account, "exists")
    with f.when(f.icmp("eq", f.load("i64", exists), 0), likely=False):
        record(f, world, exists, "i64")
        f.store(const("i64", 1), exists)
    f.ret()


def _write_mark(module: Module) -> None:
    f = begin(module, _MARK, "world", "account")
    world, account = f.params
    now = WORLD.load(f, world, "epoch")
    with f.when(f.icmp("eq", ACCOUNT.load(f, account, "marked_epoch"), now), likely=True):
        f.ret()
    # Not noted in the journal: what is on the list is looked at again when it is used.
    ACCOUNT.store(f, account, "marked_epoch", now)
    ACCOUNT.store(f, account, "next_marked", WORLD.load(f, world, "marked_accounts"))
    WORLD.store(f, world, "marked_accounts", account)
    f.ret()


def _write_note_touch(module: Module, fork: Fork) -> None:
    """Define ``void note_touch(world, account)``: see to it that `finish` looks at an account.

    The empty account 3 was deleted on the main chain in block 2,675,119 although the call that
    touched it ran out of gas; all clients keep to that, so its touch is never undone.
    """
    f = begin(module, _NOTE_TOUCH, "world", "account")
    world, account = f.params
    if fork.deletes_empty_accounts:
        now = WORLD.load(f, world, "epoch")
        with f.when(f.icmp("eq", ACCOUNT.load(f, account, "touched_epoch"), now), likely=True):
            f.ret()
        with f.when(f.icmp("eq", ACCOUNT.load(f, account, "address"), RIPEMD_ADDRESS)):
            WORLD.store(f, world, "ripemd_epoch", now)
        note_epoch(f, world, account, "touched_epoch")
        mark(f, world, account)
    f.ret()


def _write_touch(module: Module) -> None:
    """Define ``void touch(world, account)``."""
    f = begin(module, _TOUCH, "world", "account")
    world, account = f.params
    with f.when(f.icmp("eq", ACCOUNT.load(f, account, "exists"), 0), likely=False):
        set_number(f, world, account, "exists", const("i64", 1))
    f.call(_NOTE_TOUCH, world, account)
    f.ret()


def _write_transfer(module: Module) -> None:
    f = begin(module, _TRANSFER, "world", "sender", "receiver", "wei")
    world, sender, receiver, wei = f.params
    with f.when(f.icmp("eq", wei, 0), likely=True):
        f.ret()
    set_balance(f, world, sender, f.sub(ACCOUNT.load(f, sender, "balance"), wei))
    # Read after the first write: the two may be one account.
    set_balance(f, world, receiver, f.add(ACCOUNT.load(f, receiver, "balance"), wei))
    f.ret()
