"""Reads the part of CBOR that attestation documents use, within bounds.

Integers, byte and text strings, lists, maps, null and truths, with definite lengths in their
shortest form, so that a value has one encoding but for the order of its keys. Source: RFC 8949,
sections 3 and 4.2.1.
"""

from typing import Any, Final

from numen.proof.tee.errors import MalformedQuoteError

DEPTH_MAX: Final = 4
"""Deepest nesting of lists and maps."""

ITEMS_MAX: Final = 1024
"""Most items in all."""

_UINT, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG, _SIMPLE = range(8)
_SIMPLES: Final = {20: False, 21: True, 22: None}
_LONG_FORMS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_SHORTEST: Final = {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}
"""Least number that needs so many bytes."""


def loads(data: bytes) -> Any:
    """Read one item that takes all of the data.

    Raises:
        MalformedQuoteError: It is no CBOR, of a kind that is not read here, over the bounds, or
            something follows.
    """
    reader = _Reader(data)
    value = reader.item(0)
    if reader.position != len(data):
        raise MalformedQuoteError("CBOR", f"{len(data) - reader.position} bytes follow the item")
    return value


def head(major: int, count: int) -> bytes:
    """Write the head of an item: its major type and its number or length, below 65,536."""
    if count < 24:
        return bytes([major << 5 | count])
    if count < 1 << 8:
        return bytes([major << 5 | 24, count])
    return bytes([major << 5 | 25]) + count.to_bytes(2, "big")


def byte_string(value: bytes) -> bytes:
    """Write a byte string of fewer than 65,536 bytes."""
    return head(_BYTES, len(value)) + value


def text_string(value: str) -> bytes:
    """Write a text string of fewer than 65,536 bytes."""
    return head(_TEXT, len(value.encode())) + value.encode()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._items = 0
        self.position = 0

    def item(self, depth: int) -> Any:
        self._items += 1
        if self._items > ITEMS_MAX or depth > DEPTH_MAX:
            raise MalformedQuoteError("CBOR", f"over {ITEMS_MAX} items or {DEPTH_MAX} deep")
        first = self._take(1)[0]
        major, short = first >> 5, first & 0x1F
        if major == _SIMPLE:
            if short not in _SIMPLES:
                raise MalformedQuoteError("CBOR", f"the simple value {short}")
            return _SIMPLES[short]
        count = self._count(short)
        match major:
            case 0:
                return count
            case 1:
                return -1 - count
            case 2:
                return self._take(count)
            case 3:
                return self._text(count)
            case 4:
                return [self.item(depth + 1) for _ in range(min(count, ITEMS_MAX + 1))]
            case 5:
                return self._map(count, depth)
        raise MalformedQuoteError("CBOR", "a tag")

    def _count(self, short: int) -> int:
        if short < 24:
            return short
        size = _LONG_FORMS.get(short)
        if size is None:
            raise MalformedQuoteError("CBOR", "an indefinite length")
        count = int.from_bytes(self._take(size), "big")
        if count < _SHORTEST[size]:
            raise MalformedQuoteError("CBOR", "a number that is not in its shortest form")
        return count

    def _map(self, count: int, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in range(min(count, ITEMS_MAX + 1)):
            key = self.item(depth + 1)
            if not isinstance(key, int | str) or key in found:
                raise MalformedQuoteError("CBOR", "a key of a map that is twice, or no name")
            found[key] = self.item(depth + 1)
        return found

    def _text(self, count: int) -> str:
        try:
            return self._take(count).decode()
        except UnicodeDecodeError:
            raise MalformedQuoteError("CBOR", "a text that is not UTF-8") from None

    def _take(self, count: int) -> bytes:
        taken = self._data[self.position : self.position + count]
        if len(taken) != count:
            raise MalformedQuoteError("CBOR", "it is cut off")
        self.position += count
        return taken
