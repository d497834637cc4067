"""Why code reverted, as far as its output says."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from numen.evm import abi
from numen.evm.abi import AbiError

ERROR_SELECTOR: Final = bytes.fromhex("08c379a0")
"""Of ``Error(string)``."""

PANIC_SELECTOR: Final = bytes.fromhex("4e487b71")
"""Of ``Panic(uint256)``."""

PANICS: Final = {
    0x00: "generic panic",
    0x01: "assertion failed",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "value out of an enum's range",
    0x22: "storage bytes badly encoded",
    0x31: "pop from an empty array",
    0x32: "index out of bounds",
    0x41: "too much memory",
    0x51: "call of a null function",
}
"""What the codes of a panic mean (Solidity documentation, control structures)."""


class Revert(msgspec.Struct, frozen=True):
    """What the output of a revert says.

    Attributes:
        data: The output as it is.
        name: ``Error``, ``Panic``, the name of a custom error whose ABI is known; empty otherwise.
        values: What it carries, decoded; nothing where the ABI is not known.
    """

    data: bytes
    name: str = ""
    values: tuple[Any, ...] = ()

    @property
    def reason(self) -> str:
        """A sentence for people; empty if it reverted without output."""
        if self.name == "Error":
            return str(self.values[0])
        if self.name == "Panic":
            code = int(self.values[0])
            return f"{PANICS.get(code, 'panic')} (panic code {code:#04x})"
        if self.name:
            return f"{self.name}({', '.join(map(_shown, self.values))})"
        return f"0x{self.data.hex()}" if self.data else ""


def decode_revert(data: bytes, contract: Sequence[Mapping[str, Any]] = ()) -> Revert:
    """Read the output of a revert.

    Args:
        data: Any bytes; what they do not say is left empty.
        contract: The ABI of the contract, for its own errors.
    """
    known = {ERROR_SELECTOR: ("Error", ["string"]), PANIC_SELECTOR: ("Panic", ["uint256"])}
    for entry in contract:
        if entry.get("type") == "error":
            found = (str(entry["name"]), abi.types(entry.get("inputs", ())))
            known[abi.selector(abi.signature(entry))] = found
    name, types = known.get(data[:4], ("", []))
    if not name:
        return Revert(data)
    try:
        return Revert(data, name, abi.decode(types, data[4:]))
    except AbiError:
        return Revert(data)


def _shown(value: Any) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else repr(value)
