"""Codes: which of their bytes a jump may go to."""

from typing import Final

from numen.evm.forks import Fork
from numen.evm.native.runtime_types import define
from numen.kernels.llvm import Function, Module, Value, const, vector

_JUMPDEST, _PUSH1 = 0x5B, 0x60

_BLOCK: Final = 32
"""Bytes looked at together; a PUSH has as many after it at most."""

_BYTES: Final = f"<{_BLOCK} x i8>"
_BITS: Final = f"<{_BLOCK} x i1>"
_MASK: Final = f"i{_BLOCK}"


def write_jump_map(module: Module, _fork: Fork) -> None:
    """Define ``map_jumps``: 1 for each JUMPDEST that is not inside a PUSH, 0 elsewhere.

    The map has a byte for each of the code's, all written. Of each 32 bytes only those that may be
    a PUSH are looked at one by one, which are a third of the opcodes.
    """
    f = define(module, "map_jumps", "code", "length", "map")
    code, length, marks = f.params
    whole = f.and_(length, -_BLOCK)
    with f.loop(0, whole, step=_BLOCK, carried=[const("i64", 0)]) as blocks:
        place = f.gep("i8", code, blocks.index)
        taken = _taken(f, place, blocks.carried[0])
        _mark(f, place, taken, f.gep("i8", marks, blocks.index))
        # What the last PUSH takes of the next block stands above this one's bits.
        over = f.intrinsic("llvm.ctpop.i64", "i64", f.lshr(taken, _BLOCK))
        blocks.advance(over)
    _map_rest(f, code, length, marks, whole, blocks.carried[0])
    f.ret()


def _equal(f: Function, bytes_: Value, byte: int) -> Value:
    found = f.icmp("eq", bytes_, vector("i8", [byte] * _BLOCK))
    return Value(_BITS, found.name)


def _taken(f: Function, place: Value, over: Value) -> Value:
    """Emit finding the bytes after a PUSH: a bit for each byte of the block, and of the next one.

    Args:
        f: Function being written.
        place: The block.
        over: How many bytes at its beginning belong to a PUSH before it.
    """
    # PUSH1 to PUSH32 are the bytes whose upper three bits are 011.
    high = f.and_(f.load(_BYTES, place, 1), vector("i8", [0xE0] * _BLOCK))
    pushes = f.zext(f.cast("bitcast", _equal(f, high, _PUSH1), _MASK), "i64")
    begun = f.sub(f.shl(const("i64", 1), over), 1)
    first, before = f.and_(pushes, f.not_(begun)), f.current
    head, body, done = f.block("head"), f.block("body"), f.block("mapped")
    f.br(head)
    f.at(head)
    left, taken = f.phi("i64", (first, before)), f.phi("i64", (begun, before))
    f.cond_br(f.icmp("ne", left, 0), body, done)
    f.at(body)
    at = f.intrinsic("llvm.cttz.i64", "i64", left, const("i1", 1))
    size = f.zext(f.sub(f.load("i8", f.gep("i8", place, at)), _PUSH1 - 1), "i64")
    data = f.shl(f.sub(f.shl(const("i64", 1), size), 1), f.add(at, 1))
    # Up to the last byte taken, at most bit 63; a shift by 64 would mean nothing.
    beyond = f.shl(const("i64", -2), f.add(at, size))
    f.incoming(left, f.and_(left, beyond), f.current)
    f.incoming(taken, f.or_(taken, data), f.current)
    f.br(head)
    f.at(done)
    return taken


def _mark(f: Function, place: Value, taken: Value, marks: Value) -> None:
    free = f.cast("bitcast", f.not_(f.trunc(taken, _MASK)), _BITS)
    valid = f.and_(_equal(f, f.load(_BYTES, place, 1), _JUMPDEST), free)
    f.store(f.zext(valid, _BYTES), marks, 1)


def _map_rest(
    f: Function, code: Value, length: Value, marks: Value, start: Value, over: Value
) -> None:
    """Emit the same for the last bytes, fewer than a block, one opcode after the other."""
    f.fill(f.gep("i8", marks, start), 0, f.sub(length, start))
    before, head, body, done = f.current, f.block("head"), f.block("body"), f.block("done")
    first = f.add(start, over)
    f.br(head)
    f.at(head)
    at = f.phi("i64", (first, before))
    f.cond_br(f.icmp("ult", at, length), body, done)
    f.at(body)
    opcode = f.load("i8", f.gep("i8", code, at))
    with f.when(f.icmp("eq", opcode, _JUMPDEST)):
        f.store(const("i8", 1), f.gep("i8", marks, at))
    number = f.sub(opcode, _PUSH1)
    skipped = f.select(f.icmp("ult", number, _BLOCK), f.add(f.zext(number, "i64"), 2), 1)
    f.incoming(at, f.add(at, skipped), f.current)
    f.br(head)
    f.at(done)
