"""What the state says of an address, and where: accounts and slots as keys and values of the tree.

An account is 64 bytes, ``balance ‖ nonce ‖ sequence ‖ code hash``, 16 + 8 + 8 + 32, big-endian.
One that has nothing is not in the tree. A slot is any bytes; without bytes it is not in the tree.
"""

import struct
from typing import Final

import msgspec

from numen.base import codec
from numen.base.crypto import keccak256
from numen.ledger.state.errors import CorruptError

SLOT_BYTES_MAX = 1 << 16
"""Longest value of a slot."""

CODE_BYTES_MAX = 1 << 18
"""Longest code of a contract."""

BALANCE_MAX: Final = (1 << 128) - 1
COUNT_MAX: Final = (1 << 64) - 1

NO_CODE: Final = bytes(32)
"""In place of the hash of the code, for an account without code."""

_FORM: Final = struct.Struct(">16sQQ32s")


class Account(msgspec.Struct, frozen=True):
    """What an address has, besides its slots.

    Attributes:
        balance: Coins, below 2**128.
        nonce: Transactions it has sent.
        sequence: Messages it has emitted.
        code_hash: keccak256 of its code, or `NO_CODE`.
    """

    balance: int = 0
    nonce: int = 0
    sequence: int = 0
    code_hash: bytes = NO_CODE


NOBODY: Final = Account()
"""An account that has nothing."""


def account_key(address: bytes) -> bytes:
    """Where the account of an address is in the tree; 32 bytes."""
    return codec.digest("numen/state/account/1", address)


def slot_key(address: bytes, slot: bytes) -> bytes:
    """Where a slot of an address is in the tree; 32 bytes."""
    return codec.digest("numen/state/slot/1", address + slot)


def code_hash(code: bytes) -> bytes:
    """What an account names its code by; 32 bytes."""
    return keccak256(code) if code else NO_CODE


def encode_account(account: Account) -> bytes | None:
    """The value of an account in the tree; None where it is not there."""
    if account == NOBODY:
        return None
    balance = account.balance.to_bytes(16, "big")
    return _FORM.pack(balance, account.nonce, account.sequence, account.code_hash)


def decode_account(data: bytes | None) -> Account:
    """Read the value of an account.

    Raises:
        CorruptError: It has another length.
    """
    if data is None:
        return NOBODY
    if len(data) != _FORM.size:
        raise CorruptError("an account", f"{len(data)} bytes")
    balance, nonce, sequence, hash_ = _FORM.unpack(data)
    return Account(int.from_bytes(balance, "big"), nonce, sequence, hash_)
