"""The bytecode: one program, one encoding, one id.

    bytecode = magic, version, code section, debug section, checksum

A section is its length in bytes and its bytes (see `encode` and `debug`); a debug section of no
bytes is absent. The program id is the hash of the code section alone. The checksum is over
everything before it, so that damage is told from malice: a flipped bit never becomes another
program by accident. What is read is checked like any module (`check`), so a program that loads
cannot make an engine go wrong.

    NumenError
    ├── EncodeError     a module that cannot be written
    └── DecodeError     bytes that are not a program
"""

from typing import Final

import msgspec

from numen.base.codec import digest
from numen.ir import limits
from numen.ir.check import CheckError, check
from numen.ir.debug import decode_debug, encode_debug
from numen.ir.decode import Decoded, decode_code
from numen.ir.encode import canonical_order, encode_code
from numen.ir.nodes import Module
from numen.ir.wire import DecodeError, EncodeError, Reader, Writer

__all__ = ["MAGIC", "VERSION", "DecodeError", "EncodeError", "decode", "encode", "seal", "split"]

MAGIC: Final = b"\x00nmn"
"""The first bytes: no text begins like this."""

VERSION: Final = 1
"""The one version of the encoding. A program of another version is refused, not guessed at."""

CHECKSUM_BYTES: Final = 8
"""Length of the checksum."""


class Sections(msgspec.Struct, frozen=True):
    """The parts of a bytecode.

    Attributes:
        code: What runs.
        debug: What people call it; empty where the program carries no names.
        code_offset: Where the code begins in the whole.
        debug_offset: Where the debug section begins in the whole.
    """

    code: bytes
    debug: bytes
    code_offset: int
    debug_offset: int

    @property
    def id(self) -> bytes:
        """The program id, 32 bytes."""
        return digest("numen/program/1", self.code)


def encode(module: Module, *, with_debug: bool = True) -> bytes:
    """Write a module as bytecode.

    Args:
        module: A module that `check` accepts, without meters.
        with_debug: Whether names of functions and places in the source go along.

    Raises:
        EncodeError: A name or message cannot be written, or the bytecode is longer than
            `limits.CODE_BYTES_MAX`.
    """
    code = encode_code(module)
    debug = encode_debug(module, canonical_order(module)) if with_debug else b""
    return seal(code, debug)


def decode(raw: bytes) -> Module:
    """Read a program from bytecode of anyone.

    Functions are named as the debug section says; registers and blocks are numbered.
    ``encode(decode(raw), with_debug=bool(split(raw).debug)) == raw``.

    Raises:
        DecodeError: The bytes are not a program, with the offset of the byte that shows it.

    Cost: linear in the length, but for the check's own.
    """
    sections = split(raw)
    decoded = _decode_sections(raw, sections)
    try:
        check(decoded.module)
    except CheckError as error:
        at = decoded.offset(error.function, error.block, error.instruction)
        raise DecodeError(at, str(error)) from error
    return decoded.module


def split(raw: bytes) -> Sections:
    """Find the sections of a bytecode, without looking into them.

    Raises:
        DecodeError: The bytes are too many, not a bytecode, of another version, or damaged.
    """
    if len(raw) > limits.CODE_BYTES_MAX:
        raise DecodeError(0, f"{len(raw)} bytes; {limits.CODE_BYTES_MAX} are allowed")
    if not raw.startswith(MAGIC):
        raise DecodeError(0, "not a Numen program")
    reader = Reader(raw, len(MAGIC), max(len(raw) - CHECKSUM_BYTES, len(MAGIC)))
    version = reader.byte()
    if version != VERSION:
        raise DecodeError(len(MAGIC), f"version {version}; this machine reads version {VERSION}")
    if raw[reader.end :] != _checksum(raw[: reader.end]):
        raise DecodeError(reader.end, "the checksum is wrong: the bytes are damaged")
    parts: list[tuple[bytes, int]] = []
    for what in ("code", "debug"):
        size = reader.count(limits.CODE_BYTES_MAX, f"length of the {what} section")
        parts.append((raw[reader.at : reader.at + size], reader.at))
        reader.at += size
    reader.finish("the sections")
    (code, code_offset), (debug, debug_offset) = parts
    return Sections(code, debug, code_offset, debug_offset)


def seal(code: bytes, debug: bytes) -> bytes:
    """Put sections into a bytecode.

    Raises:
        EncodeError: They are longer than `limits.CODE_BYTES_MAX`.
    """
    out = Writer()
    out.out += MAGIC
    out.byte(VERSION)
    for section in (code, debug):
        out.number(len(section))
        out.out += section
    raw = bytes(out.out)
    if len(raw) + CHECKSUM_BYTES > limits.CODE_BYTES_MAX:
        raise EncodeError(f"the program is longer than {limits.CODE_BYTES_MAX} bytes")
    return raw + _checksum(raw)


def _checksum(raw: bytes) -> bytes:
    return digest("numen/bytecode/1", raw)[:CHECKSUM_BYTES]


def _decode_sections(raw: bytes, sections: Sections) -> Decoded:
    code_end = sections.code_offset + len(sections.code)
    code = Reader(raw, sections.code_offset, code_end)
    if not sections.debug:
        return decode_code(code, (), None)
    debug_end = sections.debug_offset + len(sections.debug)
    names, places = decode_debug(Reader(raw, sections.debug_offset, debug_end))
    decoded = decode_code(code, names, places)
    if len(names) != len(decoded.module.functions):
        raise DecodeError(sections.debug_offset, f"{len(names)} names for the functions")
    places.finish()
    return decoded
