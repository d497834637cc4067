"""What Python does to the World between runs, in native code: one call each.

Addresses are pointers to 20 bytes as they are written, words pointers to 32 bytes, little-endian.
Functions that find an account or slot give null, or do nothing, when the machine has no more room;
`World.error` says so.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from numen.evm.forks import Fork
from numen.evm.native import accounts
from numen.evm.native.journal import undo
from numen.evm.native.layout import ACCOUNT, MOMENT, WORLD
from numen.evm.native.runtime_types import routine
from numen.evm.native.slots import is_cold
from numen.evm.native.table import begin
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

_DELETE = Callee("delete_account", "void", ("ptr", "ptr"))
_Opened: TypeAlias = tuple[Function, Value, Value, list[Value]]


def write_transactions(module: Module, fork: Fork) -> None:
    """Define the functions of this file."""
    _write_begin(module)
    _write_delete(module)
    _write_finish(module, fork)
    _write_revert(module)
    _write_find(module)
    _write_puts(module)
    _write_warms(module)


def _write_begin(module: Module) -> None:
    """Define ``void begin_transaction(world)``."""
    f = module.function("begin_transaction", "void", {"world": "ptr"})
    world = f.params[0]
    WORLD.store(f, world, "epoch", f.add(WORLD.load(f, world, "epoch"), 1))
    for name in MOMENT:
        WORLD.store(f, world, name, const("i64", 0))
    WORLD.store(f, world, "marked_accounts", NULL)
    f.ret()


def _write_delete(module: Module) -> None:
    """``void delete_account(world, account)``: for good; nothing is noted in the journal."""
    f = begin(module, _DELETE, "world", "account")
    world, account = f.params
    accounts.enlist(f, world, account)
    ACCOUNT.store(f, account, "balance", const("i256", 0))
    for name in ("nonce", "exists"):
        ACCOUNT.store(f, account, name, const("i64", 0))
    ACCOUNT.store(f, account, "code", WORLD.load(f, world, "empty_code"))
    generation = f.add(ACCOUNT.load(f, account, "generation"), 1)
    ACCOUNT.store(f, account, "generation", generation)
    f.ret()


def _write_finish(module: Module, fork: Fork) -> None:
    """Define ``void finish_transaction(world)``."""
    f = module.function("finish_transaction", "void", {"world": "ptr"})
    world = f.params[0]
    now = WORLD.load(f, world, "epoch")
    if fork.deletes_empty_accounts:
        with f.when(f.icmp("eq", WORLD.load(f, world, "ripemd_epoch"), now), likely=False):
            ripemd = const("i256", accounts.RIPEMD_ADDRESS)
            account = f.call(routine(module, "account_at"), world, ripemd)
            with f.when(f.icmp("ne", account, NULL)), f.when(_is_hollow(f, account)):
                f.call(_DELETE, world, account)
    first, before = WORLD.load(f, world, "marked_accounts"), f.current
    look, body, done = map(f.block, ("look", "body", "done"))
    f.br(look)
    f.at(look)
    account = f.phi("ptr", (first, before))
    f.cond_br(f.icmp("eq", account, NULL), done, body)
    f.at(body)
    goes = f.icmp("eq", ACCOUNT.load(f, account, "destroyed_epoch"), now)
    if fork.deletes_empty_accounts:
        is_touched = f.icmp("eq", ACCOUNT.load(f, account, "touched_epoch"), now)
        goes = f.or_(goes, f.and_(is_touched, _is_hollow(f, account)))
    with f.when(goes):
        f.call(_DELETE, world, account)
    f.incoming(account, ACCOUNT.load(f, account, "next_marked"), f.current)
    f.br(look)
    f.at(done)
    WORLD.store(f, world, "marked_accounts", NULL)
    WORLD.store(f, world, "journal_count", const("i64", 0))
    f.ret()


def _is_hollow(f: Function, account: Value) -> Value:
    exists = f.icmp("ne", ACCOUNT.load(f, account, "exists"), 0)
    return f.and_(exists, accounts.is_empty(f, account))


def _write_revert(module: Module) -> None:
    """Define ``void revert_to(world, moment)``: the four numbers of `MOMENT`, at any address."""
    f = module.function("revert_to", "void", {"world": "ptr", "moment": "ptr"})
    world, moment = f.params
    journal, *rest = (f.load("i64", f.gep("i64", moment, i), 1) for i in range(len(MOMENT)))
    undo(f, world, journal)
    for name, value in zip(MOMENT[1:], rest, strict=True):
        WORLD.store(f, world, name, value)
    f.ret()


@contextmanager
def _on_account(module: Module, name: str, others: Mapping[str, str]) -> Iterator[_Opened]:
    """Open a function of an address and more, and write the body where the account is found."""
    f = module.function(name, "void", {"world": "ptr", "address": "ptr", **others})
    world = f.params[0]
    account = _account(f, world, f.params[1])
    with f.when(f.icmp("ne", account, NULL), likely=True):
        yield f, world, account, f.params[2:]
    f.ret()


def _account(f: Function, world: Value, address: Value) -> Value:
    key = f.zext(f.byte_swap(f.load("i160", address, 1)), "i256")
    return f.call(routine(f.module, "account_at"), world, key)


def _slot(f: Function, world: Value, account: Value, key: Value) -> Value:
    return f.call(routine(f.module, "slot_at"), world, account, f.load("i256", key, 1))


def _write_find(module: Module) -> None:
    """Define ``ptr account_of(world, address)`` and ``ptr slot_of(world, address, key)``."""
    f = module.function("account_of", "ptr", {"world": "ptr", "address": "ptr"})
    f.ret(_account(f, *f.params))
    f = module.function("slot_of", "ptr", {"world": "ptr", "address": "ptr", "key": "ptr"})
    world, address, key = f.params
    account = _account(f, world, address)
    with f.when(f.icmp("eq", account, NULL), likely=False):
        f.ret(NULL)
    f.ret(_slot(f, world, account, key))


def _write_puts(module: Module) -> None:
    """Define ``put_balance``, ``add_balance``, ``put_nonce``, ``put_code`` and ``put_slot``."""
    with _on_account(module, "put_balance", {"wei": "ptr"}) as (f, world, account, (wei,)):
        accounts.set_balance(f, world, account, f.load("i256", wei, 1))
    with _on_account(module, "add_balance", {"wei": "ptr"}) as (f, world, account, (wei,)):
        accounts.touch(f, world, account)
        before = ACCOUNT.load(f, account, "balance")
        accounts.set_balance(f, world, account, f.add(before, f.load("i256", wei, 1)))
    with _on_account(module, "put_nonce", {"nonce": "i64"}) as (f, world, account, (nonce,)):
        accounts.set_number(f, world, account, "nonce", nonce)
    with _on_account(module, "put_code", {"code": "ptr"}) as (f, world, account, (code,)):
        accounts.set_code(f, world, account, code)
    others = {"key": "ptr", "value": "ptr"}
    with _on_account(module, "put_slot", others) as (f, world, account, (key, value)):
        slot = _slot(f, world, account, key)
        with f.when(f.icmp("ne", slot, NULL), likely=True):
            f.call(routine(module, "store_slot"), world, slot, f.load("i256", value, 1))


def _write_warms(module: Module) -> None:
    """Define ``warm(world, address)``, ``warm_all(world, addresses, count)`` and ``warm_key``."""
    with (
        _on_account(module, "warm", {}) as (f, world, account, _),
        f.when(accounts.is_cold(f, world, account)),
    ):
        f.call(routine(module, "warm_account"), world, account)
    warm = f.callee
    f = module.function("warm_all", "void", {"world": "ptr", "addresses": "ptr", "count": "i64"})
    world, addresses, count = f.params
    with f.loop(0, count) as loop:
        f.call(warm, world, f.gep("[20 x i8]", addresses, loop.index))
    f.ret()
    with _on_account(module, "warm_key", {"key": "ptr"}) as (f, world, account, (key,)):
        slot = _slot(f, world, account, key)
        with f.when(f.icmp("ne", slot, NULL), likely=True), f.when(is_cold(f, world, slot)):
            f.call(routine(module, "warm_slot"), world, slot)
