"""Arguments of a program as people type them.

An argument is JSON with numbers in hexadecimal allowed (``5``, ``0xff``, ``[1, 0x2, 3]``, ``true``,
``{"x": 1}``), or ``@file`` for such a text in a file.
"""

import json
import re
from pathlib import Path
from typing import Any, Final, NoReturn

from numen.base.errors import NumenError
from numen.proof.files import FileError, read_file

TEXT_BYTES_MAX: Final = 256 * 2**20
"""Longest argument, in a file or typed."""

DEPTH_MAX: Final = 32
"""Deepest nesting of lists and objects."""

DIGITS_MAX: Final = 100
"""Most digits of a number: the widest word has 78."""

_SCAN = re.compile(r'"(?:[^"\\]|\\.)*"|(-?)0[xX]([0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)|([\[{])|([\]}])')


class ArgumentError(NumenError):
    """An argument cannot be read."""


def parse_argument(text: str) -> Any:
    """Read an argument: integers, truths, lists and objects of them.

    Raises:
        ArgumentError: It is none, or its file cannot be read; the message says why.
    """
    if text.startswith("@"):
        return _parse(_read(Path(text[1:])), text)
    return _parse(text, _short(text))


def _read(path: Path) -> str:
    try:
        return read_file(path, size_max=TEXT_BYTES_MAX).decode()
    except FileError as error:
        raise ArgumentError(str(error)) from error
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{path}: not text, byte {error.start}") from error


def _parse(text: str, name: str) -> Any:
    try:
        return json.loads(
            _decimal(text, name),
            parse_int=lambda digits: _integer(digits, name),
            parse_float=lambda digits: _refuse(f"{name}: {digits[:40]} is not an integer"),
            parse_constant=lambda word: _refuse(f"{name}: {word} is not an integer"),
        )
    except json.JSONDecodeError as error:
        raise ArgumentError(
            f"{name}: {error.msg.lower()} at character {error.pos + 1}",
            hint="an argument is JSON, like 5, 0xff, true, [1, 2, 3] or @file.json",
        ) from error


def _decimal(text: str, name: str) -> str:
    """Turn hexadecimal numbers into decimal ones; bound the nesting before the parser recurses."""
    depth = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal depth
        sign, digits, opens, closes = match.groups()
        depth += bool(opens) - bool(closes)
        if depth > DEPTH_MAX:
            raise ArgumentError(f"{name}: nested deeper than {DEPTH_MAX}")
        if digits is None:
            return match[0]
        if len(digits) > DIGITS_MAX:
            raise ArgumentError(f"{name}: a number of {len(digits)} digits")
        return f"{sign}{int(digits, 16)}"

    return _SCAN.sub(replace, text)


def _integer(digits: str, name: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise ArgumentError(f"{name}: a number of {len(digits)} digits")
    return int(digits)


def _refuse(message: str) -> NoReturn:
    raise ArgumentError(message)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
