"""Walks: somebody's own runs of a course, at native speed, of which every step can be shown.

Who has walked knows every state of the run, and so every move of a contest about it.
"""

import contextlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from numen.ir.outcome import Outcome
from numen.ir.trap import Reason, Trap
from numen.kernels import sha256
from numen.proof.machine import execute
from numen.proof.machine.errors import MachineTrapError
from numen.proof.machine.isa import ENTRY_PC, HALT_PC
from numen.proof.machine.words import join_outputs
from numen.proof.walk import (
    CELL_BYTES,
    DEPTH,
    DONE,
    FALSE,
    LEAF_CELLS,
    ZEROS,
    Leaf,
    Phase,
    Shown,
    State,
    WalkError,
    join,
)
from numen.vm.course import Course, after, course, to_answer
from numen.vm.payload import encode_outcome

SNAPSHOTS_MAX: Final = 8
"""Memories that a walk keeps, so that it need not begin at the beginning for each state."""

CHECKPOINTS_MAX: Final = 256
"""States that a walk is committed to, at most, beside the last."""

DIGESTS_MAX: Final = 4096
"""States whose digests are remembered."""


def walk(code: bytes, inputs: bytes, answer: bytes | None, limit: int) -> "Walk":
    """Walk a program on inputs.

    Args:
        code: Bytecode.
        inputs: The run's inputs, from `payload.encode_inputs`.
        answer: That somebody claims; None for whatever the run gives.
        limit: Most steps of the machine, 1 or more.

    Raises:
        DecodeError: The bytecode is no program.
        PayloadError: The inputs are not the program's.
        MachineError: The program does not fit the machine.
    """
    way = course(code, inputs, answer or b"", limit)
    return Walk(way if answer is not None else to_answer(way, _answer_of(way)))


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
