"""Walks: runs of the provable machine whose every step can be shown to who never ran them.

See `numen.proof.walk`. `after` is the step, over any memory: the judge's few cells, or all of them.
It is total: whatever the program and the answer, each state has one that follows, so who disagree
about the last state of a walk disagree about one step. A `Walk` is somebody's own, at native speed.
"""

import contextlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from numen.ir.interface import flatten
from numen.ir.nodes import Module
from numen.ir.outcome import Outcome
from numen.ir.program import Program, load
from numen.ir.trap import Reason, Trap
from numen.kernels import sha256
from numen.proof.machine import emulate, execute
from numen.proof.machine.errors import MachineTrapError
from numen.proof.machine.isa import ENTRY_PC, HALT_PC, Code
from numen.proof.machine.lower import Lowered, lower
from numen.proof.machine.words import join_outputs, split_inputs
from numen.proof.walk import (
    CELL_BYTES,
    DEPTH,
    DONE,
    FALSE,
    LEAF_CELLS,
    ZEROS,
    Cells,
    Leaf,
    Phase,
    Shown,
    State,
    WalkError,
    join,
)
from numen.vm.payload import PayloadError, decode_inputs, decode_parts, encode_outcome

SNAPSHOTS_MAX: Final = 16
"""Memories that a walk keeps, so that it need not begin at the beginning for each state."""

CHECKPOINTS_MAX: Final = 256
"""States that a walk is committed to, at most, beside the last."""

DIGESTS_MAX: Final = 4096
"""States whose digests are remembered."""

_KEPT: Final = 4


class Memory(Protocol):
    """Cells by their addresses."""

    def __getitem__(self, address: int, /) -> int: ...
    def __setitem__(self, address: int, value: int, /) -> None: ...


class Course(msgspec.Struct, frozen=True, eq=False):
    """What decides every step of a walk.

    Attributes:
        lowered: The program.
        loads: What is put where before the machine begins.
        answer: The answer that is claimed.
        told: The cells of it; None where it is no value of the program, such as a trap.
        limit: Steps after which the machine is out of work.
    """

    lowered: Lowered
    loads: tuple[tuple[int, int], ...]
    answer: bytes
    told: tuple[int, ...] | None
    limit: int

    @property
    def code(self) -> Code:
        """What runs."""
        return self.lowered.code


def course(code: bytes, inputs: bytes, answer: bytes | None, limit: int) -> Course:
    """Find out what decides the steps of a walk.

    Args:
        code: Bytecode.
        inputs: The run's inputs, from `payload.encode_inputs`.
        answer: From `payload.encode_output`; None for whatever the run gives.
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
    found = Course(lowered, loads, b"", None, limit)
    if answer is None:
        answer = _answer_of(found)
    told = _told(program.module, lowered, answer)
    return msgspec.structs.replace(found, answer=answer, told=told)


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


def _answer_of(course: Course) -> bytes:
    """What a run gives, at native speed."""
    machine = execute.load(course.code, _loaded(course, len(course.loads)))
    try:
        execute.run(machine, course.limit)
    except MachineTrapError as error:
        return encode_outcome(Outcome(None, error.trap, 0))
    if machine.pc != HALT_PC:
        return encode_outcome(Outcome(None, Trap(Reason.WORK_LIMIT), 0))
    cells = [int(machine.memory[address]) for address in course.code.outputs]
    return encode_outcome(Outcome(join_outputs(course.lowered, cells), None, 0))


def _loaded(course: Course, count: int) -> npt.NDArray[np.uint64]:
    memory = np.zeros(course.code.cells, np.uint64)
    for address, value in course.loads[:count]:
        memory[address] = value
    return memory


class Walk:
    """Somebody's own walk of a course.

    Attributes:
        course: Of what.
        answer: The answer that it is about.
        run_steps: Steps of the machine.
        steps: After how many steps it is `DONE`, or has found the answer to be wrong.
        is_true: Whether it is `DONE` then.
    """

    def __init__(self, course: Course) -> None:
        self.course, self.answer = course, course.answer
        self._digests: dict[int, bytes] = {}
        self._checkpoints: dict[int, list[bytes]] = {}
        self._snapshots: dict[int, tuple[npt.NDArray[np.uint64], int, int]] = {}
        self._machine, self._taken = (
            execute.load(course.code, _loaded(course, len(course.loads))),
            0,
        )
        self.run_steps = self._first_run()
        self.steps = self._find_end()
        self.is_true = self.state(self.steps) == DONE

    def state(self, index: int) -> State:
        """The state after so many steps."""
        if index > self.steps:
            return FALSE
        return self._at(index)[0]

    def digest(self, index: int) -> bytes:
        """Name the state after so many steps."""
        if index not in self._digests:
            if len(self._digests) >= DIGESTS_MAX:
                self._digests.clear()
            self._digests[index] = self.state(index).digest
        return self._digests[index]

    def show(self, index: int) -> Shown:
        """What it takes to see the step that begins after so many others."""
        state, memory = self._at(index)
        if memory is None:
            return Shown(state, ())
        seen = _Seen(memory.copy())
        after(self.course, state, seen)
        levels = _levels(memory)
        leaves = sorted({address // LEAF_CELLS for address in seen.touched})
        return Shown(state, tuple(_leaf(memory, levels, index) for index in leaves))

    def interval(self) -> int:
        """How many steps lie between the states that a commitment has."""
        return max(1, -(-self.steps // CHECKPOINTS_MAX))

    def checkpoints(self, interval: int) -> list[bytes]:
        """Digests of the states at each interval, and of the last."""
        if interval not in self._checkpoints:
            places = [*range(0, self.steps, interval), self.steps]
            self._checkpoints = {interval: [self.digest(place) for place in places]}
        return self._checkpoints[interval]

    def _at(self, index: int) -> tuple[State, npt.NDArray[np.uint64] | None]:
        """A state and its memory; None of the ends, which have none."""
        loads, run = len(self.course.loads), self.run_steps
        if index <= loads:
            memory = _loaded(self.course, index)
            return State(Phase.LOAD, index, 0, 0, _root(memory)), memory
        taken = index - loads - 1
        if taken <= run:
            machine = self._machine_at(taken)
            memory = machine.memory.copy()
            return State(Phase.RUN, taken, machine.pc, machine.flag, _root(memory)), memory
        memory = self._machine_at(run).memory.copy()
        state = State(Phase.RUN, run, self._end[0], self._end[1], _root(memory))
        seen = _Seen(memory)
        for _ in range(taken - run):
            state = after(self.course, state, seen)
        return state, None if state.phase in (Phase.DONE, Phase.FALSE) else memory

    def _first_run(self) -> int:
        """Run to the end once; how many steps the machine took."""
        course = self.course
        machine = execute.load(course.code, _loaded(course, len(course.loads)))
        with contextlib.suppress(MachineTrapError):
            execute.run(machine, course.limit)
        self._end = (machine.pc, machine.flag)
        return machine.taken

    def _find_end(self) -> int:
        """After how many steps in all it is known whether the answer is right."""
        course, loads = self.course, len(self.course.loads)
        at_end = loads + 1 + self.run_steps
        if self._end[0] != HALT_PC or course.told is None:
            return at_end + 1
        memory = self._machine_at(self.run_steps).memory
        for index, (address, cell) in enumerate(
            zip(course.code.outputs, course.told, strict=True)
        ):  # fmt: skip
            if int(memory[address]) != cell:
                return at_end + 2 + index
        return at_end + 2 + len(course.told)

    def _machine_at(self, taken: int) -> execute.Native:
        """The machine after so many steps of its own; not to be changed."""
        if taken < self._taken:
            begun = max((at for at in self._snapshots if at <= taken), default=0)
            memory, pc, flag = self._snapshots.get(
                begun, (_loaded(self.course, len(self.course.loads)), ENTRY_PC, 0)
            )
            self._machine, self._taken = execute.load(self.course.code, memory, pc, flag), begun
        gap = max(1, -(-self.run_steps // SNAPSHOTS_MAX))
        while self._taken < taken:
            following = min(taken, (self._taken // gap + 1) * gap)
            execute.run(self._machine, following - self._taken)
            self._taken = following
            if following % gap == 0 and following not in self._snapshots:
                machine = self._machine
                self._snapshots[following] = (machine.memory.copy(), machine.pc, machine.flag)
        return self._machine


class _Seen:
    """A whole memory that notes which cells are touched."""

    def __init__(self, memory: npt.NDArray[np.uint64]) -> None:
        self._memory = memory
        self.touched: set[int] = set()

    def __getitem__(self, address: int) -> int:
        if address >= len(self._memory):
            raise WalkError(f"there is no cell {address}")
        self.touched.add(address)
        return int(self._memory[address])

    def __setitem__(self, address: int, value: int) -> None:
        if address >= len(self._memory):
            raise WalkError(f"there is no cell {address}")
        self.touched.add(address)
        self._memory[address] = value


def _levels(memory: npt.NDArray[np.uint64]) -> list[npt.NDArray[np.uint8]]:
    """The tree over the cells that there are."""
    rows = memory.astype("<u8", copy=False).view("<u4").reshape(-1, 2 * LEAF_CELLS)
    return sha256.tree([np.ascontiguousarray(rows)])


def _root(memory: npt.NDArray[np.uint64]) -> bytes:
    levels = _levels(memory)
    root: bytes = levels[-1][0].tobytes()
    for height in range(len(levels) - 1, DEPTH):
        root = join(root, ZEROS[height])
    return root


def _leaf(
    memory: npt.NDArray[np.uint64], levels: Sequence[npt.NDArray[np.uint8]], index: int
) -> Leaf:
    cells = memory[index * LEAF_CELLS : (index + 1) * LEAF_CELLS]
    data = b"".join(int(cell).to_bytes(CELL_BYTES, "little") for cell in cells)
    path = []
    for height in range(DEPTH):
        sibling = (index >> height) ^ 1
        inside = height < len(levels) and sibling < len(levels[height])
        path.append(levels[height][sibling].tobytes() if inside else ZEROS[height])
    return Leaf(index, data, tuple(path))
