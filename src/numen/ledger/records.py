"""The ledger's own entries of a cell as names and bytes, which state trees and disks keep.

RecordError    bytes that are no such entry
"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, CodecError, decode, encode
from numen.base.crypto import Address, Hash32
from numen.base.errors import NumenError
from numen.ledger.cell import Account, Cell, Timer
from numen.ledger.messages import Await, Owed, Paid
from numen.vm.host import PAYLOAD_BYTES_MAX, Continuation

ABOUT: Final = b"."
AWAIT: Final = b"a"
NOTE: Final = b"n"
RECEIVED: Final = b"r"
SENT: Final = b"s"
TIMER: Final = b"t"
"""First byte of the name of an entry. What an account has beside coins and nonce is ``ABOUT``."""

_COUNT_BYTES: Final = 8
_COIN_BYTES: Final = 16

Coins = Annotated[bytes, Meta(min_length=_COIN_BYTES, max_length=_COIN_BYTES)]

Payload = Annotated[bytes, Meta(max_length=PAYLOAD_BYTES_MAX)]


class RecordError(NumenError):
    """Bytes that are no entry of a cell."""


class _Owed(msgspec.Struct, frozen=True, array_like=True):
    to: Address
    request: Hash32


class _Paid(msgspec.Struct, frozen=True, array_like=True):
    source: Address
    value: Coins
    advanced: Coins


class _Await(msgspec.Struct, frozen=True, array_like=True):
    entry: U64
    frame: Payload
    work: U64
    is_isolated: bool
    owed: _Owed | None
    payer: Address
    price: U64
    root: Hash32
    deadline: U64
    paid: _Paid | None


class _About(msgspec.Struct, frozen=True, array_like=True):
    code: Annotated[bytes, Meta(max_length=32)]
    timers: U64
    awaits: U64


class _Timer(msgspec.Struct, frozen=True, array_like=True):
    due: U64
    period: U64
    work: U64
    payload: Payload


def changed_records(cell: Cell) -> Iterator[tuple[bytes, bytes]]:
    """Entries that the present block changed, by rising name, and their bytes now."""
    about = write_about(cell.account)
    if about != write_about(cell.before):
        yield ABOUT, about
    for request, _, awaited in cell.awaits.changed():
        yield AWAIT + request, write_await(awaited)
    for name, _, note in cell.notes.changed():
        yield NOTE + name, note
    for source, _, count in cell.received.changed():
        yield RECEIVED + source, write_count(count)
    for target, _, count in cell.sent.changed():
        yield SENT + target, write_count(count)
    for key, _, timer in cell.timers.changed():
        yield TIMER + key.to_bytes(32, "big"), write_timer(timer)


def write_about(account: Account) -> bytes:
    """Write what an account has beside its coins and nonce; nothing for nothing."""
    about = (account.code, account.timers, account.awaits)
    return encode(_About(*about)) if any(about) else b""


def read_about(raw: bytes, balance: int, nonce: int) -> Account:
    """Read an account.

    Raises:
        RecordError: The bytes are none.
    """
    if not raw:
        return Account(balance, nonce)
    try:
        about = decode(_About, raw)
    except CodecError as error:
        raise RecordError(f"not an account: {error}") from error
    return Account(balance, nonce, about.code, about.timers, about.awaits)


def write_count(count: int) -> bytes:
    """Write a counter; nothing for 0."""
    return count.to_bytes(_COUNT_BYTES, "big") if count else b""


def read_count(raw: bytes) -> int:
    """Read a counter.

    Raises:
        RecordError: The bytes are none.
    """
    if raw and (len(raw) != _COUNT_BYTES or not any(raw)):
        raise RecordError(f"not a counter: {len(raw)} bytes")
    return int.from_bytes(raw, "big")


def write_await(awaited: Await | None) -> bytes:
    """Write what is waited for; nothing for None."""
    if awaited is None:
        return b""
    owed = awaited.owed
    kept = awaited.continuation
    return encode(
        _Await(
            kept.entry,
            kept.frame,
            kept.work,
            kept.is_isolated,
            _Owed(owed.to, owed.request) if owed is not None else None,
            awaited.payer,
            awaited.price,
            awaited.root,
            awaited.deadline,
            _write_paid(awaited.paid),
        )
    )


def read_await(raw: bytes) -> Await | None:
    """Read what is waited for.

    Raises:
        RecordError: The bytes are none.
    """
    if not raw:
        return None
    try:
        wire = decode(_Await, raw)
    except CodecError as error:
        raise RecordError(f"not a kept continuation: {error}") from error
    return Await(
        Continuation(wire.entry, wire.frame, wire.work, wire.is_isolated),
        Owed(wire.owed.to, wire.owed.request) if wire.owed is not None else None,
        wire.payer,
        wire.price,
        wire.root,
        wire.deadline,
        _read_paid(wire.paid),
    )


def _write_paid(paid: Paid | None) -> _Paid | None:
    if paid is None:
        return None
    value, advanced = (n.to_bytes(_COIN_BYTES, "big") for n in (paid.value, paid.advanced))
    return _Paid(paid.source, value, advanced)


def _read_paid(wire: _Paid | None) -> Paid | None:
    if wire is None:
        return None
    value, advanced = (int.from_bytes(raw, "big") for raw in (wire.value, wire.advanced))
    return Paid(wire.source, value, advanced)


def write_timer(timer: Timer | None) -> bytes:
    """Write a schedule; nothing for None."""
    if timer is None:
        return b""
    return encode(_Timer(timer.due, timer.period, timer.work, timer.payload))


def read_timer(raw: bytes) -> Timer | None:
    """Read a schedule.

    Raises:
        RecordError: The bytes are none.
    """
    if not raw:
        return None
    try:
        wire = decode(_Timer, raw)
    except CodecError as error:
        raise RecordError(f"not a schedule: {error}") from error
    return Timer(wire.due, wire.period, wire.work, wire.payload)
