"""What is allowed and often wrong, and what is never right: found when a contract is compiled.

A method that waits shares its contract with every other message until it goes on. So what it read
before may not be true after; what comes back with coins must be somebody's; and the work of what
follows must have been set aside before.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum

import msgspec

from numen.lang.contracts import state
from numen.lang.contracts.containers import CHANGING
from numen.lang.contracts.description import Warned
from numen.lang.contracts.host import ContractHost
from numen.lang.contracts.model import ContractSymbol, Method, Role
from numen.lang.errors import TypesError
from numen.lang.scope import FunctionSymbol
from numen.lang.source import children, walk
from numen.lang.unit import Facts


def require_pure_views(contract: ContractSymbol, facts: Mapping[str, Facts]) -> None:
    """Refuse a view that changes something, itself or through what it calls.

    Raises:
        TypesError: Where it does.
    """
    host = contract.host
    assert isinstance(host, ContractHost)
    for method in contract.methods.values():
        if method.role is Role.VIEW:
            assert isinstance(method.symbol, FunctionSymbol)
            for symbol in _reached(method.symbol, facts):
                if symbol.key in host.changes:
                    raise symbol.scope.source.refuse(
                        TypesError,
                        host.changes[symbol.key],
                        f"the view {method.remote.name} changes something here",
                        f"write @message above {method.remote.name}",
                    )


def warnings_of(contract: ContractSymbol) -> tuple[Warned, ...]:
    """What is often wrong, by rising line."""
    host = contract.host
    assert isinstance(host, ContractHost)
    walker = _Walker(contract.variables, contract.methods)
    found = [warning for m in contract.methods.values() for warning in _stale(m, walker)]
    found += _bounces(contract, host)
    found += [warning for m in contract.methods.values() for warning in _loops(contract, m)]
    return tuple(sorted(found, key=lambda each: (each.line, each.kind, each.message)))


def _reached(symbol: FunctionSymbol, facts: Mapping[str, Facts]) -> Iterable[FunctionSymbol]:
    found = {symbol.key: symbol}
    pending = [symbol]
    while pending:
        for callee in facts[pending.pop().key].callees:
            if callee.key not in found:
                found[callee.key] = callee
                pending.append(callee)
    return found.values()


# --- read, wait, write ----------------------------------------------------------------------------


class _Do(Enum):
    READ = "read"
    WRITE = "write"
    WAIT = "wait"


class _Step(msgspec.Struct, frozen=True):
    """Something that a method does with the state."""

    do: _Do
    name: str
    line: int


def _stale(method: Method, walker: "_Walker") -> Iterator[Warned]:
    """Variables that are read, not read again after a wait, and written then."""
    if not method.is_async or method.is_isolated:
        return
    read: dict[str, int] = {}
    old: dict[str, int] = {}
    warned: set[str] = set()
    for step in walker.steps(method.symbol.node.body):
        match step.do:
            case _Do.READ:
                read[step.name] = step.line
                old.pop(step.name, None)
            case _Do.WAIT:
                old |= read
                read = {}
            case _Do.WRITE if step.name in old and step.name not in warned:
                warned.add(step.name)
                message = (
                    f"{step.name} is read in line {old[step.name]}, and written here after a wait: "
                    "another message may have changed it in between; read it again, write first, "
                    "or write @isolated above the method"
                )
                yield Warned("stale", message, step.line, old[step.name])


class _Walker:
    """Says what statements do with the state, about in the order of their execution.

    A call is what its method does, reads before writes; the body of a loop that waits comes twice.
    """

    def __init__(self, variables: Collection[str], methods: Mapping[str, Method]) -> None:
        self._variables = variables
        self._methods = methods
        self._known: dict[str, tuple[set[str], set[str]]] = {}

    def steps(self, nodes: Iterable[ast.AST], *, is_again: bool = False) -> Iterator[_Step]:
        """What some nodes do, one after another."""
        for node in nodes:
            yield from self._node(node, is_again)

    def _node(self, node: ast.AST, is_again: bool) -> Iterator[_Step]:
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from self._node(value, is_again)
                yield from self._writes(targets)
            case ast.AugAssign(target=target, value=value):
                yield from self._read(target)
                yield from self._node(value, is_again)
                yield from self._writes([target])
            case ast.Delete(targets=targets):
                yield from self._writes(targets)
            case ast.Await(value=value):
                yield from self.steps(children(value), is_again=is_again)
                yield _Step(_Do.WAIT, "", node.lineno)
            case ast.For() | ast.While():
                waits = any(isinstance(each, ast.Await) for each in walk([node]))
                for _ in range(1 if is_again or not waits else 2):
                    yield from self.steps(children(node), is_again=is_again or waits)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)) if (
                name in self._methods
            ):
                yield from self.steps([*node.args, *node.keywords], is_again=is_again)
                reads, writes = self._summary(name)
                yield from (_Step(_Do.READ, each, node.lineno) for each in sorted(reads))
                yield from (_Step(_Do.WRITE, each, node.lineno) for each in sorted(writes))
            case ast.Call(func=ast.Attribute(value=inner, attr=verb)) if (
                verb in CHANGING and state.root(inner) in self._variables
            ):
                yield from self.steps(node.args, is_again=is_again)
                yield from self._read(inner)
                yield from self._writes([inner])
            case ast.Attribute() | ast.Subscript() if state.root(node) in self._variables:
                yield from self.steps(_keys(node), is_again=is_again)
                yield from self._read(node)
            case _:
                yield from self.steps(children(node), is_again=is_again)

    def _summary(self, name: str) -> tuple[set[str], set[str]]:
        """What a method reads and writes, itself or through others; none calls itself."""
        if name not in self._known:
            found: tuple[set[str], set[str]] = (set(), set())
            for step in self.steps(self._methods[name].symbol.node.body):
                if step.do is not _Do.WAIT:
                    found[step.do is _Do.WRITE].add(step.name)
            self._known[name] = found
        return self._known[name]

    def _read(self, node: ast.expr) -> Iterator[_Step]:
        name = state.root(node)
        if name is not None and name in self._variables:
            yield _Step(_Do.READ, name, node.lineno)

    def _writes(self, targets: Iterable[ast.expr]) -> Iterator[_Step]:
        for target in targets:
            if isinstance(target, ast.Tuple | ast.List):
                yield from self._writes(target.elts)
                continue
            yield from self.steps(_keys(target))
            name = state.root(target)
            if name is not None and name in self._variables:
                yield _Step(_Do.WRITE, name, target.lineno)


def _keys(node: ast.AST) -> Iterator[ast.AST]:
    """The keys and indices on the way to a part of the state."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Subscript):
            yield node.slice
        node = node.value


# --- coins, loops ---------------------------------------------------------------------------------


def _bounces(contract: ContractSymbol, host: ContractHost) -> Iterator[Warned]:
    """Coins that go out, where nobody says what becomes of them when they come back."""
    for wait in host.awaits:
        if wait.has_value and not wait.is_caught:
            message = (
                f"coins go with {wait.what}: when it bounces they come back and this method fails; "
                "write try: ... except Bounce: to say whose they are"
            )
            yield Warned("bounce", message, wait.place.line)
    if not any(m.role is Role.ON_BOUNCE for m in contract.methods.values()):
        for place in host.sends:
            message = (
                "coins go out and nobody waits: when they bounce they come back to the contract; "
                "write a method with @on_bounce to say whose they are"
            )
            yield Warned("bounce", message, place.line)


def _loops(contract: ContractSymbol, method: Method) -> Iterator[Warned]:
    """Loops whose rounds the state decides: they grow until no message can pay for them."""
    for node in walk(method.symbol.node.body):
        test: ast.AST | None = None
        match node:
            case ast.For(iter=test) | ast.While(test=test):
                pass
        if test is not None and _is_of_state(test, contract):
            message = (
                "the state decides how often this goes round: others can let it grow until no "
                "message pays for it; go through a part at a time, with bounds from the message"
            )
            yield Warned("loop", message, getattr(node, "lineno", 0))


def _is_of_state(node: ast.AST, contract: ContractSymbol) -> bool:
    return any(
        isinstance(each, ast.Attribute) and state.root(each) in contract.variables
        for each in walk([node])
    )
