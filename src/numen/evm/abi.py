"""Arguments and results in the bytes that contracts take and give (the contract ABI).

    encode(["address", "uint256[]"], [owner, [1, 2]])    decode(["bool", "string"], output)

Types are written as Solidity and Vyper write them in an ABI; tuples as ``(uint256,bytes)``.
Fixed-point numbers and function references are left out, as no compiler gives them.

    EvmError
    └── AbiError      a type, a value or bytes that do not fit
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from numen.base.crypto import keccak256
from numen.evm.errors import EvmError

WORD: Final = 32
"""Bytes of a word."""

_DEPTH_MAX: Final = 16
_SUFFIX: Final = re.compile(r"\[(\d{0,6})\]$")


class AbiError(EvmError):
    """A type, a value or bytes that do not fit together."""


class Type(msgspec.Struct, frozen=True):
    """A type of the ABI.

    Attributes:
        kind: What it is.
        size: Bits of a number, bytes of a ``bytesN``, elements of an array of fixed length; -1 for
            an array of any length.
        parts: The elements' type, or those of a tuple.
    """

    kind: Literal["uint", "int", "address", "bool", "fixed", "bytes", "string", "array", "tuple"]
    size: int = 0
    parts: tuple["Type", ...] = ()

    @property
    def is_dynamic(self) -> bool:
        """Whether its place in a tuple holds an offset."""
        if self.kind in {"bytes", "string"} or (self.kind == "array" and self.size < 0):
            return True
        return any(part.is_dynamic for part in self.parts)

    @property
    def head(self) -> int:
        """Bytes that it takes in its tuple."""
        if self.is_dynamic:
            return WORD
        if self.kind == "array":
            return self.size * self.parts[0].head
        return sum(part.head for part in self.parts) if self.kind == "tuple" else WORD


def type_of(text: str, depth: int = 0) -> Type:
    """Read a type.

    Raises:
        AbiError: There is no such type.
    """
    if depth > _DEPTH_MAX:
        raise AbiError("a type nested too deep")
    suffix = _SUFFIX.search(text)
    if suffix:
        element = type_of(text[: suffix.start()], depth + 1)
        return Type("array", int(suffix[1]) if suffix[1] else -1, (element,))
    if text.startswith("(") and text.endswith(")"):
        return Type("tuple", 0, tuple(type_of(part, depth + 1) for part in _split(text[1:-1])))
    return _simple(text)


def _simple(text: str) -> Type:
    name = text.rstrip("0123456789")
    digits = text[len(name) :]
    if name in {"uint", "int"}:
        bits = int(digits or "256")
        if bits % 8 == 0 and 0 < bits <= 256:
            return Type("uint" if name == "uint" else "int", bits)
    elif name == "bytes" and digits:
        if 0 < int(digits) <= WORD:
            return Type("fixed", int(digits))
    elif text in {"address", "bool", "bytes", "string"}:
        return Type(text)  # type: ignore[arg-type]
    raise AbiError(f"no type of the ABI: {text[:60]!r}")


def _split(text: str) -> Iterator[str]:
    """The parts between the commas that no parenthesis encloses."""
    depth, start = 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield text[start:index]
            start = index + 1
    if text:
        yield text[start:]


# --- encoding -----------------------------------------------------------------------------------


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Write values.

    Args:
        types: Their types.
        values: Numbers, truths, bytes, texts, lists; an address is 20 bytes or 0x and 40 digits;
            a tuple is a sequence.

    Raises:
        AbiError: A value is not of its type.
    """
    return _encode_tuple([type_of(text) for text in types], values)


def _encode_tuple(types: Sequence[Type], values: Sequence[Any]) -> bytes:
    if len(types) != len(values):
        raise AbiError(f"{len(values)} values for {len(types)} types")
    offset = sum(kind.head for kind in types)
    heads, tails = [], []
    for kind, value in zip(types, values, strict=True):
        part = _encode(kind, value)
        if kind.is_dynamic:
            heads.append(_word(offset))
            tails.append(part)
            offset += len(part)
        else:
            heads.append(part)
    return b"".join(heads + tails)


def _encode(kind: Type, value: Any) -> bytes:
    match kind.kind:
        case "uint" | "int" | "bool":
            return _encode_number(kind, value)
        case "address":
            return address(value).rjust(WORD, b"\0")
        case "fixed":
            raw = _octets(value)
            if len(raw) > kind.size:
                raise AbiError(f"{len(raw)} bytes for bytes{kind.size}")
            return raw.ljust(WORD, b"\0")
        case "bytes" | "string":
            raw = (
                value.encode()
                if kind.kind == "string" and isinstance(value, str)
                else _octets(value)
            )
            return _word(len(raw)) + raw + bytes(-len(raw) % WORD)
        case "array":
            return _encode_array(kind, value)
    return _encode_tuple(kind.parts, list(value))


def _encode_number(kind: Type, value: Any) -> bytes:
    if kind.kind == "bool":
        if not isinstance(value, bool):
            raise AbiError(f"not a truth: {str(value)[:60]}")
        return _word(int(value))
    if not isinstance(value, int) or isinstance(value, bool):
        raise AbiError(f"not an integer: {str(value)[:60]}")
    least = -(1 << (kind.size - 1)) if kind.kind == "int" else 0
    most = (1 << (kind.size - (kind.kind == "int"))) - 1
    if not least <= value <= most:
        raise AbiError(f"{value} is no {kind.kind}{kind.size}")
    return _word(value % (1 << 256))


def _encode_array(kind: Type, value: Any) -> bytes:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise AbiError(f"not a list: {str(value)[:60]}")
    if kind.size >= 0 and len(value) != kind.size:
        raise AbiError(f"{len(value)} elements where {kind.size} are needed")
    body = _encode_tuple([kind.parts[0]] * len(value), value)
    return body if kind.size >= 0 else _word(len(value)) + body


# --- decoding -----------------------------------------------------------------------------------


def decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """Read values; addresses are 20 bytes, lists and tuples are tuples.

    Args:
        types: Their types.
        data: Bytes from anywhere; what follows the values is not looked at.

    Raises:
        AbiError: They end too soon, or a value is not of its type.

    Cost: linear in the length of ``data``, for each level of nesting.
    """
    return _decode_tuple([type_of(text) for text in types], memoryview(data))


def _decode_tuple(types: Sequence[Type], data: memoryview) -> tuple[Any, ...]:
    values, at = [], 0
    for kind in types:
        start = _length(data, at) if kind.is_dynamic else at
        values.append(_decode(kind, data[start:]))
        at += kind.head
    return tuple(values)


def _decode(kind: Type, data: memoryview) -> Any:
    match kind.kind:
        case "array":
            return _decode_array(kind, data)
        case "tuple":
            return _decode_tuple(kind.parts, data)
        case "bytes" | "string":
            length = _length(data, 0)
            raw = bytes(data[WORD : WORD + length])
            if len(raw) != length:
                raise AbiError(f"{length} bytes announced, {len(raw)} there")
            return raw if kind.kind == "bytes" else raw.decode(errors="replace")
        case "fixed":
            return bytes(_slice(data, 0)[: kind.size])
    return _decode_number(kind, int.from_bytes(_slice(data, 0), "big"))


def _decode_number(kind: Type, word: int) -> Any:
    if kind.kind == "int":
        word -= (word >> 255) << 256
        fits = -(1 << (kind.size - 1)) <= word < 1 << (kind.size - 1)
    else:
        bits = {"address": 160, "bool": 1}.get(kind.kind, kind.size)
        fits = word < 1 << bits
    if not fits:
        raise AbiError(f"{word:#x} is no {kind.kind}")
    if kind.kind == "address":
        return word.to_bytes(20, "big")
    return bool(word) if kind.kind == "bool" else word


def _decode_array(kind: Type, data: memoryview) -> tuple[Any, ...]:
    element, count = kind.parts[0], kind.size
    if count < 0:
        count, data = _length(data, 0), data[WORD:]
    # An element without a size would let a few bytes announce any number of them.
    if count * max(element.head, 1) > len(data):
        raise AbiError(f"{count} elements announced in {len(data)} bytes")
    return _decode_tuple([element] * count, data)


def _length(data: memoryview, at: int) -> int:
    found = int.from_bytes(_slice(data, at), "big")
    if found > len(data):
        raise AbiError(f"an offset or length of {found:#x} in {len(data)} bytes")
    return found


def _slice(data: memoryview, at: int) -> memoryview:
    if at + WORD > len(data):
        raise AbiError(f"a word at byte {at} of {len(data)}")
    return data[at : at + WORD]


# --- names ---------------------------------------------------------------------------------------


def selector(signature: str) -> bytes:
    """The 4 bytes that a function, or an error, of some signature is known by."""
    return keccak256(signature.encode())[:4]


def signature(entry: Mapping[str, Any]) -> str:
    """The signature of an entry of an ABI, as in ``transfer(address,uint256)``."""
    return f"{entry.get('name', '')}({','.join(types(entry.get('inputs', ())))})"


def parts(text: str) -> list[str]:
    """The types in a pair of parentheses, as of a signature behind its name.

    Raises:
        AbiError: It is no such pair.
    """
    if not (text.startswith("(") and text.endswith(")")):
        raise AbiError(f"not types in parentheses: {text[:60]!r}")
    return list(_split(text[1:-1]))


def types(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The types of an entry's inputs or outputs."""
    return [_canonical(item) for item in inputs]


def _canonical(item: Mapping[str, Any]) -> str:
    text = str(item.get("type", ""))
    if text.startswith("tuple"):
        return f"({','.join(types(item.get('components', ())))}){text[5:]}"
    return text


def address(value: Any) -> bytes:
    """Read an address: 20 bytes, 0x and 40 digits, or anything with an ``address`` of such a kind.

    Raises:
        AbiError: It is none.
    """
    found = getattr(value, "address", value)
    raw = _octets(found)
    if len(raw) != 20:
        raise AbiError(f"an address has 20 bytes: {str(found)[:60]}")
    return raw


def checksummed(raw: bytes) -> str:
    """Write an address with the capitals of EIP-55."""
    digits = raw.hex()
    hashed = keccak256(digits.encode()).hex()
    pairs = zip(digits, hashed, strict=False)
    return "0x" + "".join(a.upper() if int(b, 16) > 7 else a for a, b in pairs)


def _octets(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        try:
            return bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            pass
    raise AbiError(f"not bytes: {str(value)[:60]}")


def _word(number: int) -> bytes:
    return number.to_bytes(WORD, "big")
