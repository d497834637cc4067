"""The tables of the provable machine, as one machine of the STARK."""

from collections.abc import Callable
from functools import cache
from typing import Final

from numen.proof.machine.chips import (
    bitwise,
    cpu,
    image,
    keccak,
    multiply,
    pairs,
    poseidon2,
    program,
    sha256,
)
from numen.proof.machine.isa import Code, Table
from numen.proof.stark.air import Chip, Machine

PUBLICS: Final = ("pc in", "pc out", "flag in", "flag out", "is first", "is last")
"""Public values of a segment."""

PRECOMPILES: Final[dict[int, tuple[Callable[[], Chip], ...]]] = {
    Table.SHA256: (sha256.memory, sha256.build),
    Table.KECCAK: (keccak.memory, keccak.build),
    Table.POSEIDON2: (poseidon2.memory, poseidon2.build),
}
"""The tables of each precompile."""


def machine_of(code: Code) -> Machine:
    """The machine of a program: the same for all that call the same precompiles."""
    return machine(code.precompiles)


@cache
def machine(precompiles: tuple[int, ...]) -> Machine:
    """The machine with the tables of some precompiles, in ascending order."""
    builders = [one.build for one in (program, image, pairs, cpu, multiply, bitwise)]
    builders += [build for function in precompiles for build in PRECOMPILES[function]]
    # Without steps, nothing would lead from the first public value to the second.
    required = [program.NAME, image.NAME, pairs.NAME, cpu.NAME]
    return Machine.of([build() for build in builders], publics=list(PUBLICS), required=required)
