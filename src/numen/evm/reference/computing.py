"""Opcodes that touch only stack, memory and control: arithmetic, hashes, jumps, constants."""

from numen.base.crypto import keccak256
from numen.evm.errors import HaltError
from numen.evm.gas import words
from numen.evm.halt import Halt
from numen.evm.meaning import PURE
from numen.evm.opcodes import BY_NAME, OPCODES
from numen.evm.reference.frame import Frame, Handler, jump_map
from numen.ir.interp import INTEGERS

_MODULUS = 1 << 256


def _pure(byte: int) -> Handler:
    """The handler of a pure opcode: its meaning over Python's integers."""
    meaning, pops = PURE[byte], OPCODES[byte].pops

    def of_one(frame: Frame) -> None:
        frame.stack[-1] = meaning(INTEGERS, frame.stack[-1])

    def of_two(frame: Frame) -> None:
        first = frame.stack.pop()
        frame.stack[-1] = meaning(INTEGERS, first, frame.stack[-1])

    def of_three(frame: Frame) -> None:
        first, second = frame.stack.pop(), frame.stack.pop()
        frame.stack[-1] = meaning(INTEGERS, first, second, frame.stack[-1])

    return (of_one, of_two, of_three)[pops - 1]


def exp(frame: Frame) -> None:
    """EXP: Python's own power is the reference's loop for `meaning.exp`."""
    base, exponent = frame.pop(), frame.pop()
    exponent_bytes = (exponent.bit_length() + 7) // 8
    frame.charge(frame.world.gas.exp_byte * exponent_bytes)
    frame.push(pow(base, exponent, _MODULUS))


def keccak(frame: Frame) -> None:
    """KECCAK256."""
    offset, length = frame.pop(), frame.pop()
    frame.expand((offset, length))
    frame.charge(frame.world.gas.keccak_word * words(length))
    frame.push(int.from_bytes(keccak256(frame.read(offset, length)), "big"))


def pop(frame: Frame) -> None:
    """POP."""
    frame.pop()


def _push(count: int) -> Handler:
    """PUSH0 to PUSH32; bytes past the end of the code are zero."""

    def handle(frame: Frame) -> None:
        at = frame.pc + 1
        data = frame.scope.code[at : at + count]
        frame.push(int.from_bytes(data.ljust(count, b"\0"), "big"))

    return handle


def _dup(depth: int) -> Handler:
    """DUP1 to DUP16."""

    def handle(frame: Frame) -> None:
        frame.push(frame.stack[-depth])

    return handle


def _swap(depth: int) -> Handler:
    """SWAP1 to SWAP16."""

    def handle(frame: Frame) -> None:
        stack = frame.stack
        stack[-1], stack[-1 - depth] = stack[-1 - depth], stack[-1]

    return handle


def mload(frame: Frame) -> None:
    """MLOAD."""
    offset = frame.pop()
    frame.expand((offset, 32))
    frame.push(int.from_bytes(frame.read(offset, 32), "big"))


def mstore(frame: Frame) -> None:
    """MSTORE."""
    offset, word = frame.pop(), frame.pop()
    frame.expand((offset, 32))
    frame.write(offset, word.to_bytes(32, "big"))


def mstore8(frame: Frame) -> None:
    """MSTORE8."""
    offset, word = frame.pop(), frame.pop()
    frame.expand((offset, 1))
    frame.write(offset, bytes([word & 0xFF]))


def mcopy(frame: Frame) -> None:
    """MCOPY (EIP-5656): the ranges may overlap."""
    to, source, length = frame.pop(), frame.pop(), frame.pop()
    frame.charge(frame.world.gas.copy_word * words(length))
    frame.expand((to, length), (source, length))
    frame.write(to, frame.read(source, length))


def jump(frame: Frame) -> None:
    """JUMP."""
    _go(frame, frame.pop())


def jumpi(frame: Frame) -> None:
    """JUMPI: a target that is not taken may be anything."""
    target, condition = frame.pop(), frame.pop()
    if condition:
        _go(frame, target)


def _go(frame: Frame, target: int) -> None:
    code = frame.scope.code
    if target >= len(code) or not jump_map(code)[target]:
        raise HaltError(Halt.BAD_JUMP)
    frame.next_pc = target


def jumpdest(_: Frame) -> None:
    """JUMPDEST: nothing but its price."""


def pc(frame: Frame) -> None:
    """PC."""
    frame.push(frame.pc)


def msize(frame: Frame) -> None:
    """MSIZE."""
    frame.push(len(frame.memory))


def gas(frame: Frame) -> None:
    """GAS."""
    frame.push(frame.gas)


HANDLERS: dict[int, Handler] = {
    **{byte: _pure(byte) for byte in PURE},
    **{0x5F + count: _push(count) for count in range(33)},
    **{0x7F + depth: _dup(depth) for depth in range(1, 17)},
    **{0x8F + depth: _swap(depth) for depth in range(1, 17)},
    BY_NAME["EXP"].byte: exp,
    BY_NAME["KECCAK256"].byte: keccak,
    BY_NAME["POP"].byte: pop,
    BY_NAME["MLOAD"].byte: mload,
    BY_NAME["MSTORE"].byte: mstore,
    BY_NAME["MSTORE8"].byte: mstore8,
    BY_NAME["MCOPY"].byte: mcopy,
    BY_NAME["JUMP"].byte: jump,
    BY_NAME["JUMPI"].byte: jumpi,
    BY_NAME["JUMPDEST"].byte: jumpdest,
    BY_NAME["PC"].byte: pc,
    BY_NAME["MSIZE"].byte: msize,
    BY_NAME["GAS"].byte: gas,
}
"""The opcodes of this file by byte."""
