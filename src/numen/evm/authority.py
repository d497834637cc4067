"""Delegations: accounts that let other code act for them (EIP-7702)."""

from typing import Final

import msgspec

from numen.base.crypto import HALF_ORDER, BadSignatureError, keccak256
from numen.evm import rlp, signing
from numen.evm.forks import NONCE_MAX
from numen.evm.substate import Substate

DESIGNATOR: Final = b"\xef\x01\x00"
"""What the code of a delegating account begins with; the delegate's address follows."""

_MAGIC: Final = b"\x05"
"""First byte of what an authority signs, so that it is no transaction."""


class Authorization(msgspec.Struct, frozen=True):
    """An account's signed wish to have other code act for it.

    Attributes:
        chain_id: Chain where it holds; 0 for every chain. Below 2**256.
        address: 20 bytes, whose code acts; 20 zero bytes end a delegation.
        nonce: The account's nonce when it holds, below 2**64.
        y_parity: Which of two points made r, below 2**8.
        r: Of the signature, below 2**256.
        s: Of the signature, below 2**256.
    """

    chain_id: int
    address: bytes
    nonce: int
    y_parity: int = 0
    r: int = 0
    s: int = 0

    def digest(self) -> bytes:
        """What the account signs; 32 bytes."""
        return keccak256(_MAGIC, rlp.encode([self.chain_id, self.address, self.nonce]))

    def authority(self) -> bytes | None:
        """The account that signed, or None if the signature is none, or malleable (EIP-2)."""
        if self.s > HALF_ORDER:
            return None
        try:
            return signing.recover(self.digest(), self.y_parity, self.r, self.s)
        except BadSignatureError:
            return None


def delegate(code: bytes) -> bytes | None:
    """The address that an account's code points at, or None if it is no delegation."""
    is_one = len(code) == len(DESIGNATOR) + 20 and code.startswith(DESIGNATOR)
    return code[len(DESIGNATOR) :] if is_one else None


def authorize(machine: Substate, item: Authorization, chain_id: int) -> int:
    """Carry out one authorization, unless something is wrong with it: then it is passed over.

    Args:
        machine: Whose state changes.
        item: The authorization.
        chain_id: Of the block.

    Returns:
        Gas to give back, because the account existed and the price of making it was charged.
    """
    if item.chain_id not in (0, chain_id) or item.nonce >= NONCE_MAX:
        return 0
    account = item.authority()
    if account is None:
        return 0
    machine.warm(account)
    code = machine.code(account)
    if (code and delegate(code) is None) or machine.nonce(account) != item.nonce:
        return 0

    gas = machine.fork.gas
    refund = gas.authorization - gas.authorization_base if machine.exists(account) else 0
    machine.set_code(account, b"" if item.address == bytes(20) else DESIGNATOR + item.address)
    machine.set_nonce(account, item.nonce + 1)
    return refund
