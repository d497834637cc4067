"""Leaves of inputs and results between Python's integers and the memory of a run.

Little-endian in both directions. Arrays of words of up to 64 bits go through the standard library's
`array`, which converts some fifty million of them in a second; wider ones go one by one.
"""

import array
import sys
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from numen.ir.types import Kind, Word
from numen.jit.layout import Slot

assert sys.byteorder == "little", "native code keeps words as little-endian machines do"

Given: TypeAlias = int | Sequence[int] | bytes
"""What may stand for a leaf: a word; an array as integers, or as its bytes in memory."""

_CODES: Final[dict[tuple[int, bool], Literal["B", "H", "I", "Q", "q"]]] = {
    (1, False): "B",
    (2, False): "H",
    (4, False): "I",
    (8, False): "Q",
    (8, True): "q",
}
"""Type codes of the module `array` by size in bytes and whether there is a sign."""


def write(memory: memoryview, slot: Slot, value: Given) -> None:
    """Put the value of a leaf into its place.

    Args:
        memory: Bytes; the slot's offset counts from its beginning.
        slot: Which leaf.
        value: Every integer in the range of the leaf's word.
    """
    word = slot.leaf.word
    raw = value if isinstance(value, bytes) else _bytes(value, word)
    assert len(raw) == slot.size_bytes, f"{slot.leaf.path}: {len(raw)} bytes"
    memory[slot.offset : slot.offset + len(raw)] = raw


def read(memory: memoryview, slot: Slot) -> int | list[int]:
    """Take the value of a leaf from its place."""
    values = _integers(memory[slot.offset : slot.offset + slot.size_bytes], slot.leaf.word)
    return values[0] if slot.leaf.count is None else values


def _bytes(value: int | Sequence[int], word: Word) -> bytes:
    values = [value] if isinstance(value, int) else value
    if word.kind in (Kind.BOOL, Kind.FIELD):
        # Their bytes could hold more than they may.
        assert all(each in word for each in values), f"a {word} is out of range"
    size, is_signed = word.size_bytes, word.kind is Kind.SIGNED
    if (size, is_signed) in _CODES:
        return array.array(_CODES[size, is_signed], values).tobytes()
    return b"".join([each.to_bytes(size, "little", signed=is_signed) for each in values])


def _integers(raw: memoryview, word: Word) -> list[int]:
    size, is_signed = word.size_bytes, word.kind is Kind.SIGNED
    if (size, is_signed) in _CODES:
        return raw.cast(_CODES[size, is_signed]).tolist()
    data = bytes(raw)
    return [
        int.from_bytes(data[at : at + size], "little", signed=is_signed)
        for at in range(0, len(data), size)
    ]
