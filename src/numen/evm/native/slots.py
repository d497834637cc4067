"""Storage slots in native code: reading, writing, what they held before.

A slot's value counts as long as its generation is its account's; storage of a deleted account
vanishes by the account's generation going up.
"""

from numen.evm.native import accounts, table
from numen.evm.native.journal import record
from numen.evm.native.layout import ACCOUNT, SLOT, WORLD
from numen.evm.native.runtime_types import define
from numen.evm.native.table import begin
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

_LEARN = Callee("learn_slot", "ptr", ("ptr", "ptr", "ptr"))
_ENLIST = Callee("enlist_slot", "void", ("ptr", "ptr"))
_ON_SLOT = Callee("on_slot", "void", ("ptr", "ptr"))


def write_slots(module: Module) -> None:
    """Define the functions of this file."""
    _write_learn(module)
    _write_slot_at(module)
    _write_warm(module)
    _write_enlist(module)
    _write_store(module)
    _write_transient(module)
    _write_store_transient(module)


def is_cold(f: Function, world: Value, slot: Value) -> Value:
    """Emit whether a slot is still to be accessed in this transaction, an i1."""
    warm, now = SLOT.load(f, slot, "warm_epoch"), WORLD.load(f, world, "epoch")
    return f.icmp("ne", warm, now)


def original(f: Function, world: Value, slot: Value) -> Value:
    """Emit what a slot held when the transaction began, an i256."""
    is_noted = f.icmp("eq", SLOT.load(f, slot, "original_epoch"), WORLD.load(f, world, "epoch"))
    return f.select(is_noted, SLOT.load(f, slot, "original"), SLOT.load(f, slot, "value"))


def _write_learn(module: Module) -> None:
    """``ptr learn_slot(world, account, slot)``: give it its value; null: the run is given up."""
    f = begin(module, _LEARN, "world", "account", "slot", attributes="nounwind noinline cold")
    world, account, slot = f.params
    with f.when(f.icmp("eq", slot, NULL)):
        f.ret(NULL)
    generation = ACCOUNT.load(f, account, "generation")
    SLOT.store(f, slot, "value", const("i256", 0))
    in_source = f.and_(
        f.icmp("eq", generation, 0), f.icmp("ne", ACCOUNT.load(f, account, "has_storage"), 0)
    )
    with f.when(in_source):
        f.call_pointer(WORLD.load(f, world, "on_slot"), _ON_SLOT, world, slot)
        with f.when(f.icmp("ne", WORLD.load(f, world, "error"), 0)):
            f.ret(NULL)
    SLOT.store(f, slot, "generation", generation)
    SLOT.store(f, slot, "is_known", const("i64", 1))
    f.ret(slot)


def _write_slot_at(module: Module) -> None:
    f = define(module, "slot_at", "world", "account", "key", attributes="nounwind")
    world, account, key = f.params
    slot = f.call(table.SLOTS.finder, world, key, account)
    look, learn = f.block("look"), f.block("learn")
    f.cond_br(f.icmp("eq", slot, NULL), learn, look, likely=False)
    f.at(look)
    is_known = f.icmp("ne", SLOT.load(f, slot, "is_known"), 0)
    generations = SLOT.load(f, slot, "generation"), ACCOUNT.load(f, account, "generation")
    with f.when(f.and_(is_known, f.icmp("eq", *generations)), likely=True):
        f.ret(slot)
    f.br(learn)
    f.at(learn)
    f.ret(f.call(_LEARN, world, account, slot))


def _write_warm(module: Module) -> None:
    f = define(module, "warm_slot", "world", "slot")
    world, slot = f.params
    place = SLOT.at(f, slot, "warm_epoch")
    record(f, world, place, "i64")
    f.store(WORLD.load(f, world, "epoch"), place)
    f.ret()


def _write_enlist(module: Module) -> None:
    """``void enlist_slot(world, slot)``: remember what it held at the last diff."""
    f = begin(module, _ENLIST, "world", "slot")
    world, slot = f.params
    with f.when(f.icmp("ne", SLOT.load(f, slot, "is_dirty"), 0), likely=True):
        f.ret()
    account = SLOT.load(f, slot, "account")
    accounts.enlist(f, world, account)
    SLOT.store(f, slot, "before", SLOT.load(f, slot, "value"))
    SLOT.store(f, slot, "is_dirty", const("i64", 1))
    SLOT.store(f, slot, "next_dirty", ACCOUNT.load(f, account, "slots"))
    ACCOUNT.store(f, account, "slots", slot)
    f.ret()


def _write_store(module: Module) -> None:
    """``void store_slot(world, slot, value)``: the slot is from `slot_at`."""
    f = define(module, "store_slot", "world", "slot", "value")
    world, slot, value = f.params
    now = WORLD.load(f, world, "epoch")
    with f.when(f.icmp("ne", SLOT.load(f, slot, "original_epoch"), now)):
        SLOT.store(f, slot, "original", SLOT.load(f, slot, "value"))
        SLOT.store(f, slot, "original_epoch", now)
    f.call(_ENLIST, world, slot)
    record(f, world, SLOT.at(f, slot, "value"), "i256")
    SLOT.store(f, slot, "value", value)
    f.ret()


def _write_transient(module: Module) -> None:
    """``ptr transient_at(world, account, key)``: a Slot whose ``transient`` is of now, or null."""
    f = define(module, "transient_at", "world", "account", "key", attributes="nounwind")
    world, account, key = f.params
    slot = f.call(table.SLOTS.finder, world, key, account)
    with f.when(f.icmp("eq", slot, NULL), likely=False):
        f.ret(NULL)
    now = WORLD.load(f, world, "epoch")
    with f.when(f.icmp("ne", SLOT.load(f, slot, "transient_epoch"), now)):
        SLOT.store(f, slot, "transient", const("i256", 0))
        SLOT.store(f, slot, "transient_epoch", now)
    f.ret(slot)


def _write_store_transient(module: Module) -> None:
    f = define(module, "store_transient", "world", "slot", "value")
    world, slot, value = f.params
    record(f, world, SLOT.at(f, slot, "transient"), "i256")
    SLOT.store(f, slot, "transient", value)
    f.ret()
