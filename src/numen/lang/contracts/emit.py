"""What a contract asks for: events, errors, results, requests, schedules."""

import ast
from collections.abc import Sequence
from typing import Final

from numen.ir.interface import Shape, TupleShape
from numen.ir.nodes import Reg
from numen.ir.ops import Op
from numen.ir.trap import Reason
from numen.ir.types import BOOL, U64, U128, U256, Array, Memory, Word
from numen.lang import calls
from numen.lang.contracts import records, texts
from numen.lang.contracts.cells import At, Words, put, to_word
from numen.lang.contracts.layout import selector, size_words, topic
from numen.lang.contracts.model import (
    ADDRESS,
    Context,
    ErrorSymbol,
    EventSymbol,
    Field,
    Method,
    Remote,
)
from numen.lang.errors import SubsetError, TypesError, UnknownNameError
from numen.lang.expressions import part
from numen.lang.frame import Frame, Value
from numen.lang.types import NOTHING, registers

Item = Value | Reg
"""A part of a record: a value, or a word of u256."""

_OPTIONS: Final = {"work": U64, "value": U128, "deadline": U64, "callback_work": U64}
"""What can be said of a request beside its arguments."""


def record(
    f: Frame, node: ast.AST, kind: int, items: Sequence[Item], body: Sequence[Value] = ()
) -> None:
    """Emit a record of some items, then of values as the ABI has them one after another."""
    types = [_shape(value) for value in body]
    size = sum(_size(item) for item in items)
    of = Array(U256, max(size + texts.most_words(types), 1))
    words, at = Words(f.storage(node, of), of), At()
    is_plain = not texts.is_dynamic(types)
    for item in [*items, *body] if is_plain else items:
        if isinstance(item, Value):
            put(f, node, words, at, item)
        else:
            words.set(f, node, at, item)
        at = at.plus(_size(item))
    if is_plain:
        count = f.at(node).const(at.known, U64)
    else:
        count = texts.put_all(f, node, words, size, body)
    writer = f.at(node)
    writer.effect(Op.EMIT, of, writer.const(kind, U64), words.array, count)


def event(f: Frame, node: ast.Call, symbol: EventSymbol) -> Value:
    """Emit an event."""
    values = _values(f, node, symbol.fields, symbol.name)
    pairs = list(zip(symbol.fields, values, strict=True))
    topics: list[Item] = [_number(f, node, topic(symbol.name, symbol.fields))]
    topics += [value for field, value in pairs if field.is_indexed]
    data = [value for field, value in pairs if not field.is_indexed]
    record(f, node, records.EVENT, [_number(f, node, len(topics)), *topics], data)
    return Value(NOTHING, ())


def error(f: Frame, node: ast.Call, symbol: ErrorSymbol) -> None:
    """Fail with an error."""
    values = _values(f, node, symbol.fields, symbol.name)
    head = _number(f, node, selector(symbol.name, symbol.fields))
    record(f, node, records.REVERT, [head], values)
    f.at(node).stop(Reason.REQUIREMENT, symbol.name)


def result(f: Frame, node: ast.AST, value: Value) -> None:
    """Answer whoever asked."""
    parts = [value]
    if isinstance(value.type, TupleShape):
        parts = [part(value, index) for index in range(len(value.type.items))]
    record(f, node, records.RETURN, (), parts)


def request(f: Frame, node: ast.Call, to: Value, remote: Remote, *, is_awaited: bool) -> None:
    """Emit a request to another contract."""
    options, rest = _split(node)
    values = _values(f, rest, remote.params, remote.name)
    if not is_awaited:
        _refuse_callback(f, options)
    found = _option_values(f, node, options, work=records.A_SHARE)
    if "value" in options and not remote.is_payable:
        hint = f"write @payable above {remote.name} in its interface"
        raise f.refuse(TypesError, options["value"], f"{remote.name} takes no coins", hint)
    head = _number(f, node, selector(remote.name, remote.params))
    kind = records.CALL if is_awaited else records.SEND
    callback = [found["callback_work"]] if is_awaited else []
    common = [found["value"], found["work"], found["deadline"], *callback]
    record(f, node, kind, [to.reg, *common, head], values)


def coins(f: Frame, node: ast.Call) -> Value:
    """Lower ``send(to, value)``: coins without a word."""
    options, rest = _split(node)
    fields = [Field("to", ADDRESS)]
    if "value" not in options:
        fields.append(Field("value", U128))
    values = _values(f, rest, tuple(fields), "send")
    _refuse_callback(f, options)
    found = _option_values(f, node, options, work=records.COINS_WORK)
    value: Item = values[1] if len(values) > 1 else found["value"]
    head = _number(f, node, records.NO_SELECTOR)
    record(f, node, records.SEND, [values[0], value, found["work"], found["deadline"], head])
    return Value(NOTHING, ())


def schedule(f: Frame, node: ast.Call, verb: str, timers: dict[str, Method]) -> Value:
    """Lower ``every(n, self.tick())``, ``at(height, ...)`` or ``after(n, ...)``."""
    usage = f"write {verb}(10, self.tick(), work=100_000)"
    match node.args:
        case [number, ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)) as call]:
            pass
        case _:
            raise f.refuse(SubsetError, node, f"{verb} takes a number and a timer", usage)
    if name not in timers:
        hint = f"write @timer above def {name}"
        raise f.refuse(TypesError, call, f"{name} is no timer", hint)
    remote = timers[name].remote
    options = {keyword.arg: keyword.value for keyword in node.keywords}
    if not set(options) <= {"work", "key"}:
        raise f.refuse(UnknownNameError, node, f"{verb} has work and key beside", usage)
    count = f.of_type(number, U64, "the number of blocks").reg
    height = _context(f, node, Context.HEIGHT)
    writer = f.at(node)
    wide = writer.op(Op.CAST, U64, count, to=U256)
    start = wide if verb == "at" else writer.op(Op.ADD, U256, height, wide)
    period = wide if verb == "every" else writer.const(0, U256)
    work = _option(f, node, options.get("work"), U64, records.TIMER_WORK)
    head = _number(f, node, selector(remote.name, remote.params))
    key = head if "key" not in options else _option(f, node, options["key"], U256, 0)
    values = _values(f, call, remote.params, name)
    record(f, node, records.SCHEDULE, [start, period, work, key, head], values)
    return Value(NOTHING, ())


def cancel(f: Frame, node: ast.Call, timers: dict[str, Method]) -> Value:
    """Lower ``cancel(self.tick)`` or ``cancel(key)``."""
    match node.args, node.keywords:
        case [ast.Attribute(value=ast.Name(id="self"), attr=name)], [] if name in timers:
            remote = timers[name].remote
            key = _number(f, node, selector(remote.name, remote.params))
        case [argument], []:
            key = f.of_type(argument, U256, "the key").reg
        case _:
            raise f.refuse(TypesError, node, "cancel takes a timer or a key", "cancel(self.tick)")
    record(f, node, records.CANCEL, [key])
    return Value(NOTHING, ())


def rotate(f: Frame, node: ast.Call) -> Value:
    """Lower ``rotate()``."""
    if node.args or node.keywords:
        raise f.refuse(TypesError, node, "rotate takes nothing", "write rotate()")
    record(f, node, records.ROTATE, [])
    return Value(NOTHING, ())


def wait(f: Frame, node: ast.AST, mark: str, of: Shape) -> tuple[Reg, Value]:
    """Mark where a method waits.

    Returns:
        Whether an answer came, and the answer; both are there when the method goes on.
    """
    words = []
    for leaf in registers(of):
        if not isinstance(leaf, Word):
            hint = "ask for words, or structs of them"
            raise f.refuse(TypesError, node, "a list cannot be awaited", hint)
        words.append(leaf)
    is_ok, *regs = f.at(node).call(mark, (BOOL, *words), ())
    return is_ok, Value(of, tuple(regs))


def _size(item: Item) -> int:
    return size_words(_shape(item)) if isinstance(item, Value) else 1


def _shape(value: Value) -> Shape:
    assert not isinstance(value.type, Memory)
    return value.type


def _number(f: Frame, node: ast.AST, value: int) -> Reg:
    return f.at(node).const(value, U256)


def _context(f: Frame, node: ast.AST, index: int) -> Reg:
    assert f.context is not None
    writer = f.at(node)
    return writer.op(Op.GET, f.context.type, f.context.reg, writer.const(index, U64))


def _values(f: Frame, node: ast.Call, fields: tuple[Field, ...], what: str) -> list[Value]:
    names = [field.name for field in fields]
    given = calls.arguments(f, node, names, what)
    types = {field.name: field.type for field in fields}
    found = {name: f.of_type(arg, types[name], name) for name, arg in given.items()}
    return [found[name] for name in names]


def _split(node: ast.Call) -> tuple[dict[str, ast.expr], ast.Call]:
    """The options of a request, and the call without them."""
    options = {word.arg: word.value for word in node.keywords if word.arg in _OPTIONS}
    rest = [word for word in node.keywords if word.arg not in _OPTIONS]
    plain = ast.copy_location(ast.Call(node.func, node.args, rest), node)
    return {name: value for name, value in options.items() if name}, plain


def _refuse_callback(f: Frame, options: dict[str, ast.expr]) -> None:
    if "callback_work" in options:
        at = options["callback_work"]
        raise f.refuse(TypesError, at, "nobody waits: callback_work means nothing", "remove it")


def _option_values(
    f: Frame, node: ast.Call, options: dict[str, ast.expr], *, work: int
) -> dict[str, Reg]:
    defaults = {"work": work}
    return {
        name: _option(f, node, options.get(name), word, defaults.get(name, 0))
        for name, word in _OPTIONS.items()
    }


def _option(f: Frame, node: ast.AST, given: ast.expr | None, word: Word, default: int) -> Reg:
    if given is None:
        return _number(f, node, default)
    return to_word(f, given, f.of_type(given, word).reg, word)
