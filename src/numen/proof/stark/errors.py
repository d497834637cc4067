"""What machines, traces and proofs of the STARK can be wrong about.

StarkError
├── AirError                 a machine that the protocol cannot prove, whatever the trace
├── TraceError               tables that do not have the shape of the machine
│   ├── ConstraintError      a constraint does not hold in some row
│   └── BusError             a message is not received as often as it is sent
├── StatementError           publics, messages or a profile that do not fit the machine
├── MalformedStarkError      bytes that are not a proof of this machine and profile
└── StarkRejectedError       a well-formed proof that does not prove the statement
"""

from numen.proof.errors import ProofError


class StarkError(ProofError):
    """Root of what the STARK refuses."""


class AirError(StarkError):
    """A machine that the protocol cannot prove, whatever the trace.

    Attributes:
        chip: Name of the table, or of the machine.
        reason: What is wrong.
    """

    def __init__(self, chip: str, reason: str) -> None:
        super().__init__(f"chip {chip}: {reason}")
        self.chip, self.reason = chip, reason


class TraceError(StarkError):
    """Tables that do not have the shape of the machine.

    Attributes:
        chip: Name of the table.
        reason: What is wrong.
    """

    def __init__(self, chip: str, reason: str) -> None:
        super().__init__(f"trace of {chip}: {reason}")
        self.chip, self.reason = chip, reason


class ConstraintError(TraceError):
    """A constraint does not hold in some row.

    Attributes:
        row: The first row where it fails.
        constraint: Its name.
        value: What should be zero.
        cells: The columns that the constraint reads, with their values there.
    """

    def __init__(
        self, chip: str, row: int, constraint: str, value: int, cells: dict[str, int]
    ) -> None:
        shown = ", ".join(f"{name} = {cell}" for name, cell in cells.items())
        super().__init__(chip, f"row {row}: {constraint!r} is {value}, not 0 ({shown})")
        self.row, self.constraint, self.value, self.cells = row, constraint, value, cells


class BusError(TraceError):
    """A message is not received as often as it is sent.

    Attributes:
        bus: Where.
        values: The message.
        excess: How often it is sent and not received; negative for the other way.
        places: Some of the (chip, row, signed multiplicity) that send or receive it; the
            statement itself is the chip ``public``, row -1.
        unbalanced: Number of such messages on all buses.
    """

    def __init__(
        self,
        bus: str,
        values: tuple[int, ...],
        excess: int,
        places: tuple[tuple[str, int, int], ...],
        unbalanced: int,
    ) -> None:
        shown = ", ".join(f"{chip}[{row}] {times:+d}" for chip, row, times in places)
        super().__init__(
            places[0][0],
            f"bus {bus!r}: {values} is sent {excess:+d} times more than received ({shown}); "
            f"{unbalanced} messages do not balance",
        )
        self.bus, self.values, self.excess = bus, values, excess
        self.places, self.unbalanced = places, unbalanced


class StatementError(StarkError):
    """Publics, messages or a profile that do not fit the machine.

    Attributes:
        reason: What is wrong.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"statement: {reason}")
        self.reason = reason


class MalformedStarkError(StarkError):
    """Bytes that are not a proof of this machine and profile.

    Attributes:
        part: Of the proof.
        reason: What is wrong with it.
        offset: Where, in bytes from the beginning, or None.
    """

    def __init__(self, part: str, reason: str, offset: int | None = None) -> None:
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"not a valid proof{where}: {part}: {reason}")
        self.part, self.reason, self.offset = part, reason, offset


class StarkRejectedError(StarkError):
    """A well-formed proof that does not prove the statement.

    Attributes:
        check: Which check of the verifier fails.
        reason: How.
    """

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(f"the proof does not prove this statement: {check}: {reason}")
        self.check, self.reason = check, reason
