"""Arrays: making, reading and writing them, whatever their elements are.

An array whose elements are not words is stored by leaves: an array of structs is a struct of
arrays, an array of arrays is one longer array, of which an element is a slice.
"""

import ast
from collections.abc import Callable
from typing import Final

from numen.ir.interface import Leaf, ListShape, is_text, leaves
from numen.ir.nodes import Reg
from numen.ir.ops import Op
from numen.ir.types import U64, Array, Kind, Memory, Word
from numen.lang.errors import RangeError, SharingError, TooLargeError, TypesError
from numen.lang.frame import Frame, Literal, Value
from numen.lang.suggest import shown
from numen.lang.types import TOO_LARGE, LangType, fits_length, is_bounded, references, registers

_WIDE_INDEX: Final = 64


def list_type(f: Frame, node: ast.AST, element: LangType, length: int) -> ListShape:
    """The type of a list made here.

    Raises:
        RangeError: It would be empty or too long.
        TypesError: Its elements cannot be stored.
    """
    if isinstance(element, Memory) or not registers(element):
        raise f.refuse(TypesError, node, f"a list cannot hold {element}")
    if not fits_length(element, length):
        raise f.refuse(RangeError, node, f"a list of {length} elements")
    made = ListShape(element, length)
    if not is_bounded(made):
        raise f.refuse(TooLargeError, node, TOO_LARGE)
    return made


def make(f: Frame, node: ast.AST, of: LangType, *, early: bool = False) -> Value:
    """A value of a type of arrays only, zero."""
    return Value(of, tuple(f.storage(node, part, early=early) for part in registers(of)))


def require_flat(f: Frame, node: ast.AST, value: Value) -> None:
    """Refuse what copies a list of lists: Python would copy the outer one and share the inner."""
    assert isinstance(value.type, ListShape)
    if references(value.type.element):
        hint = "write [row.copy() for row in rows]"
        raise f.refuse(SharingError, node, "the copy would share the lists within", hint)


def duplicate(f: Frame, node: ast.AST, value: Value) -> Value:
    """The same list or text with storage of its own.

    Raises:
        SharingError: There are lists within.
    """
    if not is_text(value.type):
        require_flat(f, node, value)
    regs = []
    for reg, of in zip(value.regs, registers(value.type), strict=True):
        if isinstance(of, Array):
            own = f.storage(node, of)
            f.at(node).effect(Op.COPY, of, own, reg)
            regs.append(own)
        else:
            regs.append(reg)
    return Value(value.type, tuple(regs))


def index(f: Frame, node: ast.expr, length: int) -> tuple[Reg, int | None]:
    """Lower an index into a list of some length.

    Returns:
        A u64, which the access will hold against the length, and its value where it is constant.

    Raises:
        RangeError: A constant index is outside.
        TypesError: It is not an integer.
    """
    found = f.raw(node, U64)
    known = found.value if isinstance(found, Literal) else found.known
    if known is not None and (isinstance(found, Literal) or _is_index(found)):
        if not -length <= known < length:
            raise f.refuse(RangeError, node, f"the index {known} is outside of {length} elements")
        known %= length
        return f.at(node).const(known, U64), known
    assert isinstance(found, Value)
    if not _is_index(found):
        hint = f"write u64({shown(node)})" if isinstance(found.type, Word) else ""
        raise f.refuse(TypesError, node, f"an index is an integer, not {found.type}", hint)
    return _run_time_index(f, node, found, length), None


def _is_index(value: Value) -> bool:
    return isinstance(value.type, Word) and value.type.kind in (Kind.UNSIGNED, Kind.SIGNED)


def _run_time_index(f: Frame, node: ast.expr, found: Value, length: int) -> Reg:
    word, writer = found.type, f.at(node)
    assert isinstance(word, Word)
    if word == U64:
        return found.reg
    if word.kind is Kind.UNSIGNED:
        return writer.op(Op.CAST, word, found.reg, to=U64)
    # As in Python, -1 is the last element. What stays negative becomes an index past every end.
    is_negative = writer.op(Op.LT, word, found.reg, writer.const(0, word))
    from_end = writer.op(Op.WRAPPING_ADD, word, found.reg, writer.const(length, word))
    chosen = writer.op(Op.SELECT, word, is_negative, from_end, found.reg)
    to_u64 = Op.TRUNCATE if word.bits <= _WIDE_INDEX else Op.CAST
    return writer.op(to_u64, word, chosen, to=U64)


def element(f: Frame, node: ast.AST, base: Value, at: Reg) -> Value:
    """Read the element at an index: words are read, arrays within become slices."""
    inner, parts, writer = _parts(base), [], f.at(node)
    for reg, leaf in zip(base.regs, inner, strict=True):
        whole = _whole(base, leaf)
        if leaf.count is None:
            parts.append(writer.op(Op.GET, whole, reg, at))
        else:
            part = Array(leaf.word, leaf.count)
            parts.append(writer.op(Op.SLICE, whole, reg, _offset(f, at, leaf.count), to=part))
    assert isinstance(base.type, ListShape)
    return Value(
        base.type.element,
        tuple(parts),
        is_fresh=not references(base.type.element),
        is_constant=base.is_constant,
    )


def set_element(f: Frame, node: ast.AST, base: Value, at: Reg, value: Value) -> None:
    """Write the element at an index; arrays within are copied."""
    writer = f.at(node)
    for reg, leaf, source in zip(base.regs, _parts(base), value.regs, strict=True):
        whole = _whole(base, leaf)
        if leaf.count is None:
            writer.effect(Op.SET, whole, reg, at, source)
        else:
            part = Array(leaf.word, leaf.count)
            into = writer.op(Op.SLICE, whole, reg, _offset(f, at, leaf.count), to=part)
            writer.effect(Op.COPY, part, into, source)


def literal(f: Frame, node: ast.List, expected: LangType | None) -> Value:
    """Lower ``[a, b, c]``."""
    hint = expected.element if isinstance(expected, ListShape) else None
    if not node.elts:
        raise f.refuse(TypesError, node, "an empty list has no use: lists have a fixed length")
    items = [f.raw(item, hint) for item in node.elts]
    settled = next((item.type for item in items if isinstance(item, Value)), hint)
    if settled is None and all(isinstance(item, Literal) for item in items):
        settled = f.default_word
    if isinstance(settled, Word) and all(isinstance(item, Literal) for item in items):
        return _data(f, node, items, settled)
    values = []
    for item, part in zip(items, node.elts, strict=True):
        value = f.typed(part, item, settled)
        values.append(own(f, part, f.require_type(part, value, settled or value.type)))
    made = make(f, node, list_type(f, node, values[0].type, len(values)))
    for position, (value, part) in enumerate(zip(values, node.elts, strict=True)):
        set_element(f, part, made, f.at(part).const(position, U64), value)
    return made


def _data(f: Frame, node: ast.List, items: list[Value | Literal], word: Word) -> Value:
    """A list of numbers known now: the machine makes it with its contents."""
    data = []
    for item, part in zip(items, node.elts, strict=True):
        assert isinstance(item, Literal)
        data.append(f.fitting(part, item, word))
    of = list_type(f, node, word, len(data))
    return Value(of, (f.storage(node, Array(word, len(data)), data=data),))


def repeat(f: Frame, node: ast.BinOp, item: ast.expr, expected: LangType | None) -> Value:
    """Lower ``[item] * count``."""
    hint = expected.element if isinstance(expected, ListShape) else None
    value = f.value(item, hint)
    if references(value.type):
        text = f"[{shown(item)} for _ in range({shown(node.right)})]"
        raise f.refuse(TypesError, node, "every element would be the same array", f"write {text}")
    made = make(f, node, list_type(f, node, value.type, constant(f, node.right)))
    # Arrays are made of zeros.
    if value.known != 0 and not (isinstance(item, ast.Constant) and item.value is False):
        assert isinstance(made.type, ListShape)
        each(f, node, made.type.length, lambda at: set_element(f, node, made, at, value))
    return made


def each(f: Frame, node: ast.AST, length: int, body: Callable[[Reg], None]) -> None:
    """Write a loop over the indices below a length."""
    writer = f.at(node)
    head = f.open_loop((), (writer.const(0, U64), U64))
    inside, after = writer.announce("fill"), writer.announce("filled")
    at = head.extra[0]
    writer.branch(writer.op(Op.LT, U64, at, writer.const(length, U64)), inside, after)
    writer.enter(inside)
    body(at)
    f.at(node)
    f.close_loop(head, writer.op(Op.WRAPPING_ADD, U64, at, writer.const(1, U64)))
    writer.enter(after)


def constant(f: Frame, node: ast.expr) -> int:
    """Lower an expression that must be an integer known now."""
    found = f.raw(node, U64)
    known = found.value if isinstance(found, Literal) else found.known
    if known is None:
        raise f.refuse(
            TypesError,
            node,
            f"{shown(node)} is not known when the program is compiled",
            "write a number, a constant of the module, or a size of the function",
        )
    return known


def own(f: Frame, node: ast.expr, value: Value) -> Value:
    """Refuse an array that a name holds already: two names would share it.

    Texts do not change, so nobody can see that a second name has a copy.
    """
    if references(value.type) and not value.is_fresh:
        if is_text(value.type):
            return duplicate(f, node, value)
        text = shown(node)
        hint = f"write {text}.copy()" if isinstance(value.type, ListShape) else "make a new one"
        raise f.refuse(SharingError, node, f"{text} would have two names", hint)
    return value


def _parts(base: Value) -> tuple[Leaf, ...]:
    assert isinstance(base.type, ListShape)
    return leaves(base.type.element)


def _whole(base: Value, leaf: Leaf) -> Array:
    assert isinstance(base.type, ListShape)
    return Array(leaf.word, base.type.length * (leaf.count or 1))


def _offset(f: Frame, at: Reg, count: int) -> Reg:
    writer = f.writer
    return at if count == 1 else writer.op(Op.MUL, U64, at, writer.const(count, U64))
