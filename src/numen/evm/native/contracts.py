"""Codes in native code: one entry for each code there is.

Contracts with the same code share the entry, and with it the jump map and what was compiled.

A code is *cold* until it has spent its patience. Nothing is counted of cold code but that, so most
code costs the tier nothing. A frame notes with how much gas left its code's patience will be spent,
what its calls spend included, and each frame takes a part of it at least; `warm` tells the tier.
"""

from typing import Final

from numen.evm.native import table
from numen.evm.native.layout import CODE, CODE_PADDING_BYTES, WORLD
from numen.evm.native.runtime_types import define, routine
from numen.evm.native.table import CODES, begin
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

_CODE_OF = Callee("code_of", "ptr", ("ptr", "ptr", "i64"))
_FILL = Callee("fill_code", "ptr", ("ptr", "ptr", "ptr", "i64"))
_READY = Callee("ready_code", "ptr", ("ptr", "ptr"))
_ON_CODE = Callee("on_code", "void", ("ptr", "ptr"))
_WARM = Callee("warm_code", "ptr", ("ptr", "ptr"))

ALWAYS: Final = 2**63 - 1
"""`Frame.watch_gas` that all gas is below."""

NEVER: Final = -1
"""`Frame.watch_gas` that no gas is below."""

PATIENCE_MAX: Final = 1 << 62
"""Nobody spends so much."""

_FRAMES = 64
"""So many frames of a code spend its patience, however short they are."""

_DELEGATION_BYTES = 23
_DELEGATION_PREFIX = 0x0001EF
"""The bytes EF 01 00 read as a little-endian number (EIP-7702)."""

_ALIGNMENT = 64
_LIMB_BYTES = 16


def write_contracts(module: Module) -> None:
    """Define the functions of this file, and ``register_code`` for Python."""
    _write_fill(module)
    _write_code_of(module)
    _write_code_hash(module)
    _write_warm(module)
    _write_ready(module)
    _write_register(module)


def code_of(f: Function, world: Value, data: Value, length: Value) -> Value:
    """Emit finding the Code of some bytes, or making it; null: the run is to be given up."""
    return f.call(_CODE_OF, world, data, length)


def ready(f: Function, world: Value, code: Value) -> Value:
    """Emit seeing to it that a Code can run; gives it back, or null."""
    return f.call(_READY, world, code)


def warm(f: Function, world: Value, code: Value) -> Value:
    """Emit telling the tier of a Code, unless it knows; gives the region table, or null."""
    return f.call(_WARM, world, code)


def watch(f: Function, code: Value, gas: Value) -> Value:
    """Emit `Frame.watch_gas` of a frame of a Code that begins with some gas."""
    is_cold = f.icmp("eq", CODE.load(f, code, "regions"), NULL)
    floor = f.sub(gas, CODE.load(f, code, "patience"))
    return f.select(is_cold, floor, const("i64", ALWAYS))


def _write_code_of(module: Module) -> None:
    f = begin(module, _CODE_OF, "world", "data", "length")
    world, data, length = f.params
    with f.when(f.icmp("eq", length, 0)):
        f.ret(WORLD.load(f, world, "empty_code"))
    code = f.call(CODES.finder, world, _fingerprint(f, world, data, length))
    with f.when(f.icmp("eq", code, NULL), likely=False):
        f.ret(NULL)
    own = CODE.load(f, code, "bytes")
    with f.when(f.icmp("eq", own, NULL)):
        f.ret(f.call(_FILL, world, code, data, length))
    with f.when(f.icmp("eq", CODE.load(f, code, "length"), length), likely=True):
        compare = module.declare("memcmp", "i32", ("ptr", "ptr", "i64"))
        with f.when(f.icmp("eq", f.call(compare, own, data, length), 0), likely=True):
            f.ret(code)
    # Two codes with one fingerprint: chance has it so, never anybody's choice. No sharing then.
    other = f.call(table.ALLOCATE, world, const("i64", CODE.size_bytes))
    with f.when(f.icmp("eq", other, NULL)):
        f.ret(NULL)
    f.ret(f.call(_FILL, world, other, data, length))


def _fingerprint(f: Function, world: Value, data: Value, length: Value) -> Value:
    """Emit a number that tells codes apart: a polynomial in a secret, modulo 2**128.

    It costs a hundredth of Keccak-256, which most codes are never asked for.
    """
    factor = f.or_(f.load("i128", WORLD.at(f, world, "secret"), 8, is_fixed=True), 1)
    whole = f.and_(length, -_LIMB_BYTES)
    with f.loop(0, whole, step=_LIMB_BYTES, carried=[f.zext(length, "i128")]) as limbs:
        limb = f.load("i128", f.gep("i8", data, limbs.index), 1)
        limbs.advance(f.mul(f.add(limbs.carried[0], limb), factor))
    with f.loop(whole, length, carried=limbs.carried) as rest:
        byte = f.zext(f.load("i8", f.gep("i8", data, rest.index)), "i128")
        rest.advance(f.mul(f.add(rest.carried[0], byte), factor))
    return f.zext(rest.carried[0], "i256")


def _write_code_hash(module: Module) -> None:
    f = define(module, "code_hash", "code")
    code = f.params[0]
    known = CODE.load(f, code, "hash")
    with f.when(f.icmp("ne", known, 0), likely=True):
        f.ret(known)
    data, length = (CODE.load(f, code, name) for name in ("bytes", "length"))
    made = f.call(routine(module, "keccak"), data, length)
    CODE.store(f, code, "hash", made)
    f.ret(made)


def _write_fill(module: Module) -> None:
    """``ptr fill_code(world, code, data, length)``: give a new entry its bytes."""
    f = begin(module, _FILL, "world", "code", "data", "length", attributes="nounwind noinline")
    world, code, data, length = f.params
    own = _take(f, world, f.add(length, CODE_PADDING_BYTES))
    with f.when(f.icmp("eq", own, NULL), likely=False):
        f.ret(NULL)
    f.copy(own, data, length)
    CODE.store(f, code, "length", length)
    head = f.and_(f.load("i32", own, 1), 0xFFFFFF)
    stands_for_another = f.and_(
        f.icmp("eq", length, _DELEGATION_BYTES), f.icmp("eq", head, _DELEGATION_PREFIX)
    )
    with f.when(stands_for_another):
        address = f.byte_swap(f.load("i160", f.gep("i8", own, 3), 1))
        CODE.store(f, code, "delegate", f.zext(address, "i256"))
        CODE.store(f, code, "is_delegation", const("i64", 1))
    CODE.store(f, code, "bytes", own)
    f.ret(code)


def _take(f: Function, world: Value, size: Value) -> Value:
    """Emit taking zeroed bytes from the arena."""
    whole = f.and_(f.add(size, _ALIGNMENT - 1), -_ALIGNMENT)
    return f.call(table.ALLOCATE, world, whole)


def _write_ready(module: Module) -> None:
    f = begin(module, _READY, "world", "code")
    world, code = f.params
    first, again = f.block("first"), f.block("again")
    f.cond_br(f.icmp("eq", CODE.load(f, code, "jumps"), NULL), first, again, likely=False)
    f.at(first)
    _map(f, world, code)
    CODE.store(f, code, "patience", WORLD.load(f, world, "patience"))
    f.br(again)
    f.at(again)
    with f.when(f.icmp("ne", CODE.load(f, code, "regions"), NULL)):
        f.ret(code)
    part = f.lshr(WORLD.load(f, world, "patience"), _FRAMES.bit_length() - 1)
    left = f.sub(CODE.load(f, code, "patience"), part)
    CODE.store(f, code, "patience", left)
    with f.when(f.icmp("sle", left, 0), likely=False):
        warm(f, world, code)
    f.ret(code)


def _map(f: Function, world: Value, code: Value) -> None:
    """Emit giving a Code its jump map; where there is no room, null is returned."""
    length = CODE.load(f, code, "length")
    jumps = _take(f, world, f.add(length, 1))
    with f.when(f.icmp("eq", jumps, NULL), likely=False):
        f.ret(NULL)
    f.call(routine(f.module, "map_jumps"), CODE.load(f, code, "bytes"), length, jumps)
    CODE.store(f, code, "jumps", jumps)


def _write_warm(module: Module) -> None:
    """Define ``ptr warm_code(world, code)``."""
    f = begin(module, _WARM, "world", "code", attributes="nounwind noinline cold")
    world, code = f.params
    known = CODE.load(f, code, "regions")
    with f.when(f.icmp("ne", known, NULL)):
        f.ret(known)
    CODE.store(f, code, "patience", const("i64", PATIENCE_MAX))
    on_code = WORLD.load(f, world, "on_code")
    with f.when(f.icmp("ne", on_code, NULL)):
        f.call_pointer(on_code, _ON_CODE, world, code)
    f.ret(CODE.load(f, code, "regions"))


def _write_register(module: Module) -> None:
    """``ptr register_code(world, data, length)``: `code_of` for Python."""
    f = module.function("register_code", "ptr", {"world": "ptr", "data": "ptr", "length": "i64"})
    f.ret(f.call(_CODE_OF, *f.params))
