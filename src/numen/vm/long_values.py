"""Bytes of any length in slots: the length at a place, the bytes after it, 32 a slot."""

from collections.abc import Iterator
from typing import Final

from numen.vm.host import Key, Slot, Slots

PLACE_SLOTS: Final = 1 << 16
"""Slots that belong to a place; `place` is a multiple of it."""

_WORD_BYTES: Final = 32


def place(digest: bytes) -> Key:
    """Where a long value lies, by a digest of its name: 32 bytes, taken by nothing else."""
    return int.from_bytes(digest, "big") & -PLACE_SLOTS


def read_long(slots: Slots, at: Key) -> bytes:
    """The bytes at a place; empty where nothing was written."""
    length = slots.load(at)
    count = -(-length // _WORD_BYTES)
    words = (slots.load(at + 1 + index) for index in range(count))
    return b"".join(word.to_bytes(_WORD_BYTES, "big") for word in words)[:length]


def long_writes(at: Key, raw: bytes) -> Iterator[tuple[Key, Slot]]:
    """The slots that keep bytes which are not replaced by shorter ones later."""
    assert len(raw) < _WORD_BYTES * (PLACE_SLOTS - 1)
    yield at, len(raw)
    for index, start in enumerate(range(0, len(raw), _WORD_BYTES), at + 1):
        word = raw[start : start + _WORD_BYTES].ljust(_WORD_BYTES, b"\0")
        yield index, int.from_bytes(word, "big")
