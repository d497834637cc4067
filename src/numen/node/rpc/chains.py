"""`eth_`: blocks and what is in them."""

from typing import Final

from numen.node.blocks import Sealed
from numen.node.rpc import lookup, shapes
from numen.node.rpc.faults import LIMIT, RpcError
from numen.node.rpc.shapes import BlockShape, HeaderShape, Hex, ReceiptShape, TransactionShape
from numen.node.rpc.table import Session, rows
from numen.node.rpc.values import Address, BlockId, Hash, Quantity, data

SEARCHED_MAX: Final = 20_000
"""Most blocks and transactions that are looked at for one: a ledger's lie on a disk."""


def chain_id(session: Session) -> Hex:
    """Number of the chain (EIP-155)."""
    return hex(session.node.chain.chain_id)


def block_number(session: Session) -> Hex:
    """Number of the last block."""
    return hex(session.node.chain.latest.number)


def coinbase(session: Session) -> Hex:
    """Who gets the fees of the next blocks."""
    return data(session.node.coinbase)


def syncing(session: Session) -> bool:  # noqa: ARG001 - every method is asked by somebody
    """Whether the node is behind others; it never is."""
    return False


def hashrate(session: Session) -> Hex:  # noqa: ARG001
    """Hashes that the node tries in a second: none."""
    return "0x0"


def protocol_version(session: Session) -> Hex:  # noqa: ARG001
    """The version of Ethereum's protocol between nodes; this one speaks to no other."""
    return "0x1"


def get_block_by_number(session: Session, block: BlockId, full: bool = False) -> BlockShape | None:
    """A block by its number or name, with its transactions or their hashes."""
    return _block(session, lookup.find(session.node, block), full=full)


def get_block_by_hash(session: Session, block_hash: Hash, full: bool = False) -> BlockShape | None:
    """A block by its hash, with its transactions or their hashes."""
    return _block(session, session.node.chain.by_hash(block_hash), full=full)


def _block(session: Session, found: Sealed | None, *, full: bool) -> BlockShape | None:
    return None if found is None else shapes.block(found, session.node.chain.fork, full=full)


def get_header_by_number(session: Session, block: BlockId) -> HeaderShape | None:
    """A header by its number or name."""
    found = lookup.find(session.node, block)
    return None if found is None else shapes.header(found, session.node.chain.fork)


def get_header_by_hash(session: Session, block_hash: Hash) -> HeaderShape | None:
    """A header by its hash."""
    found = session.node.chain.by_hash(block_hash)
    return None if found is None else shapes.header(found, session.node.chain.fork)


def count_by_number(session: Session, block: BlockId) -> Hex | None:
    """How many transactions a block has."""
    found = lookup.find(session.node, block)
    return None if found is None else hex(len(found.included))


def count_by_hash(session: Session, block_hash: Hash) -> Hex | None:
    """How many transactions a block has."""
    return count_by_number(session, BlockId(hash_=block_hash))


def uncles_by_number(session: Session, block: BlockId) -> Hex | None:
    """How many uncles a block has: none."""
    return None if lookup.find(session.node, block) is None else "0x0"


def uncles_by_hash(session: Session, block_hash: Hash) -> Hex | None:
    """How many uncles a block has: none."""
    return uncles_by_number(session, BlockId(hash_=block_hash))


def uncle_by_number(session: Session, block: BlockId, index: Quantity) -> None:
    """An uncle of a block; there are none."""


def uncle_by_hash(session: Session, block_hash: Hash, index: Quantity) -> None:
    """An uncle of a block; there are none."""


def get_transaction_by_hash(session: Session, tx_hash: Hash) -> TransactionShape | None:
    """A transaction, in a block or waiting."""
    node = session.node
    place = node.chain.holding(tx_hash)
    if place is not None:
        return shapes.transaction(*place)
    signed = node.pool.get(tx_hash)
    return None if signed is None else shapes.waiting(signed, node.chain.latest.block.base_fee)


def by_number_and_index(
    session: Session, block: BlockId, index: Quantity
) -> TransactionShape | None:
    """A transaction by its place in a block."""
    found = lookup.find(session.node, block)
    if found is None or index >= len(found.included):
        return None
    return shapes.transaction(found, index)


def by_hash_and_index(
    session: Session, block_hash: Hash, index: Quantity
) -> TransactionShape | None:
    """A transaction by its place in a block."""
    return by_number_and_index(session, BlockId(hash_=block_hash), index)


def by_sender_and_nonce(
    session: Session, sender: Address, nonce: Quantity
) -> TransactionShape | None:
    """A transaction by who sent it and its nonce, in a block or waiting.

    Blocks are searched from the last one back, some thousands of transactions.
    """
    node = session.node
    waiting = node.pool.of(sender).get(nonce)
    if waiting is not None:
        return shapes.waiting(waiting, node.chain.latest.block.base_fee)
    if nonce >= node.nonce(sender):
        return None
    looked_at = 0
    for sealed in reversed(node.chain.blocks):
        looked_at += 1 + len(sealed.included)
        if looked_at > SEARCHED_MAX:
            raise RpcError(LIMIT, f"it is not in the last blocks, with {SEARCHED_MAX} transactions")
        for index, each in enumerate(sealed.included):
            if each.signed.sender == sender and each.signed.tx.nonce == nonce:
                return shapes.transaction(sealed, index)
    return None


def get_transaction_receipt(session: Session, tx_hash: Hash) -> ReceiptShape | None:
    """What a transaction of a block came to."""
    place = session.node.chain.holding(tx_hash)
    return None if place is None else shapes.receipt(*place, session.written)


def get_block_receipts(session: Session, block: BlockId) -> list[ReceiptShape] | None:
    """What all transactions of a block came to."""
    found = lookup.find(session.node, block)
    if found is None:
        return None
    return [shapes.receipt(found, i, session.written) for i in range(len(found.included))]


def get_raw_transaction(session: Session, tx_hash: Hash) -> Hex | None:
    """The bytes of a transaction, in a block or waiting."""
    node = session.node
    place = node.chain.holding(tx_hash)
    signed = place[0].included[place[1]].signed if place else node.pool.get(tx_hash)
    return None if signed is None else data(signed.raw)


def raw_by_number_and_index(session: Session, block: BlockId, index: Quantity) -> Hex | None:
    """The bytes of a transaction by its place in a block."""
    found = lookup.find(session.node, block)
    if found is None or index >= len(found.included):
        return None
    return data(found.included[index].signed.raw)


def raw_by_hash_and_index(session: Session, block_hash: Hash, index: Quantity) -> Hex | None:
    """The bytes of a transaction by its place in a block."""
    return raw_by_number_and_index(session, BlockId(hash_=block_hash), index)


METHODS = rows(
    {
        "eth_chainId": chain_id,
        "eth_blockNumber": block_number,
        "eth_coinbase": coinbase,
        "eth_syncing": syncing,
        "eth_hashrate": hashrate,
        "eth_protocolVersion": protocol_version,
        "eth_getBlockByNumber": get_block_by_number,
        "eth_getBlockByHash": get_block_by_hash,
        "eth_getHeaderByNumber": get_header_by_number,
        "eth_getHeaderByHash": get_header_by_hash,
        "eth_getBlockTransactionCountByNumber": count_by_number,
        "eth_getBlockTransactionCountByHash": count_by_hash,
        "eth_getUncleCountByBlockNumber": uncles_by_number,
        "eth_getUncleCountByBlockHash": uncles_by_hash,
        "eth_getUncleByBlockNumberAndIndex": uncle_by_number,
        "eth_getUncleByBlockHashAndIndex": uncle_by_hash,
        "eth_getTransactionByHash": get_transaction_by_hash,
        "eth_getTransactionByBlockNumberAndIndex": by_number_and_index,
        "eth_getTransactionByBlockHashAndIndex": by_hash_and_index,
        "eth_getTransactionBySenderAndNonce": by_sender_and_nonce,
        "eth_getTransactionReceipt": get_transaction_receipt,
        "eth_getBlockReceipts": get_block_receipts,
        "eth_getRawTransactionByHash": get_raw_transaction,
        "eth_getRawTransactionByBlockNumberAndIndex": raw_by_number_and_index,
        "eth_getRawTransactionByBlockHashAndIndex": raw_by_hash_and_index,
    }
)
