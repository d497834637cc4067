"""Numbers, bytes and whole files of JSON as other people's tools write them.

Everything is bounded before it is built: the size of a file, the digits of a number. What is wrong
is said with the place where it stands.

    EvmError
    └── MalformedFileError    a file, or a value in one, that is not what it should be
"""

from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from numen.evm.errors import EvmError

FILE_BYTES_MAX: Final = 256 * 2**20
"""Longest file to read."""

DIGITS_MAX: Final = 512
"""Most digits of a number. Those of a transaction may be too big for it, which is then refused."""

Number = str | int
"""A number as JSON has it: hexadecimal with 0x, decimal, or not a text at all."""


class MalformedFileError(EvmError):
    """A file cannot be read.

    Attributes:
        where: File and place in it, as far as they are known.
        reason: What is wrong there.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def load(path: Path, kind: Any) -> Any:
    """Read a file of JSON as a value of some type, as `msgspec` knows types.

    Raises:
        MalformedFileError: It cannot be read, is too long, or is something else.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise MalformedFileError(str(path), error.strerror or "cannot be read") from error
    return parse(raw, kind, str(path))


def parse(raw: bytes | str, kind: Any, where: str) -> Any:
    """Read JSON as a value of some type, as `msgspec` knows types.

    Raises:
        MalformedFileError: It is too long, or something else; ``where`` stands before the reason.
    """
    if len(raw) > FILE_BYTES_MAX:
        raise MalformedFileError(where, f"longer than {FILE_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedFileError(where, str(error)[:300]) from None
    except RecursionError:
        raise MalformedFileError(where, "nested too deep") from None


def number(value: Number, where: str, bits: int = 4 * DIGITS_MAX) -> int:
    """Read a natural number.

    Args:
        value: ``5``, ``"5"``, ``"0x5"``, ``"0x"`` for 0, or ``"0x:bigint 0x5"``.
        where: What it is, for the error.
        bits: Most bits it may have.

    Raises:
        MalformedFileError: It is none, or too big.
    """
    found = value if isinstance(value, int) else _parse_number(value, where)
    if found < 0 or found >> bits:
        raise MalformedFileError(where, f"not a number of {bits} bits")
    return found


def _parse_number(value: str, where: str) -> int:
    text = value.removeprefix("0x:bigint ")
    digits, base = (text[2:] or "0", 16) if text.startswith("0x") else (text, 10)
    # Python's own reader would also take signs, spaces and underscores.
    if digits.isascii() and digits.isalnum() and len(digits) <= DIGITS_MAX:
        with suppress(ValueError):
            return int(digits, base)
    raise MalformedFileError(where, f"not a number: {_short(value)}")


def octets(text: str, where: str, size: int | None = None) -> bytes:
    """Read bytes, written in hexadecimal.

    Args:
        text: With or without 0x.
        where: What they are, for the error.
        size: How many there must be, or None.

    Raises:
        MalformedFileError: They are none, or not so many.
    """
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise MalformedFileError(where, f"not hexadecimal: {_short(text)}") from None
    if size is not None and len(found) != size:
        raise MalformedFileError(where, f"{len(found)} bytes where {size} are needed")
    return found


def hexadecimal(data: bytes) -> str:
    """Write bytes as `octets` reads them."""
    return "0x" + data.hex()


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
