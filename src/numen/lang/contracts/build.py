"""A contract ready to be run: its program, and what is to be known of it."""

import msgspec

from numen.ir.nodes import Module
from numen.ir.passes.bound import work_bound
from numen.ir.program import Program, program_from_module
from numen.lang.contracts import dispatch, records
from numen.lang.contracts.abi import Abi, abi_of
from numen.lang.contracts.checks import warnings_of
from numen.lang.contracts.compile import Lowered, compile_contract
from numen.lang.contracts.description import Description, Entry, Resume, Stored
from numen.lang.contracts.layout import signature
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
    resumes = tuple(
        Resume(
            wait.method.rpartition("$")[2],
            wait.what,
            wait.place.line,
            2 + len(each.part.saved),
            len(each.reply),
            _work(program.metered, each.number),
        )
        for each, wait in zip(lowered.resumed, lowered.host.awaits, strict=True)
    )
    _require_bounds(lowered, resumes)
    stored = tuple(
        Stored(variable.name, str(variable.type), variable.slot)
        for variable in lowered.symbol.variables.values()
    )
    return Description(
        lowered.symbol.name,
        program.id,
        dispatch.argument_words(lowered.methods, lowered.resumed),
        tuple(_entry(method) for method in lowered.methods),
        resumes,
        stored,
        warnings_of(lowered.symbol),
    )


def _require_bounds(lowered: Lowered, resumes: tuple[Resume, ...]) -> None:
    """Refuse a wait whose continuation may take any work, where nothing says how much is kept."""
    for wait, resume in zip(lowered.host.awaits, resumes, strict=True):
        if not resume.work and not wait.has_work:
            message = f"what follows {wait.what} has a loop that the text does not bound"
            hint = "say how much work to keep back for it: callback_work=200_000"
            source = lowered.symbol.scope.source
            raise source.refuse_at(TypesError, wait.place, message, hint)


def _entry(method: Method) -> Entry:
    remote = method.remote
    return Entry(
        remote.name,
        method.role.value,
        dispatch.entry_number(method),
        signature(remote.name, remote.params),
        dispatch.argument_size(method),
        remote.is_payable,
        method.is_async,
    )


def _work(module: Module, number: int) -> int:
    """The most work that a continuation takes, answered or not; 0 where nothing bounds it."""
    entry = module.functions[module.entry]
    context = entry.params[0].reg
    found = []
    for way in (0, 1):
        known = {(context, Context.ENTRY): records.CONTINUATIONS + 2 * number + way}
        found.append(work_bound(module.functions, module.entry, known))
    return max((each for each in found if each is not None), default=0) if None not in found else 0
