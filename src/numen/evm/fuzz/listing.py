"""Programs as lists of instructions with labels, from which any may be dropped.

Offsets are found when a program is put together, so what is left of a list after dropping some of
it is a program again. That is what the shrinker needs.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from numen.evm.opcodes import BY_NAME

_PUSH0, _PUSH1, _PUSH3 = 0x5F, 0x60, 0x62
_JUMPDEST: Final = BY_NAME["JUMPDEST"].byte


class Op(msgspec.Struct, frozen=True, tag="op"):
    """One byte that needs nothing after it."""

    byte: int


class Push(msgspec.Struct, frozen=True, tag="push"):
    """A constant on the stack, by the shortest PUSH that every fork has."""

    word: int


class Label(msgspec.Struct, frozen=True, tag="label"):
    """A JUMPDEST that can be named."""

    number: int


class Target(msgspec.Struct, frozen=True, tag="target"):
    """The offset of a label on the stack; 0 where the label was dropped."""

    number: int


class Raw(msgspec.Struct, frozen=True, tag="raw"):
    """Bytes as they are."""

    data: bytes


Item: TypeAlias = Op | Push | Label | Target | Raw
Listing: TypeAlias = Sequence[Item]


def op(name: str) -> Op:
    """An instruction by its name."""
    return Op(BY_NAME[name].byte)


def call(name: str, *operands: int | Listing) -> list[Item]:
    """An instruction after its operands, given in the order they are popped."""
    items: list[Item] = []
    for operand in reversed(operands):
        items += [Push(operand)] if isinstance(operand, int) else operand
    return [*items, op(name)]


def assemble(listing: Listing) -> bytes:
    """Put a program together."""
    offsets: dict[int, int] = {}
    size = 0
    for item in listing:
        if isinstance(item, Label):
            offsets[item.number] = size
        size += _size(item)
    return b"".join(_encoded(item, offsets) for item in listing)


def _size(item: Item) -> int:
    match item:
        case Push(word):
            return 1 + max(1, (word.bit_length() + 7) // 8)
        case Target():
            return 4
        case Raw(data):
            return len(data)
    return 1


def _encoded(item: Item, offsets: dict[int, int]) -> bytes:
    match item:
        case Op(byte):
            return bytes([byte])
        case Push(word):
            size = _size(item) - 1
            return bytes([_PUSH1 + size - 1]) + word.to_bytes(size, "big")
        case Target(number):
            return bytes([_PUSH3]) + offsets.get(number, 0).to_bytes(3, "big")
        case Raw(data):
            return data
    return bytes([_JUMPDEST])


def disassemble(code: bytes) -> list[Item]:
    """Cut code into instructions that assemble to it again; jumps stay numbers.

    A constant that is not in its shortest form stays raw, so that no offset moves.
    """
    items: list[Item] = []
    at = 0
    while at < len(code):
        byte = code[at]
        size = byte - _PUSH0 if _PUSH1 <= byte <= _PUSH0 + 32 else 0
        items.append(Raw(code[at : at + 1 + size]) if size else Op(byte))
        at += 1 + size
    return items


def holes(listing: Listing, dropped: Iterable[int]) -> list[Item]:
    """Put JUMPDESTs where instructions were, so that every offset stays."""
    items = list(listing)
    for index in dropped:
        items[index] = Raw(bytes([_JUMPDEST]) * _size(items[index]))
    return items
