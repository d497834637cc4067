"""Traps: how a program that cannot go on says why."""

from enum import Enum

import msgspec

from numen.base.errors import Place


class Reason(Enum):
    """Why a program stopped. The text is part of the binary encoding's meaning: never reuse one."""

    OVERFLOW = "overflow"
    DIVISION_BY_ZERO = "division by zero"
    SHIFT = "shift too far"
    CONVERSION = "value does not fit the type"
    INDEX = "index out of bounds"
    REQUIREMENT = "requirement not met"
    UNREACHABLE = "unreachable code"
    WORK_LIMIT = "work limit reached"
    HOST = "more than the host of a contract allows"


class Trap(msgspec.Struct, frozen=True):
    """The end of a program that cannot go on.

    Attributes:
        reason: The class of the fault; engines agree on it.
        message: The author's words, for a failed requirement.
        place: Where in the source, when the program carries places.
    """

    reason: Reason
    message: str = ""
    place: Place | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message or self.reason.value}"


class TrapError(Exception):
    """Carries a `Trap` from the instruction that met it to the engine's caller."""

    def __init__(self, trap: Trap) -> None:
        super().__init__(str(trap))
        self.trap = trap
