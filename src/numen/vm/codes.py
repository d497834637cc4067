"""A contract's code in canonical bytes, and the service that it becomes.

CodeError      bytes that are no contract
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from numen.base.codec import CodecError, decode, digest, encode
from numen.base.errors import NumenError
from numen.evm.errors import EvmError
from numen.proof.eip197 import decode_key
from numen.proof.errors import FormatError
from numen.vm.contract import ContractError, read_contract, read_description
from numen.vm.evm_atomic import Accounts, AtomicService, storage_at
from numen.vm.evm_events import CODE_AT, EvmService
from numen.vm.groth16 import Groth16Service
from numen.vm.host import Address, Key, Service, Slot, Slots
from numen.vm.long_values import long_writes, read_long

CODE_BYTES_MAX: Final = 1 << 17
"""Longest code of a contract."""

Mode = Literal["evm", "atomic", "numen", "groth16"]
"""``evm`` is bytecode whose calls are requests, ``atomic`` a synchronous EVM of its own, ``numen``
a contract of Numen's language, ``groth16`` one that checks the proofs of a verifying key."""

_DOMAIN: Final = "numen/code/1"
_PAIR: Final = 0x92
_TEXT: Final = 0xA0
_BYTES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4}
"""First bytes, in MessagePack, of an array of two and of a short text; of bytes, with the size of
their length."""
_FORK: Final = "prague"


class CodeError(NumenError):
    """Bytes that are no contract."""


class Code(msgspec.Struct, frozen=True, array_like=True):
    """What a contract is made from.

    Attributes:
        mode: Which machine runs it.
        body: For ``evm`` the code that a compiler gives to be deployed; for ``atomic`` the same, or
            nothing for a world without a first contract; for ``numen`` what
            `vm.contract.write_contract` writes; for ``groth16`` the key, as
            `proof.eip197.encode_key` writes it.
    """

    mode: Mode
    body: Annotated[bytes, Meta(max_length=CODE_BYTES_MAX)] = b""


def code_id(raw: bytes) -> bytes:
    """Name a code by its bytes, 32 bytes."""
    return digest(_DOMAIN, raw)


def write_code(code: Code) -> bytes:
    """Write a code."""
    return encode(code)


def read_code(raw: bytes) -> Code:
    """Read a code.

    Raises:
        CodeError: The bytes are none.
    """
    try:
        return decode(Code, raw)
    except CodecError as error:
        raise CodeError(f"not a contract: {error}") from error


def shown_code(raw: bytes, address: Address, slots: Slots) -> bytes:
    """What a client of Ethereum is shown as the code of a contract.

    Args:
        raw: The code that was published.
        address: Of the contract.
        slots: Of the contract; one of EVM bytecode keeps there what its creation left.
    """
    code = read_code(raw)
    if code.mode == "evm":
        return read_long(slots, CODE_AT)
    account = Accounts(slots).account(address) if code.mode == "atomic" else None
    return account[2] if account is not None else raw


def shown_slot(raw: bytes, address: Address, slots: Slots, key: Key) -> Slot:
    """What a client of Ethereum is shown as a word of a contract's storage.

    Args:
        raw: The code that was published.
        address: Of the contract.
        slots: Of the contract.
        key: Of the word.
    """
    code = read_code(raw)
    is_inside = code.mode == "atomic" and bool(code.body)
    return Accounts(slots).slot(address, key) if is_inside else slots.load(key)


def placed_slot(raw: bytes, address: Address, key: Key) -> Key:
    """The slot of a contract that holds a word of its storage, as `shown_slot` shows it."""
    code = read_code(raw)
    is_inside = code.mode == "atomic" and bool(code.body)
    return storage_at(address, key) if is_inside else key


def placed_code(code: bytes) -> tuple[bytes, dict[Key, Slot]]:
    """What to publish, and what to write, for a code to be where no creation has put it.

    Args:
        code: The bytes of a code; or bytecode as a creation leaves it, whose calls are requests.

    Raises:
        CodeError: It begins as a code and is none.
    """
    if code[:1] == bytes([_PAIR]):
        read_code(code)
        return code, {}
    return write_code(Code("evm")), dict(long_writes(CODE_AT, code))


def split_creation(data: bytes) -> tuple[bytes, bytes]:
    """Split what a transaction of Ethereum creates a contract from.

    A code begins with the mark of an array of two. As an opcode that is SWAP3, which fails where
    nothing is on the stack, so no bytecode begins with it: other bytes are bytecode, whose calls
    are to be requests.

    Args:
        data: A code and arguments of its constructor; or bytecode with its arguments behind it.

    Returns:
        The bytes of a code, and the arguments that are not in it.

    Raises:
        CodeError: It begins as a code and is none, or is too long.
    """
    if data[:1] != bytes([_PAIR]):
        try:
            return encode(Code("evm", data)), b""
        except CodecError as error:
            raise CodeError(f"not a contract: {error}") from error
    at = 2 + max(data[1] - _TEXT, 0) if len(data) > 1 else 1
    size = _BYTES.get(data[at], 0) if len(data) > at else 0
    end = at + 1 + size + int.from_bytes(data[at + 1 : at + 1 + size], "big")
    read_code(data[:end])
    return data[:end], data[end:]


def has_private_state(raw: bytes) -> bool:
    """Whether bytes are the code of a contract that only who has its keys can run."""
    try:
        code = read_code(raw)
        return code.mode == "numen" and read_description(code.body).is_private
    except (CodeError, ContractError):
        return False


def watched_service_of(raw: bytes, watcher: Any) -> Service | None:
    """Make a code of EVM bytecode ready to run on the reference engine, before a watcher's eyes.

    Args:
        raw: A code.
        watcher: Who is told of every instruction, a `reference.machine.Watcher`.

    Returns:
        The service; None where the code is no bytecode.
    """
    code = read_code(raw)
    if code.mode == "atomic":
        return AtomicService(_FORK, "reference", code.body, watcher)
    return EvmService(code.body, _FORK, "reference", watcher) if code.mode == "evm" else None


def service_of(raw: bytes) -> Service:
    """Make a code ready to run.

    Raises:
        CodeError: The bytes are none.
    """
    try:
        code = read_code(raw)
        if code.mode == "atomic":
            return AtomicService(_FORK, initcode=code.body)
        if code.mode == "numen":
            return read_contract(code.body)
        if code.mode == "groth16":
            return Groth16Service(decode_key(code.body))
        return EvmService(code.body, _FORK)
    except (EvmError, ContractError, FormatError) as error:
        raise CodeError(f"not a contract: {error}") from error
