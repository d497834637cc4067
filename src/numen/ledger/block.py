"""A block: transactions in an order, evidence against liars, and what they came to.

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

EVIDENCE_MAX: Final = 8
"""Most pieces of evidence of one block; what is left comes with the next."""

EVIDENCE_BYTES_MAX: Final = 1 << 11
"""Longest piece of evidence: two certificates, or a conviction."""

EVIDENCE_MARK: Final = b"\x7f"
"""Goes before evidence where it is hashed with transactions, none of which begins so."""

NO_BLOCK: Final = bytes(32)
"""The parent of the first block."""

_DOMAIN: Final = "numen/block/1"
_ENCODER: Final = msgspec.msgpack.Encoder()
_RECEIPT: Final = b"\x0fnumen/receipt/1"
_FATES: Final = {fate: fate.value.encode() for fate in Fate}

RawTransaction = Annotated[bytes, Meta(max_length=TRANSACTION_BYTES_MAX)]
RawEvidence = Annotated[bytes, Meta(max_length=EVIDENCE_BYTES_MAX)]


class Header(msgspec.Struct, frozen=True, array_like=True):
    """A block by digests.

    Attributes:
        chain: Which ledger.
        height: 1 for the first block.
        parent: Digest of the header before.
        time_ms: Milliseconds since 1970, later than the parent's.
        price: Coins a unit of work that the block's maker asks at least.
        maker: Who made the block, and has the fees.
        transactions: Merkle root of the transactions' bytes, and of evidence behind them.
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
    """A header, its maker's signature, the transactions, and evidence against liars."""

    header: Header
    signature: Signature
    transactions: Annotated[tuple[RawTransaction, ...], Meta(max_length=TRANSACTIONS_MAX)]
    evidence: Annotated[tuple[RawEvidence, ...], Meta(max_length=EVIDENCE_MAX)] = ()


def block_id(header: Header) -> bytes:
    """Name a block by its header; 32 bytes."""
    return digest(_DOMAIN, header)


def seal(
    header: Header,
    transactions: tuple[bytes, ...],
    key: SigningKey,
    evidence: tuple[bytes, ...] = (),
) -> Block:
    """Sign a header by its maker's key."""
    assert key.address == header.maker, "a block is signed by its maker"
    return Block(header, key.sign(block_id(header)), transactions, evidence)


def write_block(block: Block) -> bytes:
    """Write a block that was made or checked here; the bytes are its canonical ones."""
    return _ENCODER.encode(block)


def is_signed_by_maker(block: Block) -> bool:
    """Whether the signature is of the maker that the header names.

    Raises:
        BadSignatureError: It is no signature.
    """
    return recover(block_id(block.header), block.signature) == block.header.maker


def transactions_root(transactions: Sequence[bytes], evidence: Sequence[bytes] = ()) -> bytes:
    """Commit to transactions and evidence in their order; 32 bytes."""
    return keccak_tree.root(leaves(transactions, evidence))


def leaves(transactions: Sequence[bytes], evidence: Sequence[bytes]) -> list[bytes]:
    """What the root of a block commits to, in order."""
    return [*transactions, *(EVIDENCE_MARK + raw for raw in evidence)]


def has_own_body(block: Block) -> bool:
    """Whether transactions and evidence are those of the header.

    No transaction begins with the mark of evidence: one root has one body, and nobody can be
    accused by what it did not sign.
    """
    if any(raw.startswith(EVIDENCE_MARK) for raw in block.transactions):
        return False
    return transactions_root(block.transactions, block.evidence) == block.header.transactions


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
