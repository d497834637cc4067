"""The table of the memory: what every cell holds before a segment and after it.

Row i is cell i. What it holds before is committed in a tree of its own, and what it holds after in
another, so that the proofs of two segments fit when the roots of those trees are the same.
"""

from typing import Final

from numen.proof.machine.isa import LIMBS
from numen.proof.stark.air import Chip, ChipBuilder

NAME: Final = "image"

GROUP_IN: Final = "image_in"
"""The tree of what cells hold before the segment."""

GROUP_OUT: Final = "image_out"
"""The tree of what cells hold after it."""


def build() -> Chip:
    """Write the constraints of a cell."""
    b = ChipBuilder(NAME)
    address, last = b.column("address"), b.column("last time")
    before = b.columns("before", LIMBS, group=GROUP_IN)
    after = b.columns("after", LIMBS, group=GROUP_OUT)
    initial = [b.preprocessed(f"initial {index}") for index in range(LIMBS)]
    is_public, is_private = b.preprocessed("is public"), b.preprocessed("is private")
    is_output = b.preprocessed("is output")
    is_first, is_last = b.public("is first"), b.public("is last")
    b.require("cells count from 0", b.first * address)
    b.require("cells count up", b.transition * (address.next - address - 1))
    for index in range(LIMBS):
        b.require(
            f"limb {index} is the program's, unless it is an input",
            is_first * (1 - is_public - is_private) * (before[index] - initial[index]),
        )
        b.send("word", (before[index],), is_first * is_private)
    b.send("memory", (address, *before, 0), 1)
    b.receive("memory", (address, *after, last), 1)
    b.send("input", (address, *before), is_first * is_public)
    b.send("output", (address, *after), is_last * is_output)
    return b.build()
