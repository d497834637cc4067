"""What a function takes and gives, before its body is lowered."""

import ast
from collections.abc import Iterator, Mapping

import msgspec

from numen.ir.types import FELT
from numen.lang import annotations
from numen.lang.errors import LangError, SubsetError, TypesError
from numen.lang.scope import RESERVED, FunctionSymbol, Scope
from numen.lang.types import NOTHING, UNKNOWN_LENGTH, LangType


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a function.

    Attributes:
        name: Its name.
        type: Its type; lengths may be `UNKNOWN_LENGTH` before a call settles them.
        is_private: Whether a proof hides it.
        node: Where it is written.
    """

    name: str
    type: LangType
    is_private: bool
    node: ast.arg


class Signature(msgspec.Struct, frozen=True):
    """One instance of a function, as its callers see it.

    Attributes:
        symbol: The function.
        sizes: The sizes it is made for.
        params: Its parameters.
        result: What it gives; None where only its body will say.
    """

    symbol: FunctionSymbol
    sizes: tuple[tuple[str, int], ...]
    params: tuple[Parameter, ...]
    result: LangType | None

    @property
    def name(self) -> str:
        """Its name in the machine."""
        return "$".join([self.symbol.key, *(str(size) for _, size in self.sizes)])


def size_names(symbol: FunctionSymbol) -> tuple[str, ...]:
    """The names that a call settles: those in upper case, in the place of a length, unbound."""
    found: dict[str, None] = {}
    for arg in symbol.node.args.args:
        if arg.annotation is not None:
            for node in _length_nodes(arg.annotation):
                if isinstance(node, ast.Name) and _is_size(node.id, symbol.scope):
                    found[node.id] = None
    return tuple(found)


def signature(symbol: FunctionSymbol, sizes: Mapping[str, int]) -> Signature:
    """The instance of a function for some sizes.

    Raises:
        LangError: The head of the function is not one of the language.
    """
    check_head(symbol)
    names = size_names(symbol)
    known = {name: sizes.get(name, UNKNOWN_LENGTH) for name in names}
    params = tuple(_parameter(arg, symbol, known) for arg in symbol.node.args.args)
    returns = symbol.node.returns
    result: LangType | None = None
    if returns is not None and UNKNOWN_LENGTH not in known.values():
        result = annotations.resolve(returns, symbol.scope, known)
    elif returns is None and not symbol.is_plain:
        result = NOTHING
    return Signature(symbol, tuple(known.items()), params, result)


def check_head(symbol: FunctionSymbol) -> None:
    """Refuse the kinds of parameter that the language does not have.

    Raises:
        LangError: Which, and what to write instead.
    """
    node, source = symbol.node, symbol.scope.source
    if getattr(node, "type_params", None):  # def f[T](...), from Python 3.12 on
        hint = "write lengths in upper case: xs: list[u64, N]"
        raise source.refuse(SubsetError, node, "a function has no type parameters", hint)
    arguments = node.args
    for extra in (arguments.vararg, arguments.kwarg, *arguments.posonlyargs, *arguments.kwonlyargs):
        if extra is not None:
            raise source.refuse(
                SubsetError, extra, "only plain parameters are allowed", "write f(a, b)"
            )
    if arguments.defaults:
        raise source.refuse(
            SubsetError,
            arguments.defaults[0],
            "a parameter has no default",
            "pass it in every call",
        )
    for arg in arguments.args:
        if arg.arg in RESERVED:
            raise source.refuse(
                TypesError, arg, f"{arg.arg} is a word of the language", "rename it"
            )
        if arg.annotation is None and not symbol.is_plain:
            raise source.refuse(
                TypesError,
                arg,
                f"the parameter {arg.arg} has no type",
                f"write {arg.arg}: u64, or annotate nothing for field elements",
            )


def _parameter(arg: ast.arg, symbol: FunctionSymbol, sizes: Mapping[str, int]) -> Parameter:
    match arg.annotation:
        case None:
            return Parameter(arg.arg, FELT, False, arg)
        case (
            ast.Subscript(value=ast.Name(id="Private"), slice=inner)
            | ast.Subscript(
                value=ast.Attribute(value=ast.Name(id="numen"), attr="Private"), slice=inner
            )
        ):
            return Parameter(arg.arg, annotations.resolve(inner, symbol.scope, sizes), True, arg)
        case annotation:
            of = annotations.resolve(annotation, symbol.scope, sizes)
            if of == NOTHING:
                raise _nothing(annotation, symbol)
            return Parameter(arg.arg, of, False, arg)


def _nothing(node: ast.expr, symbol: FunctionSymbol) -> LangError:
    return symbol.scope.source.refuse(TypesError, node, "a parameter needs a value", "remove it")


def _is_size(name: str, scope: Scope) -> bool:
    return name.isupper() and name not in scope.names


def _length_nodes(annotation: ast.expr) -> Iterator[ast.AST]:
    """Every node in the place of a length."""
    for node in ast.walk(annotation):
        match node:
            case ast.Subscript(value=ast.Name(id="list"), slice=ast.Tuple(elts=[_, length])):
                yield from ast.walk(length)
            case ast.Subscript(value=ast.Name(id="memory" | "str" | "bytes"), slice=length):
                yield from ast.walk(length)
