"""The file `proof.stark`: a program, what went in and came out, and a proof for each segment."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, decode, encode
from numen.ir.limits import CODE_BYTES_MAX

SEGMENTS_MAX: Final = 1 << 12
"""Most segments of a run."""

SEGMENT_MAX_BYTES: Final = 1 << 22
"""Longest proof of a segment."""

WORDS_MAX: Final = 1 << 20
"""Most cells of public inputs, and of outputs."""

BUNDLE_MAX_BYTES: Final = 1 << 30
"""Longest file."""


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """A part of a run.

    Attributes:
        pc: What comes after it.
        flag: The flag after it.
        proof: Of the STARK.
    """

    pc: U64
    flag: U64
    proof: Annotated[bytes, Meta(max_length=SEGMENT_MAX_BYTES)]


class Bundle(msgspec.Struct, frozen=True, array_like=True, tag="numen/stark/1"):
    """Everything a reader needs.

    Attributes:
        code: The program's bytecode.
        profile: Name of the parameters.
        public: The public inputs, one integer a cell.
        outputs: The outputs, one integer a cell.
        segments: In the order of the run.
    """

    code: Annotated[bytes, Meta(max_length=CODE_BYTES_MAX)]
    profile: Annotated[str, Meta(max_length=64)]
    public: Annotated[tuple[U64, ...], Meta(max_length=WORDS_MAX)]
    outputs: Annotated[tuple[U64, ...], Meta(max_length=WORDS_MAX)]
    segments: Annotated[tuple[Segment, ...], Meta(max_length=SEGMENTS_MAX)]


def write(bundle: Bundle) -> bytes:
    """The file of a bundle."""
    return encode(bundle, size_max=BUNDLE_MAX_BYTES)


def read(data: bytes) -> Bundle:
    """The bundle of a file.

    Raises:
        CodecError: It is no such file.
    """
    return decode(Bundle, data, size_max=BUNDLE_MAX_BYTES)
