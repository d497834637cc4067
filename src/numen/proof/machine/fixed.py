"""The tables that are a program's alone, and their commitment."""

from typing import Final

import numpy as np
import numpy.typing as npt

from numen.proof.machine.chips import image, program
from numen.proof.machine.isa import LIMBS, ZERO_CELL, Code, Switch, limbs
from numen.proof.machine.machine import machine_of
from numen.proof.stark.field import P
from numen.proof.stark.fixed import Fixed, preprocess
from numen.proof.stark.portable import PORTABLE, Kernels
from numen.proof.stark.profile import Profile

Table = npt.NDArray[np.uint32]

_NOWHERE: Final = (int(Switch.SUBTRACT | Switch.IF_ZERO), ZERO_CELL, ZERO_CELL, 0, P - 1)
"""A step that jumps to itself: what the program is filled up with."""


def instructions(code: Code) -> Table:
    """The program, one instruction a row."""
    size = 1 << (len(code.instructions) - 1).bit_length()
    out = np.zeros((size, len(program.FIELDS)), np.uint32)
    out[:, 0] = np.arange(size)
    out[:, 1:] = _NOWHERE
    rows = [(one.switches, one.a, one.b, one.c, one.t % P) for one in code.instructions]
    out[: len(rows), 1:] = np.array(rows, np.uint32)
    return out


def tables(code: Code) -> dict[str, Table]:
    """The preprocessed columns, by chip."""
    cells = np.zeros((code.cells, LIMBS + 3), np.uint32)
    for address, value in code.initial.items():
        cells[address, :LIMBS] = limbs(value)
    for column, places in enumerate((code.public_inputs, code.private_inputs, code.outputs)):
        cells[list(places), LIMBS + column] = 1
    return {program.NAME: instructions(code), image.NAME: cells}


def commit(code: Code, profile: Profile, kernels: Kernels = PORTABLE) -> Fixed:
    """Commit to them; the root depends on nothing but the program and the profile.

    A verifier does so with numpy and `hashlib`: they are as long as the program and its memory.
    """
    return preprocess(machine_of(code), tables(code), profile, kernels)
