"""Canonical bytes: one value, one encoding, one digest.

Values are frozen, array-like `msgspec.Struct`s of integers, bytes, strings, truths, tuples and
other such structs. They are written as MessagePack in declared field order, without names.
Decoding refuses every encoding but the one that encoding gives, so a digest of the bytes is a
digest of the value.

    CodecError
    ├── NotCanonicalTypeError   a type that has no canonical bytes (floats, dictionaries, lists)
    ├── TooLargeError           more bytes than the reader allows
    └── MalformedError          not the encoding of any value of the type
"""

from functools import cache, lru_cache
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, inspect

from numen.base.crypto import keccak256
from numen.base.errors import NumenError

U64 = Annotated[int, Meta(ge=0)]
"""An unsigned integer; MessagePack itself stops at 64 bits."""

SIZE_MAX_BYTES = 1 << 20
"""Default bound on an encoding, in bytes."""

_DOMAIN_SIZE_MAX = 255
_DOMAINS_MAX = 256

T = TypeVar("T", bound=msgspec.Struct)


class CodecError(NumenError):
    """Root of what values and bytes from outside can be wrong about."""


class NotCanonicalTypeError(CodecError):
    """A type has more than one encoding of some value, or none.

    Attributes:
        path: Where in the type.
        reason: What stands there.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason} has no canonical bytes")
        self.path = path
        self.reason = reason


class TooLargeError(CodecError):
    """An encoding is longer than allowed.

    Attributes:
        size: Length found, in bytes.
        size_max: Length allowed, in bytes.
    """

    def __init__(self, size: int, size_max: int) -> None:
        super().__init__(f"{size} bytes where at most {size_max} are allowed")
        self.size = size
        self.size_max = size_max


class MalformedError(CodecError):
    """Bytes or a value that the type does not allow.

    Attributes:
        type_name: The type that was asked for.
        reason: What is wrong.
    """

    def __init__(self, type_name: str, reason: str) -> None:
        super().__init__(f"not a canonical {type_name}: {reason}")
        self.type_name = type_name
        self.reason = reason


class U256(int):
    """An unsigned integer below 2**256; 32 big-endian bytes on the wire.

    Raises:
        ValueError: The value is out of range.
    """

    def __new__(cls, value: int) -> "U256":
        if not 0 <= value < 1 << 256:
            msg = "not an unsigned integer of 256 bits"
            raise ValueError(msg)
        return super().__new__(cls, value)


def encode(value: msgspec.Struct, *, size_max: int = SIZE_MAX_BYTES) -> bytes:
    """Write a value in its canonical bytes.

    Raises:
        NotCanonicalTypeError: The value's type cannot be canonical.
        MalformedError: The value breaks the bounds of its own type.
        TooLargeError: The encoding has more than ``size_max`` bytes.
    """
    kind = type(value)
    decoder = _decoder(kind)
    try:
        raw: bytes = _ENCODER.encode(value)
        # Structs do not check what they are made of: decoding does.
        same = decoder.decode(raw) == value
    except (msgspec.MsgspecError, OverflowError, TypeError, ValueError) as error:
        raise MalformedError(kind.__name__, str(error)) from error
    if not same:
        raise MalformedError(kind.__name__, "a field is not of its declared type")
    if len(raw) > size_max:
        raise TooLargeError(len(raw), size_max)
    return raw


def decode(kind: type[T], raw: bytes, *, size_max: int = SIZE_MAX_BYTES) -> T:
    """Read a value from its canonical bytes.

    Args:
        kind: The struct expected.
        raw: Bytes from anywhere.
        size_max: Longest encoding to look at, in bytes.

    Raises:
        NotCanonicalTypeError: ``kind`` cannot be canonical.
        TooLargeError: ``raw`` is longer than ``size_max``.
        MalformedError: ``raw`` is not what `encode` gives for any value of ``kind``.

    Cost: linear in the length of ``raw``.
    """
    decoder = _decoder(kind)
    if len(raw) > size_max:
        raise TooLargeError(len(raw), size_max)
    try:
        value: T = decoder.decode(raw)
        again = _ENCODER.encode(value)
    except (msgspec.MsgspecError, OverflowError, TypeError, ValueError) as error:
        raise MalformedError(kind.__name__, str(error)) from error
    if again != raw:
        raise MalformedError(
            kind.__name__, "another encoding of the same value is the canonical one"
        )
    return value


def digest(domain: str, value: msgspec.Struct | bytes) -> bytes:
    """Hash a value so that nothing of another domain hashes alike; 32 bytes.

    Args:
        domain: Name and version of what is hashed, such as ``numen/task/1``; ASCII, at most
            255 characters. One domain belongs to one type.
        value: A struct, hashed in its canonical bytes, or bytes that are canonical already.

    Raises:
        CodecError: The value has no canonical bytes.
    """
    return keccak256(domain_tag(domain), value if isinstance(value, bytes) else encode(value))


def digest_once(domain: str, value: msgspec.Struct) -> bytes:
    """As `digest`, computed once for each object; its struct is declared with ``dict=True``.

    Values are frozen, so what was found of one stays true of it. Equal ones do not share it: one
    that breaks the bounds of its type may be equal to one that does not.
    """
    found: bytes | None = value.__dict__.get(domain)
    if found is None:
        found = value.__dict__[domain] = digest(domain, value)
    return found


@lru_cache(maxsize=_DOMAINS_MAX)
def domain_tag(domain: str) -> bytes:
    """What `digest` hashes before a value: the length of the domain, and its name."""
    tag = domain.encode("ascii")
    assert 0 < len(tag) <= _DOMAIN_SIZE_MAX
    return bytes([len(tag)]) + tag


def _write_wide(value: object) -> bytes:
    if isinstance(value, U256):
        return value.to_bytes(32, "big")
    msg = f"{type(value).__name__} has no canonical bytes"
    raise TypeError(msg)


def _read_wide(kind: type, raw: object) -> U256:
    assert kind is U256, "the check of the type lets nothing else through"
    if not isinstance(raw, bytes) or len(raw) != 32:
        msg = "expected 32 bytes of a 256-bit integer"
        raise ValueError(msg)
    return int.__new__(U256, int.from_bytes(raw, "big"))


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_write_wide)


@cache
def _decoder(kind: type[T]) -> "msgspec.msgpack.Decoder[T]":
    _check_type(inspect.type_info(kind), kind.__name__, ())
    return msgspec.msgpack.Decoder(kind, dec_hook=_read_wide)


def _check_type(info: inspect.Type, path: str, above: tuple[type, ...]) -> None:
    """Refuse a type unless each of its values has exactly one encoding of bounded depth."""
    match info:
        case inspect.Metadata(type=inner):
            _check_type(inner, path, above)
        case inspect.UnionType(types=members) | inspect.TupleType(item_types=members):
            for i, member in enumerate(members):
                _check_type(member, f"{path}[{i}]", above)
        case inspect.VarTupleType(item_type=item):
            _check_type(item, f"{path}[]", above)
        case inspect.StructType(cls=cls, fields=fields, array_like=array_like):
            _check_struct(cls, path, above, array_like=array_like)
            for field in fields:
                _check_type(field.type, f"{path}.{field.name}", (*above, cls))
        case inspect.CustomType(cls=cls) if cls is U256:
            pass
        case inspect.IntType() | inspect.BytesType() | inspect.StrType() | inspect.BoolType():
            pass
        case inspect.NoneType() | inspect.LiteralType() | inspect.EnumType():
            pass
        case _:
            raise NotCanonicalTypeError(path, _name(info))


def _check_struct(cls: type[Any], path: str, above: tuple[type, ...], *, array_like: bool) -> None:
    if not array_like or not cls.__struct_config__.frozen:
        raise NotCanonicalTypeError(path, f"{cls.__name__}, not frozen and array-like,")
    if cls in above:
        raise NotCanonicalTypeError(path, f"{cls.__name__}, which contains itself,")


def _name(info: inspect.Type) -> str:
    return type(info).__name__.removesuffix("Type").lower()
