"""Memory of frames: growing it, and copying into it.

All frames share one reservation of addresses; a frame's memory is what lies between its first byte
and the next frame's. What an earlier frame left there is cleared when memory grows over it.
"""

import msgspec

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import convention
from numen.evm.native.layout import FRAME, MEMORY_PLACE, PAGE_BYTES, WORLD
from numen.evm.native.runtime_types import define, routine
from numen.kernels.llvm import Function, Module, Value, const

MEMORY_BYTES_MAX = 1 << 32
"""Most memory of one frame that this machine gives, whatever is paid for it."""


def write_memory(module: Module, fork: Fork) -> None:
    """Define ``expand``, ``copy_padded`` and ``grow_memory``."""
    _write_expand(module, fork)
    _write_grow(module)
    _write_copy(module)


def rounded(f: Function, size: Value) -> Value:
    """Emit rounding bytes up to whole words, an i64."""
    return f.and_(f.add(size, 31), -32)


def memory_behind(f: Function, end: Value) -> Value:
    """Emit finding the next place behind ``end``, a pointer, where a frame's memory may begin."""
    number = f.add(f.cast("ptrtoint", end, "i64"), PAGE_BYTES - 1 - MEMORY_PLACE)
    page = f.and_(number, -PAGE_BYTES)
    return f.cast("inttoptr", f.add(page, MEMORY_PLACE), "ptr")


def _write_expand(module: Module, fork: Fork) -> None:
    f = define(module, "expand", "frame", "end", "gas", "msize")
    frame, end, gas, msize = f.params
    world = FRAME.load(f, frame, "world")
    with f.when(f.icmp("ugt", end, MEMORY_BYTES_MAX), likely=False):
        # What does not fit into this machine is out of gas, but for gas nobody has.
        with f.when(f.icmp("ugt", gas, _price(fork, MEMORY_BYTES_MAX))):
            WORLD.store(f, world, "error", const("i64", Halt.RESOURCE_LIMIT))
        f.ret(const("i64", -1))
    size = rounded(f, end)
    left = f.sub(gas, f.sub(_emit_price(f, fork, size), _emit_price(f, fork, msize)))
    with f.when(f.icmp("slt", left, 0), likely=False):
        f.ret(left)
    memory = FRAME.load(f, frame, "memory")
    behind = f.gep("i8", memory, size)
    with f.when(f.icmp("ugt", behind, WORLD.load(f, world, "memory_limit")), likely=False):
        WORLD.store(f, world, "error", const("i64", Halt.RESOURCE_LIMIT))
        f.ret(const("i64", -1))
    with f.when(f.icmp("ugt", behind, WORLD.load(f, world, "memory_peak"))):
        WORLD.store(f, world, "memory_peak", behind)
    place, count = f.gep("i8", memory, msize), f.sub(size, msize)
    with f.when(f.icmp("eq", count, 32)):
        # A word more is what most growing comes to, and a call of C's memset takes longer.
        f.store(const("i256", 0), place, 1)
        f.ret(left)
    f.fill(place, 0, count)
    f.ret(left)


def _price(fork: Fork, size_bytes: int) -> int:
    words = size_bytes // 32
    return fork.gas.memory_word * words + words * words // fork.gas.memory_divisor


def _emit_price(f: Function, fork: Fork, size: Value) -> Value:
    """Price of a memory of ``size`` bytes, a multiple of 32 (yellow paper, appendix H)."""
    words = f.lshr(size, 5)
    square = f.udiv(f.mul(words, words), fork.gas.memory_divisor)
    return f.add(f.mul(words, fork.gas.memory_word), square)


def _write_grow(module: Module) -> None:
    """The cold end of every access: grow, and do the instruction again from its beginning."""
    f, r = convention.open_function(module, "grow_memory", attributes="nounwind noinline")
    end = FRAME.load(f, r.frame, "memory_end")
    left = f.call(routine(module, "expand"), r.frame, end, r.gas, r.msize)
    with f.when(f.icmp("slt", left, 0), likely=False):
        convention.fail(f, r, Halt.OUT_OF_GAS)
    convention.dispatch(f, msgspec.structs.replace(r, gas=left, msize=rounded(f, end)))


def _write_copy(module: Module) -> None:
    f = define(module, "copy_padded", "to", "count", "source", "size", "at")
    to, count, source, size, at = f.params
    is_past = f.icmp("uge", at, f.zext(size, "i256"))
    start = f.select(is_past, size, f.trunc(at, "i64"))
    rest = f.sub(size, start)
    found = f.select(f.icmp("ult", rest, count), rest, count)
    f.copy(to, f.gep("i8", source, start), found, may_overlap=True)
    f.fill(f.gep("i8", to, found), 0, f.sub(count, found))
    f.ret()
