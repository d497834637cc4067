"""Integers, texts and types as bytes: what the sections of the bytecode are written in.

Numbers are LEB128: seven bits a byte, least significant first, the high bit set on every byte but
the last. Only the shortest form is a form; signed numbers are folded first (0, -1, 1, -2, ...).
"""

import re
from typing import Final

from numen.base.errors import NumenError
from numen.ir import codes, limits
from numen.ir.types import LENGTH_MAX, Array, Kind, Memory, Type, Word

_NUMBER_MAX_BYTES: Final = 37
"""The longest LEB128 number: 256 bits and the bit of a sign, seven a byte."""


_NAME: Final = re.compile(r"[A-Za-z_][\w$]*")
"""What names a function, a parameter or a field; the text form reads the same."""


class EncodeError(NumenError):
    """A module that has no bytes: a name or text of its source cannot be written."""


class DecodeError(NumenError):
    """Bytes that are not a program.

    Attributes:
        offset: Where, counted from the first byte of the bytecode.
        reason: What is wrong there.
    """

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"bytecode, byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason


class Writer:
    """Appends to bytes."""

    def __init__(self) -> None:
        self.out = bytearray()

    def byte(self, value: int) -> None:
        self.out.append(value)

    def number(self, value: int) -> None:
        """Write an integer of at least zero."""
        assert value >= 0
        while value > 0x7F:
            self.out.append(value & 0x7F | 0x80)
            value >>= 7
        self.out.append(value)

    def signed(self, value: int) -> None:
        """Write any integer."""
        self.number(value * 2 if value >= 0 else -value * 2 - 1)

    def text(self, text: str, what: str, bytes_max: int = limits.TEXT_BYTES_MAX) -> None:
        """Write a text: its length in bytes, then UTF-8.

        Raises:
            EncodeError: It is too long, or has no UTF-8.
        """
        try:
            raw = text.encode()
        except UnicodeEncodeError as error:
            raise EncodeError(f"{what} has a character that UTF-8 lacks") from error
        if len(raw) > bytes_max:
            raise EncodeError(f"{what} has {len(raw)} bytes; {bytes_max} are allowed")
        self.number(len(raw))
        self.out += raw

    def name(self, name: str, what: str) -> None:
        """Write a name.

        Raises:
            EncodeError: It is none.
        """
        if not _NAME.fullmatch(name):
            raise EncodeError(f"{what} cannot be called {name[:40]!r}")
        self.text(name, what, limits.NAME_BYTES_MAX)

    def constant(self, value: int, word: Word) -> None:
        """Write a value of a word type."""
        if word.kind is Kind.SIGNED:
            self.signed(value)
        else:
            self.number(value)

    def type(self, of: Type) -> None:
        match of:
            case Word():
                self.byte(codes.WORD_CODES[of])
            case Array(element, length):
                self.byte(codes.ARRAY)
                self.byte(codes.WORD_CODES[element])
                self.number(length)
            case Memory(size_bytes):
                self.byte(codes.MEMORY)
                self.number(size_bytes)


_WORDS: Final = tuple(codes.WORD_CODES)


class Reader:
    """Reads what a `Writer` wrote from bytes of anyone, and refuses everything else.

    Attributes:
        at: Offset of the next byte.
        end: Offset after the last byte.
    """

    def __init__(self, raw: bytes, at: int, end: int) -> None:
        self.raw = raw
        self.at = at
        self.end = end

    def fail(self, reason: str, at: int | None = None) -> DecodeError:
        """Make the error for a byte; by default the next."""
        return DecodeError(self.at if at is None else at, reason)

    def byte(self) -> int:
        if self.at >= self.end:
            raise self.fail("the bytes end too early")
        value = self.raw[self.at]
        self.at += 1
        return value

    def number(self, high: int, what: str) -> int:
        """Read an integer from zero to ``high``."""
        start = self.at
        value = self.byte()
        if value > 0x7F:
            value = self._long(value & 0x7F)
        if value > high:
            raise self.fail(f"{what}: {_short(value)} is more than {_short(high)}", start)
        return value

    def count(self, high: int, what: str) -> int:
        """Read a number of things that take at least one byte each."""
        start = self.at
        value = self.number(high, what)
        if value > self.end - self.at:
            raise self.fail(f"{what}: {value} do not fit the bytes that remain", start)
        return value

    def signed(self, low: int, high: int, what: str) -> int:
        """Read an integer from ``low`` to ``high``."""
        start = self.at
        folded = self.number(1 << 257, what)
        value = -(folded + 1 >> 1) if folded & 1 else folded >> 1
        if not low <= value <= high:
            raise self.fail(f"{what}: {_short(value)} is out of range", start)
        return value

    def name(self, what: str) -> str:
        start = self.at
        name = self.text(what, limits.NAME_BYTES_MAX)
        if not _NAME.fullmatch(name):
            raise self.fail(f"{what} is not a name", start)
        return name

    def text(self, what: str, bytes_max: int = limits.TEXT_BYTES_MAX) -> str:
        start = self.at
        size = self.count(bytes_max, f"length of {what}")
        self.at += size
        try:
            return self.raw[self.at - size : self.at].decode()
        except UnicodeDecodeError as error:
            raise self.fail(f"{what} is not UTF-8", start) from error

    def constant(self, word: Word) -> int:
        if word.kind is Kind.SIGNED:
            return self.signed(word.low, word.high, "constant")
        return self.number(word.high, "constant")

    def word(self) -> Word:
        code = self.byte()
        if code >= len(_WORDS):
            raise self.fail(f"no word type has the code {code:#04x}", self.at - 1)
        return _WORDS[code]

    def type(self) -> Type:
        start = self.at
        code = self.byte()
        if code < len(_WORDS):
            return _WORDS[code]
        if code == codes.ARRAY:
            element = self.word()
            length = self.number(LENGTH_MAX, "length of an array")
            if length:
                return Array(element, length)
        elif code == codes.MEMORY:
            size_bytes = self.number(LENGTH_MAX, "size of a memory")
            if size_bytes:
                return Memory(size_bytes)
        else:
            raise self.fail(f"no type has the code {code:#04x}", start)
        raise self.fail("an array or memory of nothing", start)

    def finish(self, what: str) -> None:
        """Refuse bytes that are left."""
        if self.at != self.end:
            raise self.fail(f"{self.end - self.at} bytes too many after {what}")

    def _long(self, value: int) -> int:
        """Read the rest of a number of more than one byte."""
        start = self.at - 1
        for index in range(1, _NUMBER_MAX_BYTES):
            byte = self.byte()
            value |= (byte & 0x7F) << 7 * index
            if byte <= 0x7F:
                if byte == 0:
                    raise self.fail("a number is longer than it needs to be", start)
                return value
        raise self.fail("a number is too long", start)


def _short(value: int) -> str:
    return str(value) if value.bit_length() <= 128 else f"a number of {value.bit_length()} bits"
