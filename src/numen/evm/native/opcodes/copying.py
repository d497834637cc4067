"""Input, code and return data: reading them and copying them into memory."""

from typing import Final

from numen.evm.halt import Halt
from numen.evm.native.body import Body, Emitter
from numen.evm.native.layout import WORLD
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import Value, const


def charge_words(body: Body, size: Value, price: int) -> None:
    """Charge for each word, whole or begun.

    Args:
        body: Where the opcode is being written.
        size: Bytes, an i64 below 2**33.
        price: Gas a word.
    """
    words = body.f.lshr(body.f.add(size, 31), 5)
    body.charge(body.f.mul(words, price))


def calldataload(body: Body) -> None:
    """CALLDATALOAD: zeros where the input has ended."""
    at = body.pop()
    f = body.f
    size = body.field("calldata_length")
    is_past = f.icmp("uge", at, f.zext(size, "i256"))
    start = f.select(is_past, size, f.trunc(at, "i64"))
    found = f.sub(size, start)
    word = f.byte_swap(f.load("i256", f.gep("i8", body.field("calldata"), start), 1))
    # What lies behind the input may be read and means nothing.
    missing = f.sub(const("i64", 32), f.select(f.icmp("ult", found, 32), found, 32))
    half = f.zext(f.shl(missing, 2), "i256")
    # In two halves, as a shift by 256 is none.
    mask = f.shl(f.shl(const("i256", -1), half), half)
    body.push(f.and_(word, mask))


def calldatasize(body: Body) -> None:
    """CALLDATASIZE."""
    body.push(body.field("calldata_length"))


def calldatacopy(body: Body) -> None:
    """CALLDATACOPY: zeros where the input has ended."""
    _copy(body, body.field("calldata"), body.field("calldata_length"))


def codesize(body: Body) -> None:
    """CODESIZE."""
    body.push(body.field("code_length"))


def codecopy(body: Body) -> None:
    """CODECOPY: zeros where the code has ended."""
    _copy(body, body.field("code"), body.field("code_length"))


def returndatasize(body: Body) -> None:
    """RETURNDATASIZE (EIP-211)."""
    body.push(WORLD.load(body.f, body.world(), "return_length"))


def returndatacopy(body: Body) -> None:
    """RETURNDATACOPY (EIP-211): to read past the end is a failure, even of nothing."""
    to, at, length = body.pop(), body.pop(), body.pop()
    f = body.f
    size = WORLD.load(f, body.world(), "return_length")
    end, is_over = f.overflow("uadd", at, length)
    is_past = f.or_(is_over, f.icmp("ugt", end, f.zext(size, "i256")))
    body.fail_if(is_past, Halt.RETURN_DATA_BOUNDS)
    place, count = body.memory(to, length)
    charge_words(body, count, body.fork.gas.copy_word)
    data = WORLD.load(f, body.world(), "return_data")
    f.copy(place, f.gep("i8", data, f.trunc(at, "i64")), count)


def mcopy(body: Body) -> None:
    """MCOPY (EIP-5656): the two may overlap."""
    to, source, length = body.pop(), body.pop(), body.pop()
    place, size = body.memory(to, length)
    other, _ = body.memory(source, length)
    charge_words(body, size, body.fork.gas.copy_word)
    body.f.copy(place, other, size, may_overlap=True)


def _copy(body: Body, source: Value, size: Value) -> None:
    to, at, length = body.pop(), body.pop(), body.pop()
    place, count = body.memory(to, length)
    charge_words(body, count, body.fork.gas.copy_word)
    body.call("copy_padded", place, count, source, size, at)


EMIT: Final[dict[int, Emitter]] = {
    BY_NAME[name].byte: emit
    for name, emit in {
        "CALLDATALOAD": calldataload,
        "CALLDATASIZE": calldatasize,
        "CALLDATACOPY": calldatacopy,
        "CODESIZE": codesize,
        "CODECOPY": codecopy,
        "RETURNDATASIZE": returndatasize,
        "RETURNDATACOPY": returndatacopy,
        "MCOPY": mcopy,
    }.items()
}
"""By byte."""
