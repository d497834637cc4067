"""Hashing native tries: the reference of a node, from those of its children.

Source: yellow paper, appendices B, C and D.
"""

from typing import Final

from numen.evm.forest.nodes import DIGITS, HASHED, NODE, child_place, node_at, read_index
from numen.kernels.llvm import Callee, Function, Module, Value, const

_HEADER_ROOM: Final = 3
"""Before a payload of less than 2**16 bytes there is room for its header."""

_PAYLOAD_BYTES_MAX: Final = 16 * HASHED + 1
"""A branch's; what is written may run over by less than a word."""

_LEAF, _ABOVE_BRANCH = 2, 0
"""Flags before an encoded path."""


def write_refer(module: Module, keccak: Callee) -> Callee:
    """Define ``refer(pool, index, start)``: work out a node's reference, where it is not known.

    ``start`` is the number of digits that the nodes above stand for. Recursion is as deep as a key
    has digits.
    """
    params = {"pool": "ptr", "index": "i64", "start": "i64"}
    f = module.function("refer", "void", params, attributes="nounwind noinline")
    pool, index, start = f.params
    node = node_at(f, pool, index)
    with f.when(f.icmp("ne", NODE.load(f, node, "reference_length"), 0)):
        f.ret()
    room = f.alloca("i8", _HEADER_ROOM + _PAYLOAD_BYTES_MAX + 64)
    payload = f.gep("i8", room, _HEADER_ROOM)
    depth = NODE.load(f, node, "depth")
    with f.when(f.icmp("eq", depth, DIGITS)):
        end = _write_path(f, payload, node, start, _LEAF)
        end = _write_value(f, end, node)
        _conclude(f, keccak, node, payload, end)
        f.ret()
    with f.loop(0, 16, carried=[payload]) as loop:
        child = read_index(f, child_place(f, node, loop.index))
        loop.advance(_write_child(f, pool, child, f.add(depth, 1), loop.carried[0]))
    f.store(const("i8", 0x80), loop.carried[0])
    _conclude(f, keccak, node, payload, f.gep("i8", loop.carried[0], 1))
    with f.when(f.icmp("ugt", depth, start)):
        end = _write_path(f, payload, node, start, _ABOVE_BRANCH)
        end = _append_reference(f, end, node)
        _conclude(f, keccak, node, payload, end)
    f.ret()
    return f.callee


def _write_child(f: Function, pool: Value, child: Value, start: Value, to: Value) -> Value:
    """Append a child's reference, or what stands for none; give the new end."""
    absent, present, after = f.block("absent"), f.block("present"), f.block("after")
    f.cond_br(f.icmp("eq", child, 0), absent, present)
    f.at(absent)
    f.store(const("i8", 0x80), to)
    end_absent = f.gep("i8", to, 1)
    f.br(after)
    f.at(present)
    f.call(f.callee, pool, child, start)
    end_present = _append_reference(f, to, node_at(f, pool, child))
    came_from = f.current
    f.br(after)
    f.at(after)
    return f.phi("ptr", (end_absent, absent), (end_present, came_from))


def _append_reference(f: Function, to: Value, node: Value) -> Value:
    length = NODE.load(f, node, "reference_length")
    # One byte and a word are copied whatever the length; what is too much is written over.
    source = NODE.at(f, node, "reference")
    f.store(f.load("i8", source), to)
    f.store(f.load("i256", f.gep("i8", source, 1), 1), f.gep("i8", to, 1), 1)
    return f.gep("i8", to, length)


def _write_path(f: Function, to: Value, node: Value, start: Value, flag: int) -> Value:
    """Append the digits of a node's key from ``start`` to its depth, encoded as a string."""
    count = f.sub(NODE.load(f, node, "depth"), start)
    # In two steps, because all 64 digits may be cut off, and a shift by the width means nothing.
    half = f.zext(f.shl(start, 1), "i256")
    digits = f.shl(f.shl(NODE.load(f, node, "key"), half), half)
    is_odd = f.trunc(count, "i1")
    first = f.trunc(f.lshr(digits, 252), "i8")
    first = f.select(is_odd, f.or_(first, (flag + 1) << 4), const("i8", flag << 4))
    rest = f.select(is_odd, f.shl(digits, 4), digits)
    size = f.add(f.lshr(count, 1), 1)
    # A single byte stands for itself, because a flag is small.
    is_long = f.icmp("ugt", size, 1)
    f.store(f.trunc(f.add(size, 0x80), "i8"), to)
    at = f.gep("i8", to, f.zext(is_long, "i64"))
    f.store(first, at)
    f.store(f.byte_swap(rest), f.gep("i8", at, 1), 1)
    return f.gep("i8", at, size)


def _write_value(f: Function, to: Value, leaf: Value) -> Value:
    """Append a leaf's value, encoded as a string; a value has 1 to 112 bytes."""
    length = NODE.load(f, leaf, "length")
    source = NODE.at(f, leaf, "payload")
    is_single = f.and_(
        f.icmp("eq", length, 1), f.icmp("ult", f.load("i8", source), const("i8", 0x80))
    )
    is_long = f.icmp("ugt", length, 55)
    marker = f.select(is_long, const("i64", 0xB8), f.add(length, 0x80))
    f.store(f.trunc(marker, "i8"), to)
    f.store(f.trunc(length, "i8"), f.gep("i8", to, 1))
    header = f.select(is_long, const("i64", 2), f.zext(f.not_(is_single), "i64"))
    at = f.gep("i8", to, header)
    f.copy(at, source, length)
    return f.gep("i8", at, length)


def _conclude(f: Function, keccak: Callee, node: Value, payload: Value, end: Value) -> None:
    """Put a list's header before its payload, and keep its encoding or its hash as reference."""
    size = f.sub(f.cast("ptrtoint", end, "i64"), f.cast("ptrtoint", payload, "i64"))
    is_short, is_medium = f.icmp("ule", size, 55), f.icmp("ule", size, 255)
    header = f.select(is_short, const("i64", 1), f.select(is_medium, const("i64", 2), 3))
    # The header's bytes end before the payload: 0xf9 and two bytes, 0xf8 and one, or one alone.
    f.store(f.byte_swap(f.trunc(size, "i16")), f.gep("i8", payload, -2), 1)
    begin = f.gep("i8", payload, f.sub(const("i64", 0), header))
    marker = f.select(is_short, f.add(size, 0xC0), f.add(header, 0xF6))
    f.store(f.trunc(marker, "i8"), begin)
    total = f.add(size, header)
    reference = NODE.at(f, node, "reference")
    short, long, done = f.block("short"), f.block("long"), f.block("done")
    f.cond_br(f.icmp("ult", total, 32), short, long)
    f.at(short)
    f.copy(reference, begin, total)
    f.br(done)
    f.at(long)
    f.store(const("i8", 0xA0), reference)
    digest = f.call(keccak, begin, total)
    f.store(f.byte_swap(digest), f.gep("i8", reference, 1), 1)
    f.br(done)
    f.at(done)
    length = f.phi("i64", (total, short), (const("i64", HASHED), long))
    NODE.store(f, node, "reference_length", length)
