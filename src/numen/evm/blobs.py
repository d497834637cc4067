"""The price of blobs (EIP-4844, EIP-7691, EIP-7918)."""

from typing import Final

from numen.evm.forks import Fork

VERSION: Final = 1
"""First byte of a versioned hash: what follows is of a KZG commitment."""

_FEE_MIN: Final = 1
"""Least wei for a unit of blob gas."""

_FEE_MAX: Final = 2**256 - 1
"""What nobody can pay; a chain never comes there, but a file may."""

_RESERVE_GAS: Final = 2**13
"""Gas that a blob is priced like at least (EIP-7918: BLOB_BASE_COST)."""

_STEPS_MAX: Final = 10_000
"""Terms of the series at most; the fee of any excess below 2**64 that a chain can reach needs
fewer, and a file may hold any number."""


def blob_base_fee(excess: int, fork: Fork) -> int:
    """Wei for a unit of blob gas after so much excess: at least 1, and at most what a word holds.

    Args:
        excess: Blob gas used above the target so far; 0 or more.
        fork: Whose speed of change holds.
    """
    return min(fake_exponential(_FEE_MIN, excess, fork.blob_fee_fraction), _FEE_MAX)


def fake_exponential(factor: int, numerator: int, denominator: int) -> int:
    """Approximate ``factor * e ** (numerator / denominator)`` from below, in integers.

    The terms of the series, as EIP-4844 rounds them. A sum of more than 256 bits is not added to:
    nobody can pay such a fee.
    """
    total, term, i = 0, factor * denominator, 1
    while term > 0 and i < _STEPS_MAX and total.bit_length() <= 512:
        total += term
        term = term * numerator // (denominator * i)
        i += 1
    return total // denominator


def next_excess(excess: int, used: int, fork: Fork, base_fee: int = 0) -> int:
    """Excess blob gas of a block, from its parent's excess and use.

    Args:
        excess: The parent's.
        used: Blob gas that the parent used.
        fork: The block's.
        base_fee: The parent's, wei of a unit of gas; it matters from EIP-7918 on.
    """
    target = fork.target_blobs * fork.gas.blob
    if excess + used < target:
        return 0
    if fork.has_blob_fee_reserve:
        blob_fee = blob_base_fee(excess, fork)
        if _RESERVE_GAS * base_fee > fork.gas.blob * blob_fee:
            return excess + used * (fork.max_blobs - fork.target_blobs) // fork.max_blobs
    return excess + used - target
