"""From the record of a segment to the tables that prove it."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from numen.kernels import threads
from numen.kernels.native import Kernels
from numen.kernels.options import Options
from numen.proof.machine import trace_code
from numen.proof.machine.chips import bitwise, cpu, image, multiply, pairs, program
from numen.proof.machine.counts import Counts
from numen.proof.machine.fixed import instructions
from numen.proof.machine.isa import LIMBS, Code, Switch
from numen.proof.machine.precompiles.keccak import KECCAK
from numen.proof.machine.precompiles.poseidon2 import POSEIDON2
from numen.proof.machine.precompiles.sha256 import SHA256
from numen.proof.machine.precompiles.spec import Precompile
from numen.proof.machine.record import Called, Cells, Record, Steps
from numen.proof.machine.tables import keccak as keccak_tables
from numen.proof.machine.tables import poseidon2 as poseidon2_tables
from numen.proof.machine.tables import sha256 as sha256_tables
from numen.proof.stark.field import P

Table = npt.NDArray[np.uint32]
Column = npt.NDArray[np.uint32]

CPU_WIDTH: Final = 61
"""Columns of the table of steps."""

ROWS_LEAST: Final = 1 << 12
"""Rows that are worth a thread."""

TABLES: Final[dict[Precompile, Callable[[Sequence[Called], Counts], dict[str, Table]]]] = {
    SHA256: sha256_tables.tables,
    KECCAK: keccak_tables.tables,
    POSEIDON2: poseidon2_tables.tables,
}
"""What makes the tables of the calls of a precompile."""

_KERNELS = Kernels(trace_code.module_text, Options(passes="O2"))


def tables(code: Code, record: Record, *, is_first: bool) -> dict[str, Table]:
    """Make the tables of a segment, by the names of their chips; those without rows are left out.

    Args:
        code: What ran.
        record: A segment of its run.
        is_first: Whether it is the first.
    """
    counts = Counts()
    out = {
        cpu.NAME: cpu_table(code, record, counts),
        image.NAME: _image(code, record, counts, is_first=is_first),
        program.NAME: _program(code, record),
    }
    of_table = np.array([bool(one.switches & Switch.TABLE) for one in code.instructions])
    functions = np.array([one.t for one in code.instructions])
    at = np.flatnonzero(of_table[record.steps["pc"]])
    asked = record.steps[at]
    function = functions[asked["pc"]]
    for chip, make in ((multiply, _multiply), (bitwise, _bitwise)):
        chosen = np.isin(function, chip.FUNCTIONS)
        if chosen.any():
            out[chip.NAME] = make(asked[chosen], at[chosen], function[chosen], counts)
    for precompile, build in TABLES.items():
        calls = [one for one in record.calls if one.call.precompile is precompile]
        if calls:
            out |= build(calls, counts)
    out[pairs.NAME] = _bytes(counts)
    return out


def _program(code: Code, record: Record) -> Table:
    size = 1 << (len(code.instructions) - 1).bit_length()
    return np.bincount(record.steps["pc"], minlength=size).astype(np.uint32)[:, None]


def limbs(values: Cells) -> list[Column]:
    """Four columns of 16 bits, the least first."""
    parts = np.ascontiguousarray(values).view(np.uint16).reshape(len(values), LIMBS)
    return [parts[:, index].astype(np.uint32) for index in range(LIMBS)]


def cpu_table(code: Code, record: Record, counts: Counts) -> Table:
    """Make the table of steps, and count what it asks for."""
    rows = len(record.steps)
    fields, inverses = instructions(code), _inverses()
    out = np.empty((rows, CPU_WIDTH), np.uint32)
    found: list[npt.NDArray[np.int64]] = []

    def part(start: int, stop: int) -> None:
        asked = np.zeros(pairs.ROWS, np.int64)
        found.append(asked)
        arrays = (record.rows, fields, inverses, out, asked)
        _KERNELS.call("rows", *(one.ctypes.data for one in arrays), start, stop)

    threads.over_ranges(rows, ROWS_LEAST, part)
    for asked in found:
        counts.words += asked
    return out


@cache
def _inverses() -> Column:
    """The inverse of every sum of four limbs, 0 of 0."""
    base = np.arange(LIMBS << 16, dtype=np.uint64)
    out = np.ones_like(base)
    for bit in reversed(range(P.bit_length())):
        out = out * out % P
        if (P - 2) >> bit & 1:
            out = out * base % P
    return out.astype(np.uint32)


def _image(code: Code, record: Record, counts: Counts, *, is_first: bool) -> Table:
    address = np.arange(code.cells, dtype=np.uint32)
    before = limbs(record.before)
    if is_first and code.private_inputs:
        counts.words_in(*(limb[list(code.private_inputs)] for limb in before))
    columns = [address, record.times, *before, *limbs(record.after)]
    return np.stack(columns, axis=1)


def _parts(values: Cells) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), 8)


def _padded(columns: list[npt.NDArray[np.int64]]) -> Table:
    rows = len(columns[0])
    out = np.zeros((1 << (rows - 1).bit_length(), len(columns)), np.uint32)
    for index, column in enumerate(columns):
        out[:rows, index] = column
    return out


def _multiply(
    steps: Steps, at: npt.NDArray[np.int64], function: npt.NDArray[np.int64], counts: Counts
) -> Table:
    x, y = (_parts(steps[name]).astype(np.int64) for name in ("a", "b"))
    carry = np.zeros(len(steps), np.int64)
    products, carries = [], []
    for index in range(2 * LIMBS):
        total = carry + _at(x, y, 2 * index) + (_at(x, y, 2 * index + 1) << 8)
        carry = total >> 16
        products.append(total & 0xFFFF)
        carries.append(carry)
    carries.pop()
    is_ = [(function == one).astype(np.int64) for one in multiply.FUNCTIONS]
    result = [
        np.where(is_[1] == 1, products[index + LIMBS], products[index]) for index in range(LIMBS)
    ]
    counts.words_in(*products, *carries, *(carry * 16 for carry in carries))
    for side in (x, y):
        for index in range(0, 8, 2):
            _count(counts.pairs, side[:, index] | side[:, index + 1] << 8)
    sides = [side[:, index] for side in (x, y) for index in range(8)]
    return _padded([*is_, *sides, *products, *carries, *result, at])


def _at(x: npt.NDArray[np.int64], y: npt.NDArray[np.int64], weight: int) -> npt.NDArray[np.int64]:
    total = np.zeros(len(x), np.int64)
    for index in range(max(0, weight - 7), min(8, weight + 1)):
        total += x[:, index] * y[:, weight - index]
    return total


def _bitwise(
    steps: Steps, at: npt.NDArray[np.int64], function: npt.NDArray[np.int64], counts: Counts
) -> Table:
    x, y = (_parts(steps[name]).astype(np.int64) for name in ("a", "b"))
    both = x & y
    for index in range(8):
        _count(counts.ands, x[:, index] | y[:, index] << 8)
    is_ = [(function == one).astype(np.int64) for one in bitwise.FUNCTIONS]
    sides = [side[:, index] for side in (x, y, both) for index in range(8)]
    result = [limb.astype(np.int64) for limb in limbs(steps["c"])]
    return _padded([*is_, *sides, *result, at])


def _count(into: npt.NDArray[np.int64], values: npt.NDArray[np.int64]) -> None:
    into += np.bincount(values, minlength=pairs.ROWS)


@cache
def _pairs() -> Table:
    words = np.arange(pairs.ROWS, dtype=np.uint32)
    bits = [words >> np.uint32(bit) & np.uint32(1) for bit in range(pairs.BITS)]
    return np.stack([*bits, (words & 0xFF) & words >> np.uint32(8)], axis=1)


def _bytes(counts: Counts) -> Table:
    asked = np.stack([counts.words, counts.pairs, counts.ands], axis=1).astype(np.uint32)
    return np.concatenate([_pairs(), asked], axis=1)
