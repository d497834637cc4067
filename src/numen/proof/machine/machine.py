"""The tables of the provable machine, as one machine of the STARK."""

from functools import cache
from typing import Final

from numen.proof.machine.chips import bitwise, cpu, image, multiply, pairs, program, sha256
from numen.proof.stark.air import Machine

PUBLICS: Final = ("pc in", "pc out", "flag in", "flag out", "is first", "is last")
"""Public values of a segment."""


@cache
def machine() -> Machine:
    """The machine: the same for every program."""
    tables = (program, image, pairs, cpu, multiply, bitwise)
    precompiles = (sha256.memory(), sha256.build())
    # Without steps, nothing would lead from the first public value to the second.
    required = [program.NAME, image.NAME, pairs.NAME, cpu.NAME]
    chips = [*(table.build() for table in tables), *precompiles]
    return Machine.of(chips, publics=list(PUBLICS), required=required)
