"""The table of Poseidon2 over KoalaBear: a row is a permutation.

The field is that of the proof, so an element is a column and a layer is a linear expression; what
has columns are the third powers. Cells hold elements as integers below the order, which the memory
of the calls shows of what it writes; of what it reads only the element matters. Rows that fill the
table up are permutations too, that nobody asked for.
"""

from typing import Final

from numen.proof.machine.chips import calls
from numen.proof.machine.precompiles.poseidon2 import HALF, INNER, POSEIDON2, WIDTH, stir
from numen.proof.stark.air import Chip, ChipBuilder, Expr
from numen.proof.stark.field import P

NAME: Final = POSEIDON2.name
"""Of the table of permutations, and of its bus."""

SHAPE: Final = calls.Shape(limbs=2, parts=1, extra=("inverse", "is top"))
"""Words of 32 bits that are elements."""

TOP: Final = P - 1 >> 16
"""The greatest high limb of an element; only 0 may stand below it."""

CUBES: Final = 2 * HALF * WIDTH + len(INNER)
"""Third powers of a permutation."""

assert (P - 1) & 0xFFFF == 0


def memory() -> Chip:
    """Write the constraints of an access: the limbs of an element, below the order."""
    return calls.build(POSEIDON2, SHAPE, _split)


def _split(
    b: ChipBuilder, is_write: Expr, _before: list[Expr], result: list[Expr], after: list[Expr]
) -> None:
    low, high, inverse, is_top = after
    room = TOP - high
    b.require("the limbs are the element's", is_write * (low + high * (1 << 16) - result[0]))
    b.require(
        "a high limb is the greatest, or there is room", is_write * (room * inverse - 1 + is_top)
    )
    b.require("there is none above the greatest", is_top * room)
    b.require("the limb below the greatest is 0", is_top * low)
    for limb in (low, high, room):
        b.send("word", (limb,), is_write)


def build() -> Chip:
    """Write the constraints of a permutation."""
    b = ChipBuilder(NAME)
    is_real, step = b.column("is real"), b.column("step")
    before = b.columns("before", WIDTH)
    cubes = iter(b.columns("cube", CUBES))

    def cube(x: Expr) -> Expr:
        found = next(cubes)
        b.require("a third power", x * x * x - found)
        return found

    b.require_boolean("a row is asked for, or not", is_real)
    after = stir(before, cube, lambda x: x)
    b.receive(NAME, (step, 0, *before), is_real)
    b.send(f"{NAME} done", (step, *after), is_real)
    return b.build()
