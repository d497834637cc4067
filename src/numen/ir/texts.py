"""Texts as words: 32 bytes in each.

The first byte is the highest of the first word; what lies behind the last one is zero. So two equal
texts are equal words, and a byte's place does not depend on how long the text may be.
"""

from collections.abc import Sequence
from typing import Final

TEXT_BYTES_MAX: Final = 1024
"""Most bytes of one text."""

TEXT_WORD_BYTES: Final = 32


def text_words(raw: bytes, count: int) -> tuple[int, ...]:
    """Bytes as so many words."""
    padded = raw.ljust(count * TEXT_WORD_BYTES, b"\0")
    starts = range(0, len(padded), TEXT_WORD_BYTES)
    return tuple(int.from_bytes(padded[at : at + TEXT_WORD_BYTES], "big") for at in starts)


def text_raw(words: Sequence[int], length: int) -> bytes:
    """So many bytes of words."""
    return b"".join(word.to_bytes(TEXT_WORD_BYTES, "big") for word in words)[:length]
