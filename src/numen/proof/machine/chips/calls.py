"""The memory of a precompile: the table that takes a call from a step and touches its cells.

A call is as many rows as it has cells, one access each: first the block, at the time of B, then the
state, at the time of C. Its first row receives the step's message, sends all words to the tables
that compute, and receives their result. Both wait in registers that move by one each row, so that
the cell in hand is always the first.

A prover cannot leave out a row, repeat one, or begin in the middle: a row that goes on is followed
by the next of its call, one that does not by a first row or by an idle one.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec

from numen.proof.machine.chips.cpu import ACCESSES, GAP_SHIFT
from numen.proof.machine.isa import LIMBS
from numen.proof.machine.precompiles.spec import Precompile
from numen.proof.stark.air import Chip, ChipBuilder, Expr

ADDRESS_LIMBS = 2
"""Of an address in a trace; the other limbs of the pointer are 0."""

Finish = Callable[[ChipBuilder, Expr, list[Expr], list[Expr], list[Expr]], None]
"""Requires what is written: of the builder, whether a row writes, the limbs before, those of the
result, and the limbs after."""


class Shape(msgspec.Struct, frozen=True):
    """How the words of a precompile look in traces.

    Attributes:
        limbs: Of a cell that are not always 0.
        parts: Of a word in the messages to and from what computes: its limbs, or 1.
        extra: Columns that `finish` has beside.
    """

    limbs: int
    parts: int
    extra: tuple[str, ...] = ()


def chip_name(precompile: Precompile) -> str:
    """The name of the table of a precompile's memory."""
    return f"{precompile.name} memory"


def build(precompile: Precompile, shape: Shape, finish: Finish) -> Chip:
    """Write the constraints of an access."""
    row = _Row(ChipBuilder(chip_name(precompile)), precompile, shape)
    _go_on(row)
    _access(row)
    _write(row, finish)
    _exchange(row)
    return row.b.build()


def store(
    b: ChipBuilder, is_write: Expr, _before: list[Expr], result: list[Expr], after: list[Expr]
) -> None:
    """Require that the result is what is written; its limbs are known to have 16 bits."""
    for index, (found, written) in enumerate(zip(result, after, strict=True)):
        b.require(f"limb {index} is the result's", is_write * (written - found))


class _Row:
    """The columns, in the order of the trace."""

    def __init__(self, b: ChipBuilder, precompile: Precompile, shape: Shape) -> None:
        self.b, self.of, self.shape = b, precompile, shape
        self.is_real, self.is_first = b.column("is real"), b.column("is first")
        self.is_last, self.is_write = b.column("is last"), b.column("is write")
        self.step, self.index = b.column("step"), b.column("index")
        self.state, self.block = (
            b.columns("state", ADDRESS_LIMBS),
            b.columns("block", ADDRESS_LIMBS),
        )
        self.address, self.time = b.column("address"), b.column("time before")
        self.low, self.high = b.column("gap low"), b.column("gap high")
        self.after = b.columns("after", shape.limbs)
        self.extra = [b.column(name) for name in shape.extra]
        count = precompile.block_cells + precompile.state_cells
        self.words = [b.columns(f"word {i}", shape.limbs) for i in range(count)]
        self.result = [b.columns(f"result {i}", shape.parts) for i in range(precompile.state_cells)]
        self.goes_on = self.is_real - self.is_last


def _go_on(row: _Row) -> None:
    b, count = row.b, len(row.words)
    for name, flag in (
        ("real", row.is_real),
        ("first", row.is_first),
        ("last", row.is_last),
        ("write", row.is_write),
    ):
        b.require_boolean(f"is {name} is a truth", flag)
        if flag is not row.is_real:
            b.require(f"only a real row is {name}", flag * (1 - row.is_real))
    b.require("the first row has index 0", row.is_first * row.index)
    b.require("the last row has the last index", row.is_last * (row.index - (count - 1)))
    b.require("a row that goes on is followed by one", row.goes_on * (1 - row.is_real.next))
    b.require("which is not a first one", row.goes_on * row.is_first.next)
    b.require(
        "one that does not, by a first one or none",
        (1 - row.goes_on) * (row.is_real.next - row.is_first.next),
    )
    b.require("indices count up", row.goes_on * (row.index.next - row.index - 1))
    for kept in (row.step, *row.state, *row.block):
        b.require("a call keeps its step and addresses", row.goes_on * (kept.next - kept))
    reads = row.of.block_cells
    b.require("a call ends with a write", row.is_last * (1 - row.is_write))
    if not reads:
        b.require("all rows write", row.is_real - row.is_write)
        return
    b.require("a call begins with a read", row.is_first * row.is_write)
    b.require("after a write comes a write", row.goes_on * row.is_write * (1 - row.is_write.next))
    turns = row.goes_on * (row.is_write.next - row.is_write)
    b.require("the last read is of the block's last word", turns * (row.index - (reads - 1)))


def _access(row: _Row) -> None:
    b, reads = row.b, row.of.block_cells
    is_read = row.is_real - row.is_write
    state, block = (side[0] + side[1] * (1 << 16) for side in (row.state, row.block))
    b.require(
        "the cell is the call's",
        row.address - row.is_write * (state + row.index - reads) - is_read * (block + row.index),
    )
    now = row.step * ACCESSES + (ACCESSES - 1) + row.is_write
    before, zeros = row.words[0], [0] * (LIMBS - row.shape.limbs)
    b.receive("memory", (row.address, *before, *zeros, row.time), row.is_real)
    b.send("memory", (row.address, *row.after, *zeros, now), row.is_real)
    gap = row.low + row.high * (1 << GAP_SHIFT)
    b.require("the access comes after the last", row.is_real * (now - row.time - 1 - gap))
    b.send("word", (row.low,), row.is_real)
    b.send("word", (row.high,), row.is_real)


def _write(row: _Row, finish: Finish) -> None:
    b = row.b
    for index, (before, after) in enumerate(zip(row.words[0], row.after, strict=True)):
        b.require(f"limb {index} stays where it is read", (1 - row.is_write) * (after - before))
    finish(b, row.is_write, row.words[0], row.result[0], [*row.after, *row.extra])
    _shift(b, "words", row.goes_on, row.words)
    _shift(b, "results", row.is_write * row.goes_on, row.result)
    is_read = row.goes_on - row.is_write * row.goes_on
    for word in row.result:
        for part in word:
            b.require("results wait for the first write", is_read * (part.next - part))


def _shift(b: ChipBuilder, name: str, when: Expr, register: Sequence[list[Expr]]) -> None:
    for one, following in pairwise(register):
        for part, to in zip(one, following, strict=True):
            b.require(f"{name} move up", when * (part.next - to))
    for part in register[-1]:
        b.require(f"no {name} come after the last", when * part.next)


def _exchange(row: _Row) -> None:
    b, of, reads = row.b, row.of, row.of.block_cells
    none: list[Expr | int] = [0] * (LIMBS - ADDRESS_LIMBS)
    called = [of.function, row.step, *row.state, *none, *row.block, *none, *[0] * LIMBS]
    b.receive("table", called, row.is_first)
    given = [*row.words[reads:], *row.words[:reads]]
    parts = [part for word in given for part in _parts(word, row.shape)]
    b.send(of.name, (row.step, 0, *parts), row.is_first)
    b.receive(
        f"{of.name} done", (row.step, *(p for word in row.result for p in word)), row.is_first
    )


def _parts(word: list[Expr], shape: Shape) -> list[Expr]:
    return word if shape.parts == shape.limbs else [word[0] + word[1] * (1 << 16)]
