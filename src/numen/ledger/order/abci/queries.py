"""What can be asked of the log through CometBFT, at what path, and in what bytes.

    path       data                         answer
    /head      nothing                      the last place that is taken
    /last      a subject                    the place of its last entry, 0 for none
    /batch     the id of a batch            the place of its last entry, 0 for none
    /read      a `Range`                    `Records`

Places are 8 bytes, the highest first.
"""

import sqlite3
from typing import Final

import msgspec

from numen.base.codec import U64, CodecError, decode, encode
from numen.ledger.order import table
from numen.ledger.order.sequencer import (
    BATCH_BYTES_MAX,
    READ_BYTES_MAX,
    READ_MAX,
    BatchError,
    Entry,
    check_range,
    check_subject,
)

HEAD: Final = "/head"
LAST: Final = "/last"
BATCH: Final = "/batch"
READ: Final = "/read"

RECORDS_BYTES_MAX: Final = READ_BYTES_MAX + BATCH_BYTES_MAX + READ_MAX * 256
"""Most bytes of one answer: a read ends behind the record that fills it."""

_ID_BYTES: Final = 32


class Range(msgspec.Struct, frozen=True, array_like=True):
    """Which records: from a place on, up to a number."""

    start: U64
    limit: U64


class Records(msgspec.Struct, frozen=True, array_like=True):
    """Entries of places one after another."""

    entries: tuple[Entry, ...]


class Answered(msgspec.Struct, frozen=True):
    """An answer."""

    value: bytes


class Declined(msgspec.Struct, frozen=True):
    """No answer, and why."""

    reason: str


def answer(reader: sqlite3.Connection, path: str, data: bytes) -> Answered | Declined:
    """Answer a question of anybody."""
    try:
        match path:
            case "/head":
                return _place(table.head(reader))
            case "/last":
                return _place(table.last(reader, check_subject(data.decode())))
            case "/batch" if len(data) == _ID_BYTES:
                return _place(table.place(reader, data))
            case "/read":
                return _read(reader, decode(Range, data))
    except (BatchError, CodecError, UnicodeDecodeError) as error:
        return Declined(str(error))
    return Declined(f"nothing is to be asked at {path[:32]!r} with {len(data)} bytes")


def _read(reader: sqlite3.Connection, asked: Range) -> Answered:
    check_range(asked.start, asked.limit)
    found = table.read(reader, asked.start, asked.limit)
    records = Records(tuple(Entry(each.subject, each.body) for each in found))
    return Answered(encode(records, size_max=RECORDS_BYTES_MAX))


def _place(position: int) -> Answered:
    return Answered(position.to_bytes(8, "big"))
