"""A block: transactions in an order, and what they came to.

The header names everything by digest: what went in, what came of it, and the state that it left.
Blocks are chained by their headers' digests and signed by who made them.
"""

import functools
from collections.abc import Sequence
from struct import Struct
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, digest
from numen.base.crypto import Address, Hash32, Signature, SigningKey, recover
from numen.kernels import keccak_tree
from numen.ledger.failures import encode_failure
from numen.ledger.receipts import Fate, Receipt
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
_FATES: Final = {fate: fate.value.encode() for fate in Fate}

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


def transactions_root(transactions: Sequence[bytes]) -> bytes:
    """Commit to transactions in their order; 32 bytes."""
    return keccak_tree.root(transactions)


def receipts_root(receipts: Sequence[Receipt]) -> bytes:
    """Commit to receipts in their order; 32 bytes."""
    return keccak_tree.root([receipt_bytes(receipt) for receipt in receipts])


def receipt_bytes(receipt: Receipt) -> bytes:
    """What the root says of a message: its id, its end, its cost, and what it said."""
    failure = encode_failure(receipt.failure) if receipt.failure is not None else b""
    parts = [receipt.message.id, _FATES[receipt.fate], receipt.result, failure]
    for event in receipt.events:
        parts += (b"%c" % len(event.topics), *event.topics, event.data)
    parts += receipt.sent
    count = len(parts)
    head = _head(count).pack(_RECEIPT, receipt.work, count, *map(len, parts))
    return head + b"".join(parts)


@functools.cache
def _head(parts: int) -> Struct:
    """Domain, work, how many parts, and how long each is."""
    return Struct(f">{len(_RECEIPT)}sQ{1 + parts}I")
