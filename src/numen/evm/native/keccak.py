"""Keccak-256 of any bytes in native code, and the memory of digests of short inputs."""

from numen.evm.forks import Fork
from numen.evm.native.layout import MEMO, MEMO_ENTRIES, WORLD
from numen.evm.native.runtime_types import define, routine
from numen.kernels import keccak_code
from numen.kernels.llvm import Callee, Function, Module, Value, const


def write_keccak(module: Module, _fork: Fork) -> None:
    """Define ``keccak`` and ``keccak_memo``."""
    write_sponge(module)
    _write_memo(module)


def write_sponge(module: Module) -> Callee:
    """Define ``keccak`` alone."""
    permute = keccak_code.write_permutation(module)
    f = define(module, "keccak", "data", "length")
    data, length = f.params
    state = keccak_code.write_sponge(f, permute, data, length)
    f.ret(f.byte_swap(f.load("i256", state, 8)))
    return f.callee


def _write_memo(module: Module) -> None:
    """Mappings hash 64 bytes and arrays 32, the same ones again and again.

    The memory grows with what is written into it, as code that hashes little shall not wait for
    pages. What stood at another place before is hashed again.
    """
    f = define(module, "keccak_memo", "world", "data", "length")
    world, data, length = f.params
    plain, short = f.block("plain"), f.block("short")
    is_short = f.or_(f.icmp("eq", length, 64), f.icmp("eq", length, 32))
    f.cond_br(is_short, short, plain)
    f.at(plain)
    f.ret(f.call(routine(module, "keccak"), data, length))
    f.at(short)
    first = f.load("i256", data, 1)
    # Where the input is short, its first half stands for the other: the length tells them apart.
    second = f.load("i256", f.gep("i8", data, f.sub(length, 32)), 1)
    mask = WORLD.load(f, world, "memo_mask")
    index = f.and_(_mix(f, first, second), mask)
    entry = f.gep("i8", WORLD.load(f, world, "memo"), f.mul(index, MEMO.size_bytes))
    differs = f.or_(
        f.xor(MEMO.load(f, entry, "first"), first), f.xor(MEMO.load(f, entry, "second"), second)
    )
    is_other = f.icmp("ne", MEMO.load(f, entry, "length"), length)
    with f.when(f.or_(is_other, f.icmp("ne", differs, 0))):
        digest = f.call(routine(module, "keccak"), data, length)
        for field, value in (("first", first), ("second", second), ("digest", digest)):
            MEMO.store(f, entry, field, value)
        MEMO.store(f, entry, "length", length)
        count = f.add(WORLD.load(f, world, "memo_count"), 1)
        WORLD.store(f, world, "memo_count", count)
        is_full = f.icmp("ugt", f.shl(count, 1), mask)
        with f.when(f.and_(is_full, f.icmp("ult", mask, MEMO_ENTRIES - 1))):
            WORLD.store(f, world, "memo_mask", f.add(f.shl(mask, 1), 1))
        f.ret(digest)
    f.ret(MEMO.load(f, entry, "digest"))


_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)


def _mix(f: Function, first: Value, second: Value) -> Value:
    """Spread two words over 64 bits: limbs times odd numbers, folded."""
    total = const("i64", 0)
    for word, shift in ((first, 0), (second, 32)):
        for i, odd in enumerate(_ODD):
            limb = f.trunc(f.lshr(word, 64 * i), "i64")
            total = f.add(total, f.mul(limb, ((odd << shift) | (odd >> (64 - shift))) | 1))
    return f.lshr(f.xor(total, f.lshr(total, 29)), 32)
