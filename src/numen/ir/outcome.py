"""What a run of a program came to, the same from every engine."""

import msgspec

from numen.ir.trap import Trap


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The end of a run.

    Attributes:
        results: One integer, or list of integers, for each leaf of the result; None after a trap.
        trap: Why the program stopped early, or None.
        work: Work units charged; the limit itself where the limit was reached.
    """

    results: tuple[int | list[int], ...] | None
    trap: Trap | None
    work: int
