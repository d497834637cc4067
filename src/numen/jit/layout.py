"""Where everything lies in the one block of memory a run has.

    0        work units left, 8 bytes; the code of the trap, 4 bytes; at 16 the address of the host
    64       the leaves of the inputs, then those of the result, each on a line of its own
    frame    the arrays and memories of the entry; those of whatever it calls lie behind them

Calls never recurse, so each function's frame begins at a distance that its caller knows, and the
size of the whole is known before anything runs.
"""

import msgspec

from numen.ir import check
from numen.ir.interface import Leaf
from numen.ir.nodes import Function, Module, Reg
from numen.ir.ops import Op
from numen.ir.types import Word

LINE_BYTES = 64
"""Everything begins at a multiple of this, as a cache line does."""

LEFT_OFFSET, CODE_OFFSET, HOST_OFFSET, LEAVES_OFFSET = 0, 8, 16, LINE_BYTES


class Slot(msgspec.Struct, frozen=True):
    """A leaf of the inputs or of the result.

    Attributes:
        leaf: What it is.
        offset: Bytes from the beginning of the run's memory.
    """

    leaf: Leaf
    offset: int

    @property
    def size_bytes(self) -> int:
        return self.leaf.word.size_bytes * (1 if self.leaf.count is None else self.leaf.count)


class Frame(msgspec.Struct, frozen=True):
    """The storage of one function.

    Attributes:
        offsets: For each register that an `array` or `memory` writes, bytes from the frame's
            beginning.
        own_bytes: Where the frames of callees begin.
        total_bytes: Own storage and that of the deepest chain of callees.
    """

    offsets: dict[Reg, int]
    own_bytes: int
    total_bytes: int


class Layout(msgspec.Struct, frozen=True):
    """The memory of a run.

    Attributes:
        inputs: The leaves of the inputs.
        results: The leaves of the result.
        frames: By function name.
        frame_offset: Where the entry's frame begins.
        total_bytes: Size of the whole.
    """

    inputs: tuple[Slot, ...]
    results: tuple[Slot, ...]
    frames: dict[str, Frame]
    frame_offset: int
    total_bytes: int


def lay_out(module: Module) -> Layout:
    """Place the storage of a checked module.

    Cost: linear in the number of instructions.
    """
    inputs, after_inputs = _place(module.input_leaves, LEAVES_OFFSET)
    results, frame_offset = _place(module.result_leaves, after_inputs)
    frames: dict[str, Frame] = {}
    for name in check.call_order(module.functions):
        frames[name] = _frame(module.functions[name], frames)
    total = frame_offset + frames[module.entry].total_bytes
    return Layout(inputs, results, frames, frame_offset, total)


def _place(leaves: tuple[Leaf, ...], offset: int) -> tuple[tuple[Slot, ...], int]:
    slots = []
    for leaf in leaves:
        slot = Slot(leaf, offset)
        slots.append(slot)
        offset = _aligned(offset + slot.size_bytes)
    return tuple(slots), offset


def _frame(fn: Function, frames: dict[str, Frame]) -> Frame:
    offsets: dict[Reg, int] = {}
    own, deepest = 0, 0
    for block in fn.blocks.values():
        for instr in block.body:
            if instr.op is Op.CALL:
                deepest = max(deepest, frames[instr.symbol].total_bytes)
            elif instr.op in (Op.ARRAY, Op.MEMORY):
                assert instr.type is not None
                assert not isinstance(instr.type, Word)
                offsets[instr.dests[0]] = own
                own = _aligned(own + instr.type.size_bytes)
    return Frame(offsets, own, own + deepest)


def _aligned(offset: int) -> int:
    return -(-offset // LINE_BYTES) * LINE_BYTES
