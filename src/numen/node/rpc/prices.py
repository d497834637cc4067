"""`eth_`: what gas costs, and has cost."""

import itertools
from typing import Final

import msgspec

from numen.node.blocks import Sealed
from numen.node.rpc import lookup
from numen.node.rpc.faults import INVALID_PARAMS, RpcError
from numen.node.rpc.shapes import Hex
from numen.node.rpc.table import Session, rows
from numen.node.rpc.values import BlockId, Quantity
from numen.node.surface import TIP, Node

HISTORY_MAX: Final = 1_024
"""Most blocks of a fee history, as in geth."""

PERCENTILES_MAX: Final = 100


def gas_price(session: Session) -> Hex:
    """Wei for a unit of gas with which a transaction is in the next block."""
    return hex(session.node.next_block().base_fee + TIP)


def max_priority_fee_per_gas(session: Session) -> Hex:  # noqa: ARG001 - it does not depend on it
    """Wei of a tip with which a transaction is in the next block."""
    return hex(TIP)


def blob_base_fee(session: Session) -> Hex:
    """Wei for a unit of blob gas in the next block."""
    return hex(session.node.next_block().blob_base_fee)


class FeeHistoryShape(msgspec.Struct, rename="camel"):
    """What gas has cost: base fees, also of the block after; shares of gas used; and tips."""

    oldest_block: Hex
    base_fee_per_gas: list[Hex]
    gas_used_ratio: list[float]
    base_fee_per_blob_gas: list[Hex]
    blob_gas_used_ratio: list[float]
    reward: list[list[Hex]] | msgspec.UnsetType = msgspec.UNSET


def fee_history(
    session: Session, count: Quantity, newest: BlockId, percentiles: list[float] | None = None
) -> FeeHistoryShape:
    """What gas has cost in some blocks up to one."""
    wanted = percentiles or []
    is_rising = all(a <= b for a, b in itertools.pairwise(wanted))
    if len(wanted) > PERCENTILES_MAX or not is_rising or not all(0 <= p <= 100 for p in wanted):
        raise RpcError(INVALID_PARAMS, "percentiles are at most 100, ascending from 0 to 100")
    node = session.node
    last = lookup.require(node, newest).number
    first = max(last + 1 - min(count, HISTORY_MAX), 0)
    chosen = node.chain.blocks[first : last + 1]
    after = _after(node, last)
    most_blob_gas = node.chain.fork.max_blobs * node.chain.fork.gas.blob
    shape = FeeHistoryShape(
        oldest_block=hex(first),
        base_fee_per_gas=[hex(each.block.base_fee) for each in chosen] + [hex(after[0])],
        gas_used_ratio=[each.header.gas_used / each.block.gas_limit for each in chosen],
        base_fee_per_blob_gas=[hex(each.block.blob_base_fee) for each in chosen] + [hex(after[1])],
        blob_gas_used_ratio=[
            each.header.blob_gas_used / most_blob_gas if most_blob_gas else 0.0 for each in chosen
        ],
    )
    if percentiles is not None:
        shape.reward = [_rewards(each, wanted) for each in chosen]
    return shape


def _after(node: Node, number: int) -> tuple[int, int]:
    """Base fee of gas and of blob gas of the block after one."""
    following = node.chain.by_number(number + 1)
    block = following.block if following else node.next_block()
    return block.base_fee, block.blob_base_fee


def _rewards(sealed: Sealed, percentiles: list[float]) -> list[Hex]:
    """Tips at percentiles of a block's gas, as geth takes them."""
    base_fee = sealed.block.base_fee
    tips = sorted(
        (each.receipt.gas_price - base_fee, each.receipt.gas_used) for each in sealed.included
    )
    found, at, gas = [], 0, tips[0][1] if tips else 0
    for percentile in percentiles:
        threshold = sealed.header.gas_used * percentile / 100
        while tips and gas < threshold and at < len(tips) - 1:
            at += 1
            gas += tips[at][1]
        found.append(hex(tips[at][0]) if tips else "0x0")
    return found


METHODS = rows(
    {
        "eth_gasPrice": gas_price,
        "eth_maxPriorityFeePerGas": max_priority_fee_per_gas,
        "eth_blobBaseFee": blob_base_fee,
        "eth_feeHistory": fee_history,
    }
)
