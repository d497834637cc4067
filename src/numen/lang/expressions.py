"""Expressions: from the tree to registers."""

import ast
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from numen.ir.interface import ListShape, StructShape, TupleShape, is_text
from numen.ir.nodes import Param, Reg
from numen.ir.ops import Op
from numen.ir.types import BOOL, U64, Array, Memory, Word
from numen.lang import arrays, calls, constants, iteration, limits, operators, tables, texts
from numen.lang.contracts.model import (
    ContractSymbol,
    ErrorSymbol,
    EventSymbol,
    InterfaceSymbol,
)
from numen.lang.errors import (
    FlowError,
    RangeError,
    SharingError,
    SubsetError,
    TooLargeError,
    TypesError,
    UnknownNameError,
)
from numen.lang.frame import Frame, Literal, Value
from numen.lang.scope import RESERVED, ConstantSymbol, FunctionSymbol, ModuleSymbol, Symbol
from numen.lang.subset import FOREIGN_FUNCTIONS, refuse_expression
from numen.lang.suggest import did_you_mean
from numen.lang.types import (
    TOO_LARGE,
    LangType,
    field_span,
    is_bounded,
    is_number,
    references,
    registers,
)
from numen.lang.writer import Mark

Lowering: TypeAlias = Callable[[Frame, Any, LangType | None], Value | Literal]


def evaluate(f: Frame, node: ast.expr, expected: LangType | None) -> Value | Literal:
    """Lower an expression; the expected type guides literals and is not enforced.

    Raises:
        LangError: It is not of the language, or its types do not fit.
    """
    f.check_size(node, limits.INSTRUCTIONS_MAX)
    if f.host is not None:
        found = f.host.expression(f, node)
        if found is not None:
            assert isinstance(found, Value | Literal)
            return found
    lower = _LOWERINGS.get(type(node))
    if lower is None:
        raise refuse_expression(f.source, node)
    return lower(f, node, expected)


def _constant(f: Frame, node: ast.Constant, expected: LangType | None) -> Value | Literal:
    if isinstance(node.value, str | bytes):
        return texts.literal(f, node, expected)
    if isinstance(node.value, bool):
        return Value(BOOL, (f.at(node).const(int(node.value), BOOL),))
    value = constants.literal(f.source, node)
    if value is None:
        raise refuse_expression(f.source, node)
    return Literal(value)


def _name(f: Frame, node: ast.Name, _expected: LangType | None) -> Value | Literal:
    name = node.id
    if name in f.locals:
        if name not in f.env:
            raise f.refuse(
                FlowError,
                node,
                f"{name} may have no value here",
                "give it one before the if or the loop",
            )
        return f.env[name]
    if name in f.sizes:
        return Literal(f.sizes[name])
    symbol = f.scope.names.get(name)
    if symbol is None:
        raise _unknown(f, node, name)
    return _symbol(f, node, symbol, name)


def _symbol(f: Frame, node: ast.expr, symbol: Symbol, name: str) -> Value | Literal:
    match symbol:
        case ConstantSymbol():
            return tables.constant(f, node, symbol)
        case FunctionSymbol():
            raise f.refuse(TypesError, node, f"{name} is a function", f"call it: {name}(...)")
        case ModuleSymbol():
            raise f.refuse(TypesError, node, f"{name} is a module", f"write {name}.function(...)")
        case StructShape():
            raise f.refuse(TypesError, node, f"{name} is a struct", f"make one: {name}(...)")
        case EventSymbol():
            raise f.refuse(TypesError, node, f"{name} is an event", f"write emit({name}(...))")
        case ErrorSymbol():
            raise f.refuse(TypesError, node, f"{name} is an error", f"write raise {name}(...)")
        case InterfaceSymbol() | ContractSymbol():
            hint = f"say who answers: {name}(address)"
            raise f.refuse(TypesError, node, f"{name} is no value", hint)


def _unknown(f: Frame, node: ast.AST, name: str) -> Exception:
    if name in RESERVED:
        return f.refuse(TypesError, node, f"{name} is not a value", f"write {name}(...)")
    known = [*f.locals, *f.sizes, *f.scope.names, *RESERVED]
    hint = FOREIGN_FUNCTIONS.get(name) or did_you_mean(name, known)
    return f.refuse(UnknownNameError, node, f"unknown name {name}", hint)


def _binary(f: Frame, node: ast.BinOp, expected: LangType | None) -> Value | Literal:
    """Lower operators side by side from left to right, however many they are."""
    first, spine = constants.chain(node)
    inner = expected if expected is not None and is_number(expected) else None
    if isinstance(first, ast.List) and isinstance(spine[0].op, ast.Mult) and len(first.elts) == 1:
        total: Value | Literal = arrays.repeat(f, spine[0], first.elts[0], expected)
        spine = spine[1:]
    else:
        total = f.raw(first, inner)
    for part in spine:
        hint = total.type if isinstance(total, Value) else inner
        if isinstance(part.op, ast.Pow | ast.LShift | ast.RShift):
            hint = None
        total = operators.binary(f, part, total, f.raw(part.right, hint), inner)
    return total


def _bool_op(f: Frame, node: ast.BoolOp, _expected: LangType | None) -> Value:
    is_and = isinstance(node.op, ast.And)
    total = operators.truth(f, node.values[0])
    for part in node.values[1:]:
        mark = f.writer.mark()
        right = operators.truth(f, part)
        total = _join_truths(f, part, mark, total, right, is_and=is_and)
    return Value(BOOL, (total,))


def _compare(f: Frame, node: ast.Compare, _expected: LangType | None) -> Value:
    left_node, left = node.left, f.raw(node.left, None)
    total, mark = "", f.writer.mark()
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        if total:
            mark = f.writer.mark()
        right = f.raw(right_node, left.type if isinstance(left, Value) else None)
        found = operators.compare(f, node, op, (left_node, left), (right_node, right)).reg
        total = _join_truths(f, node, mark, total, found, is_and=True) if total else found
        left_node, left = right_node, right
    return Value(BOOL, (total,))


def _join_truths(
    f: Frame, node: ast.AST, mark: Mark, left: Reg, right: Reg, *, is_and: bool
) -> Reg:
    """The truth of two conditions, of which the second was written since a mark."""
    writer = f.at(node)
    if writer.is_cheap_since(mark):
        return writer.op(Op.AND if is_and else Op.OR, BOOL, left, right)
    after = writer.announce("truth")
    way = writer.jump(after)
    way.args.append(right)
    around = writer.cut(mark, left, after, when=is_and)
    around.args.append(left)
    total = writer.fresh()
    writer.enter(after, (Param(total, BOOL),))
    return total


def _conditional(f: Frame, node: ast.IfExp, expected: LangType | None) -> Value:
    """Lower ``a if c else b``: a choice of two values where both are cheap, two ways otherwise."""
    cond = operators.truth(f, node.test)
    first = f.writer.mark()
    left = f.raw(node.body, expected)
    if isinstance(left, Literal) and expected is None:
        expected = _type_of_other(f, node.orelse)
    then = f.typed(node.body, left, expected)
    second = f.writer.mark()
    other = f.value(node.orelse, then.type)
    if other.type != then.type:
        message = f"the two values differ: {then.type} and {other.type}"
        raise f.refuse(TypesError, node.orelse, message)
    if references(then.type):
        raise f.refuse(SharingError, node, "a choice of two arrays", "write if and else")
    writer, words = f.at(node), registers(then.type)
    pairs = list(zip(words, then.regs, other.regs, strict=True))
    if writer.is_cheap_since(first):
        return Value(then.type, tuple(writer.op(Op.SELECT, w, cond, a, b) for w, a, b in pairs))
    after = writer.announce("chosen")
    writer.jump(after).args.extend(other.regs)
    early, label = writer.split(second)
    early.to = after
    early.args.extend(then.regs)
    writer.cut(first, cond, label, when=True)
    params = tuple(Param(writer.fresh(), word) for word in words)
    writer.enter(after, params)
    return Value(then.type, tuple(param.reg for param in params))


def _attribute(f: Frame, node: ast.Attribute, _expected: LangType | None) -> Value | Literal:
    if isinstance(node.value, ast.Name) and node.value.id not in f.locals:
        symbol = f.scope.names.get(node.value.id)
        if isinstance(symbol, ModuleSymbol):
            found = symbol.scope.names.get(node.attr)
            if found is None:
                message = f"{node.value.id} has no {node.attr}"
                hint = did_you_mean(node.attr, symbol.scope.names)
                raise f.refuse(UnknownNameError, node, message, hint)
            return _symbol(f, node, found, node.attr)
    return field(f, node, f.value(node.value), node.attr)


def field(f: Frame, node: ast.AST, base: Value, name: str) -> Value:
    """The field of a struct."""
    if is_text(base.type) and not f.is_standard:
        hint = "numen.std.text has functions for it"
        raise f.refuse(UnknownNameError, node, f"a text has no {name}", hint)
    if not isinstance(base.type, StructShape):
        hint = "lists have len(xs) and xs.copy()" if isinstance(base.type, ListShape) else ""
        raise f.refuse(UnknownNameError, node, f"{base.type} has no field {name}", hint)
    names = [known for known, _ in base.type.fields]
    if name not in names:
        raise f.refuse(
            UnknownNameError,
            node,
            f"{base.type} has no field {name}",
            did_you_mean(name, names) or f"its fields are {', '.join(names)}",
        )
    return part(base, names.index(name))


def part(base: Value, index: int) -> Value:
    """The field or item of a struct or tuple by its position."""
    assert isinstance(base.type, StructShape | TupleShape)
    of, start, stop = field_span(base.type, index)
    is_fresh = base.is_fresh or not references(of)
    return Value(of, base.regs[start:stop], is_fresh=is_fresh, is_constant=base.is_constant)


def _subscript(f: Frame, node: ast.Subscript, _expected: LangType | None) -> Value | Literal:
    base = f.value(node.value)
    match base.type:
        case ListShape(_, length):
            if isinstance(node.slice, ast.Slice):
                return _slice(f, node, base, node.slice)
            at, _ = arrays.index(f, node.slice, length)
            return arrays.element(f, node, base, at)
        case TupleShape(items):
            at_item = arrays.constant(f, node.slice)
            if not -len(items) <= at_item < len(items):
                message = f"the index {at_item} is outside of {len(items)} items"
                raise f.refuse(RangeError, node.slice, message)
            return part(base, at_item % len(items))
        case StructShape() if is_text(base.type):
            return texts.byte(f, node, base)
        case _:
            hint = "write m.load_u8(address)" if not isinstance(base.type, Word) else ""
            raise f.refuse(TypesError, node, f"{base.type} has no elements", hint)


def _slice(f: Frame, node: ast.Subscript, base: Value, bounds: ast.Slice) -> Value:
    """Lower ``xs[a:b]``, a copy as in Python, with constant bounds."""
    assert isinstance(base.type, ListShape)
    arrays.require_flat(f, node, base)
    if bounds.step is not None:
        raise f.refuse(SubsetError, bounds.step, "a slice has no step", "write a loop")
    length = base.type.length
    start = 0 if bounds.lower is None else arrays.constant(f, bounds.lower)
    stop = length if bounds.upper is None else arrays.constant(f, bounds.upper)
    start, stop, _ = slice(start, stop).indices(length)
    made = arrays.make(f, node, arrays.list_type(f, node, base.type.element, stop - start))
    writer = f.at(node)
    for into, reg, small, large in zip(
        made.regs, base.regs, registers(made.type), registers(base.type), strict=True
    ):
        assert isinstance(small, Array)
        assert isinstance(large, Array)
        at = writer.const(start * (small.length // (stop - start)), U64)
        view = writer.op(Op.SLICE, large, reg, at, to=small)
        writer.effect(Op.COPY, small, into, view)
    return made


def _tuple(f: Frame, node: ast.Tuple, expected: LangType | None) -> Value:
    hints: list[LangType | None] = [None] * len(node.elts)
    if isinstance(expected, TupleShape) and len(expected.items) == len(node.elts):
        hints = list(expected.items)
    values = [
        arrays.own(f, part, f.value(part, hint))
        for part, hint in zip(node.elts, hints, strict=True)
    ]
    return tuple_of(f, node, values)


def tuple_of(f: Frame, node: ast.AST, values: list[Value]) -> Value:
    """A tuple of values."""
    items = []
    for value in values:
        if isinstance(value.type, Memory):
            raise f.refuse(TypesError, node, "a memory cannot be part of a value")
        items.append(value.type)
    made = TupleShape(tuple(items))
    if not is_bounded(made):
        raise f.refuse(TooLargeError, node, TOO_LARGE)
    return Value(made, tuple(reg for value in values for reg in value.regs))


def _type_of_other(f: Frame, node: ast.expr) -> LangType | None:
    """The type of a variable, where an expression is no more than one."""
    return f.env[node.id].type if isinstance(node, ast.Name) and node.id in f.env else None


# fmt: off
_LOWERINGS: Final[dict[type[ast.expr], Lowering]] = {
    ast.Attribute: _attribute,
    ast.BinOp:     _binary,
    ast.BoolOp:    _bool_op,
    ast.Call:      calls.call,
    ast.Compare:   _compare,
    ast.Constant:  _constant,
    ast.IfExp:     _conditional,
    ast.List:      arrays.literal,
    ast.ListComp:  iteration.comprehension,
    ast.Name:      _name,
    ast.Subscript: _subscript,
    ast.Tuple:     _tuple,
    ast.UnaryOp:   operators.unary,
}
# fmt: on
"""How each kind of expression is lowered; the others are not of the language."""
