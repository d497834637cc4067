"""What a transaction costs before it runs, and what a unit of gas costs."""

from typing import Final

from numen.evm.forks import Fork
from numen.evm.gas import words
from numen.evm.transaction import Transaction

_NONZERO_TOKENS: Final = 4
"""Tokens that a byte of input is worth unless it is zero (EIP-7623)."""

_ELASTICITY: Final = 2
"""Gas limit over gas target (EIP-1559)."""

_CHANGE_DENOMINATOR: Final = 8
"""A base fee moves by at most an eighth from block to block (EIP-1559)."""


def intrinsic_gas(tx: Transaction, fork: Fork) -> tuple[int, int]:
    """Gas that a transaction costs whatever it does.

    Returns:
        What is charged before it runs, and the least that is charged in the end (EIP-7623; 0 where
        the fork has no such floor).

    Sources: yellow paper, section 6.2; EIP-2, 2028, 2930, 3860, 7623, 7702.
    """
    gas = fork.gas
    zeros = tx.data.count(0)
    others = len(tx.data) - zeros
    total = gas.tx_base + zeros * gas.tx_data_zero + others * gas.tx_data_nonzero
    if tx.to is None:
        total += gas.tx_create + gas.create_word * words(len(tx.data))
    for access in tx.access_list:
        total += gas.tx_access_address + gas.tx_access_slot * len(access.keys)
    total += gas.authorization * len(tx.authorizations)
    if not gas.tx_floor_token:
        return total, 0
    tokens = zeros + others * _NONZERO_TOKENS
    return total, gas.tx_base + gas.tx_floor_token * tokens


def gas_price(tx: Transaction, base_fee: int) -> int:
    """Wei that a transaction pays for a unit of gas, when it may be in a block at all."""
    return min(tx.max_fee, base_fee + tx.max_priority_fee)


def next_base_fee(base_fee: int, gas_used: int, gas_limit: int) -> int:
    """Base fee of a block, from its parent's base fee, use and limit of gas (EIP-1559)."""
    target = gas_limit // _ELASTICITY
    if target in (gas_used, 0):
        return base_fee
    change = base_fee * abs(gas_used - target) // target // _CHANGE_DENOMINATOR
    return base_fee + max(change, 1) if gas_used > target else base_fee - change
