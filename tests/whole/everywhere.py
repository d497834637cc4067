"""One program on every road from source to result, each of which must come to the same end."""

import random
import traceback
from typing import Any

from numen.ir import interp, program
from numen.ir.interface import flatten, unflatten
from numen.ir.nodes import Module
from numen.ir.outcome import Outcome
from numen.ir.passes.meter import meter
from numen.ir.trap import Reason
from numen.ir.types import WORDS
from numen.jit import engine
from numen.lang import compile_source
from numen.proof.circuit import compile_circuit
from numen.proof.circuit_errors import AlwaysTrapsError, CircuitRefusalError, RunTrapsError
from numen.proof.r1cs import check_witness
from numen.proof.wires import Limits
from tests.lang import python_words
from tests.lang.generate import Generator
from tests.whole.attack import loose_wires

ALL = tuple(name for name in WORDS if name != "bool")
"""The words of the language."""

NARROW = tuple(name for name in ALL if "256" not in name)
"""The words that circuits have."""

SMALL = Limits(steps=8_000, constraints=8_000)

WORK = 10**6


def edges(word_name: str) -> list[int]:
    """Values of a word at which things go wrong."""
    word = WORDS[word_name]
    powers = [1 << bits for bits in (7, 8, 31, 32, 63, 64, 127, 128)]
    near = [word.low, word.high, 0, 3, word.bits, *powers, *(-power for power in powers)]
    return [value + d for value in near for d in (-1, 0, 1) if value + d in word]


class Programs(Generator):
    """The generator of `tests.lang` with arguments and constants at the edges of their words."""

    def argument(self, of: str) -> Any:
        if of == "bool":
            return self.r.random() < 0.5
        if of == "list[u64, 4]":
            return [self.argument("u64") for _ in range(4)]
        if self.r.random() < 0.5:
            return self.r.choice([0, 1, 2, 3, 5, 7])
        return self.r.choice(edges(of))

    def leaf(self, of: str, scope: Any) -> str:
        if of in self.words and self.r.random() < 0.05:
            return f"{of}({self.r.choice(edges(of))})"
        return super().leaf(of, scope)


def draw(seed: int, words: tuple[str, ...]) -> tuple[str, list[Any]]:
    """A program and its arguments."""
    r = random.Random(seed)
    chosen = tuple(dict.fromkeys((*r.sample(words, min(4, len(words))), "u64", "i64", "felt")))
    return Programs(r, chosen).program()


def typed(of: str, value: Any) -> Any:
    """An argument as CPython needs it."""
    if of.startswith("list"):
        return [python_words.Number(item, WORDS["u64"]) for item in value]
    return value if of == "bool" else python_words.Number(value, WORDS[of])


def params_of(source: str) -> list[str]:
    """Types of the parameters of ``main``."""
    head = next(line for line in source.splitlines() if line.startswith("def main("))
    return [part.split(": ")[1] for part in head[9 : head.index(") ->")].split(", p")]


def python_end(source: str, args: list[Any]) -> tuple[Any, int | None]:
    """What CPython makes of a program: its result or reason, and the line of a trap."""
    names = dict(python_words.NAMES)
    exec(compile("from __future__ import annotations\n" + source, "program", "exec"), names)
    names["TABLE"] = [python_words.Number(item, WORDS["u64"]) for item in names["TABLE"]]
    given = [typed(of, value) for of, value in zip(params_of(source), args, strict=True)]
    try:
        return python_words.plain(names["main"](*given)), None
    except (python_words.StopError, ZeroDivisionError, IndexError, AssertionError) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno or 0 for frame in frames if frame.filename == "program"]
        reasons = {ZeroDivisionError: Reason.DIVISION_BY_ZERO, IndexError: Reason.INDEX}
        reasons[AssertionError] = Reason.REQUIREMENT
        reason = error.reason if isinstance(error, python_words.StopError) else reasons[type(error)]
        return reason, lines[-1] - 1


def end_of(module: Module, outcome: Outcome) -> tuple[Any, int | None]:
    """An outcome as `python_end` gives it."""
    if outcome.results is None:
        assert outcome.trap is not None
        place = outcome.trap.place
        return outcome.trap.reason, place.line if place else None
    return unflatten(module.interface.result, list(outcome.results)), None


def agree(source: str, args: list[Any], *, is_proven: bool) -> str:
    """Take every road; the name of the end they all came to.

    Raises:
        AssertionError: Two roads part.
    """
    expected = python_end(source, args)
    module = compile_source(source, file="program")
    parts: list[int | list[int]] = []
    for wanted, arg in zip(module.interface.inputs, args, strict=True):
        parts += flatten(wanted.shape, arg)
    plain = interp.run(module, parts, work_limit=WORK)
    assert end_of(module, plain) == expected, "O0"
    unoptimised = interp.run(meter(module), parts, work_limit=WORK)
    assert (unoptimised.results, unoptimised.trap) == (plain.results, plain.trap), "metered O0"

    made = program.program_from_module(module)
    loaded = program.load(made.code)
    assert loaded.id == made.id
    optimised = interp.run(loaded.metered, parts, work_limit=WORK)
    assert (optimised.results, optimised.trap) == (plain.results, plain.trap), "O2"
    assert engine.run(loaded, parts, work_limit=WORK) == optimised, "jit"
    for limit in {max(optimised.work, 1), max(optimised.work - 1, 1), max(optimised.work // 2, 1)}:
        short = interp.run(loaded.metered, parts, work_limit=limit)
        assert engine.run(loaded, parts, work_limit=limit) == short, "jit at a limit"
    ends = [prove(each, parts, plain) for each in (module, loaded.module)] if is_proven else []
    return ", ".join([str(expected[0]) if isinstance(expected[0], Reason) else "result", *ends])


def prove(module: Module, parts: list[int | list[int]], expected: Outcome) -> str:
    """The circuit of a module has a witness just where the run has an end, and the same end."""
    try:
        circuit = compile_circuit(module, limits=SMALL)
    except AlwaysTrapsError:
        assert expected.trap is not None, "circuit traps"
        return "always traps"
    except CircuitRefusalError as error:
        return type(error).__name__
    try:
        found = circuit.witness(parts)
    except RunTrapsError as error:
        found_trap = error.trap
    else:
        assert found.results == expected.results, "circuit"
        check_witness(circuit.r1cs, found.felts())
        assert loose_wires(circuit, found.values) == [], "circuit"
        return "witness"
    assert found_trap == expected.trap, "circuit"
    return "circuit traps"
