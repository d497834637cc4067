"""What can be known of functions from the names in their text: who calls whom, who changes what.

All of it errs to one side: a name that is mentioned counts as used.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from numen.ir.limits import CALL_DEPTH_MAX
from numen.lang.errors import RecursionCycleError, TooLargeError
from numen.lang.scope import ConstantSymbol, FunctionSymbol, ModuleSymbol, Scope, Symbol
from numen.lang.source import children, walk
from numen.lang.types import references
from numen.lang.unit import Facts


def gather(roots: Iterable[FunctionSymbol]) -> tuple[dict[str, Facts], list[FunctionSymbol]]:
    """Find the facts of functions and all they call.

    Returns:
        The facts by name in the machine, and the functions with callees before callers.

    Raises:
        RecursionCycleError: A function calls itself, by some way.
        TooLargeError: Calls nest too deeply.
    """
    texts = _Texts()
    order = _order(roots, texts)
    facts: dict[str, Facts] = {}
    depths: dict[str, int] = {}
    for symbol in order:
        callees = texts.of(symbol).callees
        depths[symbol.key] = 1 + max((depths[callee.key] for callee in callees), default=0)
        if depths[symbol.key] > CALL_DEPTH_MAX:
            message = f"calls nest deeper than {CALL_DEPTH_MAX}"
            raise symbol.scope.source.refuse(TooLargeError, symbol.node, message)
        facts[symbol.key] = Facts(
            callees,
            _tables(texts.of(symbol), facts),
            frozenset(_written(symbol, texts.of(symbol).nodes, facts)),
        )
    return facts, order


def assigned_names(nodes: Sequence[ast.AST]) -> dict[str, int]:
    """How often statements bind each name; the variable of a comprehension is its own."""
    counts: dict[str, int] = {}
    stack: list[ast.AST] = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            counts[node.id] = counts.get(node.id, 0) + 1
        elif isinstance(node, ast.comprehension):
            stack += [node.iter, *node.ifs]
        else:
            stack += children(node)
    return counts


def changed_names(nodes: Sequence[ast.AST]) -> set[str]:
    """The variables that statements bind, or whose fields they assign."""
    fields = {
        node.value.id
        for node in walk(nodes)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
    }
    return fields | set(assigned_names(nodes))


def root_name(node: ast.AST) -> str | None:
    """The variable whose storage an expression leads into: ``a`` of ``a[i].x``."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def meaning(node: ast.AST, scope: Scope) -> Symbol | None:
    """What a name, or a name of an imported module, means in a file."""
    match node:
        case ast.Name(id=name):
            return scope.names.get(name)
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            symbol = scope.names.get(module)
            return symbol.scope.names.get(name) if isinstance(symbol, ModuleSymbol) else None
        case _:
            return None


class _Text(msgspec.Struct, frozen=True):
    """A function's nodes, and what the names among them mean."""

    nodes: list[ast.AST]
    mentions: list[tuple[ast.AST, Symbol]]

    @property
    def callees(self) -> tuple[FunctionSymbol, ...]:
        found = (what for _, what in self.mentions if isinstance(what, FunctionSymbol))
        return tuple({callee.key: callee for callee in found}.values())


class _Texts:
    """The texts of functions, each read once."""

    def __init__(self) -> None:
        self._found: dict[str, _Text] = {}

    def of(self, symbol: FunctionSymbol) -> _Text:
        if symbol.key not in self._found:
            self._found[symbol.key] = _read(symbol)
        return self._found[symbol.key]


def _read(symbol: FunctionSymbol) -> _Text:
    local = set(assigned_names(symbol.node.body)) | {arg.arg for arg in symbol.node.args.args}
    nodes = walk(symbol.node.body)
    mentions: list[tuple[ast.AST, Symbol]] = []
    for node in nodes:
        if not (isinstance(node, ast.Name) and node.id in local):
            own = symbol.host.functions(node) if symbol.host is not None else ()
            found = None if own else meaning(node, symbol.scope)
            mentions += [(node, each) for each in (*own, found) if each is not None]
    return _Text(nodes, mentions)


def _order(roots: Iterable[FunctionSymbol], texts: _Texts) -> list[FunctionSymbol]:
    done: dict[str, FunctionSymbol] = {}
    for root in roots:
        path: dict[str, FunctionSymbol] = {}
        stack: list[tuple[FunctionSymbol, Iterator[FunctionSymbol]]] = []
        if root.key not in done:
            path[root.key] = root
            stack.append((root, iter(texts.of(root).callees)))
        while stack:
            symbol, pending = stack[-1]
            callee = next(pending, None)
            if callee is None:
                stack.pop()
                del path[symbol.key]
                done[symbol.key] = symbol
            elif callee.key in path:
                _refuse_cycle(symbol, callee, list(path), texts)
            elif callee.key not in done:
                path[callee.key] = callee
                stack.append((callee, iter(texts.of(callee).callees)))
    return list(done.values())


def _refuse_cycle(
    caller: FunctionSymbol, callee: FunctionSymbol, path: list[str], texts: _Texts
) -> None:
    circle = [*path[path.index(callee.key) :], callee.key]
    names = " calls ".join(key.replace("$", ".") for key in circle)
    at = next(node for node, what in texts.of(caller).mentions if what is callee)
    raise caller.scope.source.refuse(
        RecursionCycleError, at, f"recursion: {names}", "write a loop, with a list as the stack"
    )


def _tables(text: _Text, facts: Mapping[str, Facts]) -> tuple[ConstantSymbol, ...]:
    own = [
        what
        for _, what in text.mentions
        if isinstance(what, ConstantSymbol) and what.type is not None and references(what.type)
    ]
    below = [table for callee in text.callees for table in facts[callee.key].tables]
    return tuple({table.key: table for table in [*own, *below]}.values())


def _written(
    symbol: FunctionSymbol, nodes: Iterable[ast.AST], facts: Mapping[str, Facts]
) -> set[str]:
    """The parameters whose arrays a function may change."""
    nodes = list(nodes)
    written = {name for node in nodes for name in _written_by(node, symbol.scope, facts)}
    views = [pair for node in nodes for pair in _views(node)]
    grew = True
    while grew:
        reached = {whole for part, whole in views if part in written} - written
        written |= reached
        grew = bool(reached)
    return written & {arg.arg for arg in symbol.node.args.args}


def _written_by(node: ast.AST, scope: Scope, facts: Mapping[str, Facts]) -> Iterator[str]:
    match node:
        case ast.Subscript(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
            name = root_name(node)
            if name:
                yield name
        case ast.Call(func=func, args=args, keywords=keywords):
            callee = meaning(func, scope)
            if isinstance(callee, FunctionSymbol):
                names = [arg.arg for arg in callee.node.args.args]
                passed = [*zip(names, args, strict=False)]
                passed += [(word.arg, word.value) for word in keywords if word.arg]
                for param, arg in passed:
                    name = root_name(arg)
                    if param in facts[callee.key].written and name:
                        yield name
            elif isinstance(func, ast.Attribute) and func.attr.startswith("store_"):
                name = root_name(func)
                if name:
                    yield name


def _views(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The variables of a loop that stand for parts of the arrays it goes through."""
    if isinstance(node, ast.For | ast.comprehension):
        targets = [part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)]
        wholes = [part.id for part in ast.walk(node.iter) if isinstance(part, ast.Name)]
        for target in targets:
            for whole in wholes:
                yield target, whole
