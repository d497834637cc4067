"""The meaning of names in the methods of a contract: `self`, messages, events, errors, awaiting."""

import ast
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from numen.base.errors import Place
from numen.ir.interface import Shape, StructShape
from numen.ir.nodes import Reg
from numen.ir.ops import Op
from numen.ir.types import U64, U128, U256, Word
from numen.lang import assign, calls, statements
from numen.lang.contracts import cells, containers, emit, state
from numen.lang.contracts.model import (
    ADDRESS,
    NO_VALUES,
    Context,
    ErrorSymbol,
    EventSymbol,
    InterfaceSymbol,
    IterableMapType,
    Method,
    Remote,
    Role,
    SetType,
    Variable,
    VectorType,
)
from numen.lang.errors import FlowError, SubsetError, TypesError, UnknownNameError
from numen.lang.facts import meaning
from numen.lang.frame import Arrival, Frame, Literal, Value
from numen.lang.scope import FunctionSymbol, Scope
from numen.lang.source import walk
from numen.lang.suggest import did_you_mean, shown
from numen.lang.types import NOTHING, LangType

_OF_SELF: Final[dict[str, tuple[int, LangType]]] = {
    "sender": (Context.SENDER, ADDRESS),
    "value": (Context.VALUE, U128),
    "height": (Context.HEIGHT, U64),
    "now": (Context.TIME_MS, U64),
    "address": (Context.ADDRESS, ADDRESS),
    "balance": (Context.BALANCE, U128),
}
"""What `self` tells: the place in the context, and the type."""

_VERBS: Final = frozenset({"emit", "send", "every", "at", "after", "cancel", "rotate"})

AWAITS_MAX: Final = 256
"""Most places of one contract where it waits."""


class Await(msgspec.Struct, frozen=True):
    """A place where a method waits.

    Attributes:
        method: The key of the method.
        what: What it asks, for messages to people.
        result: What it is to be told.
        place: Where it stands.
        is_view: Whether what it asks only looks, so that it may be asked again.
        has_value: Whether coins go with the request.
        has_work: Whether it says how much work what follows may take.
        is_caught: Whether the method says what to do when the request bounces.
    """

    method: str
    what: str
    result: Shape
    place: Place
    is_view: bool
    has_value: bool
    has_work: bool
    is_caught: bool


def mark_of(number: int) -> str:
    """The name of the function that is called where the n-th wait is."""
    return f"await${number}"


class ContractHost:
    """What gives meaning to the names in the methods of one contract.

    Attributes:
        variables: Its state variables.
        methods: Its methods.
        awaits: Where its methods wait, in the order in which they were lowered.
        sends: Where they send coins that nobody waits for.
        changes: Where each function first changes something: a slot, or what is asked of others.
        realms: Its public and its private slots; None where all are public.
        revealed: Registers that hold what anybody may know, by their function.
    """

    default_word: Word = U128

    def __init__(self, scope: Scope, name: str) -> None:
        self.name = name
        self.variables: dict[str, Variable] = {}
        self.methods: dict[str, Method] = {}
        self.awaits: list[Await] = []
        self.sends: list[Place] = []
        self.changes: dict[str, ast.AST] = {}
        self.realms: tuple[cells.Realm, cells.Realm] | None = None
        self.revealed: set[tuple[str, Reg]] = set()
        self._scope = scope

    # --- what the language asks -----------------------------------------------------------------

    def functions(self, node: ast.AST) -> Sequence[FunctionSymbol]:
        """The method that ``self.name`` names, or what a container does where one stands."""
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in self.methods:
                method = self.methods[name]
                assert isinstance(method.symbol, FunctionSymbol)
                return (method.symbol,) if _is_callable(method) else ()
            case ast.Call(func=ast.Attribute(value=inner, attr=verb)) if containers.has_verb(
                state.type_of(inner, self.variables), verb
            ):
                return containers.functions(self._scope)
            case ast.Attribute() | ast.Subscript() if isinstance(
                state.type_of(node, self.variables), containers.CONTAINERS
            ):
                return containers.functions(self._scope)
            case _:
                return ()

    def expression(self, f: Frame, node: ast.expr) -> Value | Literal | None:
        """Lower what only a contract has; None for everything else."""
        match node:
            case ast.Attribute() | ast.Subscript():
                return self._read(f, node)
            case ast.Await():
                return self._await(f, node, is_caught=False)[1]
            case ast.Call():
                return self._call(f, node)
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[whole]):
                return self._contains(f, node, whole)
            case ast.Name(id="self"):
                raise f.refuse(TypesError, node, "self is no value", "write self.address")
            case _:
                return None

    def statement(self, f: Frame, node: ast.stmt) -> bool:
        """Lower a statement that only a contract has."""
        match node:
            case ast.AugAssign(target=target) if self._is_state(target):
                self._note(f, node)
                self._augment(f, node)
            case ast.Raise():
                self._raise(f, node)
            case ast.Delete(targets=targets) if all(self._is_state(each) for each in targets):
                self._note(f, node)
                for each in targets:
                    state.delete(f, each, self.variables, self.realms)
            case ast.Try():
                self._try(f, node)
            case ast.Return() if self._method(f).is_async:
                self._return(f, node)
            case _:
                return False
        return True

    def target_type(self, _f: Frame, target: ast.expr) -> LangType | None:
        """The type of a state variable that is assigned."""
        of = state.type_of(target, self.variables) if self._is_state(target) else None
        return None if isinstance(of, NO_VALUES) else of

    def assign(self, f: Frame, target: ast.expr, value: Value, node: ast.expr) -> bool:
        """Write a state variable."""
        if not self._is_state(target):
            name = state.root(target)
            if name is not None:
                raise self._unknown(f, target, name)
            return False
        self._note(f, target)
        state.write(f, target, state.entry(f, target, self.variables, self.realms), value, node)
        return True

    # --- what stands in methods -----------------------------------------------------------------

    def _note(self, f: Frame, node: ast.AST) -> None:
        self.changes.setdefault(f.symbol.key, node)

    def _locate(self, f: Frame, node: ast.expr) -> state.Location:
        return state.locate(f, node, self.variables, self.realms)

    def _is_state(self, node: ast.AST) -> bool:
        return state.root(node) in self.variables

    def _method(self, f: Frame) -> Method:
        return self.methods[f.symbol.node.name]

    def _unknown(self, f: Frame, node: ast.AST, name: str) -> Exception:
        if name in _OF_SELF:
            return f.refuse(TypesError, node, f"self.{name} cannot be changed")
        known = [*self.variables, *self.methods, *_OF_SELF]
        message = f"{self.name} has no {name}"
        return f.refuse(UnknownNameError, node, message, did_you_mean(name, known))

    def _read(self, f: Frame, node: ast.Attribute | ast.Subscript) -> Value | None:
        name = state.root(node)
        if name is None:
            return None
        if name in self.variables:
            return state.read(f, node, self._locate(f, node))
        match node:
            case ast.Attribute(value=ast.Name(id="self")) if name in _OF_SELF:
                return self._of_self(f, node, name)
            case ast.Attribute(value=ast.Name(id="self")) if name in self.methods:
                raise f.refuse(TypesError, node, f"{name} is a method", f"call it: self.{name}()")
            case ast.Attribute(value=ast.Name(id="self")):
                raise self._unknown(f, node, name)
            case _:
                return None

    def _of_self(self, f: Frame, node: ast.AST, name: str) -> Value:
        index, of = _OF_SELF[name]
        assert f.context is not None
        writer = f.at(node)
        reg = writer.op(Op.GET, f.context.type, f.context.reg, writer.const(index, U64))
        if isinstance(of, Word):
            reg = writer.op(Op.TRUNCATE, U256, reg, to=of)
        return Value(of, (reg,))

    def _call(self, f: Frame, node: ast.Call) -> Value | None:
        match node.func:
            case ast.Name(id=verb) if verb in _VERBS and verb not in f.locals:
                return self._verb(f, node, verb)
            case ast.Name(id="reveal") if "reveal" not in f.locals:
                return self._reveal(f, node)
            case ast.Name(id="len") if len(node.args) == 1 and self._is_counted(node.args[0]):
                place = self._locate(f, node.args[0])
                return state.length(f, node, place)
            case ast.Attribute(value=inner, attr=verb) if self._has_verb(inner, verb):
                return self._of_container(f, node, inner, verb)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self._own(f, node, name)
            case ast.Attribute(value=ast.Attribute(value=to, attr=name), attr="send"):
                return self._send(f, node, to, name)
            case ast.Attribute(value=ast.Name() | ast.Attribute() | ast.Subscript() as to):
                if isinstance(to, ast.Name) and to.id not in f.env:
                    return None
                if self._interface(f, to) is not None:
                    hint = f"write await {shown(node.func)}(...), or {shown(node.func)}.send(...)"
                    raise f.refuse(
                        SubsetError, node, "another contract is asked by a message", hint
                    )
        return None

    def _contains(self, f: Frame, node: ast.Compare, whole: ast.expr) -> Value | None:
        of = state.type_of(whole, self.variables)
        if not isinstance(of, SetType | IterableMapType):
            return None
        return containers.contains(f, node, of, self._locate(f, whole).slot)

    def _has_verb(self, whole: ast.expr, verb: str) -> bool:
        """Whether something stands before a point that has methods, as a container."""
        of = state.type_of(whole, self.variables)
        is_array = isinstance(of, VectorType) and verb in ("append", "pop")
        return is_array or containers.has_verb(of, verb) or isinstance(of, containers.CONTAINERS)

    def _of_container(self, f: Frame, node: ast.Call, whole: ast.expr, verb: str) -> Value:
        """Lower a method of an array or another container."""
        place = self._locate(f, whole)
        if verb in containers.CHANGING:
            self._note(f, node)
        if isinstance(place.type, VectorType) and verb in ("append", "pop"):
            return (state.append if verb == "append" else state.pop)(f, node, place)
        if not containers.has_verb(place.type, verb):
            hint = did_you_mean(verb, containers.verbs(place.type))
            raise f.refuse(UnknownNameError, node, f"{place.type} has no method {verb}", hint)
        if place.realm is not None and place.realm.is_private:
            hint = "it has append and pop, and elements by their index"
            raise f.refuse(TypesError, node, f"a private array has no method {verb}", hint)
        return containers.call(f, node, place.type, place.slot, verb)

    def _is_counted(self, node: ast.AST) -> bool:
        of = state.type_of(node, self.variables)
        return isinstance(of, (VectorType, *containers.CONTAINERS))

    def _reveal(self, f: Frame, node: ast.Call) -> Value:
        """Lower ``reveal(x)``: the same value, which anybody may know from here on."""
        if len(node.args) != 1 or node.keywords:
            raise f.refuse(TypesError, node, "reveal takes one value", "write reveal(x)")
        value = cells.copied(f, node, f.value(node.args[0]))
        self.revealed |= {(f.symbol.key, reg) for reg in value.regs}
        return value

    def _verb(self, f: Frame, node: ast.Call, verb: str) -> Value:
        self._note(f, node)
        timers = {name: m for name, m in self.methods.items() if m.role is Role.TIMER}
        match verb:
            case "emit":
                return self._emit(f, node)
            case "send":
                self.sends.append(f.source.place(node))
                return emit.coins(f, node)
            case "cancel":
                return emit.cancel(f, node, timers)
            case "rotate":
                return emit.rotate(f, node)
            case _:
                return emit.schedule(f, node, verb, timers)

    def _emit(self, f: Frame, node: ast.Call) -> Value:
        match node.args, node.keywords:
            case [ast.Call(func=func) as made], []:
                symbol = meaning(func, f.scope)
                if isinstance(symbol, EventSymbol):
                    return emit.event(f, made, symbol)
        raise f.refuse(TypesError, node, "emit takes an event", "write emit(Transfer(a, b, n))")

    def _own(self, f: Frame, node: ast.Call, name: str) -> Value:
        method = self.methods.get(name)
        if method is None:
            raise self._unknown(f, node, name)
        if not _is_callable(method):
            hint = "move what both need into a method without a decorator"
            what = "awaits" if method.is_async else f"is a {method.role.value}"
            raise f.refuse(SubsetError, node, f"{name} {what}: it is not called", hint)
        assert isinstance(method.symbol, FunctionSymbol)
        return calls.function(f, node, method.symbol)

    # --- other contracts ------------------------------------------------------------------------

    def _interface(self, f: Frame, node: ast.expr) -> InterfaceSymbol | None:
        """The interface of a variable, without lowering it."""
        of: Any = None
        match node:
            case ast.Name(id=name):
                of = f.types.get(name)
            case ast.Attribute() | ast.Subscript():
                of = state.type_of(node, self.variables)
        return f.scope.interfaces.get(of) if isinstance(of, StructShape) else None

    def _asked(self, f: Frame, node: ast.expr, to: ast.expr, name: str) -> tuple[Value, Remote]:
        """Whom a request goes to, and what it asks."""
        found = f.value(to)
        interface = (
            f.scope.interfaces.get(found.type) if isinstance(found.type, StructShape) else None
        )
        if interface is None:
            hint = "write Token(address), with @interface above class Token:"
            raise f.refuse(TypesError, to, f"{found.type} answers no messages", hint)
        if name not in interface.methods:
            message = f"{found.type} has no message {name}"
            hint = did_you_mean(name, interface.methods)
            raise f.refuse(UnknownNameError, node, message, hint)
        remote = interface.methods[name]
        if any(field.is_private for field in remote.params):
            hint = "only people seal requests: have them ask it themselves"
            raise f.refuse(TypesError, node, f"{name} takes what is private", hint)
        return found, remote

    def _send(self, f: Frame, node: ast.Call, to: ast.expr, name: str) -> Value:
        self._note(f, node)
        found, remote = self._asked(f, node.func, to, name)
        if any(word.arg == "value" for word in node.keywords):
            self.sends.append(f.source.place(node))
        emit.request(f, node, found, remote, is_awaited=False)
        return Value(NOTHING, ())

    def _await(self, f: Frame, node: ast.Await, *, is_caught: bool) -> tuple[str, Value]:
        """Ask, and wait.

        Returns:
            Whether an answer came, and the answer.
        """
        method = self.methods.get(f.symbol.node.name)
        if method is None or not method.is_async:
            hint = f"write async def {f.symbol.node.name}"
            raise f.refuse(SubsetError, node, "only an async method waits", hint)
        match node.value:
            case ast.Call(func=ast.Attribute(value=to, attr=name)) as call:
                pass
            case _:
                hint = "write await token.transfer(...)"
                raise f.refuse(SubsetError, node, "only a request is awaited", hint)
        if len(self.awaits) >= AWAITS_MAX:
            raise f.refuse(SubsetError, node, f"more than {AWAITS_MAX} places that wait")
        found, remote = self._asked(f, call.func, to, name)
        emit.request(f, call, found, remote, is_awaited=True)
        options = {word.arg for word in call.keywords}
        has_value, has_work = "value" in options, "callback_work" in options
        if method.is_isolated and has_value:
            hint = "send them after the last wait, or remove @isolated"
            raise f.refuse(
                SubsetError, node, "an isolated method sends no coins before it ends", hint
            )
        what = f"{found.type}.{name}"
        place = f.source.place(node)
        self.awaits.append(
            Await(
                f.symbol.key, what, remote.result, place, remote.is_view, has_value, has_work,
                is_caught,
            )
        )  # fmt: skip
        mark = mark_of(len(self.awaits) - 1)
        is_ok, value = emit.wait(f, node, mark, remote.result)
        if not is_caught:
            f.at(node).effect(Op.REQUIRE, None, is_ok, symbol=f"{what} bounced")
        return is_ok, value

    def _try(self, f: Frame, node: ast.Try) -> None:
        """Lower ``try:``, one await, ``except Bounce:``."""
        usage = "write try: ok = await ..., then except Bounce:"
        target: ast.expr | None = None
        match node:
            case ast.Try(
                body=[first, *rest],
                handlers=[ast.ExceptHandler(type=ast.Name(id="Bounce"), name=None) as handler],
                finalbody=[],
            ):
                pass
            case _:
                raise f.refuse(SubsetError, node, "try is for a request that bounces", usage)
        match first:
            case ast.Expr(value=ast.Await() as asked):
                pass
            case ast.Assign(targets=[target], value=ast.Await() as asked):
                pass
            case _:
                raise f.refuse(SubsetError, first, "a try begins with an await", usage)
        for later in walk(rest):
            if isinstance(later, ast.Await):
                hint = "give it a try of its own"
                raise f.refuse(SubsetError, later, "a try is for one await", hint)
        is_ok, value = self._await(f, asked, is_caught=True)
        writer = f.at(node)
        then, other, after = (writer.announce(hint) for hint in ("answered", "bounced", "after"))
        to_then, to_other = writer.branch(is_ok, then, other)
        env, ways = f.env, list[Arrival]()
        f.merge(then, [Arrival(to_then, env)])
        if target is not None:
            assign.bind(f, target, value, asked)
        statements.block(f, [*rest, *node.orelse])
        if f.writer.is_open:
            ways.append(f.leave(node, after, ways))
        f.merge(other, [Arrival(to_other, env)])
        statements.block(f, handler.body)
        if f.writer.is_open:
            ways.append(f.leave(node, after, ways))
        f.merge(after, ways)

    # --- statements -----------------------------------------------------------------------------

    def _augment(self, f: Frame, node: ast.AugAssign) -> None:
        """Lower ``self.a[b] += c``: the way to the slot is gone once."""
        self._require_still(f, node)
        place = self._locate(f, node.target)
        old = state.read(f, node.target, place)
        load = ast.copy_location(ast.Name("old", ast.Load()), node.target)
        binary = ast.copy_location(ast.BinOp(load, node.op, node.value), node)
        state.write(f, node.target, place, assign.combined(f, binary, old), node.value)

    def _require_still(self, f: Frame, node: ast.AugAssign) -> None:
        """Refuse a value that may change the container which the way to the slot leads through."""
        inner: ast.expr = node.target
        while isinstance(inner, ast.Subscript | ast.Attribute):
            if isinstance(state.type_of(inner, self.variables), containers.CONTAINERS):
                break
            inner = inner.value
        else:
            return
        for each in walk([node.value]):
            match each:
                case ast.Call(func=ast.Attribute(value=whole, attr=name)) if (
                    name in containers.CHANGING and self._is_state(whole)
                ) or (name in self.methods and state.root(each.func) == name):
                    hint = "give the value a name first"
                    raise f.refuse(SubsetError, each, f"this may change {shown(inner)}", hint)

    def _raise(self, f: Frame, node: ast.Raise) -> None:
        match node.exc:
            case ast.Call(func=func) as call if node.cause is None:
                symbol = meaning(func, f.scope)
                if isinstance(symbol, ErrorSymbol):
                    emit.error(f, call, symbol)
                    return
        hint = "write raise Insufficient(...), with @error above class Insufficient:"
        raise f.refuse(SubsetError, node, "only an error of the file is raised", hint)

    def _return(self, f: Frame, node: ast.Return) -> None:
        wanted = self._method(f).remote.result
        if node.value is None:
            if wanted != NOTHING:
                raise f.refuse(TypesError, node, f"{f.symbol.node.name} returns {wanted}")
        elif wanted == NOTHING:
            raise f.refuse(FlowError, node, f"{f.symbol.node.name} returns nothing")
        else:
            emit.result(f, node, f.of_type(node.value, wanted, "the result"))
        f.writer.returns(())


def _is_callable(method: Method) -> bool:
    """Whether the contract's own code can call a method."""
    return not method.is_async and method.role in (Role.MESSAGE, Role.VIEW, Role.INTERNAL)
