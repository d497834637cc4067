"""Reading the classes of a file: contracts, events, errors and interfaces, and what is in them."""

import ast
from collections.abc import Iterator
from typing import Final

from numen.ir.interface import Shape, TupleShape, is_text
from numen.ir.nodes import Reg
from numen.ir.types import Memory
from numen.lang import annotations, texts
from numen.lang.contracts import layout
from numen.lang.contracts.cells import Realm
from numen.lang.contracts.containers import CONTAINERS
from numen.lang.contracts.host import ContractHost
from numen.lang.contracts.model import (
    ADDRESS,
    BYTES32,
    ContractSymbol,
    Declared,
    ErrorSymbol,
    EventSymbol,
    Field,
    InterfaceSymbol,
    MapType,
    Method,
    Remote,
    Role,
    StateType,
    Variable,
    VectorType,
    handle_of,
)
from numen.lang.errors import SubsetError, TypesError
from numen.lang.scope import FunctionSymbol, Scope
from numen.lang.types import NOTHING

TYPES: Final = {"address": ADDRESS, "bytes32": BYTES32}
"""Types that a file gets by ``from numen import``."""

_KINDS: Final = frozenset({"contract", "event", "error", "interface"})
_BESIDE_ROLES: Final = frozenset({"payable", "isolated"})
"""Decorators that stand beside a role."""

_ROLES: Final = {
    "message": Role.MESSAGE,
    "view": Role.VIEW,
    "timer": Role.TIMER,
    "on_bounce": Role.ON_BOUNCE,
    "receive": Role.RECEIVE,
}

NAMES: Final = (
    _KINDS
    | set(_ROLES)
    | set(TYPES)
    | {"payable", "indexed", "map", "array", "emit", "send", "every", "at", "after", "cancel"}
    | {"set", "iterable_map", "heap", "deque", "reveal", "rotate", "Bounce", "isolated"}
)
"""Names that a file of contracts may import from numen."""

RESERVED_VARIABLES: Final = frozenset({"sender", "value", "height", "now", "address", "balance"})
"""What `self` has in every contract."""


def is_declared(node: ast.ClassDef) -> bool:
    """Whether a class is one of these."""
    return _kind(node) is not None


def read(scope: Scope, node: ast.ClassDef) -> Declared:
    """Read a class that is one of these.

    Raises:
        LangError: It is not well formed.
    """
    if node.bases or node.keywords or len(node.decorator_list) != 1:
        hint = f"write @{_kind(node)} above class {node.name}:"
        raise scope.source.refuse(SubsetError, node, "such a class has one decorator", hint)
    match _kind(node):
        case "event":
            return EventSymbol(node.name, _fields(scope, node, may_index=True))
        case "error":
            return ErrorSymbol(node.name, _fields(scope, node, may_index=False))
        case "interface":
            return _interface(scope, node)
        case _:
            return _contract(scope, node)


def _kind(node: ast.ClassDef) -> str | None:
    for decorator in node.decorator_list:
        name = _decorator(decorator)
        if name in _KINDS:
            return name
    return None


def _decorator(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="numen"), attr=name):
            return name
        case _:
            return ""


def _fields(scope: Scope, node: ast.ClassDef, *, may_index: bool) -> tuple[Field, ...]:
    fields: dict[str, Field] = {}
    for part in _body(node):
        match part:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=of, value=None):
                is_indexed = False
                match of:
                    case ast.Subscript(value=ast.Name(id="indexed"), slice=inner) if may_index:
                        of, is_indexed = inner, True
                if name in fields:
                    raise scope.source.refuse(TypesError, part, f"{name} is defined twice")
                found = _shape(scope, of)
                _refuse_inner_text(scope, of, found)
                fields[name] = Field(name, found, is_indexed)
            case ast.Pass():
                pass
            case _:
                hint = "write name: type"
                raise scope.source.refuse(SubsetError, part, "only fields stand here", hint)
    indexed = [field for field in fields.values() if field.is_indexed]
    if len(indexed) > layout.INDEXED_MAX:
        message = f"an event has at most {layout.INDEXED_MAX} indexed fields"
        raise scope.source.refuse(TypesError, node, message)
    if any(layout.size_words(field.type) != 1 for field in indexed):
        raise scope.source.refuse(TypesError, node, "an indexed field is one word")
    return tuple(fields.values())


def _body(node: ast.ClassDef) -> list[ast.stmt]:
    """The statements of a class, without its docstring."""
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
        case body:
            return body


def _shape(scope: Scope, node: ast.expr) -> Shape:
    of = annotations.resolve(node, scope, {})
    if isinstance(of, Memory) or of == NOTHING:
        raise scope.source.refuse(TypesError, node, "a word, list, tuple or struct stands here")
    return of


def _interface(scope: Scope, node: ast.ClassDef) -> InterfaceSymbol:
    methods: dict[str, Remote] = {}
    for part in _body(node):
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names = _decorators(scope, part)
                if "isolated" in names:
                    hint = "remove it: only who writes the method can isolate it"
                    raise scope.source.refuse(
                        SubsetError, part, "isolated means nothing here", hint
                    )
                arguments = part.args.args
                if arguments and arguments[0].arg == "self" and not arguments[0].annotation:
                    arguments = arguments[1:]
                remote = _remote(scope, part, arguments, names)
                _once(scope, part, part.name, methods)
                methods[part.name] = remote
            case ast.Pass():
                pass
            case _:
                hint = "write async def name(a: u128) -> bool: ..."
                raise scope.source.refuse(
                    SubsetError, part, "an interface has the heads of messages", hint
                )
    return _known(scope, node, InterfaceSymbol(handle_of(node.name), methods))


def _known(scope: Scope, node: ast.ClassDef, symbol: InterfaceSymbol) -> InterfaceSymbol:
    if symbol.shape in scope.interfaces:
        raise scope.source.refuse(
            TypesError, node, f"another file has an interface {node.name} too", "rename one"
        )
    scope.interfaces[symbol.shape] = symbol
    return symbol


def _decorators(scope: Scope, node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    names = set()
    for decorator in node.decorator_list:
        name = _decorator(decorator)
        if name not in _ROLES and name not in _BESIDE_ROLES:
            hint = f"there are {', '.join([*_ROLES, *sorted(_BESIDE_ROLES)])}"
            raise scope.source.refuse(SubsetError, decorator, "no such decorator", hint)
        names.add(name)
    return names


def _remote(
    scope: Scope,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    arguments: list[ast.arg],
    names: set[str],
) -> Remote:
    params = []
    for arg in arguments:
        if arg.annotation is None:
            hint = f"write {arg.arg}: u128"
            raise scope.source.refuse(TypesError, arg, f"{arg.arg} has no type", hint)
        inner, is_private = _unwrapped(arg.annotation)
        of = _shape(scope, inner)
        _refuse_inner_text(scope, inner, of)
        params.append(Field(arg.arg, of, is_private=is_private))
    result: Shape = NOTHING
    if node.returns is not None:
        found = annotations.resolve(node.returns, scope, {})
        assert not isinstance(found, Memory)
        for part in found.items if isinstance(found, TupleShape) else (found,):
            _refuse_inner_text(scope, node.returns, part)
        result = found
    return Remote(node.name, tuple(params), result, "payable" in names, "view" in names)


def _unwrapped(node: ast.expr) -> tuple[ast.expr, bool]:
    """What stands in ``Private[...]``, and whether it does."""
    match node:
        case ast.Subscript(value=ast.Name(id="Private"), slice=inner):
            return inner, True
        case _:
            return node, False


def _refuse_private_container(scope: Scope, node: ast.AST, of: StateType) -> None:
    """Refuse what is kept by functions of the library, which know public slots alone."""
    inner = of
    while isinstance(inner, MapType | VectorType):
        inner = inner.value if isinstance(inner, MapType) else inner.element
    if isinstance(inner, CONTAINERS):
        hint = "write Private[map[K, V]] or Private[array[T]]"
        raise scope.source.refuse(TypesError, node, f"{inner} cannot be private", hint)


def _refuse_inner_text(scope: Scope, node: ast.AST, of: Shape) -> None:
    if texts.holds_text(of) and not is_text(of):
        hint = "pass the text as a parameter of its own"
        raise scope.source.refuse(TypesError, node, "a text within a value", hint)


def _once(scope: Scope, node: ast.AST, name: str, known: object) -> None:
    assert isinstance(known, dict)
    if name in known:
        raise scope.source.refuse(TypesError, node, f"{name} is defined twice", "rename one")


def _contract(scope: Scope, node: ast.ClassDef) -> ContractSymbol:
    host = ContractHost(scope, node.name)
    slot = 0
    for part in _body(node):
        match part:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=of, value=None):
                _once(scope, part, name, host.variables)
                if name in RESERVED_VARIABLES:
                    hint = "rename the variable"
                    raise scope.source.refuse(TypesError, part, f"self.{name} means more", hint)
                inner, is_private = _unwrapped(of)
                found = layout.state_type(inner, scope)
                if is_private:
                    _refuse_private_container(scope, inner, found)
                host.variables[name] = Variable(name, found, slot, part, is_private)
                slot += layout.slots(found)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                _once(scope, part, part.name, host.methods)
                host.methods[part.name] = _method(scope, node, part, host)
            case ast.Pass():
                pass
            case _:
                hint = "write name: type for a variable, def for a method"
                raise scope.source.refuse(
                    SubsetError, part, "a contract has variables and methods", hint
                )
    for name in host.methods:
        if name in host.variables or name in RESERVED_VARIABLES:
            at = host.methods[name].node
            raise scope.source.refuse(TypesError, at, f"{name} is a variable too", "rename one")
    if _has_secrets(host):
        secret_keys: set[tuple[str, Reg]] = set()
        host.realms = (Realm(False, secret_keys), Realm(True, secret_keys))
    remotes = {method.remote.name: method.remote for method in _callable(host)}
    interface = _known(scope, node, InterfaceSymbol(handle_of(node.name), remotes))
    return ContractSymbol(node.name, host.variables, host.methods, interface, node, scope, host)


def _has_secrets(host: ContractHost) -> bool:
    """Whether a contract has anything private."""
    fields = [field for method in host.methods.values() for field in method.remote.params]
    return any(variable.is_private for variable in host.variables.values()) or any(
        field.is_private for field in fields
    )


def _callable(host: ContractHost) -> Iterator[Method]:
    return (m for m in host.methods.values() if m.role in (Role.MESSAGE, Role.VIEW))


def _method(
    scope: Scope,
    owner: ast.ClassDef,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    host: ContractHost,
) -> Method:
    names = _decorators(scope, node)
    role = _role(scope, node, names)
    arguments = node.args.args
    if not arguments or arguments[0].arg != "self" or arguments[0].annotation is not None:
        hint = f"write def {node.name}(self, ...)"
        raise scope.source.refuse(SubsetError, node, "a method begins with self", hint)
    remote = _remote(scope, node, arguments[1:], names)
    is_async = isinstance(node, ast.AsyncFunctionDef)
    _check_role(scope, node, role, remote, is_async=is_async)
    inner = ast.arguments(
        posonlyargs=node.args.posonlyargs,
        args=arguments[1:],
        vararg=node.args.vararg,
        kwonlyargs=node.args.kwonlyargs,
        kw_defaults=node.args.kw_defaults,
        kwarg=node.args.kwarg,
        defaults=node.args.defaults,
    )
    # What an async method returns it sends itself: it may be another run that comes to the end.
    body, returns = node.body, node.returns
    if is_async and remote.result != NOTHING:
        end = ast.Assert(ast.Constant(False), ast.Constant("ended without a result"))
        body = [*body, ast.fix_missing_locations(ast.copy_location(end, node.body[-1]))]
    plain = ast.FunctionDef(node.name, inner, body, [], None if is_async else returns)
    ast.copy_location(plain, node)
    key = scope.key(f"{owner.name}${node.name}")
    symbol = FunctionSymbol(key, plain, scope, host)
    is_isolated = "isolated" in names
    if is_isolated and not is_async:
        hint = "remove @isolated: a method that never waits is alone anyway"
        raise scope.source.refuse(SubsetError, node, f"{node.name} does not wait", hint)
    return Method(remote, role, is_async, symbol, node, is_isolated)


def _role(scope: Scope, node: ast.FunctionDef | ast.AsyncFunctionDef, names: set[str]) -> Role:
    roles = [role for name, role in _ROLES.items() if name in names]
    if len(roles) > 1:
        message = f"{node.name} is {roles[0].value} and {roles[1].value}"
        raise scope.source.refuse(SubsetError, node, message, "choose one")
    if node.name == "__init__":
        if roles:
            raise scope.source.refuse(SubsetError, node, "a constructor has no other role")
        return Role.CONSTRUCTOR
    return roles[0] if roles else Role.INTERNAL


def _check_role(scope: Scope, node: ast.AST, role: Role, remote: Remote, *, is_async: bool) -> None:
    def refuse(message: str, hint: str = "") -> Exception:
        return scope.source.refuse(SubsetError, node, message, hint)

    if is_async and role not in (Role.MESSAGE, Role.TIMER):
        raise refuse(f"{remote.name} cannot await", "only a message or a timer may be async")
    if remote.is_payable and role not in (Role.MESSAGE, Role.CONSTRUCTOR):
        raise refuse(f"{remote.name} cannot be payable", "only messages and __init__ are")
    if role in (Role.ON_BOUNCE, Role.RECEIVE) and (remote.params or remote.result != NOTHING):
        raise refuse(f"{remote.name} takes and gives nothing", f"write def {remote.name}(self):")
    if role not in (Role.MESSAGE, Role.VIEW, Role.INTERNAL):
        for field in remote.params:
            if field.is_private:
                hint = "take it in a message, which can be sealed"
                raise refuse(f"{field.name} cannot be private: anybody sees it", hint)
    if role in (Role.CONSTRUCTOR, Role.TIMER) and remote.result != NOTHING:
        raise refuse(f"nobody receives what {remote.name} returns", "return nothing")
