"""The values of Ethereum's JSON: numbers and bytes in hexadecimal, blocks by name.

Each is a type of its own, so that a method's signature says what it takes, a decoder refuses
everything else with the place where it stands, and the description of the methods follows.
"""

from typing import Any, ClassVar, Final

DATA_MAX: Final = 1 << 21
"""Longest bytes in one value."""

_HEX: Final = frozenset("0123456789abcdefABCDEF")


class Quantity(int):
    """A number, in hexadecimal with 0x; plain JSON numbers are taken too."""

    schema: ClassVar[dict[str, Any]] = {"type": "string", "pattern": "^0x[0-9a-fA-F]{1,64}$"}

    @classmethod
    def read(cls, value: Any) -> "Quantity":
        """Read it.

        Raises:
            ValueError: It is none, or has more than 256 bits.
        """
        if isinstance(value, str):
            digits = value[2:]
            if not (value.startswith("0x") and 0 < len(digits) <= 64 and _HEX.issuperset(digits)):
                raise ValueError(f"not a number in hexadecimal: {_short(value)}")
            return cls(digits, 16)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 256:
            return cls(value)
        raise ValueError(f"not a number in hexadecimal: {_short(value)}")


class Data(bytes):
    """Bytes, in hexadecimal with 0x."""

    schema: ClassVar[dict[str, Any]] = {"type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$"}

    @classmethod
    def read(cls, value: Any) -> "Data":
        """Read it.

        Raises:
            ValueError: It is none, or too long.
        """
        if not isinstance(value, str) or not value.startswith("0x"):
            raise ValueError(f"not bytes in hexadecimal with 0x: {_short(value)}")
        digits = value[2:]
        if len(digits) > 2 * DATA_MAX:
            raise ValueError(f"more than {DATA_MAX} bytes")
        # Python's own reader would also take spaces.
        if len(digits) % 2 or not digits.isascii() or (digits and not digits.isalnum()):
            raise ValueError(f"not bytes in hexadecimal: {_short(value)}")
        try:
            return cls(bytes.fromhex(digits))
        except ValueError:
            raise ValueError(f"not bytes in hexadecimal: {_short(value)}") from None


class Address(bytes):
    """An account: 20 bytes in hexadecimal; capitals are not looked at."""

    schema: ClassVar[dict[str, Any]] = {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$"}

    @classmethod
    def read(cls, value: Any) -> "Address":
        """Read it.

        Raises:
            ValueError: It is none.
        """
        return cls(_sized(value, 20))


class Hash(bytes):
    """32 bytes in hexadecimal."""

    schema: ClassVar[dict[str, Any]] = {"type": "string", "pattern": "^0x[0-9a-fA-F]{64}$"}

    @classmethod
    def read(cls, value: Any) -> "Hash":
        """Read it.

        Raises:
            ValueError: It is none.
        """
        return cls(_sized(value, 32))


class Word(int):
    """A word of storage or its key: a number in hexadecimal of at most 32 bytes."""

    schema: ClassVar[dict[str, Any]] = {"type": "string", "pattern": "^0x[0-9a-fA-F]{1,64}$"}

    @classmethod
    def read(cls, value: Any) -> "Word":
        """Read it.

        Raises:
            ValueError: It is none.
        """
        return cls(Quantity.read(value))


TAGS: Final = ("earliest", "latest", "pending", "safe", "finalized")
"""Names of blocks; nothing is ever undone by others here, so safe and finalized are the latest."""


class BlockId:
    """A block: a number, one of its names, or an object with blockNumber or blockHash (EIP-1898).

    Attributes:
        number: Its number, or None.
        hash: Its hash, or None.
        tag: Its name, or empty.
    """

    __slots__ = ("hash", "number", "tag")

    schema: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"type": "string", "enum": list(TAGS)},
            Quantity.schema,
            {
                "type": "object",
                "properties": {"blockNumber": Quantity.schema, "blockHash": Hash.schema},
            },
        ]
    }

    def __init__(
        self, tag: str = "", number: int | None = None, hash_: bytes | None = None
    ) -> None:
        self.tag, self.number, self.hash = tag, number, hash_

    @classmethod
    def read(cls, value: Any) -> "BlockId":
        """Read it.

        Raises:
            ValueError: It is none.
        """
        if isinstance(value, str) and value in TAGS:
            return cls(value)
        if isinstance(value, dict):
            if "blockHash" in value:
                return cls(hash_=Hash.read(value["blockHash"]))
            return cls.read(value.get("blockNumber"))
        if isinstance(value, str) and len(value) == 66:
            return cls(hash_=Hash.read(value))
        return cls(number=Quantity.read(value))

    def __repr__(self) -> str:
        return self.tag or (f"0x{self.hash.hex()}" if self.hash else hex(self.number or 0))


class Addresses(tuple[bytes, ...]):
    """An address, or a list of them."""

    __slots__ = ()

    schema: ClassVar[dict[str, Any]] = {
        "oneOf": [Address.schema, {"type": "array", "items": Address.schema}]
    }

    @classmethod
    def read(cls, value: Any) -> "Addresses":
        """Read it.

        Raises:
            ValueError: It is none, or has too many.
        """
        return cls(Address.read(each) for each in _several(value))


class Topic(tuple[bytes, ...]):
    """What may stand in a place of a log's topics: null for anything, a hash, or a list of them."""

    __slots__ = ()

    schema: ClassVar[dict[str, Any]] = {
        "oneOf": [{"type": "null"}, Hash.schema, {"type": "array", "items": Hash.schema}]
    }

    @classmethod
    def read(cls, value: Any) -> "Topic":
        """Read it.

        Raises:
            ValueError: It is none, or has too many.
        """
        if value is None:
            return cls()
        several = _several(value)
        return cls() if None in several else cls(Hash.read(each) for each in several)


SEVERAL_MAX: Final = 1_000
"""Most addresses, or topics for a place, of a query; as in geth."""


def _several(value: Any) -> list[Any]:
    several = value if isinstance(value, list) else [value]
    if len(several) > SEVERAL_MAX:
        raise ValueError(f"{len(several)} where at most {SEVERAL_MAX} are allowed")
    return several


VALUES: Final = (Quantity, Data, Address, Hash, Word, BlockId, Addresses, Topic)
"""All of them."""


def read(kind: type, value: Any) -> Any:
    """Read a value of one of these types, as a decoder asks for it.

    Raises:
        ValueError: It is none.
        NotImplementedError: The type is not one of these.
    """
    if kind in VALUES:
        return kind.read(value)
    raise NotImplementedError(kind)


def schema(kind: type) -> dict[str, Any]:
    """The JSON schema of one of these types."""
    if kind not in VALUES:
        raise NotImplementedError(kind)
    first = (kind.__doc__ or "").partition("\n")[0]
    return {"title": kind.__name__, "description": first, **kind.schema}


def _sized(value: Any, size: int) -> bytes:
    if not isinstance(value, str) or len(value) != 2 + 2 * size:
        raise ValueError(f"not {size} bytes in hexadecimal: {_short(value)}")
    return Data.read(value)


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | None) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}…"


def data(value: bytes) -> str:
    """Write bytes."""
    return "0x" + value.hex()


def word(value: int) -> str:
    """Write a number in 32 bytes."""
    return f"0x{value:064x}"
