"""Texts: how many bytes there are, and the bytes, 32 to a word.

The first byte is the highest of the first word; what lies behind the last one is zero. So two equal
texts are equal words, and a byte's place does not depend on how long the text may be.
"""

from typing import Final

from numen.ir.interface import ListShape, StructShape
from numen.ir.types import U64, U256

TEXT_BYTES_MAX: Final = 1024
"""Most bytes of one text."""

TEXT_WORD_BYTES: Final = 32


def text_shape(name: str, length: int) -> StructShape:
    """``str[N]`` or ``bytes[N]``, by the name before the bracket."""
    words = ListShape(U256, -(-length // TEXT_WORD_BYTES))
    return StructShape(f"{name}[{length}]", (("length", U64), ("words", words)))


def is_text(of: object) -> bool:
    """Whether a type is ``str[N]`` or ``bytes[N]``."""
    return isinstance(of, StructShape) and of.name.endswith("]")


def text_bytes(of: StructShape) -> int:
    """The most bytes of a text."""
    return int(of.name.partition("[")[2][:-1])


def text_words(raw: bytes, count: int) -> tuple[int, ...]:
    """Bytes as so many words."""
    padded = raw.ljust(count * TEXT_WORD_BYTES, b"\0")
    starts = range(0, len(padded), TEXT_WORD_BYTES)
    return tuple(int.from_bytes(padded[at : at + TEXT_WORD_BYTES], "big") for at in starts)
