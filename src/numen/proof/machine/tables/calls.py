"""The table of a precompile's memory: see `chips/calls.py`, whose columns these are."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from numen.proof.machine.chips.calls import ADDRESS_LIMBS, Shape
from numen.proof.machine.chips.cpu import ACCESSES, GAP_SHIFT
from numen.proof.machine.counts import Counts
from numen.proof.machine.isa import LIMBS
from numen.proof.machine.record import Called

Table = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]

Finish = Callable[[Numbers, Numbers, Counts], Numbers]
"""Of the limbs before and the parts of the result, one row for each: what `after` and the columns
beside it hold."""


def table(calls: Sequence[Called], shape: Shape, finish: Finish, counts: Counts) -> Table:
    """Make the table of some calls of one precompile, and count what it asks for."""
    of = calls[0].call.precompile
    reads, cells = of.block_cells, of.block_cells + of.state_cells
    words = _limbs([[*one.call.block, *one.call.state] for one in calls], shape.limbs)
    raw = [of.raw(one.call.state, one.call.block) for one in calls]
    results = _limbs(raw, shape.parts) if shape.parts > 1 else np.array(raw, np.int64)[:, :, None]
    step = np.array([one.step for one in calls], np.int64)
    a, b = (_limbs([[p] for p in at], ADDRESS_LIMBS)[:, 0] for at in _pointers(calls))
    times = np.array([one.times for one in calls], np.int64)
    rows = []
    for index in range(cells):
        is_write = int(index >= reads)
        before = words[:, index]
        moved = max(index - reads, 0)
        side, place = (a, index - reads) if is_write else (b, index)
        address = side[:, 0] + (side[:, 1] << 16) + place
        gap = step * ACCESSES + ACCESSES - 1 + is_write - times[:, index] - 1
        low, high = gap & (1 << GAP_SHIFT) - 1, gap >> GAP_SHIFT
        counts.words_in(low, high)
        after = np.zeros((len(calls), shape.limbs + len(shape.extra)), np.int64)
        after[:, : shape.limbs] = before
        if is_write:
            after = finish(before, results[:, moved], counts)
        flags = [1, int(index == 0), int(index == cells - 1), is_write]
        columns = [
            *(np.full(len(calls), flag) for flag in flags), step, np.full(len(calls), index),
            *a.T, *b.T, address, times[:, index], low, high, *after.T,
            *_left(words, index), *_left(results, moved),
        ]  # fmt: skip
        rows.append(np.stack(columns, axis=1))
    return padded(np.stack(rows, axis=1).reshape(len(calls) * cells, -1))


def store(_before: Numbers, result: Numbers, _counts: Counts) -> Numbers:
    """Write the result."""
    return result


def padded(rows: Numbers) -> Table:
    """Rows and, up to a power of two, rows of zeros."""
    out = np.zeros((1 << (len(rows) - 1).bit_length(), rows.shape[1]), np.uint32)
    out[: len(rows)] = rows
    return out


def _pointers(calls: Sequence[Called]) -> tuple[list[int], list[int]]:
    return [one.call.a for one in calls], [one.call.b for one in calls]


def _limbs(words: Sequence[Sequence[int]], count: int) -> Numbers:
    """Shape ``(calls, words, count)``."""
    cells = np.array(words, np.uint64)
    parts = cells.view(np.uint16).reshape(*cells.shape, LIMBS)
    return parts[:, :, :count].astype(np.int64)


def _left(register: Numbers, moved: int) -> Numbers:
    """A register that has moved up so often, column by column."""
    shifted = np.zeros_like(register)
    shifted[:, : register.shape[1] - moved] = register[:, moved:]
    return shifted.reshape(len(register), -1).T
