"""Values one after another as the ABI has them where some are texts: heads first, then the texts.

A text is where its head says, in bytes from the first head: how many bytes it has, then the bytes.
Only one encoding is read, that in which the texts follow each other in order and nothing else is.

Source: Solidity's documentation, "Contract ABI Specification", use of dynamic types.
"""

import ast
from collections.abc import Sequence

from numen.ir.interface import Shape, StructShape, is_text, text_bytes
from numen.ir.nodes import Reg
from numen.ir.ops import Op
from numen.ir.texts import TEXT_WORD_BYTES
from numen.ir.types import BOOL, U64, U256, Array, Memory
from numen.lang import arrays
from numen.lang.contracts.cells import At, Words, put, take
from numen.lang.contracts.layout import head_words, size_words
from numen.lang.frame import Frame, Value
from numen.lang.texts import ending
from numen.lang.types import LangType
from numen.lang.utf8 import require_utf8


def is_dynamic(types: Sequence[LangType]) -> bool:
    """Whether some of some values are texts."""
    return any(is_text(of) for of in types)


def most_words(types: Sequence[Shape]) -> int:
    """Words of the longest encoding of some values."""
    return sum(size_words(of) + is_text(of) for of in types)


def put_all(f: Frame, node: ast.AST, words: Words, start: int, values: Sequence[Value]) -> Reg:
    """Write values one after another from a word on; the number of words then, a u64."""
    at = At(start)
    writer = f.at(node)
    tail = writer.const(sum(head_words(_shape(value)) for value in values), U64)
    for value in values:
        if not is_text(value.type):
            put(f, node, words, at, value)
        else:
            words.set(f, node, at, _bytes_of(f, node, tail))
            put(f, node, words, At(start, tail), value)
            tail = _after(f, node, tail, value.regs[0])
        at = at.plus(head_words(_shape(value)))
    writer = f.at(node)
    return writer.op(Op.ADD, U64, tail, writer.const(start, U64))


def take_all(
    f: Frame, node: ast.AST, words: Words, types: Sequence[Shape], size: Reg
) -> list[Value]:
    """Read values one after another, which take so many bytes in all (a u256)."""
    at, found = At(), list[Value]()
    tail = f.at(node).const(sum(head_words(of) for of in types), U64)
    for of in types:
        if not isinstance(of, StructShape) or not is_text(of):
            found.append(take(f, node, words, at, of))
        else:
            offset = words.get(f, node, at)
            _require_equal(f, node, offset, _bytes_of(f, node, tail))
            value = _take_text(f, node, words, tail, of)
            found.append(value)
            tail = _after(f, node, tail, value.regs[0])
        at = at.plus(head_words(of))
    _require_equal(f, node, size, _bytes_of(f, node, tail))
    return found


def _take_text(f: Frame, node: ast.AST, words: Words, tail: Reg, of: StructShape) -> Value:
    """Read a text from a word on; what lies behind its last byte must be zero."""
    length = f.at(node).op(Op.CAST, U256, words.get(f, node, At(0, tail)), to=U64)
    writer = f.at(node)
    too_long = writer.op(Op.LT, U64, writer.const(text_bytes(of), U64), length)
    writer.effect(Op.REQUIRE, None, writer.invert(too_long), symbol=f"longer than {of}")
    room = Array(U256, size_words(of) - 1)
    array = f.storage(node, room)
    own = Words(array, room)

    def fill(index: Reg) -> None:
        far = f.at(node).op(Op.WRAPPING_ADD, U64, tail, index)
        word = words.get(f, node, At(1, far))
        begun, behind = ending(f, node, word, index, length)
        writer = f.at(node)
        zero = writer.const(0, U256)
        own.set(f, node, At(0, index), writer.op(Op.SELECT, U256, begun, word, zero))
        fine = writer.op(Op.OR, BOOL, writer.invert(begun), writer.op(Op.EQ, U256, behind, zero))
        writer.effect(Op.REQUIRE, None, fine, symbol="a text is not padded with zeros")

    arrays.each(f, node, room.length, fill)
    value = Value(of, (length, array))
    if of.name.startswith("str"):
        require_utf8(f, node, value)
    return value


def _after(f: Frame, node: ast.AST, tail: Reg, length: Reg) -> Reg:
    """The word after a text that begins at one."""
    writer = f.at(node)
    rounded = writer.op(Op.ADD, U64, length, writer.const(TEXT_WORD_BYTES - 1, U64))
    words = writer.op(Op.SHR, U64, rounded, writer.const(5, U64))
    return writer.op(Op.ADD, U64, tail, writer.op(Op.ADD, U64, words, writer.const(1, U64)))


def _bytes_of(f: Frame, node: ast.AST, words: Reg) -> Reg:
    """So many words in bytes, as a u256."""
    writer = f.at(node)
    size = writer.op(Op.MUL, U64, words, writer.const(TEXT_WORD_BYTES, U64))
    return writer.op(Op.CAST, U64, size, to=U256)


def _require_equal(f: Frame, node: ast.AST, a: Reg, b: Reg) -> None:
    writer = f.at(node)
    same = writer.op(Op.EQ, U256, a, b)
    writer.effect(Op.REQUIRE, None, same, symbol="arguments that are not encoded as they should be")


def _shape(value: Value) -> Shape:
    of = value.type
    assert not isinstance(of, Memory)
    return of
