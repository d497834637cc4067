"""What a run of a segment leaves behind, step by step: what the tables are made of."""

from collections.abc import MutableSequence, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from numen.proof.machine.chips.cpu import ACCESSES
from numen.proof.machine.emulate import State, steps
from numen.proof.machine.isa import Code
from numen.proof.machine.precompiles.spec import Call

STEP: np.dtype[np.void] = np.dtype(
    [
        ("a", "<u8"), ("b", "<u8"), ("c", "<u8"), ("before", "<u8"),
        ("pc", "<u4"), ("b_address", "<u4"), ("c_address", "<u4"),
        ("times", "<u4", (ACCESSES,)), ("flag", "<u4"), ("padding", "<u4"),
    ]
)  # fmt: skip
"""A step: as in `emulate.Step`, and when each of its three cells was touched before; 64 bytes."""

Steps = npt.NDArray[np.void]
Cells = npt.NDArray[np.uint64]


class Called(msgspec.Struct, frozen=True):
    """A call of a precompile.

    Attributes:
        step: Which step made it.
        call: What it did.
        times: When each of its cells was touched before: those of the block, then of the state.
    """

    step: int
    call: Call
    times: tuple[int, ...]


class Record(msgspec.Struct, frozen=True):
    """A segment of a run.

    Attributes:
        rows: One for each step, of type `STEP`, a power of two of them; and one more, whose pc and
            flag are those after the segment.
        before: Every cell before it.
        after: Every cell after it.
        times: When each cell was touched last, uint32; 0 where never.
        calls: Of precompiles, in order.
    """

    rows: Steps
    before: Cells
    after: Cells
    times: npt.NDArray[np.uint32]
    calls: tuple[Called, ...] = ()

    @property
    def steps(self) -> Steps:
        """One for each step."""
        return self.rows[:-1]

    @property
    def pc(self) -> int:
        """What comes after the segment."""
        return int(self.rows[-1]["pc"])

    @property
    def flag(self) -> int:
        """The flag after the segment."""
        return int(self.rows[-1]["flag"])


def touch(call: Call, step: int, times: MutableSequence[int]) -> Called:
    """Note when a call touches its cells: the block when B is read, the state when C is written."""
    earlier = []
    for access, cells_ in ((ACCESSES - 1, call.reads), (ACCESSES, call.writes)):
        for address in cells_:
            earlier.append(int(times[address]))
            times[address] = ACCESSES * step + access
    return Called(step, call, tuple(earlier))


def emulated(code: Code, state: State, count: int) -> Record:
    """Record so many steps in Python; the state is changed.

    Raises:
        MachineTrapError: A step has no next.
    """
    before = cells(state.memory)
    times = [0] * code.cells
    out = np.zeros(count + 1, STEP)
    calls = []
    for index, one in enumerate(steps(code, state, count)):
        places = (code.instructions[one.pc].a, one.b_address, one.c_address)
        earlier = []
        for access, place in enumerate(places):
            earlier.append(times[place])
            times[place] = ACCESSES * index + access + 1
        if one.call is not None:
            calls.append(touch(one.call, index, times))
        out[index] = (
            one.a, one.b, one.c, one.before, one.pc, one.b_address, one.c_address,
            tuple(earlier), one.flag, 0,
        )  # fmt: skip
    last = np.array(times, np.uint32)
    out[count]["pc"], out[count]["flag"] = state.pc, state.flag
    return Record(out, before, cells(state.memory), last, tuple(calls))


def cells(values: Sequence[int]) -> Cells:
    """Cells as an array."""
    return np.array(values, np.uint64)
