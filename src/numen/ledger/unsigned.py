"""Transactions that nobody signed, for ledgers in memory on which a test acts as anybody.

Bytes of one are a mark, the sender, and a transaction of Ethereum without a signature. Where a
ledger is to keep its word it reads with `ethereum.admit`, which refuses them.
"""

from typing import Final

import msgspec

from numen.base.crypto import Address, keccak256
from numen.evm import transaction as evm
from numen.evm.invalid import InvalidTransactionError
from numen.ledger import ethereum
from numen.ledger.transactions import TRANSACTION_BYTES_MAX, Admitted, BadTransactionError

MARK: Final = b"\x7e"
"""First byte: no kind of transaction of Ethereum's, and no beginning of a list."""

_HEAD_BYTES: Final = 21


def write(tx: evm.Transaction, sender: Address) -> bytes:
    """Write a transaction as if its sender had signed it."""
    # A legacy transaction has its chain in v (EIP-155).
    is_legacy = tx.kind is evm.Kind.LEGACY and tx.chain_id is not None
    v = 35 + 2 * (tx.chain_id or 0) if is_legacy else 0
    return MARK + sender + msgspec.structs.replace(tx, v=v, r=0, s=0).encode()


def read(raw: bytes) -> tuple[evm.Transaction, Address]:
    """Read what `write` gives.

    Raises:
        BadTransactionError: It is none.
    """
    if raw[:1] != MARK or not _HEAD_BYTES < len(raw) <= TRANSACTION_BYTES_MAX:
        raise BadTransactionError("not a transaction without a signature")
    try:
        tx = evm.decode(raw[_HEAD_BYTES:], ethereum.FORK)
    except InvalidTransactionError as error:
        raise BadTransactionError(f"not a transaction of Ethereum: {error}") from error
    return tx, raw[1:_HEAD_BYTES]


def admit(raw: bytes, chain: int, identity: bytes | None = None) -> Admitted:
    """Read a transaction as `ethereum.admit` does, or one that nobody signed."""
    if raw[:1] != MARK:
        return ethereum.admit(raw, chain, identity)
    tx, sender = read(raw)
    if tx.chain_id != chain:
        raise BadTransactionError(f"it is for chain {tx.chain_id}, not {chain}")
    asked = ethereum.transaction_of(tx, chain)
    return Admitted(asked, sender, keccak256(raw), tx.max_priority_fee)
