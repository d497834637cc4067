"""Texts in programs: as they are written, made of others, compared, and read byte by byte.

A `str` is UTF-8 wherever it comes from, so what reads one need not ask.
"""

import ast
from typing import Final

from numen.ir.interface import ListShape, StructShape, TupleShape, is_text, text_bytes, text_shape
from numen.ir.nodes import Reg
from numen.ir.ops import Op
from numen.ir.texts import TEXT_WORD_BYTES, text_words
from numen.ir.types import BOOL, U8, U64, U256, Array, Kind, Word
from numen.lang import annotations, arrays
from numen.lang.errors import RangeError, TypesError
from numen.lang.frame import Frame, Value
from numen.lang.types import UNKNOWN_LENGTH, LangType, parts, registers
from numen.lang.utf8 import require_utf8

MAKERS: Final = frozenset({"str", "bytes"})
"""What texts are made by: ``str[N](...)`` and ``bytes[N](...)``."""


def literal(f: Frame, node: ast.Constant, expected: LangType | None) -> Value:
    """Lower a text as it is written.

    Raises:
        TypesError: Nothing says which type it has.
        RangeError: It is too long.
    """
    if expected is None:
        raise f.refuse(TypesError, node, "a text has no type here", "write name: str[32] = ...")
    if not is_text(expected) or not isinstance(expected, StructShape):
        raise f.refuse(TypesError, node, f"expected {expected}, found a text")
    is_str = isinstance(node.value, str)
    if is_str != expected.name.startswith("str"):
        raise f.refuse(TypesError, node, f"expected {expected}")
    raw = _encoded(f, node)
    if text_bytes(expected) == UNKNOWN_LENGTH:
        expected = text_shape("str" if is_str else "bytes", max(1, len(raw)))
    if len(raw) > text_bytes(expected):
        raise f.refuse(RangeError, node, f"{len(raw)} bytes are no {expected}")
    words = _room(expected)
    array = f.storage(node, words, data=text_words(raw, words.length))
    return Value(expected, (f.at(node).const(len(raw), U64), array))


def _encoded(f: Frame, node: ast.Constant) -> bytes:
    if isinstance(node.value, bytes):
        return node.value
    assert isinstance(node.value, str)
    try:
        return node.value.encode()
    except UnicodeEncodeError:
        raise f.refuse(RangeError, node, "half of a surrogate pair is no text") from None


def make(f: Frame, node: ast.Call, made: ast.Subscript) -> Value:
    """Lower ``str[N](...)`` or ``bytes[N](...)``: of nothing, of a text, or of the other kind.

    Raises:
        LangError: It is called with something else.
    """
    of = annotations.resolve(made, f.scope, f.sizes)
    assert isinstance(of, StructShape)
    if node.keywords or len(node.args) > 2 - (not f.is_standard):
        raise f.refuse(TypesError, node, f"{of} is made of a text", f"write {of}(text)")
    if len(node.args) == 2:
        # Only the standard modules may say what is in a text, word by word.
        words = f.value(node.args[1])
        length = f.of_type(node.args[0], U64)
        return Value(of, (length.reg, *f.require_type(node, words, of.fields[1][1]).regs))
    if not node.args:
        return Value(of, (f.at(node).const(0, U64), f.storage(node, _room(of))))
    kind = next(kind for kind in MAKERS if of.name.startswith(kind))
    found = f.value(node.args[0], text_shape(kind, UNKNOWN_LENGTH))
    if not is_text(found.type):
        hint = "from numen.std.text import format_u128" if kind == "str" else ""
        raise f.refuse(TypesError, node.args[0], f"a {found.type} is no text", hint)
    resized = _resized(f, node, found, of)
    if kind == "str" and not str(found.type).startswith("str"):
        require_utf8(f, node, resized)
    return resized


def size(f: Frame, node: ast.expr, text: Value) -> Value:
    """How many bytes a `bytes` has."""
    if str(text.type).startswith("str"):
        hint = "from numen.std.text import length, or encode"
        raise f.refuse(TypesError, node, "a text has characters and bytes", hint)
    return Value(U64, (text.regs[0],))


def _resized(f: Frame, node: ast.AST, text: Value, of: StructShape) -> Value:
    """The bytes of a text as one that may be longer or shorter; a trap where they are too many."""
    source, room = _room(text.type), _room(of)
    assert isinstance(text.type, StructShape)
    if text_bytes(of) < text_bytes(text.type):
        writer = f.at(node)
        too_long = writer.op(Op.LT, U64, writer.const(text_bytes(of), U64), text.regs[0])
        writer.effect(Op.REQUIRE, None, writer.invert(too_long), symbol=f"longer than {of}")
    own = f.storage(node, room)
    shared = Array(U256, min(source.length, room.length))
    writer = f.at(node)
    start = writer.const(0, U64)
    into = writer.op(Op.SLICE, room, own, start, to=shared)
    writer.effect(
        Op.COPY, shared, into, writer.op(Op.SLICE, source, text.regs[1], start, to=shared)
    )
    return Value(of, (text.regs[0], own))


def equal(f: Frame, node: ast.AST, a: Value, b: Value) -> Reg:
    """Whether two texts are the same bytes, whatever they have room for."""
    writer = f.at(node)
    same = writer.op(Op.EQ, U64, a.regs[0], b.regs[0])
    rooms = _room(a.type), _room(b.type)
    differs = writer.const(0, U256)
    # What is behind the end of a text is zero, so where the lengths agree a longer room says
    # nothing more.
    for index in range(min(room.length for room in rooms)):
        at = writer.const(index, U64)
        left = writer.op(Op.GET, rooms[0], a.regs[1], at)
        right = writer.op(Op.GET, rooms[1], b.regs[1], at)
        differs = writer.op(Op.OR, U256, differs, writer.op(Op.XOR, U256, left, right))
    is_none = writer.op(Op.EQ, U256, differs, writer.const(0, U256))
    return writer.op(Op.AND, BOOL, same, is_none)


def byte(f: Frame, node: ast.Subscript, base: Value) -> Value:
    """Lower ``raw[i]`` of a `bytes`."""
    assert isinstance(base.type, StructShape)
    if isinstance(node.slice, ast.Slice) or base.type.name.startswith("str"):
        hint = "from numen.std.text import slice"
        raise f.refuse(TypesError, node, f"{base.type} has no such parts", hint)
    found = f.value(node.slice, U64)
    if not isinstance(found.type, Word) or found.type.kind is not Kind.UNSIGNED:
        raise f.refuse(TypesError, node.slice, "an index into bytes is unsigned")
    writer = f.at(node)
    at = found.reg if found.type == U64 else writer.op(Op.CAST, found.type, found.reg, to=U64)
    inside = writer.op(Op.LT, U64, at, base.regs[0])
    writer.effect(Op.REQUIRE, None, inside, symbol="index out of bounds")
    place = writer.op(Op.DIV, U64, at, writer.const(TEXT_WORD_BYTES, U64))
    word = writer.op(Op.GET, _room(base.type), base.regs[1], place)
    behind = writer.op(Op.AND, U64, at, writer.const(TEXT_WORD_BYTES - 1, U64))
    behind = writer.op(Op.SUB, U64, writer.const(TEXT_WORD_BYTES - 1, U64), behind)
    bits = writer.op(Op.SHL, U64, behind, writer.const(3, U64))
    moved = writer.op(Op.SHR, U256, word, writer.op(Op.CAST, U64, bits, to=U256))
    return Value(U8, (writer.op(Op.TRUNCATE, U256, moved, to=U8),))


def require_sound(f: Frame, node: ast.AST, value: Value) -> None:
    """Trap where a text among what the entry is given is none: too long, not UTF-8, not padded."""
    match value.type:
        case StructShape() as of if is_text(of):
            _require_canonical(f, node, value, of)
            if of.name.startswith("str"):
                require_utf8(f, node, value)
        case ListShape(element, length) if holds_text(element):
            arrays.each(
                f,
                node,
                length,
                lambda at: require_sound(f, node, arrays.element(f, node, value, at)),
            )
        case StructShape() | TupleShape() as whole if holds_text(whole):
            regs = list(value.regs)
            for part in parts(whole):
                count = len(registers(part))
                require_sound(f, node, Value(part, tuple(regs[:count])))
                regs = regs[count:]
        case _:
            pass


def holds_text(of: LangType) -> bool:
    """Whether a value of a type is a text, or has one in it."""
    match of:
        case ListShape(element):
            return holds_text(element)
        case StructShape(_, fields):
            return is_text(of) or any(holds_text(part) for _, part in fields)
        case TupleShape(items):
            return any(holds_text(part) for part in items)
        case _:
            return False


def _require_canonical(f: Frame, node: ast.AST, value: Value, of: StructShape) -> None:
    writer = f.at(node)
    too_long = writer.op(Op.LT, U64, writer.const(text_bytes(of), U64), value.regs[0])
    writer.effect(Op.REQUIRE, None, writer.invert(too_long), symbol=f"longer than {of}")

    def check(index: Reg) -> None:
        word = f.at(node).op(Op.GET, _room(of), value.regs[1], index)
        begun, behind = ending(f, node, word, index, value.regs[0])
        writer = f.at(node)
        rest = writer.op(Op.SELECT, U256, begun, behind, word)
        is_clean = writer.op(Op.EQ, U256, rest, writer.const(0, U256))
        writer.effect(Op.REQUIRE, None, is_clean, symbol="a text is not padded with zeros")

    arrays.each(f, node, _room(of).length, check)


def ending(f: Frame, node: ast.AST, word: Reg, index: Reg, length: Reg) -> tuple[Reg, Reg]:
    """Whether a text has bytes in its word of an index, and what is in that word behind them.

    The second is moved to the top of its word, and means nothing where the text has no byte there.
    """
    writer = f.at(node)
    byte_count = writer.const(TEXT_WORD_BYTES, U64)
    before = writer.op(Op.WRAPPING_MUL, U64, index, byte_count)
    begun = writer.op(Op.LT, U64, before, length)
    rest = writer.op(Op.WRAPPING_SUB, U64, length, before)
    is_part = writer.op(Op.LT, U64, rest, byte_count)
    bits = writer.op(Op.SHL, U64, rest, writer.const(3, U64))
    shift = writer.op(Op.SELECT, U64, is_part, bits, writer.const(0, U64))
    moved = writer.op(Op.SHL, U256, word, writer.op(Op.CAST, U64, shift, to=U256))
    return begun, writer.op(Op.SELECT, U256, is_part, moved, writer.const(0, U256))


def _room(of: LangType) -> Array:
    """The array that holds the words of a text."""
    words = registers(of)[1]
    assert isinstance(words, Array)
    return words
