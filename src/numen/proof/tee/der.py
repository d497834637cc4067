"""Reads DER, the one strict encoding of ASN.1, within bounds.

Only what certificates need: definite lengths in their shortest form, tags of one byte. Every
value has one encoding, so bytes that differ mean something else or nothing.
Source: ITU-T X.690, sections 8 and 10.
"""

from collections.abc import Iterator

import msgspec

from numen.proof.tee.errors import MalformedQuoteError

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31

CHILDREN_MAX = 4096
"""Most values that one value may hold."""

_LENGTH_BYTES_MAX = 3


class Value(msgspec.Struct, frozen=True):
    """One value.

    Attributes:
        tag: Its tag, class and form included.
        content: What it holds.
        raw: Tag, length and content, as they came.
    """

    tag: int
    content: bytes
    raw: bytes


def read(data: bytes, tag: int) -> Value:
    """Read one value that takes all of the data.

    Raises:
        MalformedQuoteError: It is no DER, of another tag, or something follows.
    """
    value, end = _value(data, 0)
    if end != len(data):
        raise MalformedQuoteError("DER", f"{len(data) - end} bytes follow the value")
    return expect(value, tag)


def expect(value: Value, tag: int) -> Value:
    """Give the value back.

    Raises:
        MalformedQuoteError: It has another tag.
    """
    if value.tag != tag:
        raise MalformedQuoteError("DER", f"tag {value.tag:#04x} where {tag:#04x} should be")
    return value


def children(value: Value) -> list[Value]:
    """Read the values that a value holds.

    Raises:
        MalformedQuoteError: They are no DER, or more than `CHILDREN_MAX`.
    """
    return list(_children(value.content))


def fields(value: Value, *tags: int) -> list[Value]:
    """Read the values that a sequence holds, of exactly these tags.

    Raises:
        MalformedQuoteError: There are others.
    """
    found = children(value)
    if [one.tag for one in found] != list(tags):
        raise MalformedQuoteError("DER", f"a sequence of tags {[hex(one.tag) for one in found]}")
    return found


def _children(data: bytes) -> Iterator[Value]:
    position, count = 0, 0
    while position < len(data):
        count += 1
        if count > CHILDREN_MAX:
            raise MalformedQuoteError("DER", f"more than {CHILDREN_MAX} values in one")
        value, position = _value(data, position)
        yield value


def _value(data: bytes, start: int) -> tuple[Value, int]:
    if start + 2 > len(data):
        raise MalformedQuoteError("DER", "it ends in a head")
    tag, length, position = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise MalformedQuoteError("DER", "a tag of several bytes")
    if length >= 0x80:
        count = length & 0x7F
        digits = data[position : position + count]
        if not 0 < count <= _LENGTH_BYTES_MAX or len(digits) != count:
            raise MalformedQuoteError("DER", "a length that is indefinite, too long or cut off")
        length, position = int.from_bytes(digits, "big"), position + count
        if length < 0x80 or digits[0] == 0:
            raise MalformedQuoteError("DER", "a length that is not in its shortest form")
    end = position + length
    if end > len(data):
        raise MalformedQuoteError("DER", "a value is cut off")
    return Value(tag, data[position:end], data[start:end]), end
