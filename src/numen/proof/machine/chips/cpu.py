"""The table of steps: a row reads two cells and writes one.

A cell is consumed with the time of its last access and produced with the time of this one, so
every access receives what the last one sent. That the time before is less, the gap shows:
``now - before - 1 = low + 2**14 high``, both of 16 bits; a negative gap would be above 2**30.
"""

from typing import Final

from numen.proof.machine.isa import LIMBS, SWITCHES, Switch
from numen.proof.stark.air import Chip, ChipBuilder, Expr

NAME: Final = "cpu"

ACCESSES: Final = 3
"""Cells that a step touches: A, B and C, at the times ``ACCESSES * step + 1`` and on."""

GAP_SHIFT: Final = 14
"""The high part of a difference of times counts in units of 2**14."""

STEPS_MAX: Final = 1 << 20
"""Rows of the table: times stay below 2**22, differences that are negative above 2**30."""


def build() -> Chip:
    """Write the constraints of a step."""
    row = _Row(ChipBuilder(NAME))
    _fetch(row)
    _go_on(row)
    _access(row)
    _compute(row)
    _decide(row)
    return row.b.build()


class _Row:
    """The columns, in the order of the trace."""

    def __init__(self, b: ChipBuilder) -> None:
        self.b = b
        self.pc, self.next_pc, self.step = b.column("pc"), b.column("next pc"), b.column("step")
        self.on = {switch: b.column(str(switch.name).lower()) for switch in SWITCHES}
        self.field = b.columns("operand", 3)
        self.t = b.column("t")
        self.b_address, self.c_address = b.column("b address"), b.column("c address")
        self.x, self.y, self.z = b.columns("a", LIMBS), b.columns("b", LIMBS), b.columns("c", LIMBS)
        self.before = b.columns("before", LIMBS)
        self.time = b.columns("time before", ACCESSES)
        self.low, self.high = b.columns("gap low", ACCESSES), b.columns("gap high", ACCESSES)
        self.carry = b.columns("carry", LIMBS)
        self.flag, self.flag_out = b.column("flag"), b.column("flag out")
        self.is_zero, self.inverse = b.column("is zero"), b.column("inverse")
        self.is_taken = b.column("is taken")

    def any(self, *switches: Switch) -> Expr:
        """The sum of some switches."""
        total: Expr = self.on[switches[0]]
        for switch in switches[1:]:
            total = total + self.on[switch]
        return total


def _fetch(row: _Row) -> None:
    word: Expr | int = 0
    for index, switch in enumerate(SWITCHES):
        row.b.require_boolean(f"{str(switch.name).lower()} is a switch", row.on[switch])
        word = row.on[switch] * (1 << index) + word
    row.b.send("program", (row.pc, word, *row.field, row.t), 1)


def _go_on(row: _Row) -> None:
    b, on = row.b, row.on
    b.require("the first step is the statement's", b.first * (row.pc - b.public("pc in")))
    b.require("the flag before it is the statement's", b.first * (row.flag - b.public("flag in")))
    b.require("steps count from 0", b.first * row.step)
    b.require("steps count up", b.transition * (row.step.next - row.step - 1))
    b.require("the next step is where this one leads", b.transition * (row.pc.next - row.next_pc))
    b.require("the flag is handed on", b.transition * (row.flag.next - row.flag_out))
    b.require("what comes after is the statement's", b.last * (row.next_pc - b.public("pc out")))
    b.require("so is the flag after it", b.last * (row.flag_out - b.public("flag out")))
    returns = on[Switch.RETURN]
    b.require(
        "a step goes on, jumps or returns",
        (1 - returns) * (row.next_pc - row.pc - 1 - row.is_taken * row.t)
        + returns * (row.next_pc - _address(row)),
    )
    b.require(
        "a jump is taken where its condition holds",
        row.is_taken
        - on[Switch.IF_CARRY] * row.carry[-1]
        - on[Switch.IF_NO_CARRY] * (1 - row.carry[-1])
        - on[Switch.IF_ZERO] * row.is_zero
        - on[Switch.IF_NOT_ZERO] * (1 - row.is_zero),
    )


def _address(row: _Row) -> Expr:
    """A as an address; its high limbs do not matter, since lowering bounds every index."""
    return row.x[0] + row.x[1] * (1 << 16)


def _access(row: _Row) -> None:
    b = row.b
    b.require(
        "B is read where the step says",
        row.b_address - row.field[1] - row.on[Switch.INDEXED_READ] * _address(row),
    )
    b.require(
        "C is written where the step says",
        row.c_address - row.field[2] - row.on[Switch.INDEXED_WRITE] * _address(row),
    )
    places = (row.field[0], row.b_address, row.c_address)
    values = ((row.x, row.x), (row.y, row.y), (row.before, row.z))
    for index, (place, (old, new)) in enumerate(zip(places, values, strict=True)):
        now = row.step * ACCESSES + (index + 1)
        b.receive("memory", (place, *old, row.time[index]), 1)
        b.send("memory", (place, *new, now), 1)
        gap = row.low[index] + row.high[index] * (1 << GAP_SHIFT)
        b.require(f"access {index} comes after the last", now - row.time[index] - 1 - gap)
        b.send("word", (row.low[index],), 1)
        b.send("word", (row.high[index],), 1)
    for limb in row.z:
        b.send("word", (limb,), 1)


def _compute(row: _Row) -> None:
    b, on = row.b, row.on
    arithmetic = row.any(Switch.ADD, Switch.SUBTRACT)
    moved = row.any(Switch.INDEXED_READ, Switch.INDEXED_WRITE)
    carry_in: Expr = on[Switch.CARRY_IN] * row.flag
    for index in range(LIMBS):
        x, y, z, carry = row.x[index], row.y[index], row.z[index], row.carry[index]
        b.require_boolean(f"carry {index} is a truth", carry)
        over = carry * (1 << 16)
        b.require(f"limb {index} is the sum", on[Switch.ADD] * (x + y + carry_in - z - over))
        b.require(
            f"limb {index} is the difference", on[Switch.SUBTRACT] * (z + y + carry_in - x - over)
        )
        b.require(f"limb {index} is chosen", on[Switch.SELECT] * (z - y - row.flag * (x - y)))
        b.require(f"limb {index} is moved", moved * (z - y))
        carry_in = carry
    carries = row.carry[0] + row.carry[1] + row.carry[2] + row.carry[3]
    b.require("only sums carry", (1 - arithmetic) * carries)
    b.send("table", (row.t, row.step, *row.x, *row.y, *row.z), on[Switch.TABLE])


def _decide(row: _Row) -> None:
    b, on = row.b, row.on
    total = row.z[0] + row.z[1] + row.z[2] + row.z[3]
    b.require("C has an inverse or is zero", row.is_zero - 1 + total * row.inverse)
    b.require("C is zero where it has none", row.is_zero * total)
    b.require("a carry that is needed", on[Switch.NEED_CARRY] * (1 - row.carry[-1]))
    b.require("a carry that must not be", on[Switch.NEED_NO_CARRY] * row.carry[-1])
    b.require("a zero that is needed", on[Switch.NEED_ZERO] * (1 - row.is_zero))
    sets = row.any(Switch.FLAG_CARRY, Switch.FLAG_ZERO, Switch.FLAG_ZERO_AND)
    b.require(
        "the flag after the step",
        row.flag_out
        - on[Switch.FLAG_CARRY] * row.carry[-1]
        - on[Switch.FLAG_ZERO] * row.is_zero
        - on[Switch.FLAG_ZERO_AND] * (row.is_zero * row.flag)
        - (1 - sets) * row.flag,
    )
