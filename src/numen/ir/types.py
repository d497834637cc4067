"""The types of registers: words, and references to arrays and byte memories.

A word is an integer in a range. `felt` is a word too: the integers below the order of BN254's
scalar field, with arithmetic modulo that order. Arrays and memories live in the frame of the
function that makes them; a register holds a reference, and references go down into calls and never
out of a function or through a block parameter, so every program's storage is known before it runs.
"""

from enum import Enum
from typing import Final, TypeAlias

import msgspec

FIELD_ORDER: Final = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
"""Order r of the groups of BN254, the field of `felt` and of every circuit (EIP-196)."""

LENGTH_MAX: Final = 1 << 24
"""Most elements an array, or bytes a memory, may have."""


class Kind(Enum):
    """How the bits of a word are read."""

    BOOL = "bool"
    UNSIGNED = "unsigned"
    SIGNED = "signed"
    FIELD = "field"


class Word(msgspec.Struct, frozen=True, tag=True):
    """An integer type.

    Attributes:
        name: The name in text and source.
        kind: How its bits are read.
        bits: Width in bits; 254 for `felt`.
        low: Least value.
        high: Greatest value.
        size_bytes: Bytes in an array, a memory and the canonical encoding, little-endian.
    """

    name: str
    kind: Kind
    bits: int
    low: int
    high: int
    size_bytes: int

    def __contains__(self, value: int) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return self.name


class Array(msgspec.Struct, frozen=True, tag=True):
    """A reference to ``length`` words of one type, zero when made."""

    element: Word
    length: int

    @property
    def size_bytes(self) -> int:
        return self.element.size_bytes * self.length

    def __str__(self) -> str:
        return f"[{self.length} x {self.element}]"


class Memory(msgspec.Struct, frozen=True, tag=True):
    """A reference to ``size_bytes`` bytes, zero when made, read and written at any width."""

    size_bytes: int

    def __str__(self) -> str:
        return f"memory[{self.size_bytes}]"


Type: TypeAlias = Word | Array | Memory


def _unsigned(bits: int) -> Word:
    return Word(f"u{bits}", Kind.UNSIGNED, bits, 0, 2**bits - 1, bits // 8)


def _signed(bits: int) -> Word:
    return Word(f"i{bits}", Kind.SIGNED, bits, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, bits // 8)


BOOL: Final = Word("bool", Kind.BOOL, 1, 0, 1, 1)
U8, U16, U32, U64, U128, U256 = (_unsigned(bits) for bits in (8, 16, 32, 64, 128, 256))
I64, I128, I256 = (_signed(bits) for bits in (64, 128, 256))
FELT: Final = Word("felt", Kind.FIELD, 254, 0, FIELD_ORDER - 1, 32)

WORDS: Final = {
    word.name: word for word in (BOOL, U8, U16, U32, U64, U128, U256, I64, I128, I256, FELT)
}
"""Every word type by name, in the order of their codes in the binary encoding."""
