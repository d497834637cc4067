"""A contract ready to be run: its program, and what is to be known of it."""

from collections.abc import Mapping

import msgspec

from numen.ir import tariff
from numen.ir.host import WORD_BYTES
from numen.ir.nodes import Module
from numen.ir.passes.bound import Tolls, total, work_bound
from numen.ir.program import Program, program_from_module
from numen.lang.contracts import dispatch, records
from numen.lang.contracts.abi import Abi, abi_of
from numen.lang.contracts.checks import warnings_of
from numen.lang.contracts.compile import Lowered, compile_contract
from numen.lang.contracts.description import Description, Entry, Resume, Stored
from numen.lang.contracts.layout import signature, size_words
from numen.lang.contracts.model import Context, Method
from numen.lang.errors import TypesError
from numen.lang.modules import Resolver


class Contract(msgspec.Struct, frozen=True):
    """A compiled contract.

    Attributes:
        program: What runs.
        description: What is to be known of it.
        abi: How others speak to it, in Ethereum's JSON.
    """

    program: Program
    description: Description
    abi: Abi


def build(
    text: str, *, file: str = "<string>", name: str = "", resolver: Resolver | None = None
) -> Contract:
    """Compile a contract; the arguments and errors are those of `compile_contract`."""
    lowered = compile_contract(text, file=file, name=name, resolver=resolver)
    program = program_from_module(lowered.module)
    return Contract(program, _describe(lowered, program), abi_of(lowered.symbol))


def _describe(lowered: Lowered, program: Program) -> Description:
    works = _Works(lowered, program.metered)
    resumes = tuple(
        Resume(
            wait.method.rpartition("$")[2],
            wait.what,
            wait.place.line,
            2 + len(each.part.saved),
            len(each.reply),
            works.of(each.number) or 0,
            wait.is_view,
            works.isolated[each.number] is not None,
        )
        for each, wait in zip(lowered.resumed, lowered.host.awaits, strict=True)
    )
    _require_bounds(lowered, resumes, works)
    stored = tuple(
        Stored(variable.name, str(variable.type), variable.slot)
        for variable in lowered.symbol.variables.values()
    )
    return Description(
        lowered.symbol.name,
        program.id,
        dispatch.argument_words(lowered.methods, lowered.resumed),
        tuple(_entry(method, works, lowered.private_views) for method in lowered.methods),
        resumes,
        stored,
        warnings_of(lowered.symbol),
        lowered.host.realms is not None,
    )


def _require_bounds(lowered: Lowered, resumes: tuple[Resume, ...], works: "_Works") -> None:
    """Refuse a wait whose continuation may take any work, where nothing says how much is kept."""
    for number, (wait, resume) in enumerate(zip(lowered.host.awaits, resumes, strict=True)):
        method = works.isolated[number]
        is_bounded = resume.work and (method is None or works.again(method))
        if not is_bounded and not wait.has_work:
            what = f"what follows {wait.what}" if method is None else f"{method.remote.name}"
            message = f"{what} has a loop that the text does not bound"
            hint = "say how much work to keep back for it: callback_work=200_000"
            source = lowered.symbol.scope.source
            raise source.refuse_at(TypesError, wait.place, message, hint)


def _entry(method: Method, works: "_Works", private_views: frozenset[str]) -> Entry:
    remote = method.remote
    return Entry(
        remote.name,
        method.role.value,
        dispatch.entry_number(method),
        signature(remote.name, remote.params),
        dispatch.argument_size(method),
        remote.is_payable,
        method.is_async,
        method.is_isolated,
        (works.again(method) or 0) if method.is_isolated else 0,
        any(field.is_private for field in remote.params),
        remote.name in private_views,
    )


class _Works:
    """The most work that each continuation takes, with what it passes on.

    Attributes:
        isolated: The isolated method of each wait, or None.
    """

    def __init__(self, lowered: Lowered, module: Module) -> None:
        self._awaits = lowered.host.awaits
        self._module = module
        self._known: dict[int, int | None] = {}
        self._path: set[int] = set()
        methods = {m.symbol.key: m for m in lowered.methods if m.is_isolated}
        self.isolated = [methods.get(wait.method) for wait in self._awaits]
        self._memos = {m.symbol.key: self._memo(m) for m in methods.values()}

    def of(self, number: int) -> int | None:
        """The most work of a continuation, answered or not; None where nothing bounds it."""
        if number in self._path:
            return None
        if number not in self._known:
            self._path.add(number)
            ways = [self._way(number, way) for way in (0, 1)]
            self._path.remove(number)
            bounds = [way for way in ways if way is not None]
            self._known[number] = max(bounds) if len(bounds) == len(ways) else None
        return self._known[number]

    def again(self, method: Method) -> int | None:
        """The most work of a method from its start; None where nothing bounds it."""
        return self._entered(dispatch.entry_number(method), self)

    def _way(self, number: int, way: int) -> int | None:
        return self._entered(records.CONTINUATIONS + 2 * number + way, self)

    def _entered(self, number: int, tolls: Tolls) -> int | None:
        module = self._module
        context = module.functions[module.entry].params[0].reg
        known = {(context, Context.ENTRY): number}
        return work_bound(module.functions, module.entry, known, tolls)

    def _memo(self, method: Method) -> int:
        """The most work of what an isolated method keeps for each wait beside its frame.

        Where nothing bounds the method, its author says how much is kept for this too.
        """
        waits = [wait for wait in self._awaits if wait.method == method.symbol.key]
        numbers = [n for n, wait in enumerate(self._awaits) if wait.method == method.symbol.key]
        starts = [dispatch.entry_number(method)]
        starts += [records.CONTINUATIONS + 2 * n + way for n in numbers for way in (0, 1)]
        own = [self._entered(start, _NO_TOLLS) or 0 for start in starts]
        words = dispatch.argument_size(method) + sum(size_words(wait.result) for wait in waits)
        return tariff.memo_work(sum(own), words, len(waits))

    def record(self, kind: int, length: int, words: Mapping[int, int]) -> int | None:
        """The work that goes with a record."""
        if kind != records.FRAME:
            return self._passed_on(kind, words)
        saved = (length - 1) * WORD_BYTES
        kept = tariff.DELIVERY_WORK + tariff.FRAME_BYTE_WORK * saved
        waits = words.get(0)
        if waits is not None:
            kept += self._memos.get(self._awaits[waits].method, 0)
        return total([kept, self._passed_on(kind, words)])

    def _passed_on(self, kind: int, words: Mapping[int, int]) -> int | None:
        match kind:
            case records.SEND | records.CALL:
                work = words.get(_WORK_AT)
                own = words.get(_CALLBACK_AT, 0) if kind == records.CALL else 0
                if work is None or (kind == records.CALL and _CALLBACK_AT not in words):
                    return None
                return (work if work != records.A_SHARE else records.LEAST_WORK) + own
            case records.FRAME:
                waits = words.get(0)
                if waits is None or self._awaits[waits].has_work:
                    return None if waits is None else 0
                return self.of(waits)
            case _:
                return 0


class _NoTolls:
    """Counts a contract's own work alone."""

    def record(self, _kind: int, _length: int, _words: Mapping[int, int]) -> int | None:
        """Nothing."""
        return 0


_NO_TOLLS = _NoTolls()

_WORK_AT, _CALLBACK_AT = 2, 4
"""Where a request says how much work goes with it, and is kept back for who waits."""
