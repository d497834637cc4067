"""Messages and receipts in bytes: what waits for the next block, and what became of others.

WireError      bytes that are neither
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, CodecError, decode
from numen.base.crypto import Address, Hash32
from numen.base.errors import NumenError
from numen.ledger.failures import decode_failure, encode_failure
from numen.ledger.messages import Message, message_id
from numen.ledger.receipts import Fate, Receipt
from numen.vm.host import PAYLOAD_BYTES_MAX, Event, Kind

RECEIPTS_BYTES_MAX: Final = 1 << 30
"""Longest record of a block's receipts."""

_COIN_BYTES: Final = 16
_ENCODER: Final = msgspec.msgpack.Encoder()

Coins = Annotated[bytes, Meta(min_length=_COIN_BYTES, max_length=_COIN_BYTES)]
Payload = Annotated[bytes, Meta(max_length=PAYLOAD_BYTES_MAX)]


class WireError(NumenError):
    """Bytes that are no message, or no receipts."""


class _Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    source: Address
    target: Address
    sequence: U64
    kind: Kind
    cause: Annotated[bytes, Meta(max_length=32)]
    root: Annotated[bytes, Meta(max_length=32)]
    payer: Address
    payload: Payload
    work: U64
    price: U64
    value: Coins
    advanced: Coins
    deadline: U64
    is_awaited: bool
    subject: Annotated[bytes, Meta(max_length=32)]


class _Receipt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    message: _Message
    height: U64
    fate: Fate
    work: U64
    result: bytes
    failure: bytes
    events: tuple[Event, ...]
    sent: tuple[Hash32, ...]


class _Receipts(msgspec.Struct, frozen=True, array_like=True):
    receipts: tuple[_Receipt, ...]


def write_message(message: Message) -> bytes:
    """Write a message."""
    return _ENCODER.encode(_packed(message))


def read_message(raw: bytes) -> Message:
    """Read a message.

    Raises:
        WireError: The bytes are none.
    """
    try:
        return _unpacked(decode(_Message, raw))
    except CodecError as error:
        raise WireError(f"not a message: {error}") from error


def write_receipts(receipts: tuple[Receipt, ...]) -> bytes:
    """Write the receipts of a block."""
    return _ENCODER.encode(_Receipts(tuple(map(_packed_receipt, receipts))))


def read_receipts(raw: bytes) -> tuple[Receipt, ...]:
    """Read the receipts of a block.

    Raises:
        WireError: The bytes are none.
    """
    try:
        wire = decode(_Receipts, raw, size_max=RECEIPTS_BYTES_MAX)
        return tuple(map(_unpacked_receipt, wire.receipts))
    except NumenError as error:
        raise WireError(f"not receipts: {error}") from error


def _packed(message: Message) -> _Message:
    m = message
    return _Message(
        m.source, m.target, m.sequence, m.kind, m.cause, m.root, m.payer, m.payload, m.work,
        m.price, m.value.to_bytes(_COIN_BYTES, "big"), m.advanced.to_bytes(_COIN_BYTES, "big"),
        m.deadline, m.is_awaited, m.subject,
    )  # fmt: skip


def _unpacked(wire: _Message) -> Message:
    w = wire
    return Message(
        message_id(w.source, w.target, w.sequence), w.source, w.target, w.sequence, w.kind,
        w.cause, w.root, w.payer, w.payload, w.work, w.price, int.from_bytes(w.value, "big"),
        int.from_bytes(w.advanced, "big"), w.deadline, w.is_awaited, w.subject,
    )  # fmt: skip


def _packed_receipt(receipt: Receipt) -> _Receipt:
    r = receipt
    return _Receipt(
        _packed(r.message), r.height, r.fate, r.work, r.result,
        encode_failure(r.failure) if r.failure is not None else b"", r.events, r.sent,
    )  # fmt: skip


def _unpacked_receipt(wire: _Receipt) -> Receipt:
    w = wire
    return Receipt(
        _unpacked(w.message), w.height, w.fate, w.work, w.result,
        decode_failure(w.failure) if w.failure else None, w.events, w.sent,
    )  # fmt: skip
