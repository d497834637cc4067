"""Why a program or a run has no STARK.

ProofError
└── MachineError
    ├── ProgramTooLargeError   more cells or instructions than the machine has
    ├── ContractError          contracts cannot be proven yet
    ├── RunTooLongError        more cycles than the caller allows
    ├── MachineTrapError       the run traps: there is no proof of a trap
    ├── StrayError             a state to which no run comes
    ├── SegmentError           the proofs of the segments do not make one run
    └── WeakProofError         a true proof that is worth fewer bits than the reader asks for
"""

from numen.base.errors import Place
from numen.ir.trap import Trap
from numen.proof.errors import ProofError


class MachineError(ProofError):
    """Root of what the provable machine refuses."""


class ProgramTooLargeError(MachineError):
    """A program that needs more than the machine has.

    Attributes:
        what: The quantity.
        needed: How many the program needs, or at least how many.
        limit: How many there are.
    """

    def __init__(self, what: str, needed: int, limit: int, place: Place | None = None) -> None:
        super().__init__(
            f"this program needs {needed:,} {what} of the provable machine, the limit is {limit:,}",
            place=place,
        )
        self.what, self.needed, self.limit = what, needed, limit


class ContractError(MachineError):
    """A program that speaks to a host, or hashes as one does: the machine has no such chips."""

    def __init__(self, what: str, place: Place | None) -> None:
        super().__init__(f"the provable machine has no {what}, which contracts have", place=place)
        self.what = what


class RunTooLongError(MachineError):
    """A run that does not end within the cycles allowed."""

    def __init__(self, cycles_max: int) -> None:
        super().__init__(f"this run takes more than the {cycles_max:,} cycles allowed")
        self.cycles_max = cycles_max


class MachineTrapError(MachineError):
    """A run that traps.

    Attributes:
        trap: Why and where.
    """

    def __init__(self, trap: Trap) -> None:
        super().__init__(f"the run of these inputs traps, which cannot be proven: {trap}")
        self.trap = trap


class StrayError(MachineError):
    """A state that somebody made up: no run comes there, and no step leads on."""

    def __init__(self, pc: int) -> None:
        super().__init__(f"no run comes to instruction {pc} like this")


class SegmentError(MachineError):
    """Proofs of segments that do not make one run.

    Attributes:
        index: Which segment, from 0.
        what: What does not fit.
    """

    def __init__(self, index: int, what: str) -> None:
        super().__init__(f"segment {index}: {what}")
        self.index, self.what = index, what


class WeakProofError(MachineError):
    """A proof that is worth fewer bits than the reader asks for.

    Attributes:
        proven: Bits that are proven.
        conjectured: Bits under the conjecture.
    """

    def __init__(self, proven: int, conjectured: int) -> None:
        super().__init__(
            f"the proof is worth {proven} bits proven, {conjectured} conjectured: too few"
        )
        self.proven, self.conjectured = proven, conjectured
