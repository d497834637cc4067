"""Recursive length prefix: the bytes of transactions, receipts and tries.

An item is a byte string or a list of items. Each item has exactly one encoding, and `decode`
refuses every other one. Decoding neither recurses nor builds more than its bounds allow, so
bytes from anywhere may be given to it.

    DecodeError             the bytes encode no item, or not in the one way; says where
    ├── TooDeepError        more lists inside lists than allowed
    └── TooManyItemsError   more items than allowed
    TooLongError            more bytes than allowed
    IntegerError            an item that is no integer of the size expected

Source: yellow paper, appendix B.
"""

from collections.abc import Sequence

import msgspec

from numen.base.errors import NumenError

Item = bytes | list["Item"]
"""What decoding gives: bytes, or a list of items."""

Encodable = bytes | int | Sequence["Encodable"]
"""What can be encoded: integers are written big-endian without leading zeros."""

_STRING, _STRING_LONG, _LIST, _LIST_LONG = 0x80, 0xB7, 0xC0, 0xF7
_SHORT_MAX = 55
"""Longest payload, in bytes, whose length fits the first byte."""

EMPTY_LIST = b"\xc0"
"""The encoding of a list of nothing."""


class Bounds(msgspec.Struct, frozen=True):
    """What a decoder is willing to build.

    Attributes:
        bytes_max: Longest encoding to look at.
        depth_max: Most lists around an item, 1 or more; the outermost list has depth 1.
        items_max: Most items in all, lists included, 1 or more. An empty list takes one byte on
            the wire and some 60 in memory.
    """

    bytes_max: int = 1 << 24
    depth_max: int = 64
    items_max: int = 1 << 20


BOUNDS = Bounds()
"""Enough for any block of a public chain."""


class DecodeError(NumenError):
    """Bytes that are not the encoding of any item.

    Attributes:
        offset: Where in the bytes the trouble starts, counted from 0.
        reason: What is wrong there.
    """

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"not RLP at byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason


class TooDeepError(DecodeError):
    """A list lies inside more lists than allowed."""


class TooManyItemsError(DecodeError):
    """There are more items than allowed."""


class TooLongError(NumenError):
    """There are more bytes than allowed.

    Attributes:
        size: Bytes given.
        size_max: Bytes allowed.
    """

    def __init__(self, size: int, size_max: int) -> None:
        super().__init__(f"{size} bytes of RLP where at most {size_max} are allowed")
        self.size = size
        self.size_max = size_max


class IntegerError(NumenError):
    """An item is not an integer of the size expected.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"not an integer in RLP: {reason}")
        self.reason = reason


def encode(item: Encodable) -> bytes:
    """Write an item in its one encoding.

    Args:
        item: Bytes, a natural number, or a list or tuple of such; nested at most as deep as
            Python recurses.

    Cost: about half a microsecond for each item inside.
    """
    if isinstance(item, bytes):
        return encode_bytes(item)
    if isinstance(item, int):
        return encode_int(item)
    return wrap(b"".join(map(encode, item)))


def encode_bytes(data: bytes) -> bytes:
    """Write a byte string."""
    size = len(data)
    if size == 1 and data[0] < _STRING:
        return data
    if size <= _SHORT_MAX:
        return _FIRST[_STRING + size] + data
    return _long(_STRING_LONG, size) + data


def encode_int(number: int) -> bytes:
    """Write a natural number as its big-endian bytes without leading zeros."""
    if 0 < number < _STRING:
        return _FIRST[number]
    size = (number.bit_length() + 7) >> 3
    if size <= _SHORT_MAX:
        return _FIRST[_STRING + size] + number.to_bytes(size, "big")
    return encode_bytes(number.to_bytes(size, "big"))


def wrap(payload: bytes) -> bytes:
    """Make a list of items that are encoded already, and joined."""
    size = len(payload)
    if size <= _SHORT_MAX:
        return _FIRST[_LIST + size] + payload
    return _long(_LIST_LONG, size) + payload


_FIRST = [bytes([value]) for value in range(256)]


def _long(marker: int, size: int) -> bytes:
    digits = size.to_bytes((size.bit_length() + 7) >> 3, "big")
    return _FIRST[marker + len(digits)] + digits


def to_int(item: Item, *, bytes_max: int = 32) -> int:
    """Read an item as a natural number.

    Args:
        item: What was decoded.
        bytes_max: Most bytes the number may have.

    Raises:
        IntegerError: It is a list, too long, or has a leading zero.
    """
    if not isinstance(item, bytes):
        raise IntegerError("a list")
    if len(item) > bytes_max:
        raise IntegerError(f"{len(item)} bytes where at most {bytes_max} are allowed")
    if item[:1] == b"\0":
        raise IntegerError("a leading zero")
    return int.from_bytes(item, "big")


def decode(data: bytes, *, strict: bool = True, bounds: Bounds = BOUNDS) -> Item:
    """Read the item that starts the bytes.

    Args:
        data: Bytes from anywhere.
        strict: Whether bytes after the item are refused. Shortest encodings are required
            either way.
        bounds: What to build at most.

    Raises:
        TooLongError: ``data`` is longer than the bounds allow.
        DecodeError: ``data`` does not start with the encoding of an item, or goes on after it.

    Cost: linear in the length of the item, at most about half a microsecond a byte.
    """
    if len(data) > bounds.bytes_max:
        raise TooLongError(len(data), bounds.bytes_max)
    item, end = _read(bytes(data), bounds)
    if strict and end != len(data):
        raise DecodeError(end, f"{len(data) - end} bytes after the item")
    return item


def _read(data: bytes, bounds: Bounds) -> tuple[Item, int]:
    """Read one item and say where it ends. Open lists wait on a stack with their ends."""
    start, end, is_list = _span(data, 0, len(data))
    if not is_list:
        return data[start:end], end
    top: list[Item] = []
    inside, position, left = top, start, bounds.items_max - 1
    above: list[tuple[list[Item], int]] = []
    while True:
        while position < end:
            left -= 1
            if left < 0:
                raise TooManyItemsError(position, f"more than {bounds.items_max} items")
            first = data[position]
            if first < _STRING:
                inside.append(_FIRST[first])
                position += 1
                continue
            start, stop, is_list = position + 1, position + first - (_STRING - 1), False
            if first > _STRING_LONG or first == _STRING + 1 or stop > end:
                start, stop, is_list = _span(data, position, end)
            if not is_list:
                inside.append(data[start:stop])
                position = stop
                continue
            if len(above) + 1 >= bounds.depth_max:
                raise TooDeepError(position, f"more than {bounds.depth_max} lists around an item")
            opened: list[Item] = []
            inside.append(opened)
            above.append((inside, end))
            inside, end, position = opened, stop, start
        if not above:
            return top, position
        inside, end = above.pop()


def _span(data: bytes, at: int, end: int) -> tuple[int, int, bool]:
    """Find where the payload of the item at a place begins and ends, and whether it is a list.

    Raises:
        DecodeError: The item does not end by ``end``, or is not written the shortest way.
    """
    if at >= end:
        raise DecodeError(at, "an item is missing")
    first = data[at]
    if first < _STRING:
        return at, at + 1, False
    is_list = first >= _LIST
    short = first - (_LIST if is_list else _STRING)
    if short <= _SHORT_MAX:
        start, size = at + 1, short
    else:
        start = at + 1 + short - _SHORT_MAX
        size = _long_size(data[at + 1 : min(start, end)], at, short - _SHORT_MAX)
    if size > end - start:
        raise DecodeError(at, f"{size} bytes announced where {max(end - start, 0)} are left")
    if first == _STRING + 1 and data[start] < _STRING:
        raise DecodeError(at, "a byte below 128 stands for itself")
    return start, start + size, is_list


def _long_size(digits: bytes, at: int, count: int) -> int:
    if len(digits) < count:
        raise DecodeError(at, "a length is cut off")
    if digits[0] == 0:
        raise DecodeError(at, "a length with a leading zero")
    size = int.from_bytes(digits, "big")
    if size <= _SHORT_MAX:
        raise DecodeError(at, f"a long form for {size} bytes")
    return size
