"""Courses: what decides every step of a walk, and the step itself, for whoever judges one.

See `numen.proof.walk`. `after` is the step, over any memory: the judge's few cells, or all of them.
It is total: whatever the program and the answer, each state has one that follows, so who disagree
about the last state of a walk disagree about one step.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol

import msgspec

from numen.ir.interface import flatten
from numen.ir.nodes import Module
from numen.ir.outcome import Outcome
from numen.ir.program import Program, load
from numen.ir.trap import Reason, Trap
from numen.proof.machine import emulate
from numen.proof.machine.errors import MachineTrapError, StrayError
from numen.proof.machine.isa import ENTRY_PC, HALT_PC, Code
from numen.proof.machine.lower import Lowered, lower
from numen.proof.machine.words import split_inputs
from numen.proof.walk import DONE, FALSE, Cells, Phase, Shown, State
from numen.vm.payload import PayloadError, decode_inputs, decode_parts, encode_outcome

_KEPT: Final = 4


class Memory(Protocol):
    """Cells by their addresses."""

    def __getitem__(self, address: int, /) -> int: ...
    def __setitem__(self, address: int, value: int, /) -> None: ...


class Course(msgspec.Struct, frozen=True, eq=False):
    """What decides every step of a walk.

    Attributes:
        module: The program.
        lowered: The same, for the machine.
        loads: What is put where before the machine begins.
        answer: The answer that is claimed.
        told: The cells of it; None where it is no value of the program, such as a trap.
        limit: Steps after which the machine is out of work.
    """

    module: Module
    lowered: Lowered
    loads: tuple[tuple[int, int], ...]
    answer: bytes
    told: tuple[int, ...] | None
    limit: int

    @property
    def code(self) -> Code:
        """What runs."""
        return self.lowered.code


def course(code: bytes, inputs: bytes, answer: bytes, limit: int) -> Course:
    """Find out what decides the steps of a walk.

    Args:
        code: Bytecode.
        inputs: The run's inputs, from `payload.encode_inputs`.
        answer: That is claimed, as of `payload.encode_output`.
        limit: Most steps of the machine, 1 or more.

    Raises:
        DecodeError: The bytecode is no program.
        PayloadError: The inputs are not the program's.
        MachineError: The program does not fit the machine.
    """
    program, lowered = _lowered(code)
    fields = program.interface.inputs
    values = decode_inputs(program, inputs)
    args = [
        part
        for field, value in zip(fields, values, strict=True)
        for part in flatten(field.shape, value, field.name)
    ]
    public, private = split_inputs(lowered, args)
    machine = lowered.code
    given = (*zip(machine.public_inputs, public, strict=True),
             *zip(machine.private_inputs, private, strict=True))  # fmt: skip
    loads = tuple(pair for pair in (*sorted(machine.initial.items()), *given) if pair[1])
    return Course(
        program.module, lowered, loads, answer, _told(program.module, lowered, answer), limit
    )


def to_answer(course: Course, answer: bytes) -> Course:
    """The same, to another answer."""
    told = _told(course.module, course.lowered, answer)
    return msgspec.structs.replace(course, answer=answer, told=told)


def after(course: Course, state: State, memory: Memory) -> State:
    """Take one step; the memory changes, and the root in the state given is not looked at.

    The root in the state that comes back is that of before: who has the memory puts in its own.

    Raises:
        WalkError: A cell that it touches is not shown.
    """
    match state.phase:
        case Phase.LOAD:
            return _load(course, state, memory)
        case Phase.RUN:
            return _run(course, state, memory)
        case Phase.TELL:
            return _tell(course, state, memory)
    return FALSE


def judge(course: Course, shown: Shown) -> bytes:
    """Take the step that is shown; the digest of the state after it.

    Raises:
        WalkError: The cells are not those of the state, or too few.
    """
    cells = Cells(shown.state.memory, shown.leaves)
    following = after(course, shown.state, cells)
    return _with(following, cells.root()).digest


def _with(state: State, root: bytes) -> State:
    if state.phase in (Phase.DONE, Phase.FALSE):
        return state
    return msgspec.structs.replace(state, memory=root)


def _load(course: Course, state: State, memory: Memory) -> State:
    if state.index >= len(course.loads):
        return State(Phase.RUN, 0, ENTRY_PC, 0, state.memory)
    address, value = course.loads[state.index]
    memory[address] = value
    return State(Phase.LOAD, state.index + 1, 0, 0, state.memory)


def _run(course: Course, state: State, memory: Memory) -> State:
    if state.pc == HALT_PC:
        is_value = course.told is not None
        return State(Phase.TELL, 0, 0, 0, state.memory) if is_value else FALSE
    if state.index >= course.limit:
        return _ended(course, Trap(Reason.WORK_LIMIT))
    if state.pc >= len(course.code.instructions):
        return FALSE  # no honest walk comes here
    machine = emulate.State(memory, state.pc, state.flag)  # type: ignore[arg-type]
    try:
        emulate.step(course.code, machine)
    except MachineTrapError as error:
        return _ended(course, error.trap)
    except StrayError:
        return FALSE
    return State(Phase.RUN, state.index + 1, machine.pc, machine.flag, state.memory)


def _ended(course: Course, trap: Trap) -> State:
    return DONE if course.answer == encode_outcome(Outcome(None, trap, 0)) else FALSE


def _tell(course: Course, state: State, memory: Memory) -> State:
    told, outputs = course.told or (), course.code.outputs
    if state.index >= len(told):
        return DONE
    if memory[outputs[state.index]] != told[state.index]:
        return FALSE
    return State(Phase.TELL, state.index + 1, 0, 0, state.memory)


@lru_cache(_KEPT)
def _lowered(code: bytes) -> tuple[Program, Lowered]:
    program = load(code)
    return program, lower(program.module)


def _told(module: Module, lowered: Lowered, answer: bytes) -> tuple[int, ...] | None:
    """The cells of an answer; None where it is no value of the program."""
    try:
        parts = decode_parts(module.result_leaves, answer)
    except PayloadError:
        return None
    return split_outputs(lowered, parts)


def split_outputs(lowered: Lowered, parts: Sequence[int | list[int]]) -> tuple[int, ...]:
    """The outputs as cells."""
    slots = tuple(msgspec.structs.replace(slot, is_private=False) for slot in lowered.outputs)
    return split_inputs(msgspec.structs.replace(lowered, inputs=slots), parts)[0]
