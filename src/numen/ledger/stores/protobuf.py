"""The little of protocol buffers that nodes of IPFS are written in: numbers and bytes, by field.

Source: the protocol buffers encoding guide; only wire types 0 and 2 occur.
"""

from collections.abc import Iterator

from numen.ledger.stores.errors import StoreError

_VARINT, _BYTES = 0, 2
_VARINT_BYTES_MAX = 9


class ProtobufError(StoreError):
    """Bytes that are not fields of numbers and bytes."""


def number(field: int, value: int) -> bytes:
    """A field that is a number."""
    return varint(field << 3 | _VARINT) + varint(value)


def data(field: int, value: bytes) -> bytes:
    """A field that is bytes."""
    return varint(field << 3 | _BYTES) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """A natural number, seven bits a byte, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message, in order.

    Raises:
        ProtobufError: The bytes are cut off, or a number is not written the shortest way.
    """
    at = 0
    while at < len(raw):
        key, at = _read_varint(raw, at)
        value, at = _read_varint(raw, at)
        if key & 7 == _BYTES:
            if value > len(raw) - at:
                raise ProtobufError(f"{value} bytes announced where {len(raw) - at} are left")
            yield key >> 3, raw[at : at + value]
            at += value
        elif key & 7 == _VARINT:
            yield key >> 3, value
        else:
            raise ProtobufError(f"a field of wire type {key & 7}")


def _read_varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(_VARINT_BYTES_MAX):
        if at + i >= len(raw):
            raise ProtobufError("a number is cut off")
        byte = raw[at + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            if not byte and i:
                raise ProtobufError("a number is not written the shortest way")
            return value, at + i + 1
    raise ProtobufError("a number is too long")
