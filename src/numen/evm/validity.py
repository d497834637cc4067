"""Whether a block may contain a transaction.

First what the transaction and the fork alone decide, then what the block and the state do. Where
several things are wrong, which is named is no part of the rules.

Sources: yellow paper, section 6; EIP-155, 1559, 2681, 2930, 3607, 3860, 4844, 7623, 7702, 7825.
"""

import msgspec

from numen.evm import blobs, fees
from numen.evm.authority import delegate
from numen.evm.block import Block
from numen.evm.forks import NONCE_MAX, Fork
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.substate import Substate
from numen.evm.transaction import Kind, Transaction, check_kind, check_numbers


class Allowance(msgspec.Struct, frozen=True):
    """What is left of a block for further transactions.

    Attributes:
        gas: Units of gas.
        blobs: Blobs.
    """

    gas: int
    blobs: int


def allowance(block: Block, fork: Fork) -> Allowance:
    """What a block that is empty so far has for transactions."""
    return Allowance(block.gas_limit, fork.max_blobs)


def check_alone(tx: Transaction, fork: Fork) -> tuple[int, int]:
    """Check what needs neither block nor state, nor the signature.

    Returns:
        Gas charged before it runs, and the least charged in the end, as `fees.intrinsic_gas`.

    Raises:
        InvalidTransactionError: No block of the fork may contain it.
    """
    check_kind(tx, fork)
    check_numbers(tx)
    if tx.nonce >= NONCE_MAX:
        raise InvalidTransactionError(Reason.NONCE_TOO_BIG, field="nonce")
    if tx.max_priority_fee > tx.max_fee:
        raise InvalidTransactionError(
            Reason.PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS, field="max_priority_fee"
        )
    if tx.kind is Kind.BLOB:
        _check_blobs(tx, fork)
    elif tx.kind is Kind.SET_CODE:
        _check_authorizations(tx)
    if tx.to is None and 0 < fork.initcode_size_max < len(tx.data):
        raise InvalidTransactionError(
            Reason.INITCODE_SIZE_EXCEEDED, f"{len(tx.data)} bytes", field="data"
        )
    return _check_gas(tx, fork)


def _check_blobs(tx: Transaction, fork: Fork) -> None:
    if tx.to is None:
        raise InvalidTransactionError(Reason.TYPE_3_TX_CONTRACT_CREATION, field="to")
    if not tx.blob_hashes:
        raise InvalidTransactionError(Reason.TYPE_3_TX_ZERO_BLOBS, field="blob_hashes")
    if len(tx.blob_hashes) > (fork.max_tx_blobs or fork.max_blobs):
        detail = f"{len(tx.blob_hashes)} blobs"
        raise InvalidTransactionError(
            Reason.TYPE_3_TX_BLOB_COUNT_EXCEEDED, detail, field="blob_hashes"
        )
    if any(each[0] != blobs.VERSION for each in tx.blob_hashes):
        raise InvalidTransactionError(
            Reason.TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH, field="blob_hashes"
        )


def _check_authorizations(tx: Transaction) -> None:
    if tx.to is None:
        raise InvalidTransactionError(Reason.TYPE_4_TX_CONTRACT_CREATION, field="to")
    if not tx.authorizations:
        raise InvalidTransactionError(
            Reason.TYPE_4_EMPTY_AUTHORIZATION_LIST, field="authorizations"
        )


def _check_gas(tx: Transaction, fork: Fork) -> tuple[int, int]:
    intrinsic, floor = fees.intrinsic_gas(tx, fork)
    given = f"{tx.gas_limit} given"
    if tx.gas_limit < intrinsic:
        raise InvalidTransactionError(
            Reason.INTRINSIC_GAS_TOO_LOW, f"{given}, {intrinsic} needed", field="gas_limit"
        )
    if tx.gas_limit < floor:
        raise InvalidTransactionError(
            Reason.INTRINSIC_GAS_BELOW_FLOOR_GAS_COST, f"{given}, {floor} needed", field="gas_limit"
        )
    if 0 < fork.tx_gas_max < tx.gas_limit:
        raise InvalidTransactionError(
            Reason.GAS_LIMIT_EXCEEDS_MAXIMUM,
            f"{given}, {fork.tx_gas_max} allowed",
            field="gas_limit",
        )
    return intrinsic, floor


def check_in_block(tx: Transaction, block: Block, left: Allowance) -> None:
    """Check a transaction against the block it would be in.

    Raises:
        InvalidTransactionError: The block cannot take it.
    """
    if tx.gas_limit > left.gas:
        detail = f"{tx.gas_limit} where the block has {left.gas} left"
        raise InvalidTransactionError(Reason.GAS_ALLOWANCE_EXCEEDED, detail, field="gas_limit")
    if tx.max_fee < block.base_fee:
        detail = f"{tx.max_fee} below the base fee of {block.base_fee}"
        raise InvalidTransactionError(Reason.INSUFFICIENT_MAX_FEE_PER_GAS, detail, field="max_fee")
    if tx.kind is not Kind.BLOB:
        return
    if len(tx.blob_hashes) > left.blobs:
        detail = f"{len(tx.blob_hashes)} blobs where the block has room for {left.blobs}"
        raise InvalidTransactionError(
            Reason.TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED, detail, field="blob_hashes"
        )
    if tx.max_fee_per_blob_gas < block.blob_base_fee:
        detail = f"{tx.max_fee_per_blob_gas} below the blob base fee of {block.blob_base_fee}"
        raise InvalidTransactionError(
            Reason.INSUFFICIENT_MAX_FEE_PER_BLOB_GAS, detail, field="max_fee_per_blob_gas"
        )


def check_sender(
    machine: Substate, tx: Transaction, sender: bytes, *, is_impersonated: bool = False
) -> int:
    """Check a transaction against the account that sends it, which has code if impersonated.

    Returns:
        The account's balance in wei.

    Raises:
        InvalidTransactionError: The account cannot send it now.
    """
    nonce, balance, code = machine.account(sender)
    if nonce >= NONCE_MAX:
        raise InvalidTransactionError(Reason.NONCE_IS_MAX, field="nonce")
    if tx.nonce != nonce:
        low_or_high = (
            Reason.NONCE_MISMATCH_TOO_LOW if tx.nonce < nonce else Reason.NONCE_MISMATCH_TOO_HIGH
        )
        raise InvalidTransactionError(
            low_or_high, f"{tx.nonce} where the account's is {nonce}", field="nonce"
        )
    may_sign = is_impersonated or (machine.fork.has_delegations and delegate(code))
    if code and not may_sign:  # EIP-3607, since ever
        raise InvalidTransactionError(Reason.SENDER_NOT_EOA, field="sender")
    blob_gas = machine.fork.gas.blob * len(tx.blob_hashes)
    most = tx.gas_limit * tx.max_fee + blob_gas * tx.max_fee_per_blob_gas + tx.value
    if balance < most:
        raise InvalidTransactionError(
            Reason.INSUFFICIENT_ACCOUNT_FUNDS, f"{balance} wei of {most}", field="sender"
        )
    return balance
