"""Files: their top level, and the files they import.

The compiler has no access to anything of the host: it asks a `Resolver` for the text of a module.
The modules of ``numen.std`` come with the language.
"""

import ast
import importlib.resources
from typing import Final, Protocol

import msgspec

from numen.ir.interface import (
    InputError,
    ListShape,
    Shape,
    StructShape,
    TupleShape,
    flatten,
)
from numen.ir.types import BOOL, FELT, U64, Kind, Memory, Word
from numen.lang import annotations, constants, limits
from numen.lang.contracts import declare
from numen.lang.contracts.model import InterfaceSymbol
from numen.lang.errors import (
    ImportsError,
    LangError,
    RangeError,
    SubsetError,
    TooLargeError,
    TypesError,
    UnknownNameError,
)
from numen.lang.scope import (
    RESERVED,
    ConstantSymbol,
    FunctionSymbol,
    ModuleSymbol,
    Scope,
    Symbol,
)
from numen.lang.source import parse
from numen.lang.subset import refuse_statement
from numen.lang.suggest import did_you_mean
from numen.lang.types import TOO_LARGE, is_bounded

STANDARD: Final = (
    "decimals", "ecdsa", "eddsa", "exponential", "floats", "keccak", "math", "merkle", "poseidon",
    "poseidon2", "rounding", "sha256", "signatures", "sorting", "text",
)  # fmt: skip
"""The modules of ``numen.std``."""

_IGNORED: Final = {"dataclasses": ("dataclass",), "__future__": ("annotations",)}
"""What may be imported from Python's own modules, for editors; it means nothing here."""


class Text(msgspec.Struct, frozen=True):
    """A module's source.

    Attributes:
        file: Its name in errors.
        text: The source itself.
    """

    file: str
    text: str


class Resolver(Protocol):
    """Where the files of a program come from."""

    def read(self, module: str) -> Text | None:
        """The text of a module by its dotted name, or None when there is none."""


class Texts:
    """A resolver of texts that are at hand: ``{"other": "def f(): ..."}``."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def read(self, module: str) -> Text | None:
        """The text of a module by its dotted name, or None when there is none."""
        text = self._texts.get(module)
        return None if text is None else Text(f"{module}.py", text)


class Loader:
    """Loads a file and all it imports, each once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._scopes: dict[str, Scope] = {}
        self._path: list[str] = []
        self._interfaces: dict[StructShape, InterfaceSymbol] = {}

    def load(self, text: str, file: str, name: str = "") -> Scope:
        """Load a file.

        Raises:
            LangError: It is not one of the language.
        """
        if len(self._path) >= limits.NESTING_MAX or len(self._scopes) >= limits.MODULES_MAX:
            raise TooLargeError(f"more than {limits.MODULES_MAX} modules")
        source, tree = parse(text, file)
        scope = Scope(source, name, self._library)
        scope.interfaces = self._interfaces
        self._path.append(name)
        body = tree.body[_docstring(tree.body) :]
        for node in body:
            self._define(scope, node)
        self._path.pop()
        self._scopes[name] = scope
        return scope

    def _define(self, scope: Scope, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef():
                _define_function(scope, node)
            case ast.ClassDef() if declare.is_declared(node):
                bind(scope, node, node.name, declare.read(scope, node))
            case ast.ClassDef():
                _define_struct(scope, node)
            case ast.Assign(targets=[ast.Name(id=name) as target], value=value):
                _define_constant(scope, target, name, None, value)
            case ast.AnnAssign(
                target=ast.Name(id=name) as target, annotation=of, value=ast.expr() as value
            ):
                _define_constant(scope, target, name, of, value)
            case ast.ImportFrom():
                self._import_from(scope, node)
            case ast.Import():
                self._import(scope, node)
            case ast.Pass():
                pass
            case _:
                raise _not_at_top(scope, node)

    def _import_from(self, scope: Scope, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            hint = f"write from {module or 'other'} import ..."
            raise scope.source.refuse(ImportsError, node, "a relative import", hint)
        if module in _IGNORED or module == "numen":
            _check_ignored(scope, node, module)
            return
        found = self._module(scope, node, module)
        for alias in node.names:
            if alias.name not in found.names:
                message = f"{module} has no {alias.name}"
                hint = did_you_mean(alias.name, found.names)
                raise scope.source.refuse(UnknownNameError, alias, message, hint)
            bind(scope, alias, alias.asname or alias.name, found.names[alias.name])

    def _import(self, scope: Scope, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name == "numen" and not alias.asname:
                continue  # for the decorator @numen.compile
            if alias.name in ("numen", "dataclasses"):
                hint = "write from dataclasses import dataclass; the types need no import"
                raise scope.source.refuse(ImportsError, alias, f"import {alias.name}", hint)
            if "." in alias.name and not alias.asname:
                hint = f"write import {alias.name} as {alias.name.split('.')[-1]}"
                raise scope.source.refuse(ImportsError, alias, "a dotted import needs a name", hint)
            found = self._module(scope, alias, alias.name)
            bind(scope, alias, alias.asname or alias.name, ModuleSymbol(found))

    def _module(self, scope: Scope, node: ast.AST, name: str) -> Scope:
        if name in self._scopes:
            return self._scopes[name]
        if name in self._path:
            circle = " imports ".join([*self._path[self._path.index(name) :], name])
            raise scope.source.refuse(ImportsError, node, f"a circle of imports: {circle}")
        text = _standard(scope, node, name)
        if text is None:
            text = self._resolver.read(name)
        if text is None:
            raise scope.source.refuse(
                ImportsError,
                node,
                f"no module {name} beside this file",
                did_you_mean(name, (f"numen.std.{module}" for module in STANDARD))
                or "a program imports its own files and numen.std, nothing of the host",
            )
        if len(self._scopes) + len(self._path) >= limits.MODULES_MAX:
            message = f"more than {limits.MODULES_MAX} modules"
            raise scope.source.refuse(TooLargeError, node, message)
        return self.load(text.text, text.file, name)

    def _library(self, short: str) -> Scope:
        """A standard module that only the language itself uses."""
        name = f"numen.std.{short}"
        if name not in self._scopes:
            text = standard_text(short)
            self.load(text.text, text.file, name)
        return self._scopes[name]


def _standard(scope: Scope, node: ast.AST, name: str) -> Text | None:
    if name != "numen" and not name.startswith("numen."):
        return None
    short = name.removeprefix("numen.std.")
    if short not in STANDARD:
        hint = did_you_mean(name, (f"numen.std.{module}" for module in STANDARD))
        raise scope.source.refuse(
            ImportsError, node, f"no module {name}", hint or f"there are {', '.join(STANDARD)}"
        )
    return standard_text(short)


def standard_text(short: str) -> Text:
    """The source of a module of ``numen.std``, one of `STANDARD`."""
    folder = importlib.resources.files("numen.lang").joinpath("std")
    text = folder.joinpath(f"{short}.numen").read_text(encoding="utf-8")
    return Text(f"numen/std/{short}.numen", text)


def _check_ignored(scope: Scope, node: ast.ImportFrom, module: str) -> None:
    known = _IGNORED.get(module, sorted(RESERVED | declare.NAMES | {"compile"}))
    for alias in node.names:
        if module == "numen" and alias.name in declare.TYPES and not alias.asname:
            bind(scope, alias, alias.name, declare.TYPES[alias.name])
        if alias.name not in known or alias.asname:
            raise scope.source.refuse(
                ImportsError,
                alias,
                f"{module} has no {alias.asname or alias.name} for programs",
                did_you_mean(alias.name, known) or "the names of the language need no import",
            )


def bind(scope: Scope, node: ast.AST, name: str, symbol: Symbol) -> None:
    """Give a name of a file its meaning, once."""
    if name in RESERVED:
        message = f"{name} is a word of the language"
        raise scope.source.refuse(TypesError, node, message, "choose another name")
    if name in scope.names:
        raise scope.source.refuse(TypesError, node, f"{name} is defined twice", "rename one")
    scope.names[name] = symbol


def _define_function(scope: Scope, node: ast.FunctionDef) -> None:
    for decorator in node.decorator_list:
        if not _is_compile(decorator):
            raise scope.source.refuse(
                SubsetError, decorator, "functions take no decorator", "remove the line"
            )
    bind(scope, node, node.name, FunctionSymbol(scope.key(node.name), node, scope))


def _is_compile(node: ast.expr) -> bool:
    """Whether a decorator is ``@numen.compile``, with which Python hands the function to us."""
    if isinstance(node, ast.Call):
        node = node.func
    match node:
        case ast.Name(id="compile") | ast.Attribute(value=ast.Name(id="numen"), attr="compile"):
            return True
        case _:
            return False


def _define_struct(scope: Scope, node: ast.ClassDef) -> None:
    if node.bases or node.keywords or not _is_dataclass(node.decorator_list):
        raise scope.source.refuse(
            SubsetError, node, "a class is a struct here", "write @dataclass above class Name:"
        )
    fields: list[tuple[str, Shape]] = []
    for part in node.body[_docstring(node.body) :]:
        match part:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=of, value=None):
                fields.append((name, _field(scope, part, name, of, fields)))
            case ast.Pass():
                pass
            case _:
                raise scope.source.refuse(
                    SubsetError,
                    part,
                    "a struct has fields only",
                    "write name: type; make functions of methods",
                )
    if not fields:
        raise scope.source.refuse(SubsetError, node, "a struct needs a field", "write name: type")
    struct = StructShape(node.name, tuple(fields))
    if not is_bounded(struct):
        raise scope.source.refuse(TooLargeError, node, TOO_LARGE)
    bind(scope, node, node.name, struct)
    if any(isinstance(decorator, ast.Call) for decorator in node.decorator_list):
        scope.frozen.add(node.name)


def _is_dataclass(decorators: list[ast.expr]) -> bool:
    match decorators:
        case [ast.Name(id="dataclass")]:
            return True
        case [
            ast.Call(
                func=ast.Name(id="dataclass"),
                args=[],
                keywords=[ast.keyword(arg="frozen", value=ast.Constant(value=True))],
            )
        ]:
            return True
        case _:
            return False


def _field(
    scope: Scope, node: ast.AST, name: str, of: ast.expr, fields: list[tuple[str, Shape]]
) -> Shape:
    if name in (known for known, _ in fields):
        raise scope.source.refuse(TypesError, node, f"the field {name} is defined twice")
    found = annotations.resolve(of, scope, {})
    if isinstance(found, Memory) or found == TupleShape(()):
        raise scope.source.refuse(TypesError, of, "a field is a word, list, tuple or struct")
    return found


def _define_constant(
    scope: Scope, target: ast.Name, name: str, annotation: ast.expr | None, value: ast.expr
) -> None:
    found = _data(scope, value)
    if annotation is not None:
        of: Shape | None = _constant_type(scope, annotation)
    else:
        of = _data_type(scope, value, found)
    key = scope.key(name)
    if of is None:
        assert isinstance(found, int)
        symbol = ConstantSymbol(key, None, (found,), target, scope)
    else:
        try:
            parts = tuple(flatten(of, _modular(of, found), name))
        except InputError as error:
            hint = "" if annotation is not None else f"annotate it: {name}: list[u256, N] = ..."
            raise scope.source.refuse(RangeError, value, error.message, hint) from None
        symbol = ConstantSymbol(key, of, parts, target, scope)
    bind(scope, target, name, symbol)


def _constant_type(scope: Scope, annotation: ast.expr) -> Shape:
    of = annotations.resolve(annotation, scope, {})
    if isinstance(of, Memory) or of == TupleShape(()):
        raise scope.source.refuse(TypesError, annotation, "a constant is made of words")
    return of


def _modular(of: Shape, found: object) -> object:
    """The data with negative field elements brought into the field."""
    match of, found:
        case Word(kind=Kind.FIELD), int() if -FELT.high <= found < 0:
            return found + FELT.high + 1
        case ListShape(element), list():
            return [_modular(element, part) for part in found]
        case TupleShape(items), list() if len(items) == len(found):
            return [_modular(item, part) for item, part in zip(items, found, strict=True)]
        case _:
            return found


def _data(scope: Scope, node: ast.expr) -> object:
    """The value of a constant: an integer, a truth, or lists of such."""
    match node:
        case ast.Constant(value=bool() as truth):
            return truth
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_data(scope, item) for item in items]
        case ast.BinOp(left=ast.List(elts=[item]), op=ast.Mult(), right=count):
            return _repeated(scope, node, _data(scope, item), count)
        case _:
            found = constants.evaluate(scope.source, node, lambda part: _known(scope, part))
            if found is None:
                raise scope.source.refuse(
                    TypesError,
                    node,
                    "a module holds constants of integers only",
                    "write a number, a list of numbers, or move it into a function",
                )
            return found


def _repeated(scope: Scope, node: ast.AST, item: object, count: ast.expr) -> object:
    times = annotations.size(count, scope, {})
    if isinstance(item, list) or not 0 < times <= limits.INSTRUCTIONS_MAX // 4:
        raise scope.source.refuse(RangeError, node, f"a constant list of {times} elements")
    return [item] * times


def _known(scope: Scope, node: ast.expr) -> int | None:
    match node:
        case ast.Name(id=name):
            return annotations.constant_value(scope, name)
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)], keywords=[]):
            symbol = scope.names.get(name)
            if isinstance(symbol, ConstantSymbol) and isinstance(symbol.type, ListShape):
                return symbol.type.length
    return None


def _data_type(scope: Scope, node: ast.expr, found: object) -> Shape | None:
    """The type of a constant that has none written: None for an integer, u64 within lists."""
    match node, found:
        case _, bool():
            return BOOL
        case _, int():
            return None
        case ast.Tuple(elts=elts), list() if elts:
            return TupleShape(
                tuple(
                    _data_type(scope, elt, item) or U64
                    for elt, item in zip(elts, found, strict=True)
                )
            )
        case ast.List(elts=[elt, *_]) | ast.BinOp(left=ast.List(elts=[elt])), list() if found:
            return ListShape(_data_type(scope, elt, found[0]) or U64, len(found))
        case _:
            raise scope.source.refuse(TypesError, node, "an empty list has no type")


def _docstring(body: list[ast.stmt]) -> int:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *_]:
            return 1
        case _:
            return 0


def _not_at_top(scope: Scope, node: ast.stmt) -> LangError:
    refused = refuse_statement(scope.source, node)
    return refused or scope.source.refuse(
        SubsetError,
        node,
        "a module holds functions, structs, constants and imports",
        "move the statement into a function",
    )
