"""Texts in programs: as they are written, and copies of them."""

import ast

from numen.ir.interface import StructShape
from numen.ir.ops import Op
from numen.ir.texts import is_text, text_bytes, text_words
from numen.ir.types import U64, Array
from numen.lang.errors import RangeError, TypesError
from numen.lang.frame import Frame, Value
from numen.lang.types import LangType, registers


def literal(f: Frame, node: ast.Constant, expected: LangType | None) -> Value:
    """Lower a text as it is written.

    Raises:
        TypesError: Nothing says which type it has.
        RangeError: It is too long.
    """
    if expected is None or not is_text(expected) or not isinstance(expected, StructShape):
        raise f.refuse(TypesError, node, "a text has no type here", "write name: str[32] = ...")
    is_str = isinstance(node.value, str)
    if is_str != expected.name.startswith("str"):
        raise f.refuse(TypesError, node, f"expected {expected}")
    raw = node.value.encode() if isinstance(node.value, str) else node.value
    assert isinstance(raw, bytes)
    if len(raw) > text_bytes(expected):
        raise f.refuse(RangeError, node, f"{len(raw)} bytes are no {expected}")
    words = _room(expected)
    array = f.storage(node, words, data=text_words(raw, words.length))
    return Value(expected, (f.at(node).const(len(raw), U64), array))


def duplicate(f: Frame, node: ast.AST, value: Value) -> Value:
    """The same text with storage of its own."""
    length, array = value.regs
    of = _room(value.type)
    own = f.storage(node, of)
    f.at(node).effect(Op.COPY, of, own, array)
    return Value(value.type, (length, own))


def _room(of: LangType) -> Array:
    """The array that holds the words of a text."""
    words = registers(of)[1]
    assert isinstance(words, Array)
    return words
