"""The instruction set of the provable machine.

The machine has cells of 64 bits, a program counter and one flag. A step reads two cells, A and B,
and writes one, C; what it does with them is a set of switches, so that one table with few columns
proves every step (`chips/cpu.py`). There is no frame pointer: programs have no recursion, so every
register of the IR has an address that is known when it is lowered. Constants, inputs and outputs
are cells too: they are part of the memory before the first step, or after the last.

    A = mem[a]      B = mem[b + (A if INDEXED_READ)]      mem[c + (A if INDEXED_WRITE)] = C
"""

from collections.abc import Mapping
from enum import IntFlag
from typing import Final, NamedTuple

import msgspec

from numen.base.errors import Place
from numen.ir.trap import Trap

CELL_BITS: Final = 64
"""Width of a cell."""

CELL_MASK: Final = (1 << CELL_BITS) - 1
"""Greatest value of a cell."""

LIMBS: Final = 4
"""A cell in a trace is four limbs of 16 bits, the least first."""

CELLS_MIN: Final = 1 << 4
"""Least size of a memory, in cells; every size is a power of two."""

CELLS_MAX: Final = 1 << 20
"""Greatest size of a memory, in cells."""

INSTRUCTIONS_MAX: Final = 1 << 20
"""Most instructions of a program."""

HALT_PC: Final = 0
"""Where a run ends: the instruction there jumps to itself."""

ENTRY_PC: Final = 1
"""Where a run begins."""

JUNK_CELL: Final = 0
"""Written by instructions whose C nobody wants, and never read."""

ZERO_CELL: Final = 1
"""Holds 0 for ever."""


class Switch(IntFlag):
    """What a step does. A switch is a column of the trace; its number is its bit in the program.

    C is a sum or difference, a choice, B itself, what another table says (`TABLE`), or, with none
    of those, a hint: any value, which later instructions must pin down.
    """

    ADD = 1 << 0
    """C = A + B modulo 2**64; carry = what is lost."""
    SUBTRACT = 1 << 1
    """C = A - B modulo 2**64; carry = whether A < B."""
    CARRY_IN = 1 << 2
    """The flag is added to the sum, or taken from the difference."""
    SELECT = 1 << 3
    """C = A if flag else B."""
    INDEXED_READ = 1 << 4
    """B = mem[b + A] and C = B."""
    INDEXED_WRITE = 1 << 5
    """The write goes to mem[c + A] and C = B."""
    TABLE = 1 << 6
    """C = `Table(t)` of A and B, which may touch other cells too."""
    NEED_CARRY = 1 << 7
    """There is no next step unless the carry is 1."""
    NEED_NO_CARRY = 1 << 8
    """There is no next step unless the carry is 0."""
    NEED_ZERO = 1 << 9
    """There is no next step unless C = 0."""
    IF_CARRY = 1 << 10
    """pc += t where the carry is 1."""
    IF_NO_CARRY = 1 << 11
    """pc += t where the carry is 0."""
    IF_ZERO = 1 << 12
    """pc += t where C = 0."""
    IF_NOT_ZERO = 1 << 13
    """pc += t where C is not 0."""
    RETURN = 1 << 14
    """pc = A."""
    FLAG_CARRY = 1 << 15
    """flag = carry."""
    FLAG_ZERO = 1 << 16
    """flag = whether C = 0."""
    FLAG_ZERO_AND = 1 << 17
    """flag = flag and whether C = 0."""


SWITCHES: Final = tuple(Switch)
"""In the order of their columns."""


class Table:
    """What tables of their own prove of A, B, C and the time: the values of ``t``."""

    MULTIPLY: Final = 1
    """The low 64 bits of the product."""
    MULTIPLY_HIGH: Final = 2
    """The high 64 bits of the product."""
    MULTIPLY_CHECKED: Final = 3
    """The product; there is no next step where it needs more than 64 bits."""
    AND: Final = 4
    OR: Final = 5
    XOR: Final = 6
    SHA256: Final = 7
    KECCAK: Final = 8
    POSEIDON2: Final = 9
    """C = 0. Calls a precompile with the cells from A on, which change, and those from B on."""

    PRECOMPILE_MIN: Final = SHA256
    """The first of the precompiles."""


class Hint:
    """What the machine computes for a hint: ``t = kind | n << 4 | m << 8 | i << 12``.

    The proof does not see any of it. ``a`` and ``b`` are the first of n and m cells, least first;
    the result is cell ``i`` of the answer, 0 where there is none.
    """

    QUOTIENT: Final = 0
    REMAINDER: Final = 1
    INVERSE: Final = 2
    """Modulo the order of `felt`."""
    INVERSE_MODULO: Final = 3
    """Of the first modulo the second; 0 where there is none."""

    @staticmethod
    def pack(kind: int, n: int, m: int, i: int) -> int:
        """Write what a hint is to compute as a ``t``."""
        return kind | n << 4 | m << 8 | i << 12

    @staticmethod
    def unpack(t: int) -> tuple[int, int, int, int]:
        """The inverse of `pack`."""
        return t & 15, t >> 4 & 15, t >> 8 & 15, t >> 12


class Instruction(NamedTuple):
    """One step.

    Attributes:
        switches: What it does.
        a: Address of A.
        b: Address of B, or what A is added to.
        c: Address of C, or what A is added to.
        t: How far to jump; or the `Table`; or the `Hint`.
    """

    switches: int
    a: int
    b: int
    c: int
    t: int


class Code(msgspec.Struct, frozen=True):
    """A program of the machine.

    Attributes:
        instructions: From `HALT_PC` on.
        cells: Size of the memory, a power of two.
        initial: What cells hold before the first step, unless it is 0.
        public_inputs: Cells that the public inputs are put in, in order.
        private_inputs: Cells that the private inputs are put in, in order.
        outputs: Cells that hold the outputs after the last step, in order.
        traps: What it means that an instruction has no next step, or is an end of its own.
        precompiles: Those that it calls, in ascending order: the machine has their tables.
        places: Where in the source instructions come from; not part of what is proven.
    """

    instructions: tuple[Instruction, ...]
    cells: int
    initial: Mapping[int, int]
    public_inputs: tuple[int, ...]
    private_inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    traps: Mapping[int, Trap]
    precompiles: tuple[int, ...]
    places: Mapping[int, Place]


def limbs(value: int) -> tuple[int, int, int, int]:
    """Split a cell, the least limb first."""
    return value & 0xFFFF, value >> 16 & 0xFFFF, value >> 32 & 0xFFFF, value >> 48
