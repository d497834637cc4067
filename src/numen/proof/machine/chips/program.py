"""The table of the program: its rows are the program's, only how often each runs is the run's."""

from typing import Final

from numen.proof.stark.air import Chip, ChipBuilder

NAME: Final = "program"

FIELDS: Final = ("pc", "switches", "a", "b", "c", "t")
"""Preprocessed columns."""


def build() -> Chip:
    """Write what the table says of an instruction: nothing but how often it runs."""
    b = ChipBuilder(NAME)
    fields = [b.preprocessed(name) for name in FIELDS]
    b.receive("program", tuple(fields), b.column("times"))
    return b.build()
