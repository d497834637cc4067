"""Opcodes that read: the call, other accounts' code and balance, the block, the transaction."""

from collections.abc import Callable

from numen.base.crypto import keccak256
from numen.evm.errors import HaltError
from numen.evm.forks import BLOCK_HASHES_MAX
from numen.evm.gas import words
from numen.evm.halt import Halt
from numen.evm.opcodes import BY_NAME
from numen.evm.reference.frame import Frame, Handler


def _constant(read: Callable[[Frame], int | bytes]) -> Handler:
    """The handler of an opcode that pushes what a frame knows."""

    def handle(frame: Frame) -> None:
        value = read(frame)
        frame.push(value if isinstance(value, int) else int.from_bytes(value, "big"))

    return handle


def balance(frame: Frame) -> None:
    """BALANCE."""
    address = frame.pop_address()
    frame.charge_access(address)
    frame.push(frame.world.journal.balance(address))


def calldataload(frame: Frame) -> None:
    """CALLDATALOAD."""
    offset = frame.pop()
    frame.push(int.from_bytes(_part(frame.scope.data, offset, 32), "big"))


def calldatacopy(frame: Frame) -> None:
    """CALLDATACOPY."""
    _copy(frame, frame.scope.data)


def codecopy(frame: Frame) -> None:
    """CODECOPY."""
    _copy(frame, frame.scope.code)


def extcodesize(frame: Frame) -> None:
    """EXTCODESIZE: of a delegation itself, not of what it points at (EIP-7702)."""
    address = frame.pop_address()
    frame.charge_access(address)
    frame.push(len(frame.world.journal.code(address)))


def extcodecopy(frame: Frame) -> None:
    """EXTCODECOPY."""
    address = frame.pop_address()
    frame.charge_access(address)
    _copy(frame, frame.world.journal.code(address))


def extcodehash(frame: Frame) -> None:
    """EXTCODEHASH: 0 where EIP-161 sees no account."""
    address = frame.pop_address()
    frame.charge_access(address)
    if frame.world.journal.is_empty(address):
        frame.push(0)
    else:
        frame.push(int.from_bytes(keccak256(frame.world.journal.code(address)), "big"))


def returndatacopy(frame: Frame) -> None:
    """RETURNDATACOPY: reading past the end fails, even nothing."""
    to, source, length = frame.pop(), frame.pop(), frame.pop()
    if source + length > len(frame.return_data):
        raise HaltError(Halt.RETURN_DATA_BOUNDS)
    frame.charge(frame.world.gas.copy_word * words(length))
    frame.expand((to, length))
    frame.write(to, frame.return_data[source : source + length])


def blockhash(frame: Frame) -> None:
    """BLOCKHASH."""
    number = frame.pop()
    block = frame.world.block
    is_recent = block.number - BLOCK_HASHES_MAX <= number < block.number
    found = block.block_hashes.get(number, b"") if is_recent else b""
    frame.push(int.from_bytes(found, "big"))


def blobhash(frame: Frame) -> None:
    """BLOBHASH (EIP-4844)."""
    index = frame.pop()
    hashes = frame.world.context.blob_hashes
    frame.push(int.from_bytes(hashes[index], "big") if index < len(hashes) else 0)


def _copy(frame: Frame, data: bytes) -> None:
    to, source, length = frame.pop(), frame.pop(), frame.pop()
    frame.charge(frame.world.gas.copy_word * words(length))
    frame.expand((to, length))
    frame.write(to, _part(data, source, length))


def _part(data: bytes, offset: int, length: int) -> bytes:
    """Bytes from an offset on, zeros past the end."""
    return data[offset : offset + length].ljust(length, b"\0")


_CONSTANTS: dict[str, Callable[[Frame], int | bytes]] = {
    "ADDRESS": lambda frame: frame.scope.address,
    "ORIGIN": lambda frame: frame.world.context.origin,
    "CALLER": lambda frame: frame.scope.caller,
    "CALLVALUE": lambda frame: frame.scope.value,
    "CALLDATASIZE": lambda frame: len(frame.scope.data),
    "CODESIZE": lambda frame: len(frame.scope.code),
    "GASPRICE": lambda frame: frame.world.context.gas_price,
    "RETURNDATASIZE": lambda frame: len(frame.return_data),
    "COINBASE": lambda frame: frame.world.block.coinbase,
    "TIMESTAMP": lambda frame: frame.world.block.timestamp,
    "NUMBER": lambda frame: frame.world.block.number,
    "PREVRANDAO": lambda frame: frame.world.block.prev_randao,
    "GASLIMIT": lambda frame: frame.world.block.gas_limit,
    "CHAINID": lambda frame: frame.world.block.chain_id,
    "SELFBALANCE": lambda frame: frame.world.journal.balance(frame.scope.address),
    "BASEFEE": lambda frame: frame.world.block.base_fee,
    "BLOBBASEFEE": lambda frame: frame.world.block.blob_base_fee,
}

HANDLERS: dict[int, Handler] = {
    **{BY_NAME[name].byte: _constant(read) for name, read in _CONSTANTS.items()},
    BY_NAME["BALANCE"].byte: balance,
    BY_NAME["CALLDATALOAD"].byte: calldataload,
    BY_NAME["CALLDATACOPY"].byte: calldatacopy,
    BY_NAME["CODECOPY"].byte: codecopy,
    BY_NAME["EXTCODESIZE"].byte: extcodesize,
    BY_NAME["EXTCODECOPY"].byte: extcodecopy,
    BY_NAME["EXTCODEHASH"].byte: extcodehash,
    BY_NAME["RETURNDATACOPY"].byte: returndatacopy,
    BY_NAME["BLOCKHASH"].byte: blockhash,
    BY_NAME["BLOBHASH"].byte: blobhash,
}
"""The opcodes of this file by byte."""
