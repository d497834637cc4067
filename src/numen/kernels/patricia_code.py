"""LLVM functions of binary Patricia trees that are hashed.

    subtree_root (entries, count, size, out)    the hash of the tree over sorted entries
    locate (entries, count, size, first, key)   the entry that a key is at or below

An entry has ``size`` bytes, of which the first 32 are a key and the next 32 the hash of what is
there. Keys are different, and sorted as bytes. Two neighbours part at their first bit that differs;
the tree over a range parts where its ends do, at the least of these bits. Hashes of ranges wait
for what stands to their right on a stack, whose bits only grow, so that 256 places are enough.

A node hashes ``1 ‖ bit ‖ left ‖ right``, 66 bytes, with SHA-256: two blocks.
"""

from itertools import pairwise
from typing import Final

from numen.kernels.llvm import Callee, Function, Module, Value, const, vector
from numen.kernels.sha256_code import BLOCK_BYTES, DIGEST_BYTES, Engine

KEY_BYTES: Final = 32
NODE_TAG: Final = 1

_HALF: Final = "<16 x i8>"
_MESSAGE_BYTES: Final = 2 + 2 * DIGEST_BYTES
_BLOCKS: Final = 2
_DEPTH_MAX: Final = 8 * KEY_BYTES + 1
_PLACE: Final = 8 + DIGEST_BYTES
"""A place of the stack: the bit, an i64, and the hash of what is left of it."""


def patricia_functions(engine: Engine) -> str:
    """The text of a module with the functions of this file; ``engine`` has one lane."""
    assert engine.lanes == 1
    module = Module()
    hash_node = _write_hash_node(module, engine)
    params = {"entries": "ptr", "count": "i64", "size": "i64", "out": "ptr"}
    f = module.function("subtree_root", "void", params)
    entries, count, size, out = f.params
    stack = f.alloca("i8", _DEPTH_MAX * _PLACE)
    message = f.alloca("i8", _BLOCKS * BLOCK_BYTES)
    _pad(f, message)
    end = f.sub(count, 1)
    with f.loop(0, count, carried=[const("i64", 0)]) as loop:
        entry = f.gep("i8", entries, f.mul(loop.index, size))
        _move(f, out, f.gep("i8", entry, KEY_BYTES))
        is_last = f.icmp("eq", loop.index, end)
        # Beyond the last entry there is a bit below all others: everything is joined.
        bit = _first_difference(f, entry, f.gep("i8", entry, size), is_last)
        height = _fold(f, hash_node, stack, loop.carried[0], bit, (message, out))
        place = f.gep("i8", stack, f.mul(height, _PLACE))
        f.store(bit, place)
        _move(f, f.gep("i8", place, 8), out)
        loop.advance(f.add(height, 1))
    f.ret()
    _write_locate(module)
    return str(module)


def _write_locate(module: Module) -> None:
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
    f: Function, hash_node: Callee, stack: Value, height: Value, bit: Value, work: tuple[Value, ...]
) -> Value:
    """Join the hash in ``out`` with those on the stack that part at later bits; the new height."""
    message, out = work
    before, head, look, body, done = (
        f.current, f.block("head"), f.block("look"), f.block("join"), f.block("joined"),
    )  # fmt: skip
    f.br(head)
    f.at(head)
    level = f.phi("i64", (height, before))
    f.cond_br(f.icmp("eq", level, 0), done, look)
    f.at(look)
    below = f.sub(level, 1)
    place = f.gep("i8", stack, f.mul(below, _PLACE))
    parts_at = f.load("i64", place)
    f.cond_br(f.icmp("sgt", parts_at, bit), body, done)
    f.at(body)
    _write_message(f, message, parts_at, f.gep("i8", place, 8), out)
    f.call(hash_node, message, out)
    f.incoming(level, below, f.current)
    f.br(head)
    f.at(done)
    return level


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


def _write_hash_node(module: Module, engine: Engine) -> Callee:
    params = {"message": "ptr", "out": "ptr"}
    f = module.function("hash_node", "void", params, internal=True, attributes="nounwind noinline")
    message, out = f.params
    state = engine.start()
    for i in range(_BLOCKS):
        state = engine.block(f, state, [f.gep("i8", message, i * BLOCK_BYTES)])
    engine.finish(f, state, [out])
    f.ret()
    return f.callee
