"""The tables of the provable machine, as one machine of the STARK."""

from functools import cache
from typing import Final

from numen.proof.machine.chips import bitwise, cpu, image, multiply, pairs, program
from numen.proof.stark.air import Machine

PUBLICS: Final = ("pc in", "pc out", "flag in", "flag out", "is first", "is last")
"""Public values of a segment."""


@cache
def machine() -> Machine:
    """The machine: the same for every program."""
    tables = (program, image, pairs, cpu, multiply, bitwise)
    # Without steps, nothing would lead from the first public value to the second.
    required = [program.NAME, image.NAME, pairs.NAME, cpu.NAME]
    return Machine.of([table.build() for table in tables], publics=list(PUBLICS), required=required)
