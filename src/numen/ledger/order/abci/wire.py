"""Protocol Buffers as bytes: structs whose fields carry the numbers of a schema.

    WireError    bytes that are no message of the type

What is here is what a program that talks to CometBFT needs of proto3: integers, truths, bytes,
texts, messages, and several of each. Fields that a struct does not have are skipped, as the format
asks for. Depth is that of the structs, and nothing is made that the bytes do not pay for.

Source: protobuf.dev, "Encoding".
"""

import operator
from collections.abc import Iterator
from functools import cache, reduce
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from numen.ledger.order.sequencer import OrderError

ITEMS_MAX: Final = 1 << 20
"""Most elements of one field of a message."""

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH: Final = 2
_FIXED32: Final = 5
_NUMBER_MAX: Final = (1 << 29) - 1
_WORD: Final = 1 << 64

T = TypeVar("T", bound=msgspec.Struct)


class WireError(OrderError):
    """Bytes that are no message."""


class _Field(msgspec.Struct, frozen=True):
    name: str
    number: int
    kind: Any
    is_signed: bool
    is_repeated: bool


def at(number: int, *, signed: bool = False) -> Meta:
    """Annotate a field with its number in the schema, and an integer with its sign."""
    return Meta(extra={"number": number, "signed": signed})


def encode(message: msgspec.Struct) -> bytes:
    """Write a message; fields that have the value of a fresh one are left out."""
    out = bytearray()
    for field in _fields(type(message)).values():
        value = getattr(message, field.name)
        for each in value if field.is_repeated else (value,):
            if field.is_repeated or each:
                out += _write(field, each)
    return bytes(out)


def decode(kind: type[T], raw: bytes) -> T:
    """Read a message from anyone.

    Raises:
        WireError: It is none of this type.
    """
    fields = _fields(kind)
    found: dict[str, Any] = {}
    for number, wire_type, value in parts(raw):
        field = fields.get(number)
        if field is None:
            continue
        given = found.setdefault(field.name, [])
        given += _unpacked(kind, field, wire_type, value)
        if len(given) > ITEMS_MAX:
            raise WireError(f"{kind.__name__}.{field.name}: more than {ITEMS_MAX} elements")
    return kind(**{f.name: _joined(f, found[f.name]) for f in fields.values() if f.name in found})


def parts(raw: bytes) -> Iterator[tuple[int, int, Any]]:
    """The fields of a message in their order: number, wire type, and an integer or bytes.

    Raises:
        WireError: The bytes are no fields.
    """
    position = 0
    while position < len(raw):
        key, position = read_varint(raw, position)
        number, wire_type = key >> 3, key & 7
        if not 0 < number <= _NUMBER_MAX:
            raise WireError(f"{number} is no number of a field")
        if wire_type == _VARINT:
            value, position = read_varint(raw, position)
            yield number, wire_type, value
            continue
        if wire_type == _LENGTH:
            size, position = read_varint(raw, position)
        elif wire_type in (_FIXED64, _FIXED32):
            size = 8 if wire_type == _FIXED64 else 4
        else:
            raise WireError(f"field {number}: {wire_type} is no wire type that is in use")
        if size > len(raw) - position:
            raise WireError(f"field {number}: {size} bytes where {len(raw) - position} are left")
        yield number, wire_type, raw[position : position + size]
        position += size


def read_varint(raw: bytes, position: int) -> tuple[int, int]:
    """Read an integer below 2**64 and give the place behind it.

    Raises:
        WireError: There is none.
    """
    value = 0
    for index in range(10):
        if position + index >= len(raw):
            raise WireError("the bytes end inside an integer")
        byte = raw[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if value >= _WORD:
                break
            return value, position + index + 1
    raise WireError("an integer has more than 64 bits")


def varint(value: int) -> bytes:
    """Write an integer, below 2**64."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def prefixed(number: int, raw: bytes) -> bytes:
    """Write bytes as a field."""
    return varint(number << 3 | _LENGTH) + varint(len(raw)) + raw


def _write(field: _Field, value: Any) -> bytes:
    if isinstance(value, int):
        return varint(field.number << 3 | _VARINT) + varint(value % _WORD)
    if isinstance(value, str):
        return prefixed(field.number, value.encode())
    return prefixed(field.number, value if isinstance(value, bytes) else encode(value))


def _unpacked(kind: type, field: _Field, wire_type: int, value: Any) -> list[Any]:
    """The elements in one part; of a message its bytes, since parts of one are joined."""
    is_number = field.kind in (int, bool)
    if is_number and wire_type == _VARINT:
        return [_number(field, value)]
    if is_number and field.is_repeated and wire_type == _LENGTH:
        numbers, position = [], 0
        while position < len(value):
            number, position = read_varint(value, position)
            numbers.append(_number(field, number))
        return numbers
    if is_number or wire_type != _LENGTH:
        raise WireError(f"{kind.__name__}.{field.name}: wire type {wire_type} where it has another")
    if field.kind is str:
        try:
            return [value.decode()]
        except UnicodeDecodeError as error:
            raise WireError(f"{kind.__name__}.{field.name}: not UTF-8") from error
    if field.kind is bytes or not field.is_repeated:
        return [value]
    return [decode(field.kind, value)]


def _number(field: _Field, value: int) -> int | bool:
    if field.kind is bool:
        return bool(value)
    return value - _WORD if field.is_signed and value >> 63 else value


def _joined(field: _Field, given: list[Any]) -> Any:
    if field.is_repeated:
        return tuple(given)
    if field.kind in (int, bool, str, bytes):
        return given[-1]
    return decode(field.kind, reduce(operator.add, given))


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[int, _Field]:
    """The fields of a struct by number."""
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        assert get_origin(hint) is Annotated, f"{kind.__name__}.{name} has no number"
        inner, meta = get_args(hint)
        is_repeated = get_origin(inner) is tuple
        element = get_args(inner)[0] if is_repeated else inner
        number, is_signed = meta.extra["number"], meta.extra["signed"]
        found[number] = _Field(name, number, element, is_signed, is_repeated)
    return dict(sorted(found.items()))
