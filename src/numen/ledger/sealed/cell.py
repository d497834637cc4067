"""Cells: what a private slot holds, sealed so that its place and its version are sealed with it.

    epoch ‖ version ‖ nonce ‖ ChaCha20-Poly1305(length ‖ value ‖ zeros)        4 + 8 + 12 + … + 16

Sealed beside, and not written: the contract and the slot. So a cell that is altered, put elsewhere,
or given another version does not open. Values are padded to the next of 60, 124, 252, … bytes, and
with them
cells: their sizes tell which power of two a value fits, and nothing else.

Source: RFC 8439.
"""

import struct
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from numen.ledger.sealed.errors import UnsealError
from numen.ledger.sealed.keys import EpochKeys

VALUE_BYTES_MAX: Final = (1 << 15) - 4
"""Longest private value; its cell fits a slot of the state."""

_HEAD: Final = struct.Struct(">IQ12s")
_LENGTH: Final = struct.Struct(">I")
_LEAST: Final = 64


class Opened(msgspec.Struct, frozen=True):
    """What was in a cell.

    Attributes:
        version: How many times the slot had been written.
        value: Its value.
    """

    version: int
    value: bytes


def seal(keys: EpochKeys, slot: bytes, version: int, value: bytes) -> bytes:
    """Make a cell.

    Args:
        keys: Of the contract.
        slot: Its name inside, any bytes.
        version: Above all that the slot had before in this epoch.
        value: At most `VALUE_BYTES_MAX` bytes.
    """
    assert len(value) <= VALUE_BYTES_MAX
    size = max(_LEAST, 1 << (_LENGTH.size + len(value) - 1).bit_length())
    padded = (_LENGTH.pack(len(value)) + value).ljust(size, b"\0")
    about = _about(keys, slot, version)
    nonce = keys.nonce(about, padded)
    sealed = ChaCha20Poly1305(keys.cell_key).encrypt(nonce, padded, about)
    return _HEAD.pack(keys.epoch, version, nonce) + sealed


def unseal(keys: EpochKeys, slot: bytes, cell: bytes) -> Opened:
    """Open a cell, from anyone.

    Raises:
        UnsealError: It is not one of this contract, slot and epoch, or was altered.
    """
    if len(cell) < _HEAD.size + _LEAST:
        raise UnsealError("it is cut off")
    epoch, version, nonce = _HEAD.unpack_from(cell)
    if epoch != keys.epoch:
        raise UnsealError(f"it is of epoch {epoch}, and the keys are of {keys.epoch}")
    about = _about(keys, slot, version)
    try:
        padded = ChaCha20Poly1305(keys.cell_key).decrypt(nonce, cell[_HEAD.size :], about)
    except InvalidTag as error:
        raise UnsealError("it was altered, or belongs elsewhere") from error
    (length,) = _LENGTH.unpack_from(padded)
    return Opened(version, padded[_LENGTH.size : _LENGTH.size + length])


def _about(keys: EpochKeys, slot: bytes, version: int) -> bytes:
    place = struct.pack(">20sIQ", keys.contract, keys.epoch, version)
    return b"numen/sealed/cell/1" + place + slot
