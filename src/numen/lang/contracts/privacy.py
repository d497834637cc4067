"""Where private values may not go: into events, messages, errors, results or public slots.

A value is private if it was read from a private variable or came as a private parameter, and so is
whatever is computed from it, in any function it is passed to. So is what a decision about it
decides: which of two values a variable has then, and whether something is written or sent at all.
`reveal(x)` says that anybody may know x. That a run fails is not followed, nor how long it takes.

Source: Denning and Denning, "Certification of Programs for Secure Information Flow", 1977.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from numen.base.errors import Place
from numen.ir.nodes import Edge, Function, Instr, Label, Reg, Return, edges
from numen.ir.ops import Op
from numen.ir.types import Word
from numen.lang.contracts import records
from numen.lang.contracts.host import ContractHost
from numen.lang.contracts.model import ContractSymbol, Method, Role
from numen.lang.contracts.regions import Regions
from numen.lang.errors import TooLargeError, TypesError
from numen.lang.source import Source
from numen.lang.types import registers

STEPS_MAX: Final = 1 << 22
"""Most instructions and blocks that are looked at, each time it is."""

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
_HINT_DECIDED: Final = "write if reveal(...): above it, if anybody may know which way it goes"


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
    noted = {name for name, _ in (*host.realms[True].secret_keys, *host.revealed)}
    assert noted <= set(functions), "every method is lowered once, under its own name"
    own = frozenset(method.symbol.key for method in contract.methods.values())
    follower = _Follower(host, functions, own, contract.scope.source)
    views = set()
    for method in contract.methods.values():
        if method.role is Role.INTERNAL:
            continue
        private = frozenset(_private_params(method))
        found = follower.found(method.symbol.key, private, False, None)
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
        self,
        host: ContractHost,
        functions: Mapping[str, Function],
        own: frozenset[str],
        source: Source,
    ) -> None:
        assert host.realms is not None
        self.own = own
        self.secret_keys = host.realms[True].secret_keys
        self.revealed = host.revealed
        self.source = source
        self.functions = functions
        self._known: dict[tuple[str, frozenset[int], bool], _Found] = {}
        self._regions: dict[str, Regions] = {}
        self._steps = 0

    def found(
        self, name: str, private: frozenset[int], is_decided: bool, place: Place | None
    ) -> _Found:
        """Follow a function; none calls itself.

        Args:
            name: Of the function.
            private: Which parameters are.
            is_decided: Whether it is private that it runs at all.
            place: Where a method of the contract calls for it.
        """
        way = name, private, is_decided
        if way not in self._known:
            self._known[way] = _Walk(
                self, self.functions[name], private, is_decided, None if name in self.own else place
            ).run()
        return self._known[way]

    def spend(self, steps: int) -> None:
        """Count what is looked at.

        Raises:
            TooLargeError: It is too much.
        """
        self._steps += steps
        if self._steps > STEPS_MAX:
            raise TooLargeError("private values go too many ways through these functions")

    def regions(self, fn: Function) -> Regions:
        """The decisions of a function."""
        if fn.name not in self._regions:
            self._regions[fn.name] = Regions(fn)
        return self._regions[fn.name]


class _Walk:
    """One function, with some parameters private."""

    def __init__(
        self,
        follower: _Follower,
        fn: Function,
        private: frozenset[int],
        is_decided: bool,
        place: Place | None,
    ) -> None:
        self._place = place
        self._follower = follower
        self._fn = fn
        self._params = fn.blocks[next(iter(fn.blocks))].params
        self._private = {self._params[at].reg for at in private}
        self._kinds = _constants(fn)
        self._regions = follower.regions(fn)
        self._decisions: set[Label] = set()
        self._decided: set[Label] = set(fn.blocks) if is_decided else set()

    def run(self) -> _Found:
        size = -1
        while size != len(self._private):
            size = len(self._private)
            for label, block in self._fn.blocks.items():
                self._follower.spend(1 + len(block.body))
                for instr in block.body:
                    self._spread(instr, label in self._decided)
                for edge in edges(block.end):
                    self._pass(edge)
            self._decide()
        results: set[int] = set()
        for label, block in self._fn.blocks.items():
            is_decided = label in self._decided
            for instr in block.body:
                self._require(instr, is_decided)
            if isinstance(block.end, Return):
                values = enumerate(block.end.values)
                results |= {at for at, reg in values if is_decided or self._is(reg)}
        params = {at for at, param in enumerate(self._params) if self._is(param.reg)}
        return _Found(frozenset(results), frozenset(params))

    def _is(self, *regs: Reg) -> bool:
        return not self._private.isdisjoint(regs)

    def _mark(self, regs: Iterable[Reg]) -> None:
        name, revealed = self._fn.name, self._follower.revealed
        self._private |= {reg for reg in regs if (name, reg) not in revealed}

    def _decide(self) -> None:
        """What follows from private decisions."""
        for label, cond in self._regions.branches.items():
            if label not in self._decisions and self._is(cond):
                self._decisions.add(label)
                region = self._regions.of(label)
                self._follower.spend(len(region))
                self._decided |= region
                self._private |= self._regions.chosen(label, region)
                # Blocks that are decided have to be looked at again, whatever was chosen.
                self._private.add(f"decision at {label}")

    def _spread(self, instr: Instr, is_decided: bool) -> None:
        """What is private after an instruction."""
        match instr.op:
            case Op.STATE_LOAD:
                # Where a private key leads tells the key, whatever stands there.
                if self._is_secret(instr.args[0]) or self._is(instr.args[0]):
                    self._mark(instr.dests)
            case Op.CALL if instr.symbol in self._follower.functions:
                at = frozenset(i for i, reg in enumerate(instr.args) if self._is(reg))
                found = self._follower.found(
                    instr.symbol, at, is_decided, self._place or instr.place
                )
                self._mark(instr.dests[i] for i in found.results)
                self._mark(instr.args[i] for i in found.params)
            case Op.SET | Op.STORE | Op.COPY:
                if is_decided or self._is(*instr.args[1:]):
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

    def _require(self, instr: Instr, is_decided: bool) -> None:
        """Refuse an instruction that shows what is private."""
        match instr.op:
            case Op.EMIT:
                kind = self._kinds.get(instr.args[0], 0)
                where = _WHERE.get(kind, "be seen")
            case Op.STATE_STORE if not self._is_secret(instr.args[0]):
                where = "be written to a public variable"
            case _:
                return
        # Only methods of the contract itself emit. They write, or have the containers write.
        place = self._place or instr.place
        assert place is not None
        refuse_at = self._follower.source.refuse_at
        if is_decided:
            message = f"whether it comes to this is private, and would {where}"
            raise refuse_at(TypesError, place, message, _HINT_DECIDED)
        if self._is(*instr.args):
            raise refuse_at(TypesError, place, f"a private value would {where}", _HINT)


def _constants(fn: Function) -> dict[Reg, int]:
    return {
        instr.dests[0]: instr.imm or 0
        for block in fn.blocks.values()
        for instr in block.body
        if instr.op is Op.CONST
    }
