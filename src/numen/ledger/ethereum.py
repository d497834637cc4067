"""Transactions of Ethereum as requests to the ledger, so that its wallets and tools can sign them.

Bytes and signature are Ethereum's. The input is a payload already, because the ABI is the same; gas
is work. A creation carries a code and arguments behind it, or EVM bytecode, and pays for the code
that it publishes out of its gas.

Sources: EIP-155, 2930 and 1559; what an access list says has no meaning here.
"""

from functools import lru_cache
from typing import Final, Protocol

from numen.base.codec import U256
from numen.base.crypto import keccak256
from numen.evm import forks
from numen.evm import transaction as evm
from numen.evm.invalid import InvalidTransactionError
from numen.ledger import tariff, transactions
from numen.ledger.transactions import (
    TRANSACTION_BYTES_MAX,
    Admitted,
    BadTransactionError,
    Call,
    Transaction,
    check_call,
)
from numen.vm.codes import CodeError, code_id, split_creation
from numen.vm.host import PAYLOAD_BYTES_MAX

FORK: Final = forks.fork("london")
"""The rules of the kinds that are taken: legacy, with an access list, and with a fee market."""

_U64_MAX: Final = (1 << 64) - 1
_SHORT_BYTES: Final = 1 << 10
_KEPT_MAX: Final = 1 << 12
"""Transactions of at most so many bytes are kept in memory when they were read, so many of them."""


def read(raw: bytes, chain: int) -> Admitted:
    """Read a transaction of Ethereum from anyone.

    Raises:
        BadTransactionError: The bytes or the signature are none, or it says what cannot be here.

    Cost: a signature recovery.
    """
    if len(raw) > TRANSACTION_BYTES_MAX:
        raise BadTransactionError(f"more than {TRANSACTION_BYTES_MAX} bytes")
    try:
        tx = evm.decode(raw, FORK)
        sender = tx.sender(FORK, chain)
    except InvalidTransactionError as error:
        raise BadTransactionError(f"not a transaction of Ethereum: {error}") from error
    if tx.chain_id is None:
        raise BadTransactionError("it is signed for every chain; sign it for one (EIP-155)")
    return Admitted(transaction_of(tx, chain), sender, keccak256(raw), tx.max_priority_fee)


def transaction_of(tx: evm.Transaction, chain: int) -> Transaction:
    """What a transaction of Ethereum asks of a ledger; its price is the most that it pays.

    Raises:
        BadTransactionError: It says what cannot be here.
    """
    if tx.max_fee > _U64_MAX or tx.max_priority_fee > tx.max_fee:
        raise BadTransactionError("its price is too high, or its tip higher than its price")
    if tx.to is not None:
        call = _call(tx.to, tx.value, tx.data, tx.gas_limit)
        return Transaction(chain, tx.nonce, tx.max_fee, _U64_MAX, (call,))
    call, code = _creation(tx)
    return Transaction(chain, tx.nonce, tx.max_fee, _U64_MAX, (call,), (code,))


def _call(to: bytes, value: int, payload: bytes, work: int) -> Call:
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise BadTransactionError(f"an input of more than {PAYLOAD_BYTES_MAX} bytes")
    call = Call(to, U256(value), payload, work)
    check_call(call, 0)
    return call


def _creation(tx: evm.Transaction) -> tuple[Call, bytes]:
    try:
        code, arguments = split_creation(tx.data)
    except CodeError as error:
        raise BadTransactionError(str(error)) from error
    work = tx.gas_limit - tariff.CODE_BYTE_WORK * len(code)
    if work < 0:
        needed = tx.gas_limit - work
        raise BadTransactionError(f"{tx.gas_limit} gas, and to publish the code takes {needed}")
    return _call(b"", tx.value, code_id(code) + arguments, work), code


class Admit(Protocol):
    """Reads transactions, as `admit` does."""

    def __call__(self, raw: bytes, chain: int, identity: bytes | None = None) -> Admitted: ...


def admit(raw: bytes, chain: int, identity: bytes | None = None) -> Admitted:
    """Read a transaction in either form from anyone: the ledger's own begins with its mark.

    Args:
        raw: The bytes.
        chain: Number of the ledger.
        identity: What `transactions.identities` gives for them, from who has asked.

    Raises:
        BadTransactionError: It is none.

    Cost: a signature recovery, unless it is short and was read a moment ago: one that is sent is
    read again when its block is made, and when that is shown.
    """
    if identity is not None and raw[:1] == transactions.MARK:
        return transactions.read(raw, chain, identity)
    return (_admit_short if len(raw) <= _SHORT_BYTES else _admit)(raw, chain)


def _admit(raw: bytes, chain: int) -> Admitted:
    return (transactions.read if raw[:1] == transactions.MARK else read)(raw, chain)


_admit_short = lru_cache(_KEPT_MAX)(_admit)
