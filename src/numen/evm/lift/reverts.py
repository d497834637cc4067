"""Why a contract reverts, as far as the bytes that it gives say so before the run."""

from typing import Final

from numen.base.errors import Place
from numen.ir.limits import MESSAGE_LENGTH_MAX
from numen.ir.nodes import Stop
from numen.ir.trap import Reason

_ERROR: Final = bytes.fromhex("08c379a0")
_PANIC: Final = bytes.fromhex("4e487b71")
"""Selectors of ``Error(string)`` and ``Panic(uint256)``."""

PANICS: Final = {
    0x01: (Reason.REQUIREMENT, "assertion failed"),
    0x11: (Reason.OVERFLOW, ""),
    0x12: (Reason.DIVISION_BY_ZERO, ""),
    0x21: (Reason.CONVERSION, ""),
    0x32: (Reason.INDEX, ""),
    0x41: (Reason.REQUIREMENT, "too much memory"),
}
"""What the codes of ``Panic`` mean (Solidity documentation, "Panic via assert")."""

REVERT: Final = "revert"
"""The message where nothing else is known."""


def stop_of_revert(data: bytes | None, place: Place) -> Stop:
    """The trap that a REVERT becomes.

    Args:
        data: What it gives, where every byte is known before the run.
        place: Where it stands.
    """
    if data and data[:4] == _PANIC and len(data) == 36:
        code = int.from_bytes(data[4:], "big")
        reason, message = PANICS.get(code, (Reason.REQUIREMENT, f"panic 0x{code:02x}"))
        return Stop(reason, message, place)
    if data and data[:4] == _ERROR:
        return Stop(Reason.REQUIREMENT, _text(data[4:]) or REVERT, place)
    return Stop(Reason.REQUIREMENT, REVERT, place)


def _text(data: bytes) -> str:
    """The string of ``Error(string)``, or empty."""
    size = int.from_bytes(data[32:64], "big")
    raw = data[64 : 64 + size]
    if int.from_bytes(data[:32], "big") != 32 or len(raw) != size:
        return ""
    return raw.decode("utf-8", "replace")[:MESSAGE_LENGTH_MAX]
