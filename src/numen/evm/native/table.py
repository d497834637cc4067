"""Finding accounts, slots and codes: tables of buckets, hashed with a secret of the machine.

A bucket is a hash and a pointer, 16 bytes; the hash picks the first bucket to look at and the next
ones follow. A table is never more than half full: then one of twice the size takes its place in the
arena. Entries are made on the first look and stay where they are for the life of the machine, so
that their addresses may be kept anywhere.

Strangers choose the keys of storage. The hash is therefore a strongly universal one, a sum of the
key's limbs times words of chance modulo 2**128 (Dietzfelbinger: *Universal hashing and k-wise
independent random variables*, 1996), and then stirred once: without the secret nobody can find keys
that collide more often than chance has it.
"""

import msgspec

from numen.evm.halt import Halt
from numen.evm.native.layout import ACCOUNT, CODE, SLOT, WORLD, Record
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

BUCKET_BYTES = 16
"""A hash and a pointer."""

_STIR = 0x9E3779B97F4A7C15
"""An odd number without pattern: 2**64 over the golden ratio."""

ALLOCATE = Callee("allocate", "ptr", ("ptr", "i64"))
"""``ptr allocate(world, size)``: zeroed bytes of the arena, a multiple of 64; null: no room."""


class Table(msgspec.Struct, frozen=True):
    """One kind of entries.

    Attributes:
        name: Of an entry, in the names of functions.
        entry: Layout of an entry.
        key: Its field that holds the key, an i256.
        owner: Its field that holds a pointer which is part of the key; empty where there is none.
        buckets: The World's field that points at the buckets.
        mask: The World's field with the number of buckets less one.
        count: The World's field with the number of entries.
    """

    name: str
    entry: Record
    key: str
    owner: str
    buckets: str
    mask: str
    count: str

    @property
    def finder(self) -> Callee:
        """``ptr find(world, key[, owner])``: the entry, made if missing; null: no room."""
        return Callee(f"find_{self.name}", "ptr", ("ptr", "i256", *self._owner_type))

    @property
    def maker(self) -> Callee:
        """``ptr make(world, key[, owner], hash)``: a new entry."""
        return Callee(f"make_{self.name}", "ptr", ("ptr", "i256", *self._owner_type, "i64"))

    @property
    def grower(self) -> Callee:
        """``i1 grow(world)``: room for another entry; false where the arena is full."""
        return Callee(f"grow_{self.name}_table", "i1", ("ptr",))

    @property
    def _owner_type(self) -> tuple[str, ...]:
        return ("ptr",) if self.owner else ()


ACCOUNTS = Table("account", ACCOUNT, "address", "", "accounts", "account_mask", "account_count")
"""Accounts by address."""

SLOTS = Table("slot", SLOT, "key", "account", "slots", "slot_mask", "slot_count")
"""Slots by key and account."""

CODES = Table("code", CODE, "key", "", "codes", "code_mask", "code_count")
"""Codes by a fingerprint; see `contracts`."""


def write_tables(module: Module) -> None:
    """Define the finders of the tables, and the arena they take entries from."""
    _write_allocate(module)
    for table in (ACCOUNTS, SLOTS, CODES):
        _write_grow(module, table)
        _write_make(module, table)
        _write_find(module, table)


def begin(module: Module, callee: Callee, *params: str, attributes: str = "nounwind") -> Function:
    """Open a function of this machine that only native code of the same module calls."""
    types = dict(zip(params, callee.params, strict=True))
    return module.function(callee.name, callee.result, types, internal=True, attributes=attributes)


def give_up(f: Function, world: Value) -> None:
    """Note that the machine has no more room; the run ends at the next check."""
    WORLD.store(f, world, "error", const("i64", Halt.RESOURCE_LIMIT))


def _write_allocate(module: Module) -> None:
    f = begin(module, ALLOCATE, "world", "size")
    world, size = f.params
    found = WORLD.load(f, world, "arena_top")
    room = f.sub(_number(f, WORLD.load(f, world, "arena_limit")), _number(f, found))
    with f.when(f.icmp("ugt", size, room), likely=False):
        give_up(f, world)
        f.ret(NULL)
    WORLD.store(f, world, "arena_top", f.gep("i8", found, size))
    f.ret(found)


def _number(f: Function, pointer: Value) -> Value:
    return f.cast("ptrtoint", pointer, "i64")


def _hash(f: Function, world: Value, key: Value, owner: Value | None) -> Value:
    limbs = [f.trunc(f.lshr(key, 64 * i) if i else key, "i64") for i in range(4)]
    if owner is not None:
        limbs.append(_number(f, owner))
    secret = WORLD.at(f, world, "secret")
    total = f.load("i128", secret, 8, is_fixed=True)
    for index, limb in enumerate(limbs, 1):
        factor = f.load("i128", f.gep("i128", secret, index), 8, is_fixed=True)
        total = f.add(total, f.mul(factor, f.zext(limb, "i128")))
    top = f.trunc(f.lshr(total, 64), "i64")
    # Keys one apart have hashes one distance apart: stirred, they leave no runs of buckets.
    mixed = f.mul(f.xor(top, f.lshr(top, 32)), _STIR)
    return f.xor(mixed, f.lshr(mixed, 29))


def _write_find(module: Module, table: Table) -> None:
    f = begin(module, table.finder, *("world", "key", "owner")[: len(table.finder.params)])
    world, key = f.params[:2]
    owner = f.params[2] if table.owner else None
    hash_ = _hash(f, world, key, owner)
    mask = WORLD.load(f, world, table.mask)
    buckets = WORLD.load(f, world, table.buckets)
    first, before = f.and_(hash_, mask), f.current
    look, compare, found, step = map(f.block, ("look", "compare", "found", "step"))
    f.br(look)

    f.at(look)
    index = f.phi("i64", (first, before))
    bucket = f.gep("{i64, ptr}", buckets, index)
    entry = f.load("ptr", f.gep("i8", bucket, 8))
    with f.when(f.icmp("eq", entry, NULL), likely=False):
        f.ret(f.call(table.maker, *f.params, hash_))
    f.cond_br(f.icmp("eq", f.load("i64", bucket), hash_), compare, step, likely=True)

    f.at(compare)
    same = f.icmp("eq", table.entry.load(f, entry, table.key), key)
    if owner is not None:
        same = f.and_(same, f.icmp("eq", table.entry.load(f, entry, table.owner), owner))
    f.cond_br(same, found, step, likely=True)
    f.at(found)
    f.ret(entry)

    f.at(step)
    f.incoming(index, f.and_(f.add(index, 1), mask), f.current)
    f.br(look)


def _write_make(module: Module, table: Table) -> None:
    names = ("world", "key", "owner", "hash") if table.owner else ("world", "key", "hash")
    f = begin(module, table.maker, *names, attributes="nounwind noinline cold")
    world, key, hash_ = f.params[0], f.params[1], f.params[-1]
    with f.when(f.not_(f.call(table.grower, world))):
        f.ret(NULL)
    entry = f.call(ALLOCATE, world, const("i64", table.entry.size_bytes))
    with f.when(f.icmp("eq", entry, NULL)):
        f.ret(NULL)
    table.entry.store(f, entry, table.key, key)
    if table.owner:
        table.entry.store(f, entry, table.owner, f.params[2])
    buckets, mask = (WORLD.load(f, world, name) for name in (table.buckets, table.mask))
    _insert(f, buckets, mask, hash_, entry)
    WORLD.store(f, world, table.count, f.add(WORLD.load(f, world, table.count), 1))
    f.ret(entry)


def _insert(f: Function, buckets: Value, mask: Value, hash_: Value, entry: Value) -> None:
    """Emit writing a bucket after the last full one of its run."""
    first, before = f.and_(hash_, mask), f.current
    look, step, free = map(f.block, ("look", "step", "free"))
    f.br(look)
    f.at(look)
    index = f.phi("i64", (first, before))
    bucket = f.gep("{i64, ptr}", buckets, index)
    place = f.gep("i8", bucket, 8)
    f.cond_br(f.icmp("eq", f.load("ptr", place), NULL), free, step)
    f.at(step)
    f.incoming(index, f.and_(f.add(index, 1), mask), f.current)
    f.br(look)
    f.at(free)
    f.store(hash_, bucket)
    f.store(entry, place)


def _write_grow(module: Module, table: Table) -> None:
    f = begin(module, table.grower, "world", attributes="nounwind noinline cold")
    world = f.params[0]
    mask, count, old = (
        WORLD.load(f, world, name) for name in (table.mask, table.count, table.buckets)
    )
    with f.when(f.icmp("ult", f.shl(count, 1), mask)):
        f.ret(const("i1", 1))
    size = f.add(mask, 1)
    new = f.call(ALLOCATE, world, f.mul(size, 2 * BUCKET_BYTES))
    with f.when(f.icmp("eq", new, NULL)):
        f.ret(const("i1", 0))
    new_mask = f.add(f.shl(mask, 1), 1)
    with f.loop(0, size) as loop:
        bucket = f.gep("{i64, ptr}", old, loop.index)
        entry = f.load("ptr", f.gep("i8", bucket, 8))
        with f.when(f.icmp("ne", entry, NULL)):
            _insert(f, new, new_mask, f.load("i64", bucket), entry)
    WORLD.store(f, world, table.buckets, new)
    WORLD.store(f, world, table.mask, new_mask)
    f.ret(const("i1", 1))
