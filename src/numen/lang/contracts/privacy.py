"""Where private values may not go: into events, messages, errors, results or public slots.

A value is private if it was read from a private variable or came as a private parameter, and so is
whatever is computed from it, in any function it is passed to. `reveal(x)` says that anybody may
know x. What a decision tells by its outcome is not followed: see docs/guides/state.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from numen.ir.nodes import Edge, Function, Instr, Reg, Return, edges
from numen.ir.ops import Op
from numen.ir.types import Word
from numen.lang.contracts import records
from numen.lang.contracts.host import ContractHost
from numen.lang.contracts.model import ContractSymbol, Method, Role
from numen.lang.errors import LangError, TooLargeError, TypesError
from numen.lang.source import Source
from numen.lang.types import registers

WAYS_MAX: Final = 1024
"""Most functions that are followed, each once for every set of its parameters that is private."""

_WHERE: Final = {
    records.RETURN: "be the result of a message",
    records.REVERT: "be told in an error",
    records.SEND: "be sent in a message",
    records.CALL: "be sent in a message",
    records.EVENT: "be emitted in an event",
    records.SCHEDULE: "be kept with a timer",
    records.CANCEL: "name a timer",
}
_HINT: Final = "write reveal(...) around it, if anybody may know it"


class _Found(msgspec.Struct, frozen=True):
    """What is private after a function, if some of its parameters are.

    Attributes:
        results: Which results.
        params: Which parameters; arrays may become so.
    """

    results: frozenset[int]
    params: frozenset[int]


def require_privacy(contract: ContractSymbol, functions: Mapping[str, Function]) -> frozenset[str]:
    """Refuse a contract that shows what is private without saying so.

    Args:
        contract: The contract.
        functions: All its methods and what they call, before they are cut at their waits.

    Returns:
        The names of the views whose result is private.

    Raises:
        TypesError: A private value would be seen.
        TooLargeError: There is too much to follow.
    """
    host = contract.host
    assert isinstance(host, ContractHost)
    if host.realms is None:
        return frozenset()
    follower = _Follower(host, functions, contract.scope.source)
    views = set()
    for method in contract.methods.values():
        if method.role is Role.INTERNAL:
            continue
        found = follower.found(method.symbol.key, frozenset(_private_params(method)))
        if not found.results:
            continue
        if method.role is not Role.VIEW:
            raise contract.scope.source.refuse(
                TypesError,
                method.node,
                f"a private value would be the result of the message {method.remote.name}",
                _HINT,
            )
        views.add(method.remote.name)
    return frozenset(views)


def _private_params(method: Method) -> Iterator[int]:
    """The places of the private parameters among those of its function."""
    at = 0
    for field in method.remote.params:
        count = len(registers(field.type))
        if field.is_private:
            yield from range(at, at + count)
        at += count


class _Follower:
    """Follows private values through functions."""

    def __init__(
        self, host: ContractHost, functions: Mapping[str, Function], source: Source
    ) -> None:
        assert host.realms is not None
        self.secret_keys = host.realms[True].secret_keys
        self.revealed = host.revealed
        self.source = source
        self.functions = functions
        self._known: dict[tuple[str, frozenset[int]], _Found] = {}

    def found(self, name: str, private: frozenset[int]) -> _Found:
        """Follow a function; none calls itself."""
        way = name, private
        if way not in self._known:
            if len(self._known) >= WAYS_MAX:
                raise TooLargeError("private values go too many ways through these functions")
            self._known[way] = _Walk(self, self.functions[name], private).run()
        return self._known[way]


class _Walk:
    """One function, with some parameters private."""

    def __init__(self, follower: _Follower, fn: Function, private: frozenset[int]) -> None:
        self._follower = follower
        self._fn = fn
        self._params = fn.blocks[next(iter(fn.blocks))].params
        self._private = {self._params[at].reg for at in private}
        self._kinds = _constants(fn)

    def run(self) -> _Found:
        size = -1
        while size != len(self._private):
            size = len(self._private)
            for block in self._fn.blocks.values():
                for instr in block.body:
                    self._spread(instr)
                for edge in edges(block.end):
                    self._pass(edge)
        results: set[int] = set()
        for block in self._fn.blocks.values():
            for instr in block.body:
                self._require(instr)
            if isinstance(block.end, Return):
                results |= {at for at, reg in enumerate(block.end.values) if self._is(reg)}
        params = {at for at, param in enumerate(self._params) if self._is(param.reg)}
        return _Found(frozenset(results), frozenset(params))

    def _is(self, *regs: Reg) -> bool:
        return not self._private.isdisjoint(regs)

    def _mark(self, regs: Iterable[Reg]) -> None:
        name, revealed = self._fn.name, self._follower.revealed
        self._private |= {reg for reg in regs if (name, reg) not in revealed}

    def _spread(self, instr: Instr) -> None:
        """What is private after an instruction."""
        match instr.op:
            case Op.STATE_LOAD:
                if self._is_secret(instr.args[0]):
                    self._mark(instr.dests)
            case Op.CALL if instr.symbol in self._follower.functions:
                at = frozenset(i for i, reg in enumerate(instr.args) if self._is(reg))
                found = self._follower.found(instr.symbol, at)
                self._mark(instr.dests[i] for i in found.results)
                self._mark(instr.args[i] for i in found.params)
            case Op.SET | Op.STORE | Op.COPY:
                if self._is(*instr.args[1:]):
                    self._mark(instr.args[:1])
            case Op.SLICE:
                # A view and what it is a view of are one storage.
                if self._is(*instr.args, *instr.dests):
                    self._mark((instr.args[0], *instr.dests))
            case _:
                if self._is(*instr.args):
                    self._mark(instr.dests)

    def _pass(self, edge: Edge) -> None:
        """What is private in the next block."""
        for param, arg in zip(self._fn.blocks[edge.to].params, edge.args, strict=True):
            if self._is(arg):
                self._mark((param.reg,))
            elif not isinstance(param.type, Word) and self._is(param.reg):
                self._mark((arg,))

    def _is_secret(self, key: Reg) -> bool:
        return (self._fn.name, key) in self._follower.secret_keys

    def _require(self, instr: Instr) -> None:
        """Refuse an instruction that shows what is private."""
        match instr.op:
            case Op.EMIT if self._is(*instr.args):
                kind = self._kinds.get(instr.args[0], 0)
                raise self._refused(instr, _WHERE.get(kind, "be seen"))
            case Op.STATE_STORE if not self._is_secret(instr.args[0]) and self._is(*instr.args):
                raise self._refused(instr, "be written to a public variable")

    def _refused(self, instr: Instr, where: str) -> LangError:
        # Only methods of the contract itself write and emit, so they stand in its file.
        assert instr.place is not None
        message = f"a private value would {where}"
        return self._follower.source.refuse_at(TypesError, instr.place, message, _HINT)


def _constants(fn: Function) -> dict[Reg, int]:
    return {
        instr.dests[0]: instr.imm or 0
        for block in fn.blocks.values()
        for instr in block.body
        if instr.op is Op.CONST
    }
