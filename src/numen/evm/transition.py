"""A transaction, from the checks to the receipt.

    check -> pay for all gas -> authorizations -> run -> refund -> pay the coinbase -> finish

Written once, over any engine. Sources: yellow paper, section 6; EIP-658, 1559, 2929, 2930, 3529,
3651, 4844, 7623, 7702.
"""

from collections.abc import Sequence
from functools import cache

import msgspec

from numen.evm import fees
from numen.evm.authority import authorize, delegate
from numen.evm.block import Block, Context
from numen.evm.forks import NONCE_MAX
from numen.evm.halt import Halt
from numen.evm.message import Log, Message, Result
from numen.evm.substate import Substate
from numen.evm.transaction import Access, Transaction
from numen.evm.validity import Allowance, allowance, check_alone, check_in_block, check_sender


class Receipt(msgspec.Struct, frozen=True):
    """What a transaction came to.

    Attributes:
        success: Whether its effects stayed.
        gas_used: Units of gas paid for, refunds taken off.
        logs: What code recorded, in order; none if it failed.
        output: What it gave back: output or revert data of a call, code of a new contract.
        created: Address of the contract that it made, or None.
        halt: How the outermost frame ended.
        refunded: Units of gas given back for clearing state.
        gas_price: Wei paid for a unit of gas.
        blob_gas_used: Units of blob gas paid for.
    """

    success: bool
    gas_used: int
    logs: tuple[Log, ...] = ()
    output: bytes = b""
    created: bytes | None = None
    halt: Halt = Halt.STOP
    refunded: int = 0
    gas_price: int = 0
    blob_gas_used: int = 0


def apply(
    machine: Substate,
    block: Block,
    tx: Transaction,
    sender: bytes,
    left: Allowance | None = None,
    *,
    is_impersonated: bool = False,
) -> Receipt:
    """Carry out a transaction.

    Args:
        machine: Whose state changes; its fork's rules hold.
        block: The block that contains it.
        tx: The transaction; its signature is not looked at.
        sender: Who signed it; 20 bytes.
        left: What the block has left for it; the whole block by default.
        is_impersonated: Whether the sender may be a contract, which on no real chain can sign.

    Raises:
        InvalidTransactionError: It may not be in the block. Nothing has changed.
        ResourceLimitError: This machine cannot run it.
    """
    fork = machine.fork
    intrinsic, floor = check_alone(tx, fork)
    check_in_block(tx, block, left or allowance(block, fork))
    balance = check_sender(machine, tx, sender, is_impersonated=is_impersonated)
    price = fees.gas_price(tx, block.base_fee)
    blob_gas = fork.gas.blob * len(tx.blob_hashes)

    machine.set_block(block)
    machine.set_context(Context(sender, price, tx.blob_hashes))
    machine.begin()
    machine.set_balance(sender, balance - tx.gas_limit * price - blob_gas * block.blob_base_fee)
    machine.set_nonce(sender, tx.nonce + 1)
    if fork.has_access_lists:
        warm_up(machine, block, sender, tx.to, tx.access_list)
    refund = _authorize(machine, tx, block.chain_id)
    result = machine.run(Message(sender, tx.to, tx.value, tx.data, tx.gas_limit - intrinsic))
    used, refunded = _settle(machine, tx, result, refund, floor)

    machine.add_balance(sender, (tx.gas_limit - used) * price)
    machine.add_balance(block.coinbase, used * (price - block.base_fee))
    logs = machine.logs()
    machine.finish()
    return Receipt(
        success=result.success,
        gas_used=used,
        logs=logs,
        output=result.output,
        created=result.created,
        halt=result.halt,
        refunded=refunded,
        gas_price=price,
        blob_gas_used=blob_gas,
    )


def call(machine: Substate, block: Block, message: Message, gas_price: int = 0) -> Result:
    """Run a message as if it were a transaction, but check, charge and pay nothing around it.

    The caller's nonce is counted up for a creation, as in a transaction. Whoever wants no trace
    of it takes a `Substate.snapshot` after `Substate.begin`, or drops the machine.

    Args:
        machine: Whose state changes.
        block: What code sees of the block.
        message: The call or creation.
        gas_price: What code sees as the price of gas, in wei.
    """
    machine.set_block(block)
    machine.set_context(Context(message.caller, gas_price))
    machine.begin()
    if message.to is None:
        nonce = machine.nonce(message.caller)
        if nonce >= NONCE_MAX:
            return Result(Halt.NONCE_OVERFLOW, message.gas, b"")
        machine.set_nonce(message.caller, nonce + 1)
    if machine.fork.has_access_lists:
        warm_up(machine, block, message.caller, message.to)
        _warm_delegate(machine, message.to)
    return machine.run(message)


def warm_up(
    machine: Substate,
    block: Block,
    sender: bytes,
    to: bytes | None,
    access_list: Sequence[Access] = (),
) -> None:
    """Count as accessed what a transaction has paid for (EIP-2929, 2930, 3651)."""
    others: tuple[bytes, ...] = (sender,) if to is None else (sender, to)
    if machine.fork.warms_coinbase:
        others += (block.coinbase,)
    machine.warm_all(_addresses(machine.fork.precompiles) + others)
    for access in access_list:
        machine.warm(access.address)
        for key in access.keys:
            machine.warm_slot(access.address, key)


@cache
def _addresses(numbers: tuple[int, ...]) -> tuple[bytes, ...]:
    return tuple(number.to_bytes(20, "big") for number in numbers)


def _authorize(machine: Substate, tx: Transaction, chain_id: int) -> int:
    """Set the delegations that a transaction carries; they stay even if it fails (EIP-7702)."""
    refund = 0
    for item in tx.authorizations:
        refund += authorize(machine, item, chain_id)
    _warm_delegate(machine, tx.to)
    return refund


def _warm_delegate(machine: Substate, to: bytes | None) -> None:
    if machine.fork.has_delegations and to is not None:
        target = delegate(machine.code(to))
        if target is not None:
            machine.warm(target)


def _settle(
    machine: Substate, tx: Transaction, result: Result, refund: int, floor: int
) -> tuple[int, int]:
    """Find the gas that is paid for, and how much of it was given back."""
    used = tx.gas_limit - result.gas_left
    if result.success:
        refund += machine.refund()
    refunded = min(refund, used // machine.fork.gas.refund_quotient)
    return max(used - refunded, floor), refunded
