"""Typed data as wallets sign it: EIP-712, from JSON.

EvmError
└── TypedDataError    not typed data
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from numen.base.crypto import keccak256
from numen.evm import abi
from numen.evm.abi import AbiError
from numen.evm.errors import EvmError

_ARRAY: Final = re.compile(r"(.+)\[(\d{0,6})\]$")
_DEPTH_MAX: Final = 32
_TYPES_MAX: Final = 256
_NODES_MAX: Final = 100_000


class TypedDataError(EvmError):
    """Something is not typed data."""


class Field(msgspec.Struct):
    """A member of a type."""

    name: str
    type: str


class TypedData(msgspec.Struct, rename="camel"):
    """Typed data."""

    types: dict[str, list[Field]]
    primary_type: str
    domain: dict[str, Any]
    message: dict[str, Any] = {}


_DOMAIN: Final = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}
"""Members of a domain, in order."""


def digest(text: bytes) -> bytes:
    """What is signed for typed data; 32 bytes.

    Args:
        text: JSON: an object, or a text that is one.

    Raises:
        TypedDataError: It is none.
    """
    try:
        if text[:1] == b'"':
            text = msgspec.json.decode(text, type=str).encode()
        typed = msgspec.json.decode(text, type=TypedData)
        return _digest(typed)
    except (msgspec.MsgspecError, AbiError, RecursionError, UnicodeEncodeError) as error:
        raise TypedDataError(f"not typed data: {error}"[:300]) from None


def _digest(typed: TypedData) -> bytes:
    if len(typed.types) > _TYPES_MAX:
        raise TypedDataError(f"more than {_TYPES_MAX} types")
    types = {name: [(each.name, each.type) for each in m] for name, m in typed.types.items()}
    types.setdefault("EIP712Domain", [(n, t) for n, t in _DOMAIN.items() if n in typed.domain])
    writer = _Writer(types)
    separator = writer.hash("EIP712Domain", typed.domain, 0)
    if typed.primary_type == "EIP712Domain":
        return keccak256(b"\x19\x01", separator)
    return keccak256(b"\x19\x01", separator, writer.hash(typed.primary_type, typed.message, 0))


class _Writer:
    """Hashes values of some types."""

    def __init__(self, types: Mapping[str, list[tuple[str, str]]]) -> None:
        self._types = types
        self._hashes: dict[str, bytes] = {}
        self._left = _NODES_MAX

    def hash(self, name: str, value: Any, depth: int) -> bytes:
        """HashStruct of the EIP."""
        if name not in self._types:
            raise TypedDataError(f"there is no type {name!r}")
        if not isinstance(value, dict):
            raise TypedDataError(f"a {name} is an object")
        words = [self._word(kind, value.get(key), depth + 1) for key, kind in self._types[name]]
        return keccak256(self._type_hash(name), *words)

    def _type_hash(self, name: str) -> bytes:
        found = self._hashes.get(name)
        if found is None:
            parts = [name, *sorted(self._named(name, set()) - {name})]
            found = self._hashes[name] = keccak256("".join(map(self._spelled, parts)).encode())
        return found

    def _spelled(self, name: str) -> str:
        members = ",".join(f"{kind} {key}" for key, kind in self._types[name])
        return f"{name}({members})"

    def _named(self, name: str, seen: set[str]) -> set[str]:
        """All types that a type is made of; recursion is as deep as there are types."""
        seen.add(name)
        for _, kind in self._types[name]:
            inner = kind.partition("[")[0]
            if inner in self._types and inner not in seen:
                self._named(inner, seen)
        return seen

    def _word(self, kind: str, value: Any, depth: int) -> bytes:
        """EncodeData of the EIP for one member; 32 bytes."""
        self._left -= 1
        if depth > _DEPTH_MAX or self._left < 0:
            raise TypedDataError("too deep, or too much")
        array = _ARRAY.fullmatch(kind)
        if array:
            if not isinstance(value, list) or (array[2] and len(value) != int(array[2])):
                raise TypedDataError(f"not a {kind}")
            return keccak256(*(self._word(array[1], each, depth + 1) for each in value))
        if kind in self._types:
            # A member that is missing counts as nothing, as in wallets.
            return bytes(32) if value is None else self.hash(kind, value, depth + 1)
        if kind == "string":
            return keccak256(str(value).encode())
        if kind == "bytes":
            return keccak256(_octets(value))
        return abi.encode([kind], [_atom(kind, value)])


def _atom(kind: str, value: Any) -> Any:
    """A value as the ABI's encoder takes it: numbers may be texts, bytes are hexadecimal."""
    if kind.startswith(("uint", "int")) and isinstance(value, str):
        text = value.strip()[:80]
        try:
            return int(text, 16 if text.lower().startswith("0x") else 10)
        except ValueError:
            raise TypedDataError(f"not a number: {text!r}") from None
    if kind.startswith("bytes"):
        return _octets(value)
    return value


def _octets(value: Any) -> bytes:
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except (AttributeError, ValueError):
        raise TypedDataError("bytes are written in hexadecimal") from None
