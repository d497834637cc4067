"""The sides of a comparison of a standard library: native code, the interpreter, Python's own.

A source computes over the whole of a batch and gives one number back, so that what is timed is the
library and not the passing of answers. Times are the processor's: nothing else runs.
"""

import time
from collections.abc import Callable, Sequence

from harness import Call, Contest
from numen.ir import interp
from numen.ir.program import Program, program_from_module
from numen.jit import engine
from numen.jit.native import Run, new_memory
from numen.lang.compile import compile_source

Words = Sequence[int | list[int]]
"""One value for each register of the entry: a word, or the words of a list."""

WORK_LIMIT = 10**12
INTERPRETER, PYTHON = "our interpreter", "CPython"


def contest(
    name: str,
    source: str,
    words: Words,
    python: Call,
    *,
    same: Callable[[object, object], object],
    target: float | None = None,
    rival: str = PYTHON,
    in_interpreter: bool = True,
) -> Contest:
    """A library against Python's own and against the interpreter.

    Args:
        name: What is computed.
        source: A program whose ``main`` gives one word.
        words: What ``main`` is given.
        python: The same in Python.
        same: Whether our word, the first argument, is what Python found.
        target: The highest ratio to Python that is promised.
        rival: What of Python is the rival.
        in_interpreter: Whether our interpreter is timed too; it takes thousands of times as long.
    """
    program = program_from_module(compile_source(source, file=f"{name}.numen"))
    sides = {rival: python}
    if in_interpreter:
        sides[INTERPRETER] = interpreted(program, words)

    def agree(ours: object, theirs: object) -> object:
        return ours == theirs or same(ours, theirs)

    targets = {} if target is None else {rival: target}
    return Contest(name, native(program, words), sides, targets, agree, time.process_time)


def native(program: Program, words: Words) -> Call:
    """A metered run of native code over prepared memory."""
    code = engine.translate(program.metered)
    run = Run(code, new_memory(code.layout))
    run.prepare(words)

    def call() -> object:
        run.execute(work_limit=WORK_LIMIT)
        outcome = run.outcome()
        assert outcome.results is not None, outcome.trap
        return outcome.results[0]

    return call


def interpreted(program: Program, words: Words) -> Call:
    """The same run in the interpreter."""

    def call() -> object:
        outcome = interp.run(program.metered, list(words), work_limit=WORK_LIMIT)
        assert outcome.results is not None, outcome.trap
        return outcome.results[0]

    return call
