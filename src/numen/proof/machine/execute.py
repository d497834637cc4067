"""The provable machine at native speed; it agrees with `emulate`, step by step."""

from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from numen.kernels.native import Kernels
from numen.kernels.options import Options
from numen.proof.machine import execute_code
from numen.proof.machine.emulate import called_by, hint
from numen.proof.machine.errors import MachineTrapError, RunTooLongError
from numen.proof.machine.isa import ENTRY_PC, HALT_PC, Code
from numen.proof.machine.record import STEP, Called, Cells, Record, touch

Notes: TypeAlias = tuple[npt.NDArray[np.void], npt.NDArray[np.uint32], list[Called]]
"""What a run leaves behind where it is recorded: steps, when each cell was touched, and calls."""

_KERNELS = Kernels(execute_code.module_text, Options(passes="O2"))


class Native(msgspec.Struct):
    """A machine between two steps.

    Attributes:
        code: What runs.
        fields: The same for the native loop.
        memory: Every cell.
        pc: What comes next.
        flag: 0 or 1.
        taken: Steps that were taken when it was last told to, before a trap too.
    """

    code: Code
    fields: npt.NDArray[np.int32]
    memory: Cells
    pc: int = ENTRY_PC
    flag: int = 0
    taken: int = 0


def load(code: Code, memory: Cells, pc: int = ENTRY_PC, flag: int = 0) -> Native:
    """A machine with a memory of its own."""
    fields = np.zeros((len(code.instructions), execute_code.FIELDS), np.int32)
    fields[:, :5] = np.array(code.instructions, np.int64)
    return Native(code, fields, memory.copy(), pc, flag)


def run(machine: Native, cycles_max: int) -> int:
    """Run until the machine halts, or so many cycles; the cycles that took.

    Raises:
        MachineTrapError: A step has no next.
    """
    return _take(machine, cycles_max, None, goes_on=False)


def run_to_end(machine: Native, cycles_max: int) -> int:
    """Run until the machine halts; the cycles that took.

    Raises:
        MachineTrapError: A step has no next.
        RunTooLongError: It goes on for longer.
    """
    cycles = run(machine, cycles_max)
    if machine.pc != HALT_PC:
        raise RunTooLongError(cycles_max)
    return cycles


def record(machine: Native, count: int) -> Record:
    """Take so many steps and record them; a machine that halted jumps on the spot.

    Raises:
        MachineTrapError: A step has no next.
    """
    before = machine.memory.copy()
    steps, times = np.zeros(count + 1, STEP), np.zeros(machine.code.cells, np.uint32)
    calls: list[Called] = []
    _take(machine, count, (steps, times, calls), goes_on=True)
    steps[count]["pc"], steps[count]["flag"] = machine.pc, machine.flag
    return Record(steps, before, machine.memory, times, tuple(calls))


def _take(machine: Native, count: int, notes: Notes | None, *, goes_on: bool) -> int:
    code, memory = machine.code, machine.memory
    state = np.array([machine.pc, machine.flag, 0, count, int(goes_on), code.cells], np.int64)
    steps, times = (notes[0].ctypes.data, notes[1].ctypes.data) if notes else (0, 0)
    is_asking = True
    fields = machine.fields
    while is_asking:
        why = _KERNELS.ask(
            "take", state.ctypes.data, fields.ctypes.data, memory.ctypes.data, times, steps
        )
        is_asking = why == execute_code.ASKS
        if is_asking:
            _answer(machine, state, notes)
    machine.pc, machine.flag, machine.taken = (int(word) for word in state[:3])
    if why == execute_code.STUCK:
        raise MachineTrapError(code.traps[machine.pc])
    return int(state[2])


def _answer(machine: Native, state: npt.NDArray[np.int64], notes: Notes | None) -> None:
    """Take a step that is a precompile, or a hint about integers of several cells."""
    pc, flag, index = (int(word) for word in state[:3])
    one, memory = machine.code.instructions[pc], machine.memory
    a, b = int(memory[one.a]), int(memory[one.b])
    called = called_by(one, a, b, memory)  # type: ignore[arg-type]
    found = 0 if called else hint(one, memory)  # type: ignore[arg-type]
    if notes is not None:
        steps, times, calls = notes
        earlier = []
        for access, place in enumerate((one.a, one.b, one.c)):
            earlier.append(int(times[place]))
            times[place] = 3 * index + access + 1
        if called:
            calls.append(touch(called, index, times))  # type: ignore[arg-type]
        steps[index] = (
            a, b, found, memory[one.c], pc, one.b, one.c, tuple(earlier), flag, 0,
        )  # fmt: skip
    memory[one.c] = found
    state[0], state[2] = pc + 1, index + 1
