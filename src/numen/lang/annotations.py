"""Annotations: the types that a source writes down."""

import ast
from collections.abc import Mapping
from typing import Final

from numen.ir.interface import ListShape, Shape, StructShape, TupleShape, text_shape
from numen.ir.texts import TEXT_BYTES_MAX
from numen.ir.types import LENGTH_MAX, WORDS, Memory
from numen.lang import constants
from numen.lang.contracts.model import ContractSymbol, InterfaceSymbol
from numen.lang.errors import (
    LangError,
    RangeError,
    SubsetError,
    TooLargeError,
    TypesError,
    UnknownNameError,
)
from numen.lang.scope import ConstantSymbol, ModuleSymbol, Scope
from numen.lang.suggest import did_you_mean, shown
from numen.lang.types import (
    NOTHING,
    TOO_LARGE,
    TYPE_NAMES,
    UNKNOWN_LENGTH,
    LangType,
    fits_length,
    is_bounded,
)

_FOREIGN: Final = {
    "int": "write u64, i64 or another width",
    "float": "write fixed point: i64 or i128 times a power of two",
    "str": "write str[32] for a text of at most 32 bytes",
    "bytes": "write bytes[32] for at most 32 bytes",
    "bytearray": "write memory[N]",
    "dict": "write a list, or a struct",
    "set": "write a list of bool",
    "List": "write list[u64, 8]",
    "Tuple": "write tuple[u64, u64]",
    "Any": "name the type",
    "object": "name the type",
}


def resolve(node: ast.expr, scope: Scope, sizes: Mapping[str, int]) -> LangType:
    """The type that an annotation names.

    Args:
        node: The annotation.
        scope: The file it stands in.
        sizes: The sizes of the generic function it belongs to; `UNKNOWN_LENGTH` while a call has
            not settled one.

    Raises:
        LangError: It names no type, or one that is too large.
    """
    match node:
        case ast.Constant(value=None):
            return NOTHING
        case ast.Name(id=name):
            return _named(node, name, scope)
        case ast.Attribute(value=ast.Name(id="numen"), attr=name) if name in WORDS:
            return WORDS[name]  # as a function of a Python file has it, which says `import numen`
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return _imported(node, module, name, scope)
        case (
            ast.Subscript(value=ast.Name(id=name), slice=index)
            | ast.Subscript(value=ast.Attribute(value=ast.Name(id="numen"), attr=name), slice=index)
        ):
            items = list(index.elts) if isinstance(index, ast.Tuple) else [index]
            return _built(node, name, items, scope, sizes)
        case _:
            raise scope.source.refuse(
                TypesError,
                node,
                f"{shown(node)} is not a type",
                "write u64, felt, list[u64, 8], ...",
            )


def size(node: ast.expr, scope: Scope, sizes: Mapping[str, int]) -> int:
    """The number that stands in the place of a length."""

    def lookup(part: ast.expr) -> int | None:
        if not isinstance(part, ast.Name):
            return None
        if part.id in sizes:
            return sizes[part.id]
        return constant_value(scope, part.id)

    if isinstance(node, ast.Name) and sizes.get(node.id) == UNKNOWN_LENGTH:
        return UNKNOWN_LENGTH
    found = constants.evaluate(scope.source, node, lookup)
    if found is None:
        raise _no_size(node, scope, sizes)
    return found


def constant_value(scope: Scope, name: str) -> int | None:
    """The integer that a name of a file stands for, or None."""
    symbol = scope.names.get(name)
    if isinstance(symbol, ConstantSymbol) and len(symbol.parts) == 1:
        part = symbol.parts[0]
        return part if isinstance(part, int) else None
    return None


def _no_size(node: ast.expr, scope: Scope, sizes: Mapping[str, int]) -> LangError:
    names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
    unknown = [name for name in names if name not in sizes and name not in scope.names]
    hint = "write a number, a constant of the module, or a size of a generic function"
    if unknown:
        return scope.source.refuse(
            UnknownNameError,
            node,
            f"the size {unknown[0]} is not known here",
            did_you_mean(unknown[0], [*sizes, *scope.names]) or hint,
        )
    return scope.source.refuse(TypesError, node, f"{shown(node)} is not a constant size", hint)


def _named(node: ast.expr, name: str, scope: Scope) -> LangType:
    if name in WORDS:
        return WORDS[name]
    symbol = scope.names.get(name)
    if isinstance(symbol, StructShape):
        return symbol
    if isinstance(symbol, InterfaceSymbol):
        return symbol.shape
    if isinstance(symbol, ContractSymbol):
        return symbol.interface.shape
    if name in TYPE_NAMES:
        example = {"list": "list[u64, 8]", "tuple": "tuple[u64, u64]", "memory": "memory[64]"}
        raise scope.source.refuse(
            TypesError,
            node,
            f"{name} needs its parts",
            f"write {example.get(name, 'Private[felt]')}",
        )
    structs = [key for key, value in scope.names.items() if isinstance(value, StructShape)]
    hint = _FOREIGN.get(name) or did_you_mean(name, [*TYPE_NAMES, *structs])
    raise scope.source.refuse(UnknownNameError, node, f"{name} is not a type", hint)


def _imported(node: ast.expr, module: str, name: str, scope: Scope) -> LangType:
    symbol = scope.names.get(module)
    if isinstance(symbol, ModuleSymbol):
        found = symbol.scope.names.get(name)
        if isinstance(found, StructShape):
            return found
        if isinstance(found, InterfaceSymbol):
            return found.shape
        if isinstance(found, ContractSymbol):
            return found.interface.shape
    raise scope.source.refuse(UnknownNameError, node, f"{module}.{name} is not a type")


def _built(
    node: ast.expr, name: str, items: list[ast.expr], scope: Scope, sizes: Mapping[str, int]
) -> LangType:
    match name, items:
        case "list", [element, length]:
            return _list(node, _part(element, scope, sizes), size(length, scope, sizes), scope)
        case "list", _:
            raise scope.source.refuse(
                TypesError, node, "a list has a type and a length", "write list[u64, 8]"
            )
        case "tuple", _:
            return _bounded(
                node, TupleShape(tuple(_part(item, scope, sizes) for item in items)), scope
            )
        case (("str" | "bytes"), [length]):
            return _text(node, name, size(length, scope, sizes), scope)
        case "memory", [length]:
            return _memory(node, size(length, scope, sizes), scope)
        case "memory", _:
            raise scope.source.refuse(TypesError, node, "a memory has one size", "write memory[64]")
        case "Private", _:
            raise scope.source.refuse(
                SubsetError,
                node,
                "Private is for whole parameters",
                "write x: Private[...] around the whole type of a parameter of the entry",
            )
        case _:
            hint = did_you_mean(name, TYPE_NAMES) or _FOREIGN.get(name, "")
            raise scope.source.refuse(UnknownNameError, node, f"{name} is not a type", hint)


def _part(node: ast.expr, scope: Scope, sizes: Mapping[str, int]) -> Shape:
    part = resolve(node, scope, sizes)
    if isinstance(part, Memory):
        hint = "pass the memory as a parameter of its own"
        raise scope.source.refuse(TypesError, node, "a memory cannot be part of a value", hint)
    return part


def _list(node: ast.expr, element: Shape, length: int, scope: Scope) -> LangType:
    if element == NOTHING:
        raise scope.source.refuse(TypesError, node, "a list needs elements")
    if length == UNKNOWN_LENGTH:
        return ListShape(element, length)
    if not fits_length(element, length):
        raise scope.source.refuse(
            RangeError, node, f"a list of {length} elements; 1 to {LENGTH_MAX} words are allowed"
        )
    return _bounded(node, ListShape(element, length), scope)


def _memory(node: ast.expr, length: int, scope: Scope) -> LangType:
    if length != UNKNOWN_LENGTH and not 0 < length <= LENGTH_MAX:
        raise scope.source.refuse(
            RangeError, node, f"a memory of {length} bytes; 1 to {LENGTH_MAX} are allowed"
        )
    return Memory(length)


def _text(node: ast.expr, name: str, length: int, scope: Scope) -> LangType:
    if length != UNKNOWN_LENGTH and not 0 < length <= TEXT_BYTES_MAX:
        message = f"{name}[{length}]; 1 to {TEXT_BYTES_MAX} bytes are allowed"
        raise scope.source.refuse(RangeError, node, message)
    return text_shape(name, length)


def _bounded(node: ast.expr, of: LangType, scope: Scope) -> LangType:
    if not is_bounded(of):
        raise scope.source.refuse(TooLargeError, node, TOO_LARGE, "use a list of words")
    return of
