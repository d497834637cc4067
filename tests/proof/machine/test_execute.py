"""The native machine takes the same steps as the emulator, and leaves the same record."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from numen.api.compiled import from_text
from numen.ir import interp
from numen.ir.pipeline import optimise
from numen.proof.machine import emulate, execute
from numen.proof.machine.errors import MachineTrapError
from numen.proof.machine.isa import HALT_PC
from numen.proof.machine.lower import lower
from numen.proof.machine.record import cells, emulated
from numen.proof.machine.words import join_outputs, split_inputs
from tests.strategies.ir import runs


def records_of(module, args, count):
    """What both leave of so many steps, or the traps they end in."""
    code = lower(module).code
    given = split_inputs(lower(module), args)
    memory = cells(emulate.start(code, *given).memory)

    def attempt(make):
        try:
            return make()
        except MachineTrapError as error:
            return error.trap

    return (
        attempt(lambda: emulated(code, emulate.start(code, *given), count)),
        attempt(lambda: execute.record(execute.load(code, memory), count)),
    )


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(run=runs())
def test_both_machines_leave_the_same_record(run):
    module, args = run

    slow, fast = records_of(optimise(module), args, 256)

    if hasattr(slow, "rows"):
        for name in ("rows", "before", "after", "times"):
            assert np.array_equal(getattr(slow, name), getattr(fast, name)), name
    else:
        assert slow == fast


@settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
@given(run=runs())
def test_a_run_in_parts_is_the_run(run):
    module, args = run
    lowered = lower(module)
    memory = cells(emulate.start(lowered.code, *split_inputs(lowered, args)).memory)
    try:
        whole = execute.load(lowered.code, memory)
        execute.run_to_end(whole, 100_000)
    except MachineTrapError:
        return

    parts = execute.load(lowered.code, memory)
    while parts.pc != HALT_PC:
        execute.run(parts, 7)

    assert np.array_equal(parts.memory, whole.memory)


EXAMPLES = sorted(
    path
    for path in (Path(__file__).resolve().parents[3] / "examples").glob("*.py")
    # Run only where they are compiled with a folder to import from, or for long.
    if path.name not in ("membership.py", "nbody.py", "sha256.py")
)


def told(text):
    """The arguments in lines like ``# main(1, [2]) -> 3``."""
    for line in text.splitlines():
        if line.startswith("# main("):
            yield json.loads(f"[{line.partition('(')[2].partition(') ->')[0]}]")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_do_what_they_do_elsewhere(path):
    program = from_text(path.read_text(encoding="utf-8"))
    lowered = lower(program.program.module)
    for args in told(path.read_text(encoding="utf-8")):
        given = program.bind(tuple(args))
        expected = interp.run(program.program.metered, given, work_limit=10**9)

        memory = emulate.start(lowered.code, *split_inputs(lowered, given)).memory
        machine = execute.load(lowered.code, cells(memory))
        try:
            execute.run_to_end(machine, 10**7)
            results, trap = [int(machine.memory[at]) for at in lowered.code.outputs], None
        except MachineTrapError as error:
            results, trap = None, error.trap

        assert trap == expected.trap
        assert trap or join_outputs(lowered, results) == expected.results
