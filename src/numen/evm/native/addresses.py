"""The addresses of new contracts, in native code."""

from typing import Final

from numen.evm.native.runtime_types import routine
from numen.evm.native.table import begin
from numen.kernels.llvm import Callee, Function, Module, Value, const

BY_NONCE: Final = Callee("address_by_nonce", "i256", ("i256", "i64"))
"""``(creator, nonce)``: CREATE's rule, the hash of the RLP of both (yellow paper, section 7)."""

BY_SALT: Final = Callee("address_by_salt", "i256", ("i256", "i256", "ptr", "i64"))
"""``(creator, salt, code, length)``: CREATE2's rule (EIP-1014)."""

ADDRESS_MASK: Final = 2**160 - 1


def write_addresses(module: Module) -> None:
    """Define both rules."""
    _write_by_nonce(module)
    _write_by_salt(module)


def _write_by_nonce(module: Module) -> None:
    """The RLP is ``C0+n 94 creator nonce``, and the nonce's own is 1 to 9 bytes."""
    f = begin(module, BY_NONCE, "creator", "nonce", attributes="nounwind noinline")
    creator, nonce = f.params
    text = f.alloca("i8", 48)
    f.store(const("i8", 0x94), f.gep("i8", text, 1))
    f.store(f.byte_swap(f.trunc(creator, "i160")), f.gep("i8", text, 2), 1)
    # A number below 0x80 is its own RLP, zero is 80, others are 80+size and the bytes they need.
    unused = f.lshr(f.leading_zeros(nonce), 3)
    size = f.sub(const("i64", 8), unused)
    digits = f.byte_swap(f.shl(nonce, f.and_(f.shl(unused, 3), 63)))
    is_short = f.icmp("ult", nonce, 0x80)
    head = f.add(size, 0x80)
    short = f.select(f.icmp("eq", nonce, 0), const("i64", 0x80), nonce)
    f.store(f.trunc(f.select(is_short, short, head), "i8"), f.gep("i8", text, 22))
    f.store(digits, f.gep("i8", text, 23), 1)
    payload = f.add(f.select(is_short, const("i64", 0), size), 22)
    f.store(f.trunc(f.add(payload, 0xC0), "i8"), text)
    f.ret(_hash(f, text, f.add(payload, 1)))


def _write_by_salt(module: Module) -> None:
    f = begin(module, BY_SALT, "creator", "salt", "code", "length", attributes="nounwind noinline")
    creator, salt, code, length = f.params
    text = f.alloca("i8", 96)
    f.store(const("i8", 0xFF), text)
    f.store(f.byte_swap(f.trunc(creator, "i160")), f.gep("i8", text, 1), 1)
    f.store(f.byte_swap(salt), f.gep("i8", text, 21), 1)
    code_hash = f.call(routine(module, "keccak"), code, length)
    f.store(f.byte_swap(code_hash), f.gep("i8", text, 53), 1)
    f.ret(_hash(f, text, const("i64", 85)))


def _hash(f: Function, text: Value, length: Value) -> Value:
    return f.and_(f.call(routine(f.module, "keccak"), text, length), ADDRESS_MASK)
