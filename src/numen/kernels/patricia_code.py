"""LLVM functions of binary Patricia trees that are hashed.

    subtree_root (entries, count, size, out)    the hash of the tree over sorted entries
    locate (entries, count, size, first, key)   the entry that a key is at or below
    subtree_roots, locate_all                   the same for many ranges of a table of entries

An entry has ``size`` bytes, of which the first 32 are a key and the next 32 the hash of what is
there. Keys are different, and sorted as bytes. Two neighbours part at their first bit that differs;
the tree over a range parts where its ends do, at the least of these bits. First the joins of a tree
are planned, then carried out. While planning, ranges wait for what stands to their right on a stack
whose bits only grow. Hashes lie in slots, one for each entry; that of a join takes the left slot.
Two trees are hashed side by side, because one alone waits for the processor's slow instructions.

A node hashes ``1 ‖ bit ‖ left ‖ right``, 66 bytes, with SHA-256: two blocks.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from numen.kernels.llvm import Callee, Function, Module, Value, const, vector
from numen.kernels.sha256_code import BLOCK_BYTES, DIGEST_BYTES, Engine, Instructions, Vectors

KEY_BYTES: Final = 32
NODE_TAG: Final = 1

_HALF: Final = "<16 x i8>"
_MESSAGE_BYTES: Final = 2 + 2 * DIGEST_BYTES
_BLOCKS: Final = 2

ENTRIES_MAX: Final = 512
"""Entries of a tree, at most: what the native stack has room for, whatever they are."""

_JOIN_WORDS: Final = 3
"""Of a join: the bit, and the bytes at which the left and the right slot begin."""


def patricia_functions(engine: type[Instructions | Vectors]) -> str:
    """The text of a module with the functions of this file."""
    module = Module()
    plan = _write_plan(module)
    joins = [_write_joins(module, engine(lanes)) for lanes in (1, 2)]
    _write_root(module, plan, joins[0])
    _write_roots(module, plan, joins)
    _write_locate_all(module, _write_locate(module))
    return str(module)


def _write_root(module: Module, plan: Callee, join: Callee) -> None:
    params = {"entries": "ptr", "count": "i64", "size": "i64", "out": "ptr"}
    f = module.function("subtree_root", "void", params)
    entries, count, size, out = f.params
    slots, tree = _room(f)
    f.call(plan, entries, count, size, slots, tree)
    f.call(join, const("i64", 0), f.sub(count, 1), slots, tree)
    _move(f, out, slots)
    f.ret()


def _write_roots(module: Module, plan: Callee, joins: Sequence[Callee]) -> None:
    """Define ``subtree_roots``: of the ranges ``chosen``, whose first rows ``starts`` tells."""
    params = {
        "entries": "ptr", "size": "i64", "starts": "ptr", "chosen": "ptr", "count": "i64",
        "out": "ptr",
    }  # fmt: skip
    f = module.function("subtree_roots", "void", params)
    entries, size, starts, chosen, count, out = f.params
    rooms = [_room(f) for _ in range(2)]
    last = f.sub(count, 1)
    with f.loop(0, count, step=2) as loop:
        # The last of an odd number is its own neighbour.
        places = [loop.index, _least(f, f.add(loop.index, 1), last)]
        lengths = []
        for place, (slots, tree) in zip(places, rooms, strict=True):
            first, rows = _range(f, starts, f.load("i64", f.gep("i64", chosen, place)))
            f.call(plan, f.gep("i8", entries, f.mul(first, size)), rows, size, slots, tree)
            lengths.append(f.sub(rows, 1))
        both = _least(f, *lengths)
        f.call(joins[1], const("i64", 0), both, *rooms[0], *rooms[1])
        for place, length, (slots, tree) in zip(places, lengths, rooms, strict=True):
            f.call(joins[0], both, length, slots, tree)
            _move(f, f.gep("i8", out, f.mul(place, DIGEST_BYTES)), slots)
    f.ret()


def _room(f: Function) -> tuple[Value, Value]:
    """Slots and joins of one tree."""
    slots = f.alloca("i8", ENTRIES_MAX * DIGEST_BYTES)
    return slots, f.alloca("i64", ENTRIES_MAX * _JOIN_WORDS)


def _least(f: Function, a: Value, b: Value) -> Value:
    return f.select(f.icmp("slt", a, b), a, b)


def _write_plan(module: Module) -> Callee:
    """Define ``plan``: hashes to slots, and the joins of the tree over some entries, in order."""
    params = {"entries": "ptr", "count": "i64", "size": "i64", "slots": "ptr", "joins": "ptr"}
    f = module.function("plan", "void", params, internal=True, attributes="nounwind noinline")
    entries, count, size, slots, joins = f.params
    stack = f.alloca("i64", 2 * ENTRIES_MAX)
    end = f.sub(count, 1)
    with f.loop(0, count, carried=[const("i64", 0), joins]) as loop:
        entry = f.gep("i8", entries, f.mul(loop.index, size))
        slot = f.mul(loop.index, DIGEST_BYTES)
        _move(f, f.gep("i8", slots, slot), f.gep("i8", entry, KEY_BYTES))
        is_last = f.icmp("eq", loop.index, end)
        # Beyond the last entry there is a bit below all others: everything is joined.
        bit = _first_difference(f, entry, f.gep("i8", entry, size), is_last)
        height, slot, after = _fold(f, stack, (loop.carried[0], slot, loop.carried[1]), bit)
        place = f.gep("i64", stack, f.shl(height, 1))
        f.store(bit, place)
        f.store(slot, f.gep("i64", place, 1))
        loop.advance(f.add(height, 1), after)
    f.ret()
    return f.callee


def _write_joins(module: Module, engine: Engine) -> Callee:
    """Define a function that carries out joins, from one to another, of as many trees as lanes."""
    hash_nodes = _write_hash_nodes(module, engine)
    lanes = range(engine.lanes)
    params = {"start": "i64", "stop": "i64"}
    for i in lanes:
        params |= {f"slots{i}": "ptr", f"joins{i}": "ptr"}
    name = f"join_{engine.lanes}"
    f = module.function(name, "void", params, internal=True, attributes="nounwind noinline")
    start, stop, *trees = f.params
    messages = [f.alloca("i8", _BLOCKS * BLOCK_BYTES) for _ in lanes]
    for message in messages:
        _pad(f, message)
    with f.loop(start, stop) as loop:
        lefts = []
        for message, slots, joins in zip(messages, trees[::2], trees[1::2], strict=True):
            join = f.gep("i64", joins, f.mul(loop.index, _JOIN_WORDS))
            bit, left, right = (f.load("i64", f.gep("i64", join, i)) for i in range(_JOIN_WORDS))
            lefts.append(f.gep("i8", slots, left))
            _write_message(f, message, bit, lefts[-1], f.gep("i8", slots, right))
        f.call(hash_nodes, *messages, *lefts)
    f.ret()
    return f.callee


def _write_hash_nodes(module: Module, engine: Engine) -> Callee:
    """Define a function that hashes messages, one a lane.

    It is never part of another: upper halves of registers that were used there would slow the
    processor's instructions for SHA-256 down a hundred times.
    """
    lanes = range(engine.lanes)
    params = dict.fromkeys([f"message{i}" for i in lanes] + [f"out{i}" for i in lanes], "ptr")
    name = f"hash_{engine.lanes}"
    f = module.function(name, "void", params, internal=True, attributes="nounwind noinline")
    messages, outs = f.params[: engine.lanes], f.params[engine.lanes :]
    state = engine.start()
    for i in range(_BLOCKS):
        state = engine.block(f, state, [f.gep("i8", m, i * BLOCK_BYTES) for m in messages])
    engine.finish(f, state, outs)
    f.ret()
    return f.callee


def _write_locate_all(module: Module, locate: Callee) -> None:
    """Define ``locate_all``: of each key in its range, row times 65,536 and bits, as ``locate``."""
    params = {
        "entries": "ptr", "size": "i64", "starts": "ptr", "ranges": "ptr", "keys": "ptr",
        "count": "i64", "out": "ptr",
    }  # fmt: skip
    f = module.function("locate_all", "void", params)
    entries, size, starts, ranges, keys, count, out = f.params
    with f.loop(0, count) as loop:
        first, rows = _range(f, starts, f.load("i64", f.gep("i64", ranges, loop.index)))
        key = f.gep("i8", keys, f.mul(loop.index, KEY_BYTES))
        table = f.gep("i8", entries, f.mul(first, size))
        found = f.call(locate, table, rows, size, const("i64", 0), key)
        f.store(f.add(found, f.shl(first, 16)), f.gep("i64", out, loop.index))
    f.ret()


def _range(f: Function, starts: Value, number: Value) -> tuple[Value, Value]:
    """First row of a range, and how many rows it has."""
    first = f.load("i64", f.gep("i64", starts, number))
    after = f.load("i64", f.gep("i64", starts, f.add(number, 1)))
    return first, f.sub(after, first)


def _write_locate(module: Module) -> Callee:
    """Define ``locate``: place times 65,536 and bits, which are 0 where no entry covers the key.

    The last two bytes of an entry tell how many bits of its key it stands for, highest byte first.
    """
    params = {"entries": "ptr", "count": "i64", "size": "i64", "first": "i64", "key": "ptr"}
    f = module.function("locate", "i64", params)
    entries, count, size, first, key = f.params
    wanted = f.byte_swap(f.load("i256", key, 1))
    above = _first_above(f, (entries, size), first, count, wanted)
    with f.when(f.icmp("eq", above, first)):
        f.ret(f.shl(first, 16))
    place = f.sub(above, 1)
    entry = f.gep("i8", entries, f.mul(place, size))
    last = f.gep("i8", f.gep("i8", entry, size), -2)
    bits = f.zext(f.byte_swap(f.load("i16", last, 1)), "i64")
    rest = f.zext(f.sub(const("i64", 8 * KEY_BYTES), bits), "i256")
    differs = f.lshr(f.xor(f.byte_swap(f.load("i256", entry, 1)), wanted), rest)
    covers = f.icmp("eq", differs, 0)
    found = f.add(f.shl(place, 16), bits)
    f.ret(f.select(covers, found, f.shl(above, 16)))
    return f.callee


def _first_above(
    f: Function, table: tuple[Value, Value], low: Value, high: Value, wanted: Value
) -> Value:
    """The place of the first entry whose key is above a key, by halving."""
    entries, size = table
    before, head, body, done = f.current, f.block("search"), f.block("halve"), f.block("found")
    f.br(head)
    f.at(head)
    bottom, top = f.phi("i64", (low, before)), f.phi("i64", (high, before))
    f.cond_br(f.icmp("ult", bottom, top), body, done)
    f.at(body)
    middle = f.lshr(f.add(bottom, top), 1)
    here = f.byte_swap(f.load("i256", f.gep("i8", entries, f.mul(middle, size)), 1))
    is_above = f.icmp("ugt", here, wanted)
    f.incoming(bottom, f.select(is_above, bottom, f.add(middle, 1)), f.current)
    f.incoming(top, f.select(is_above, middle, top), f.current)
    f.br(head)
    f.at(done)
    return bottom


def _first_difference(f: Function, entry: Value, after: Value, is_last: Value) -> Value:
    """The first bit in which the keys of two entries differ, or -1 for the last entry."""
    # The last has no other after it: its key is compared with itself, in place of reading on.
    other = f.select(is_last, entry, after)
    ours, theirs = (f.byte_swap(f.load("i256", key, 1)) for key in (entry, other))
    bit = f.trunc(f.leading_zeros(f.xor(ours, theirs)), "i64")
    return f.select(is_last, const("i64", -1), bit)


def _fold(
    f: Function, stack: Value, at: tuple[Value, Value, Value], bit: Value
) -> tuple[Value, Value, Value]:
    """Join a slot with those on the stack that part at later bits.

    Takes and gives the height of the stack, the slot, and where the next join is written.
    """
    before, head, look, body, done = (
        f.current, f.block("head"), f.block("look"), f.block("join"), f.block("joined"),
    )  # fmt: skip
    f.br(head)
    f.at(head)
    level, right, join = (f.phi(value.type, (value, before)) for value in at)
    f.cond_br(f.icmp("eq", level, 0), done, look)
    f.at(look)
    below = f.sub(level, 1)
    place = f.gep("i64", stack, f.shl(below, 1))
    parts_at = f.load("i64", place)
    f.cond_br(f.icmp("sgt", parts_at, bit), body, done)
    f.at(body)
    left = f.load("i64", f.gep("i64", place, 1))
    for i, word in enumerate((parts_at, left, right)):
        f.store(word, f.gep("i64", join, i))
    f.incoming(level, below, f.current)
    f.incoming(right, left, f.current)
    f.incoming(join, f.gep("i64", join, _JOIN_WORDS), f.current)
    f.br(head)
    f.at(done)
    return level, right, join


def _halves(f: Function, digest: Value) -> list[Value]:
    return [f.load(_HALF, f.gep(_HALF, digest, i), 1) for i in range(2)]


def _move(f: Function, to: Value, digest: Value) -> None:
    """Copy a digest in the pieces in which it is written and read; others would have to wait."""
    for i, half in enumerate(_halves(f, digest)):
        f.store(half, f.gep(_HALF, to, i), 1)


def _write_message(f: Function, message: Value, bit: Value, left: Value, right: Value) -> None:
    """Write what a node hashes, in the pieces in which it is read."""
    head = f.insert_lane(const(_HALF, NODE_TAG), f.trunc(bit, "i8"), 15)
    tail = vector("i8", [0x80, *[0] * 15])
    pieces = [head, *_halves(f, left), *_halves(f, right), tail]
    for i, (low, high) in enumerate(pairwise(pieces)):
        f.store(f.shuffle(low, high, range(14, 30)), f.gep(_HALF, message, i), 1)


def _pad(f: Function, message: Value) -> None:
    """Write what is the same in each message: its length."""
    f.fill(message, 0, const("i64", _BLOCKS * BLOCK_BYTES))
    length = f.byte_swap(const("i64", 8 * _MESSAGE_BYTES))
    f.store(length, f.gep("i8", message, _BLOCKS * BLOCK_BYTES - 8), 1)
