"""Why a program has no circuit, or a run of it no proof.

ProofError
└── CircuitRefusalError
├── UnboundedLoopError     a loop whose condition depends on the inputs
├── TooLargeError          more steps, constraints or storage than the limits allow
├── UnsupportedError       an instruction or shape that circuits do not express
├── AlwaysTrapsError       every run traps, so that there is nothing to prove
├── RunTrapsError          the run of these inputs traps
└── TooManyRoundsError     the run of these inputs needs more rounds than the circuit has
"""

from numen.base.errors import Place
from numen.ir.trap import Trap
from numen.proof.errors import ProofError


class CircuitRefusalError(ProofError):
    """Root of what the circuit compiler refuses."""


class UnboundedLoopError(CircuitRefusalError):
    """A loop whose condition depends on the inputs, so that no number of rounds is enough."""

    def __init__(self, place: Place | None) -> None:
        super().__init__(
            "this loop cannot be bounded: whether it goes on depends on the inputs",
            place=place,
            hint="give the most rounds that a run may take (`--loop-bound N`), or write "
            "`for i in range(N)` with a constant N and `if` inside; or prove loops without bound "
            "by a STARK (`prove --system stark`)",
        )


class TooLargeError(CircuitRefusalError):
    """A program that needs more than the limits of the compilation allow.

    Attributes:
        what: The quantity.
        needed: How many the program needs, or at least how many.
        limit: How many are allowed.
    """

    def __init__(self, what: str, needed: int, limit: int, place: Place | None = None) -> None:
        super().__init__(
            f"this circuit needs {needed:,} {what}, the limit is {limit:,}", place=place
        )
        self.what, self.needed, self.limit = what, needed, limit


class UnsupportedError(CircuitRefusalError):
    """Something that circuits do not express.

    Attributes:
        what: Its name.
    """

    def __init__(self, what: str, place: Place | None = None, hint: str = "") -> None:
        super().__init__(f"circuits do not support {what}", place=place, hint=hint)
        self.what = what


class AlwaysTrapsError(CircuitRefusalError):
    """Every run of the program traps.

    Attributes:
        trap: How.
    """

    def __init__(self, trap: Trap) -> None:
        super().__init__(
            f"there is nothing to prove, every run ends here: {trap.message or trap.reason.value}",
            place=trap.place,
        )
        self.trap = trap


class RunTrapsError(CircuitRefusalError):
    """The run of these inputs traps, and only runs that end can be proven.

    Attributes:
        trap: How.
    """

    def __init__(self, trap: Trap) -> None:
        super().__init__(
            f"a run that traps cannot be proven: {trap.message or trap.reason.value}",
            place=trap.place,
        )
        self.trap = trap


class TooManyRoundsError(CircuitRefusalError):
    """The run of these inputs needs more rounds of a loop than the circuit has.

    Attributes:
        trap: Where the run would go on.
    """

    def __init__(self, trap: Trap) -> None:
        super().__init__(
            f"this run cannot be proven with these keys: {trap.message}",
            place=trap.place,
            hint="set up keys with a greater `--loop-bound`",
        )
        self.trap = trap


def rounds_spent(most: int) -> str:
    """Say that a loop would go on past its bound."""
    return f"the loop needs more than {most:,} round{'' if most == 1 else 's'}"
