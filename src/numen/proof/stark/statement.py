"""What a proof of a machine is about, beside the machine: public values and public messages."""

from collections.abc import Sequence

import msgspec
import numpy as np

from numen.proof.stark.air import Chip, Machine
from numen.proof.stark.errors import StatementError, TraceError
from numen.proof.stark.field import TWO_ADICITY, Felts, P
from numen.proof.stark.profile import Profile

MESSAGES_MAX = 1 << 20
"""Public messages of one statement."""

ROWS_MAX = 1 << (TWO_ADICITY - 2)
"""Of one table."""


class PublicMessage(msgspec.Struct, frozen=True, array_like=True):
    """A message that the statement itself sends, or receives.

    Attributes:
        bus: Name of the bus.
        values: Integers of ``[0, P)``.
        multiplicity: How often; negative when it is received.
    """

    bus: str
    values: tuple[int, ...]
    multiplicity: int


class Statement(msgspec.Struct, frozen=True):
    """What a proof is made of, and checked against.

    Attributes:
        machine: The tables and their constraints.
        publics: The machine's public values.
        messages: What the statement itself sends and receives.
        preprocessed: Root of the preprocessed columns; None where the machine has none.
        profile: The parameters.
    """

    machine: Machine
    publics: tuple[int, ...]
    messages: tuple[PublicMessage, ...]
    preprocessed: bytes | None
    profile: Profile


def check_statement(
    machine: Machine, publics: Sequence[int], messages: Sequence[PublicMessage]
) -> None:
    """See that public values and messages are of the form the machine asks for.

    Raises:
        StatementError: They are not.
    """
    if len(publics) != len(machine.publics):
        raise StatementError(f"{len(publics)} public values, not {len(machine.publics)}")
    for name, value in zip(machine.publics, publics, strict=True):
        if not 0 <= value < P:
            raise StatementError(f"public value {name!r} is {value}, not below {P}")
    if len(messages) > MESSAGES_MAX:
        raise StatementError(f"{len(messages)} messages, more than {MESSAGES_MAX}")
    for message in messages:
        bus = machine.buses.get(message.bus)
        if bus is None:
            raise StatementError(f"no chip uses the bus {message.bus!r}")
        if len(message.values) != bus.length:
            raise StatementError(f"messages on {bus.name!r} have {bus.length} values")
        if not all(0 <= value < P for value in message.values):
            raise StatementError(f"a value of a message on {bus.name!r} is not below {P}")
        if not -P < message.multiplicity < P:
            raise StatementError(f"a multiplicity on {bus.name!r} is not below {P}")


def check_table(chip: Chip, table: Felts, width: int, what: str) -> None:
    """See that a table has the columns of its chip and a height that is a power of two.

    Raises:
        TraceError: It has not.
    """
    if table.dtype != np.uint32 or table.ndim != 2 or table.shape[1] != width:
        shape = f"{table.dtype} of shape {table.shape}"
        raise TraceError(chip.name, f"{what} is {shape}, not uint32 of width {width}")
    rows = len(table)
    if rows > ROWS_MAX or rows & (rows - 1):
        raise TraceError(chip.name, f"{rows} rows of {what}, not a power of two up to {ROWS_MAX}")
    if rows and int(table.max(initial=0)) >= P:
        row, column = np.argwhere(table >= P)[0].tolist()
        raise TraceError(chip.name, f"row {row} of {what}, column {column} is not below {P}")
