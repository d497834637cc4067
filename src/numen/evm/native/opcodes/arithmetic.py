"""Opcodes that only compute a word from words: their meaning, read over LLVM's values."""

from typing import Final

from numen.evm import meaning
from numen.evm.forks import Fork
from numen.evm.native.body import Body, Emitter, constant_of
from numen.evm.native.runtime_types import define
from numen.evm.opcodes import BY_NAME, OPCODES
from numen.ir.types import BOOL, U256
from numen.jit.algebra import LlvmAlgebra, Operand
from numen.jit.exits import Exits
from numen.jit.words import Typed
from numen.kernels.llvm import Function, Module, Value, const

_EXP: Final = BY_NAME["EXP"].byte
_ISZERO: Final = BY_NAME["ISZERO"].byte
_CLZ: Final = BY_NAME["CLZ"].byte
_SIGNEXTEND: Final = BY_NAME["SIGNEXTEND"].byte
_BY_HAND: Final = {_EXP, _ISZERO, _CLZ, _SIGNEXTEND}
"""What native code has better ways for than to follow the meaning's steps."""

_LAST_BYTE: Final = 31
_MASKS: Final = {
    "signextend_kept": [0xFF] * 32 + [0] * 31,
    "signextend_top": [0] * 31 + [0x80] + [0] * 31,
}


def algebra(f: Function) -> LlvmAlgebra:
    """The algebra of values in a function. No meaning traps, so there is no way out to write."""
    return LlvmAlgebra(f, Exits(f, _never), shares_products=False)


def _never(code: Value) -> None:
    raise AssertionError(f"an opcode's meaning would trap with {code}")


def _value(operand: Operand) -> Value:
    assert isinstance(operand, Typed), "a meaning ends in a word"
    return operand.value


def _emitter(byte: int) -> Emitter:
    def emit(body: Body) -> None:
        operands = [Typed(body.pop(), U256) for _ in range(OPCODES[byte].pops)]
        body.push(_value(meaning.PURE[byte](algebra(body.f), *operands)))

    return emit


def exp(body: Body) -> None:
    """EXP: a price for each byte of the exponent (EIP-160), and a loop."""
    base, exponent = body.pop(), body.pop()
    f = body.f
    bits = f.sub(const("i64", 256), f.trunc(f.leading_zeros(exponent), "i64"))
    size = f.lshr(f.add(bits, 7), 3)
    body.charge(f.mul(size, body.fork.gas.exp_byte))
    body.push(body.call("power", base, exponent))


def signextend(body: Body) -> None:
    """SIGNEXTEND: `meaning.signextend`, with masks from a table where the byte is not known.

    A shift of 256 bits by a number of bits that only the run knows goes through memory, twice.
    """
    k, x = body.pop(), body.pop()
    f = body.f
    if constant_of(k) is not None:
        body.push(_value(meaning.signextend(algebra(f), Typed(k, U256), Typed(x, U256))))
        return
    index = f.select(f.icmp("ult", k, _LAST_BYTE), f.trunc(k, "i64"), _LAST_BYTE)
    # Read from 31 - k on, the first table has ones up to byte k, the second its highest bit.
    start = f.sub(const("i64", _LAST_BYTE), index)
    kept, top = (
        f.load("i256", f.gep("i8", f.module.words(name, table, "i8"), start), 1, is_fixed=True)
        for name, table in _MASKS.items()
    )
    # Where the sign is set, what is not kept of the complement is ones in the complement of that.
    sign = f.sext(f.icmp("ne", f.and_(x, top), 0), "i256")
    body.push(f.xor(f.and_(f.xor(x, sign), kept), sign))


def iszero(body: Body) -> None:
    """ISZERO: `meaning.iszero` of a word that a body may know as a truth already."""
    body.push(body.f.not_(body.pop_truth()))


def clz(body: Body) -> None:
    """CLZ: the processor's own count, which is what the steps of `meaning.clz` come to."""
    body.push(body.f.leading_zeros(body.pop()))


EMIT: Final[dict[int, Emitter]] = {
    **{byte: _emitter(byte) for byte in meaning.PURE if byte not in _BY_HAND},
    _EXP: exp,
    _SIGNEXTEND: signextend,
    _ISZERO: iszero,
    _CLZ: clz,
}
"""By byte."""


def write_power(module: Module, _fork: Fork) -> None:
    """Define ``power``: `meaning.exp_step` for each bit of the exponent, from its highest down.

    Leading zeros of the exponent square 1 and change nothing, so they are left out.
    """
    f = define(module, "power", "base", "exponent")
    base, exponent = f.params
    e = algebra(f)
    bits = f.sub(const("i64", 256), f.trunc(f.leading_zeros(exponent), "i64"))
    with f.loop(f.sub(bits, 1), -1, step=-1, carried=[const("i256", 1)]) as loop:
        bit = f.trunc(f.lshr(exponent, f.zext(loop.index, "i256")), "i1")
        step = meaning.exp_step(
            e, Typed(loop.carried[0], U256), Typed(base, U256), Typed(bit, BOOL)
        )
        loop.advance(_value(step))
    f.ret(loop.carried[0])
