"""A block: transactions in an order, and what they came to.

The header names everything by digest: what went in, what came of it, and the state that it left.
Blocks are chained by their headers' digests and signed by who made them.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base import merkle
from numen.base.codec import U64, digest
from numen.base.crypto import Address, Hash32, Signature, SigningKey, keccak256, recover
from numen.ledger.failures import encode_failure
from numen.ledger.receipts import Receipt
from numen.ledger.transactions import TRANSACTION_BYTES_MAX

TRANSACTIONS_MAX: Final = 1 << 16
"""Most transactions of one block."""

BLOCK_BYTES_MAX: Final = 1 << 28
"""Longest block."""

NO_BLOCK: Final = bytes(32)
"""The parent of the first block."""

_DOMAIN: Final = "numen/block/1"
_ENCODER: Final = msgspec.msgpack.Encoder()
_RECEIPT: Final = b"\x0fnumen/receipt/1"

RawTransaction = Annotated[bytes, Meta(max_length=TRANSACTION_BYTES_MAX)]


class Header(msgspec.Struct, frozen=True, array_like=True):
    """A block by digests.

    Attributes:
        chain: Which ledger.
        height: 1 for the first block.
        parent: Digest of the header before.
        time_ms: Milliseconds since 1970, later than the parent's.
        price: Coins a unit of work that the block's maker asks at least.
        maker: Who made the block, and has the fees.
        transactions: Merkle root of the transactions' bytes.
        receipts: Merkle root of the receipts' digests.
        state: Root of the state that it left.
    """

    chain: U64
    height: U64
    parent: Hash32
    time_ms: U64
    price: U64
    maker: Address
    transactions: Hash32
    receipts: Hash32
    state: Hash32


class Block(msgspec.Struct, frozen=True, array_like=True):
    """A header, its maker's signature, and the transactions."""

    header: Header
    signature: Signature
    transactions: Annotated[tuple[RawTransaction, ...], Meta(max_length=TRANSACTIONS_MAX)]


def block_id(header: Header) -> bytes:
    """Name a block by its header; 32 bytes."""
    return digest(_DOMAIN, header)


def seal(header: Header, transactions: tuple[bytes, ...], key: SigningKey) -> Block:
    """Sign a header by its maker's key."""
    assert key.address == header.maker, "a block is signed by its maker"
    return Block(header, key.sign(block_id(header)), transactions)


def write_block(block: Block) -> bytes:
    """Write a block that was made or checked here; the bytes are its canonical ones."""
    return _ENCODER.encode(block)


def is_signed_by_maker(block: Block) -> bool:
    """Whether the signature is of the maker that the header names.

    Raises:
        BadSignatureError: It is no signature.
    """
    return recover(block_id(block.header), block.signature) == block.header.maker


def transactions_root(transactions: Iterable[bytes]) -> bytes:
    """Commit to transactions in their order; 32 bytes."""
    return merkle.root([keccak256(raw) for raw in transactions])


def receipts_root(receipts: Iterable[Receipt]) -> bytes:
    """Commit to receipts in their order; 32 bytes."""
    return merkle.root([receipt_digest(receipt) for receipt in receipts])


def receipt_digest(receipt: Receipt) -> bytes:
    """Digest of what became of a message: its id, its end, its cost, and what it said; 32 bytes."""
    failure = encode_failure(receipt.failure) if receipt.failure is not None else b""
    parts = [receipt.message.id, receipt.fate.value.encode(), receipt.result, failure]
    for event in receipt.events:
        parts += (bytes([len(event.topics)]), *event.topics, event.data)
    parts += receipt.sent
    lengths = b"".join([len(part).to_bytes(4, "big") for part in parts])
    head = _RECEIPT + receipt.work.to_bytes(8, "big") + len(parts).to_bytes(4, "big")
    return keccak256(head, lengths, *parts)
