"""Calls: of functions of the program, of the language, of types, and methods."""

import ast
from collections.abc import Mapping

from numen.ir.interface import ListShape, StructShape, TupleShape, is_text, text_bytes
from numen.ir.ops import Op
from numen.ir.types import WORDS, Memory, Word
from numen.lang import arrays, builtins, tables, texts
from numen.lang.contracts.model import ContractSymbol, InterfaceSymbol
from numen.lang.errors import SharingError, SubsetError, TypesError, UnknownNameError
from numen.lang.facts import meaning, root_name
from numen.lang.frame import Frame, Literal, Value
from numen.lang.scope import FunctionSymbol, ModuleSymbol
from numen.lang.signature import Parameter, Signature, size_names
from numen.lang.subset import FOREIGN_FUNCTIONS
from numen.lang.suggest import did_you_mean, shown
from numen.lang.types import NOTHING, LangType, registers


def call(f: Frame, node: ast.Call, expected: LangType | None) -> Value | Literal:
    """Lower a call.

    Raises:
        LangError: What is called is not known, or its arguments do not fit.
    """
    match node.func:
        case ast.Name(id=name) if name not in f.locals:
            if name in builtins.BUILTINS:
                return builtins.call(f, node, name, expected)
            if f.is_standard and name in builtins.STANDARD_ONLY:
                return builtins.call(f, node, name, expected)
            if name in WORDS:
                return builtins.convert(f, node, WORDS[name])
        case ast.Subscript(value=ast.Name(id=name)) as made if name in texts.MAKERS:
            return texts.make(f, node, made)
        case ast.Attribute(value=ast.Name(id=name), attr="wrapping") if name in WORDS:
            return builtins.truncate(f, node, WORDS[name])
        case ast.Attribute() as func if not _is_module(f, func):
            return _method(f, node, func)
    symbol = None
    if not (isinstance(node.func, ast.Name) and node.func.id in f.locals):
        symbol = meaning(node.func, f.scope)
    match symbol:
        case FunctionSymbol():
            return function(f, node, symbol)
        case StructShape():
            return _struct(f, node, symbol)
        case InterfaceSymbol(shape=shape) | ContractSymbol(interface=InterfaceSymbol(shape=shape)):
            return _struct(f, node, shape)
        case _:
            raise _unknown(f, node)


def _is_module(f: Frame, func: ast.Attribute) -> bool:
    match func.value:
        case ast.Name(id=name) if name not in f.locals:
            return isinstance(f.scope.names.get(name), ModuleSymbol)
        case _:
            return False


def _unknown(f: Frame, node: ast.Call) -> Exception:
    match node.func:
        case ast.Name(id=name):
            if name in f.locals or name in f.scope.names:
                return f.refuse(TypesError, node, f"{name} is not a function")
            known = [*f.scope.names, *builtins.BUILTINS, *WORDS]
            hint = FOREIGN_FUNCTIONS.get(name) or did_you_mean(name, known)
            return f.refuse(UnknownNameError, node, f"unknown function {name}", hint)
        case _:
            return f.refuse(TypesError, node, f"{shown(node.func)} is not a function")


def _method(f: Frame, node: ast.Call, func: ast.Attribute) -> Value:
    base = f.value(func.value)
    match base.type:
        case ListShape() if func.attr == "copy" and not node.args and not node.keywords:
            return arrays.duplicate(f, node, base)
        case StructShape() if is_text(base.type) and func.attr == "copy" and not node.args:
            return arrays.duplicate(f, node, base)
        case Memory():
            return _memory_method(f, node, func, base)
        case ListShape():
            hint = (
                "write xs.copy()"
                if func.attr != "append"
                else "lists have a fixed length: keep a count"
            )
            raise f.refuse(UnknownNameError, node, f"a list has no {func.attr} here", hint)
        case _:
            hint = did_you_mean(func.attr, ["copy", "wrapping"])
            raise f.refuse(UnknownNameError, node, f"{base.type} has no method {func.attr}", hint)


def _memory_method(f: Frame, node: ast.Call, func: ast.Attribute, base: Value) -> Value:
    verb, _, name = func.attr.partition("_")
    if verb not in ("load", "store") or name not in WORDS:
        methods = [f"{verb}_{word}" for verb in ("load", "store") for word in WORDS]
        hint = did_you_mean(func.attr, methods) or "write m.load_u64(address)"
        raise f.refuse(UnknownNameError, node, f"a memory has no method {func.attr}", hint)
    word, count = WORDS[name], 1 if verb == "load" else 2
    if len(node.args) != count or node.keywords:
        usage = f"m.load_{name}(address)" if verb == "load" else f"m.store_{name}(address, value)"
        raise f.refuse(TypesError, node, f"{func.attr} takes {count} arguments", f"write {usage}")
    assert isinstance(base.type, Memory)
    address, _ = arrays.index(f, node.args[0], base.type.size_bytes)
    if verb == "load":
        return Value(word, (f.at(node).op(Op.LOAD, word, base.reg, address),))
    value = f.of_type(node.args[1], word, func.attr)
    f.at(node).effect(Op.STORE, word, base.reg, address, value.reg)
    return Value(NOTHING, ())


def _struct(f: Frame, node: ast.Call, struct: StructShape) -> Value:
    names = [name for name, _ in struct.fields]
    given = arguments(f, node, names, struct.name)
    values = {}
    for name, arg in given.items():
        wanted = dict(struct.fields)[name]
        values[name] = arrays.own(f, arg, f.of_type(arg, wanted, name))
    regs = tuple(reg for name in names for reg in values[name].regs)
    return Value(struct, regs)


def function(f: Frame, node: ast.Call, symbol: FunctionSymbol) -> Value:
    """Lower the call of a function of the program."""
    outline = f.unit.outline(symbol)
    names = [param.name for param in outline.params]
    given = arguments(f, node, names, symbol.node.name)
    params = {param.name: param for param in outline.params}
    values = {name: f.value(arg, params[name].type) for name, arg in given.items()}
    sizes = _settle(f, node, symbol, values)
    found = f.unit.instance(symbol, sizes, f.symbol, node)
    for param in found.params:
        arg = given[param.name]
        values[param.name] = f.require_type(
            arg, values[param.name], param.type, f"the argument {param.name}"
        )
        if param.name in f.unit.facts[symbol.key].written:
            _check_written(f, arg, values[param.name], param, symbol)
    return write_call(f, node, found, [values[param.name] for param in found.params])


def _check_written(
    f: Frame, node: ast.expr, value: Value, param: Parameter, symbol: FunctionSymbol
) -> None:
    """Refuse to lend an array to a function that changes it, where it may not change."""
    if value.is_constant:
        message = f"{symbol.node.name} changes {param.name}, and {shown(node)} is a constant"
        raise f.refuse(SharingError, node, message, f"write {shown(node)}.copy()")
    if texts.holds_text(param.type) and root_name(node) in f.iterated:
        message = f"{symbol.node.name} changes what a loop goes through"
        raise f.refuse(SharingError, node, message, "use another list")


def write_call(f: Frame, node: ast.AST, callee: Signature, values: list[Value]) -> Value:
    """Call an instance of a function with values for its parameters, in order."""
    result = callee.result
    assert result is not None, f"{callee.name} is called before its result is known"
    words = tuple(of for of in registers(result) if isinstance(of, Word))
    lent = {
        index: f.storage(node, of)
        for index, of in enumerate(registers(result))
        if not isinstance(of, Word)
    }
    args = [reg for value in values for reg in value.regs]
    constants = tables.lent(f, f.unit.facts[callee.symbol.key].tables)
    context = [f.context.reg] if callee.symbol.host is not None and f.context is not None else []
    passed = (*args, *lent.values(), *constants, *context)
    given = iter(f.at(node).call(callee.name, words, passed))
    regs = tuple(
        lent[index] if index in lent else next(given) for index in range(len(registers(result)))
    )
    return Value(result, regs)


def arguments(f: Frame, node: ast.Call, names: list[str], what: str) -> dict[str, ast.expr]:
    """The arguments by parameter, in the order in which the call writes them."""
    given: dict[str, ast.expr] = {}
    for position, arg in enumerate(node.args):
        if isinstance(arg, ast.Starred):
            raise f.refuse(SubsetError, arg, "* is not part of the language", "write the arguments")
        if position >= len(names):
            raise _count_error(f, node, names, what)
        given[names[position]] = arg
    for keyword in node.keywords:
        if keyword.arg is None:
            raise f.refuse(SubsetError, keyword, "** is not part of the language")
        if keyword.arg not in names:
            message = f"{what} has no {keyword.arg}"
            hint = did_you_mean(keyword.arg, names) or f"write {what}({', '.join(names)})"
            raise f.refuse(UnknownNameError, keyword.value, message, hint)
        if keyword.arg in given:
            raise f.refuse(TypesError, keyword.value, f"{keyword.arg} is given twice")
        given[keyword.arg] = keyword.value
    if len(given) != len(names):
        raise _count_error(f, node, names, what)
    return given


def _count_error(f: Frame, node: ast.Call, names: list[str], what: str) -> Exception:
    count = len(node.args) + len(node.keywords)
    return f.refuse(
        TypesError,
        node,
        f"{what} takes {len(names)} arguments, not {count}",
        f"write {what}({', '.join(names)})",
    )


def _settle(
    f: Frame,
    node: ast.Call,
    symbol: FunctionSymbol,
    values: Mapping[str, Value],
) -> dict[str, int]:
    """The sizes of a generic function, from the lengths of the arguments."""
    sizes: dict[str, int] = {}
    for arg in symbol.node.args.args:
        if arg.annotation is not None and arg.arg in values:
            _match(arg.annotation, values[arg.arg].type, sizes)
    for name in size_names(symbol):
        if name not in sizes:
            message = f"the size {name} of {symbol.node.name} is not settled by the arguments"
            raise f.refuse(TypesError, node, message, f"write list[u64, {name}] in a parameter")
    return {name: sizes[name] for name in size_names(symbol)}


def _match(annotation: ast.expr, found: LangType, sizes: dict[str, int]) -> None:
    match annotation, found:
        case ast.Subscript(value=ast.Name(id="Private"), slice=inner), _:
            _match(inner, found, sizes)
        case (
            ast.Subscript(value=ast.Name(id="list"), slice=ast.Tuple(elts=[element, length])),
            ListShape(inner_type, count),
        ):
            if isinstance(length, ast.Name):
                sizes.setdefault(length.id, count)
            _match(element, inner_type, sizes)
        case ast.Subscript(value=ast.Name(id="memory"), slice=ast.Name(id=name)), Memory(size):
            sizes.setdefault(name, size)
        case ast.Subscript(
            value=ast.Name(id="str" | "bytes" as kind), slice=ast.Name(id=name)
        ), StructShape() if is_text(found) and found.name.startswith(kind):
            sizes.setdefault(name, text_bytes(found))
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=parts)), TupleShape(
            items
        ):
            for part, item in zip(parts, items, strict=False):
                _match(part, item, sizes)
