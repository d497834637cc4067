"""Statements: from the tree to blocks."""

import ast
from collections.abc import Callable
from typing import Any, Final

from numen.ir.interface import TupleShape, is_text
from numen.ir.limits import MESSAGE_LENGTH_MAX
from numen.ir.ops import Op
from numen.ir.trap import Reason
from numen.ir.types import Array, Word
from numen.lang import annotations, arrays, assign, iteration, operators
from numen.lang.errors import SharingError, SubsetError, TooLargeError, TypesError
from numen.lang.expressions import tuple_of
from numen.lang.facts import changed_names
from numen.lang.frame import Arrival, Frame, Loop, Value
from numen.lang.subset import refuse_statement
from numen.lang.types import NOTHING, LangType, references, registers


def block(f: Frame, body: list[ast.stmt]) -> None:
    """Lower statements one after another; what cannot be reached is left out.

    Raises:
        LangError: The first thing that is wrong.
    """
    for node in body:
        if not f.writer.is_open:
            return
        _statement(f, node)


def _statement(f: Frame, node: ast.stmt) -> None:
    if f.host is not None and f.host.statement(f, node):
        return
    lower = _LOWERINGS.get(type(node))
    if lower is None:
        refused = refuse_statement(f.source, node)
        assert refused is not None, node
        raise refused
    lower(f, node)


def _expression(f: Frame, node: ast.Expr) -> None:
    is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if not is_text:
        f.raw(node.value)


def _assign(f: Frame, node: ast.Assign) -> None:
    if len(node.targets) == 1:
        assign.assign(f, node.targets[0], node.value)
        return
    value = f.value(node.value, assign.target_type(f, node.targets[0]))
    if references(value.type):
        hint = "write one assignment a line, each with its own"
        raise f.refuse(SharingError, node, "the array would have several names", hint)
    for target in node.targets:
        assign.bind(f, target, value, node.value)


def _annotated(f: Frame, node: ast.AnnAssign) -> None:
    of = annotations.resolve(node.annotation, f.scope, f.sizes)
    if not isinstance(node.target, ast.Name):
        raise f.refuse(SubsetError, node, "only a variable takes an annotation", "remove it")
    name = node.target.id
    if node.value is None:
        assign.declare(f, node.target, name, of, node.annotation)
        return
    value = f.require_type(node.value, f.value(node.value, of), of, name)
    known = f.types.setdefault(name, of)
    if known != of:
        raise f.refuse(TypesError, node.target, f"{name} is a {known} already", "use another name")
    assign.bind_name(f, node.target, name, value, node.value)


def _if(f: Frame, node: ast.If) -> None:
    after = f.writer.announce("after")
    ways: list[Arrival] = []
    while True:
        always = _always(node.test)
        cond = operators.truth(f, node.test) if always is None else ""
        if always is None:
            then, other = f.writer.announce("then"), f.writer.announce("else")
            f.at(node.test)
            to_then, to_other = f.writer.branch(cond, then, other)
            env = f.env
            f.merge(then, [Arrival(to_then, env)])
            _arm(f, node, node.body, after, ways)
            f.merge(other, [Arrival(to_other, env)])
        elif always:
            _arm(f, node, node.body, after, ways)
        match node.orelse:
            case [ast.If() as following] if f.writer.is_open:
                node = following
            case rest:
                if f.writer.is_open:
                    _arm(f, node, rest, after, ways)
                break
    f.merge(after, ways)


def _arm(f: Frame, node: ast.If, body: list[ast.stmt], after: str, ways: list[Arrival]) -> None:
    block(f, body)
    if f.writer.is_open:
        ways.append(f.leave(node, after, ways))


def _always(test: ast.expr) -> bool | None:
    """Whether a condition is written as True or False."""
    match test:
        case ast.Constant(value=bool() as value):
            return value
        case _:
            return None


def _while(f: Frame, node: ast.While) -> None:
    _refuse_else(f, node.orelse)
    if _always(node.test) is False:
        return
    f.at(node)
    head = f.open_loop(changed_names(node.body))
    after = f.writer.announce("after")
    ways: list[Arrival] = []
    if _always(node.test) is None:
        cond = operators.truth(f, node.test)
        inside = f.writer.announce("body")
        f.at(node.test)
        to_inside, out = f.writer.branch(cond, inside, after)
        ways.append(Arrival(out, f.env))
        f.merge(inside, [Arrival(to_inside, f.env)])
    loop = Loop(f.writer.announce("next"), after, [], ways)
    _loop_body(f, node, loop)
    f.merge(loop.again, loop.continues)
    if f.writer.is_open:
        f.close_loop(head)
    f.merge(after, ways)


def _for(f: Frame, node: ast.For) -> None:
    _refuse_else(f, node.orelse)
    counting = iteration.plan(f, node.iter)
    f.at(node)
    names = changed_names([*node.body, node.target])
    head = f.open_loop(names, (counting.start, counting.word))
    count = head.extra[0]
    cond = f.writer.op(Op.LT, counting.word, count, counting.stop)
    inside, again, after = (f.writer.announce(hint) for hint in ("body", "next", "after"))
    to_inside, out = f.writer.branch(cond, inside, after)
    ways = [Arrival(out, f.env)]
    f.merge(inside, [Arrival(to_inside, f.env)])
    loop = Loop(again, after, [], ways)
    f.iterated += counting.roots
    _bind_item(f, node.target, counting.item(count), node.iter)
    _loop_body(f, node, loop)
    del f.iterated[len(f.iterated) - len(counting.roots) :]
    f.merge(again, loop.continues)
    if f.writer.is_open:
        f.at(node)
        f.close_loop(head, iteration.advance(f, counting, count))
    f.merge(after, ways)


def _bind_item(f: Frame, target: ast.expr, item: Value, node: ast.expr) -> None:
    """Give the variables of a loop their values; arrays among them are parts of the whole."""
    match target:
        case ast.Name(id=name) if references(item.type):
            assign.view_name(f, target, name, item, node)
        case ast.Tuple(elts=targets) if isinstance(item.type, TupleShape):
            parts = assign.take_apart(f, target, targets, item)
            for inner, value in zip(targets, parts, strict=True):
                _bind_item(f, inner, value, node)
        case _:
            assign.bind(f, target, item, node)


def _loop_body(f: Frame, node: ast.While | ast.For, loop: Loop) -> None:
    f.loops.append(loop)
    block(f, node.body)
    f.loops.pop()
    if f.writer.is_open:
        loop.continues.append(f.leave(node, loop.again, loop.continues))


def _refuse_else(f: Frame, orelse: list[ast.stmt]) -> None:
    if orelse:
        hint = "note in a variable whether the loop was left early"
        raise f.refuse(SubsetError, orelse[0], "a loop has no else", hint)


def _leave_loop(f: Frame, node: ast.Break | ast.Continue) -> None:
    if not f.loops:
        word = "break" if isinstance(node, ast.Break) else "continue"
        raise f.refuse(SubsetError, node, f"{word} outside of a loop")
    loop = f.loops[-1]
    if isinstance(node, ast.Break):
        loop.breaks.append(f.leave(node, loop.after, loop.breaks))
    else:
        loop.continues.append(f.leave(node, loop.again, loop.continues))


def _assert(f: Frame, node: ast.Assert) -> None:
    message = _message(f, node.msg)
    if _always(node.test) is False:
        f.at(node).stop(Reason.REQUIREMENT, message)
        return
    cond = operators.truth(f, node.test)
    f.at(node).effect(Op.REQUIRE, None, cond, symbol=message)


def _message(f: Frame, node: ast.expr | None) -> str:
    match node:
        case None:
            return ""
        case ast.Constant(value=str() as message):
            if len(message) > MESSAGE_LENGTH_MAX or not message.isprintable():
                limit = f"{MESSAGE_LENGTH_MAX} printable characters"
                raise f.refuse(TooLargeError, node, f"a message is one line of at most {limit}")
            return message
        case _:
            raise f.refuse(SubsetError, node, "a message is plain text", 'write "what went wrong"')


def _return(f: Frame, node: ast.Return) -> None:
    name = f.symbol.node.name
    if node.value is None:
        if f.result is None:
            f.settle_result(NOTHING)
        if f.result != NOTHING:
            raise f.refuse(TypesError, node, f"{name} returns {f.result}", "return a value")
        f.writer.returns(())
        return
    if f.result == NOTHING:
        hint = "return a value everywhere" if f.is_plain else "write def ... -> type:"
        raise f.refuse(TypesError, node.value, f"{name} returns nothing", hint)
    value = _owned(f, node.value, f.result, set())
    if f.result is None:
        f.settle_result(value.type)
    assert f.result is not None
    give(f, node, f.require_type(node.value, value, f.result, "the result"))


def give(f: Frame, node: ast.AST, value: Value) -> None:
    """End the function with a result: words in registers, arrays in the storage lent for them."""
    words, out = [], iter(f.out)
    for reg, of in zip(value.regs, registers(value.type), strict=True):
        if isinstance(of, Word):
            words.append(reg)
        else:
            assert isinstance(of, Array)
            f.at(node).effect(Op.COPY, of, next(out).reg, reg)
    f.writer.returns(tuple(words))


def _owned(f: Frame, node: ast.expr, expected: LangType | None, moved: set[str]) -> Value:
    """A value to return, whose arrays nobody else will hold: a function's variables end with it."""
    match node:
        case ast.Name(id=name) if name in f.env and references(f.env[name].type):
            if name in f.params or name in f.views or name in moved:
                if is_text(f.env[name].type):
                    return arrays.duplicate(f, node, f.env[name])
                hint = f"write {name}.copy()"
                raise f.refuse(SharingError, node, f"{name} would have two names", hint)
            moved.add(name)
            return f.env[name]
        case ast.Tuple(elts=elts):
            hints: list[LangType | None] = [None] * len(elts)
            if isinstance(expected, TupleShape) and len(expected.items) == len(elts):
                hints = list(expected.items)
            pairs = zip(elts, hints, strict=True)
            return tuple_of(f, node, [_owned(f, inner, hint, moved) for inner, hint in pairs])
        case _:
            return arrays.own(f, node, f.value(node, expected))


# fmt: off
_LOWERINGS: Final[dict[type[ast.stmt], Callable[[Frame, Any], None]]] = {
    ast.AnnAssign: _annotated,
    ast.Assert:    _assert,
    ast.Assign:    _assign,
    ast.AugAssign: assign.augmented,
    ast.Break:     _leave_loop,
    ast.Continue:  _leave_loop,
    ast.Expr:      _expression,
    ast.For:       _for,
    ast.If:        _if,
    ast.Pass:      lambda _f, _node: None,
    ast.Return:    _return,
    ast.While:     _while,
}
# fmt: on
"""How each kind of statement is lowered; the others are not of the language."""
