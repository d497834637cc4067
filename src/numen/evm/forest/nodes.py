"""Nodes of native tries: where they lie, how one is taken and given back.

All tries share one pool of nodes, which refer to each other by index, so that the pool may be
moved when it grows. Index 0 is no node; in its place lies the pool's head. A key is a hash of 32
bytes, read as a number, so its digits in base 16 count from the highest. Every node has a *depth*:
a branch the number of digits that all keys below it share, a leaf 64. Unlike in the trie that is
hashed, no node has a path: it is what its key says between the branch above and its own depth.
"""

from typing import Final

from numen.evm.native.layout import Record
from numen.kernels.llvm import Callee, Function, Module, Value, const

DIGITS: Final = 64
"""Digits of a key, and the depth of a leaf."""

VALUE_BYTES_MAX: Final = 112
"""Room for a value: an account takes at most 110 bytes, a slot 33."""

HASHED: Final = 33
"""Size of a reference that is a hash: its first byte, and the hash."""

NODE: Final = Record(
    "node",
    (
        ("depth", "i64", "digits shared by all keys below; the next free node, where this is one"),
        ("reference_length", "i64", "bytes of the reference; 0 where it is not known"),
        ("length", "i64", "bytes of the value of a leaf"),
        ("key", "i256", "a key below, or that was; the key of a leaf"),
        ("reference", "[48 x i8]", "what stands for the node in the one above, encoded"),
        ("payload", f"[{VALUE_BYTES_MAX} x i8]", "a leaf's value, or the indices of 16 children"),
    ),
)

HEAD: Final = Record(
    "head",
    (
        ("used", "i64", "indices below it have been given out"),
        ("free", "i64", "a node that was given back; 0 for none"),
    ),
)

assert HEAD.size_bytes <= NODE.size_bytes
assert NODE.offset("payload") % 4 == 0


def node_at(f: Function, pool: Value, index: Value) -> Value:
    """Emit the address of a node."""
    return f.gep("i8", pool, f.mul(index, NODE.size_bytes))


def digit(f: Function, key: Value, depth: Value) -> Value:
    """Emit a digit of a key, counted from the highest; the depth is below 64."""
    shift = f.sub(const("i64", 4 * (DIGITS - 1)), f.shl(depth, 2))
    return f.and_(f.trunc(f.lshr(key, f.zext(shift, "i256")), "i64"), 15)


def child_place(f: Function, node: Value, which: Value) -> Value:
    """Emit where the index of a branch's child lies, an i32."""
    return f.gep("i32", NODE.at(f, node, "payload"), which)


def read_index(f: Function, place: Value) -> Value:
    """Emit reading an index."""
    return f.zext(f.load("i32", place, 4), "i64")


def write_index(f: Function, index: Value, place: Value) -> None:
    """Emit writing an index."""
    f.store(f.trunc(index, "i32"), place, 4)


def forget_reference(f: Function, node: Value) -> None:
    """Emit that something below a node has changed, or its place."""
    NODE.store(f, node, "reference_length", const("i64", 0))


def write_take(module: Module) -> Callee:
    """Define ``take(pool, depth, key)``: an index of a node with these, and no reference.

    There is room for it: callers grow the pool before they begin.
    """
    f = module.function(
        "take", "i64", {"pool": "ptr", "depth": "i64", "key": "i256"}, internal=True
    )
    pool, depth, key = f.params
    free = HEAD.load(f, pool, "free")
    fresh, again, done = f.block("fresh"), f.block("again"), f.block("done")
    f.cond_br(f.icmp("eq", free, 0), fresh, again)
    f.at(fresh)
    used = HEAD.load(f, pool, "used")
    HEAD.store(f, pool, "used", f.add(used, 1))
    f.br(done)
    f.at(again)
    HEAD.store(f, pool, "free", NODE.load(f, node_at(f, pool, free), "depth"))
    f.br(done)
    f.at(done)
    index = f.phi("i64", (used, fresh), (free, again))
    node = node_at(f, pool, index)
    NODE.store(f, node, "depth", depth)
    NODE.store(f, node, "key", key)
    forget_reference(f, node)
    f.ret(index)
    return f.callee


def write_give_back(module: Module) -> Callee:
    """Define ``give_back(pool, index)``."""
    f = module.function("give_back", "void", {"pool": "ptr", "index": "i64"}, internal=True)
    pool, index = f.params
    NODE.store(f, node_at(f, pool, index), "depth", HEAD.load(f, pool, "free"))
    HEAD.store(f, pool, "free", index)
    f.ret()
    return f.callee
