"""From a source to a checked module of the machine."""

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from numen.base.errors import Place
from numen.ir.check import CheckError, check
from numen.ir.interface import Input, Interface
from numen.ir.nodes import Function, Module
from numen.ir.types import Memory
from numen.lang import function, limits
from numen.lang.errors import LangError, TooLargeError, TypesError, UnknownNameError
from numen.lang.facts import gather
from numen.lang.modules import Loader, Resolver, Texts
from numen.lang.scope import FunctionSymbol, Scope
from numen.lang.signature import Signature, size_names
from numen.lang.suggest import did_you_mean
from numen.lang.unit import Unit

_LIMIT_WORDS: Final = ("more than", "over", "deeper")
"""What the messages of the check have in common where a limit is passed."""


def compile_source(
    text: str,
    *,
    file: str = "<string>",
    entry: str = "main",
    resolver: Resolver | None = None,
) -> Module:
    """Compile a program.

    Args:
        text: The source, Python syntax; it is parsed and never executed.
        file: Its name in places and errors.
        entry: The function that runs.
        resolver: Where imported files come from; without one only `numen.std` can be imported.

    Returns:
        A module that `ir.check` accepts, not optimised, with a place on every instruction.

    Raises:
        LangError: The first thing that is wrong, with its place and a suggestion.
    """
    with bounded(file):
        scope = Loader(resolver or Texts({})).load(text, file)
        module = _compile(scope, entry)
        check(module)
    return module


@contextmanager
def bounded(file: str) -> Iterator[None]:
    """Turn what is too large for the compiler or the machine into an error of the language."""
    try:
        yield
    except RecursionError:
        raise TooLargeError("nested too deeply for this stack", place=Place(file, 1, 1)) from None
    except CheckError as error:
        raise _over_limit(error, file) from error


def _compile(scope: Scope, entry: str) -> Module:
    start = _entry(scope, entry)
    own = [symbol for symbol in scope.names.values() if isinstance(symbol, FunctionSymbol)]
    facts, order = gather([start, *own])
    unit = Unit(facts)
    bodies: dict[str, Function] = {}
    lower_plain(unit, order, bodies)
    interface, main = _lower_entry(unit, start)
    for symbol in own:
        if symbol is not start and not symbol.is_plain and not size_names(symbol):
            unit.instance(symbol, {}, symbol, symbol.node)
    lower_wanted(unit, bodies)
    return Module(reachable(main, bodies), main.name, interface)


def _entry(scope: Scope, entry: str) -> FunctionSymbol:
    symbol = scope.names.get(entry)
    if isinstance(symbol, FunctionSymbol):
        return symbol
    functions = [name for name, of in scope.names.items() if isinstance(of, FunctionSymbol)]
    listed = f"the file has {', '.join(functions[:8])}" if functions else "write def main(a, b):"
    raise scope.source.refuse(
        UnknownNameError,
        ast.Module([], []),
        f"the file has no function {entry}",
        did_you_mean(entry, functions) or listed,
    )


def _lower_entry(unit: Unit, start: FunctionSymbol) -> tuple[Interface, Function]:
    source, outline = start.scope.source, unit.outline(start)
    sizes = size_names(start)
    if sizes:
        raise source.refuse(
            TypesError,
            start.node,
            f"the size {sizes[0]} of the entry is not known",
            f"define {sizes[0]} = 8 above, or write the number",
        )
    for param in outline.params:
        if isinstance(param.type, Memory):
            hint = "take a list[u8, N] and copy it"
            raise source.refuse(TypesError, param.node, "the entry cannot take a memory", hint)
    main, frame = function.lower(unit, outline, is_entry=True)
    inputs = []
    for param in outline.params:
        assert not isinstance(param.type, Memory)
        inputs.append(Input(param.name, param.type, param.is_private))
    assert frame.result is not None
    assert not isinstance(frame.result, Memory)
    return Interface(tuple(inputs), frame.result), main


def lower_plain(unit: Unit, order: Iterable[FunctionSymbol], bodies: dict[str, Function]) -> None:
    """Lower the functions without annotations, callees first: their results are then known."""
    for symbol in order:
        if symbol.is_plain:
            body, frame = function.lower(unit, unit.outline(symbol))
            assert frame.result is not None
            bodies[body.name] = body
            unit.results[symbol.key] = frame.result


def lower_wanted(unit: Unit, bodies: dict[str, Function]) -> None:
    """Lower every instance that is asked for, until none asks for more."""
    done = 0
    count = 0
    while done < len(unit.wanted):
        wanted: list[Signature] = list(unit.wanted.values())[done:]
        done += len(wanted)
        for of in wanted:
            if of.name not in bodies:
                body, frame = function.lower(unit, of)
                bodies[of.name] = body
                count += frame.writer.count
                frame.check_size(of.symbol.node, limits.INSTRUCTIONS_MAX - count)


def reachable(main: Function, bodies: dict[str, Function]) -> dict[str, Function]:
    """The functions that the entry calls, itself or through others; none of them calls it."""
    found = {main.name: main}
    pending = [main]
    while pending:
        for callee in _callees(pending.pop()):
            if callee not in found:
                found[callee] = bodies[callee]
                pending.append(bodies[callee])
    return found


def _callees(fn: Function) -> set[str]:
    return {
        instr.symbol
        for block in fn.blocks.values()
        for instr in block.body
        if instr.op.value == "call"
    }


def _over_limit(error: CheckError, file: str) -> LangError:
    """The check of a module that was lowered right fails only at a limit of the machine."""
    assert any(word in error.message for word in _LIMIT_WORDS), error
    return TooLargeError(error.message, place=Place(file, 1, 1))
