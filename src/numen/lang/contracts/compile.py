"""From the source of a contract to a module of the machine."""

import ast

import msgspec

from numen.ir.check import check
from numen.ir.nodes import Function, Module, Param
from numen.ir.types import BOOL, Word
from numen.lang import compile as lang_compile
from numen.lang import function
from numen.lang.contracts import dispatch
from numen.lang.contracts.checks import require_pure_views
from numen.lang.contracts.host import ContractHost, mark_of
from numen.lang.contracts.isolation import require_isolation
from numen.lang.contracts.model import ContractSymbol, Method, Role
from numen.lang.contracts.privacy import require_privacy
from numen.lang.contracts.split import Cut, split
from numen.lang.errors import TooLargeError, UnknownNameError
from numen.lang.facts import gather
from numen.lang.modules import Loader, Resolver, Texts
from numen.lang.scope import Scope
from numen.lang.suggest import did_you_mean
from numen.lang.types import registers
from numen.lang.unit import Unit


class Lowered(msgspec.Struct, frozen=True):
    """A contract, lowered.

    Attributes:
        symbol: As declared.
        module: A module that `ir.check` accepts, not optimised.
        methods: Those that can be run from outside, by rising number.
        resumed: Its continuations, by number.
        private_views: The names of the views whose result is private.
    """

    symbol: ContractSymbol
    module: Module
    methods: tuple[Method, ...]
    resumed: tuple[dispatch.Resumed, ...]
    private_views: frozenset[str]

    @property
    def host(self) -> ContractHost:
        """What lowered its methods, and noted where they wait and send."""
        assert isinstance(self.symbol.host, ContractHost)
        return self.symbol.host


def compile_contract(
    text: str, *, file: str = "<string>", name: str = "", resolver: Resolver | None = None
) -> Lowered:
    """Compile a contract.

    Args:
        text: The source, Python syntax; it is parsed and never executed.
        file: Its name in places and errors.
        name: Which contract of the file; without it the last one.
        resolver: Where imported files come from.

    Raises:
        LangError: The first thing that is wrong, with its place and a suggestion.
    """
    with lang_compile.bounded(file):
        scope = Loader(resolver or Texts({})).load(text, file)
        found = _lower(_find(scope, name))
        check(found.module)
    return found


def contracts_of(scope: Scope) -> list[ContractSymbol]:
    """The contracts that a file declares itself, in order."""
    symbols = (s for s in scope.names.values() if isinstance(s, ContractSymbol))
    return [symbol for symbol in symbols if symbol.scope is scope]


def _find(scope: Scope, name: str) -> ContractSymbol:
    known = {symbol.name: symbol for symbol in contracts_of(scope)}
    if not name and known:
        return list(known.values())[-1]
    if name in known:
        return known[name]
    hint = did_you_mean(name, known) or "write @contract above class Name:"
    raise scope.source.refuse(
        UnknownNameError, ast.Module([], []), f"the file has no contract {name}".rstrip(), hint
    )


def _lower(contract: ContractSymbol) -> Lowered:
    methods = [m for m in contract.methods.values() if m.role is not Role.INTERNAL]
    methods.sort(key=dispatch.entry_number)
    _refuse_equal_numbers(contract, methods)
    facts, order = gather([method.symbol for method in contract.methods.values()])
    assert isinstance(contract.host, ContractHost)
    unit = Unit(facts, is_halved=contract.host.realms is not None)
    bodies: dict[str, Function] = {}
    lang_compile.lower_plain(unit, order, bodies)
    resumed: list[dispatch.Resumed] = []
    for method in contract.methods.values():
        outline = unit.outline(method.symbol)
        unit.instance(method.symbol, {}, method.symbol, method.symbol.node)
        body, _ = function.lower(unit, outline)
        bodies[body.name] = body
    lang_compile.lower_wanted(unit, bodies)
    require_pure_views(contract, facts)
    private_views = require_privacy(contract, bodies)
    for method in contract.methods.values():
        if method.is_async:
            resumed += _split(unit, contract, method, bodies)
    resumed.sort(key=lambda each: each.number)
    main, interface = dispatch.write(unit, contract, methods, resumed)
    lang_compile.lower_wanted(unit, bodies)
    functions = lang_compile.reachable(main, bodies)
    return Lowered(
        contract,
        Module(functions, main.name, interface),
        tuple(methods),
        tuple(resumed),
        private_views,
    )


def _refuse_equal_numbers(contract: ContractSymbol, methods: list[Method]) -> None:
    known: dict[int, Method] = {}
    for method in methods:
        number = dispatch.entry_number(method)
        if number in known:
            other = known[number].remote.name
            message = f"{method.remote.name} and {other} are told apart by nothing"
            raise contract.scope.source.refuse(TooLargeError, method.node, message, "rename one")
        known[number] = method


def _split(
    unit: Unit, contract: ContractSymbol, method: Method, bodies: dict[str, Function]
) -> list[dispatch.Resumed]:
    """Cut a method at its waits; the continuations join the bodies."""
    assert isinstance(contract.host, ContractHost)
    key = method.symbol.key
    cuts = []
    for number, wait in enumerate(contract.host.awaits):
        if wait.method == key:
            words = tuple(part for part in registers(wait.result) if isinstance(part, Word))
            cuts.append(Cut(number, (BOOL, *words), wait.place))
    used = unit.facts[key].tables
    body = bodies[key]
    if method.is_isolated:
        marks = [mark_of(cut.number) for cut in cuts]
        require_isolation(body, marks, bodies, contract.scope.source)
    count = 1 + sum(len(registers(table.type)) for table in used if table.type is not None)
    shared: tuple[Param, ...] = body.params[-count:]
    bodies[key], parts = split(body, cuts, shared, bodies)
    found = []
    for number, part in parts.items():
        bodies[part.function.name] = part.function
        reply = next(cut.reply for cut in cuts if cut.number == number)
        place = contract.host.awaits[number].place
        node = ast.Pass(lineno=place.line, col_offset=place.column - 1)
        found.append(dispatch.Resumed(number, part, reply[1:], used, node))
    return found
