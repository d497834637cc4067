"""Words as LLVM sees them: in registers, in storage, as constants.

In a register a word is an integer of its width, a `felt` the 256 bits of its Montgomery form: a
product costs one reduction there, where plain integers would cost two. In arrays it keeps that
form; it leaves it where somebody can see the bits: in conversions, in byte memories and at the
entry.
"""

import msgspec

from numen.ir.types import BOOL, FIELD_ORDER, Kind, Word
from numen.kernels import llvm

MONTGOMERY_ONE = 2**256 % FIELD_ORDER
"""What the field's one looks like in Montgomery form."""

ALIGN_BYTES_MAX = 8
"""Alignment of the elements of arrays, but for narrower ones."""


class Typed(msgspec.Struct, frozen=True, gc=False):
    """A word in a register.

    Attributes:
        value: Where it is.
        word: Its type.
    """

    value: llvm.Value
    word: Word


def register_type(word: Word) -> str:
    """The LLVM type of a word in a register."""
    return "i256" if word.kind is Kind.FIELD else f"i{word.bits}"


def storage_type(word: Word) -> str:
    """The LLVM type of a word in an array or memory."""
    return f"i{8 * word.size_bytes}"


def align(word: Word) -> int:
    """Alignment in bytes of a word in an array."""
    return min(word.size_bytes, ALIGN_BYTES_MAX)


def in_register(value: int, word: Word) -> int:
    """The integer whose bits stand for a value in a register or array."""
    return value * MONTGOMERY_ONE % FIELD_ORDER if word.kind is Kind.FIELD else value


def constant(value: int, word: Word) -> Typed:
    """A constant; ``value`` is in the word's range."""
    return Typed(llvm.const(register_type(word), in_register(value, word)), word)


def truth(value: llvm.Value) -> Typed:
    """An i1 as a bool."""
    return Typed(value, BOOL)


def literal(typed: Typed) -> int | None:
    """The integer that a constant is, or None; not for the field."""
    name, word = typed.value.name, typed.word
    if name in ("true", "false"):
        return int(name == "true")
    if not name.isdecimal() or word.kind is Kind.FIELD:
        return None
    bits = int(name)
    return bits - 2**word.bits if bits > word.high else bits
