"""What people call the contracts of a ledger, and what is asked of them."""

from collections import OrderedDict
from typing import Any, Final

from numen.base.errors import NumenError
from numen.evm import abi
from numen.lang.contracts.description import Description, Entry
from numen.ledger import explain
from numen.ledger.messages import Message
from numen.ledger.sealed.keyring import SEALED
from numen.ledger.world import World
from numen.vm.codes import Code, read_code
from numen.vm.contract import read_description
from numen.vm.host import Address, Kind

TEXT_MAX: Final = 120
"""Longest text of a request; what is longer is cut."""

KEPT_MAX: Final = 256
"""Most codes whose descriptions are kept."""

_ASKED: Final = ("message", "view")


class Names:
    """Names by the descriptions of contracts.

    Args:
        world: Where the contracts are.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: OrderedDict[bytes, tuple[Code, Description | None]] = OrderedDict()

    def code(self, address: Address) -> Code | None:
        """What a contract was made from; None where there is none."""
        found = self._of(address)
        return found[0] if found is not None else None

    def description(self, address: Address) -> Description | None:
        """What a contract's compiler says of it; None where there is no contract of our own."""
        found = self._of(address)
        return found[1] if found is not None else None

    def name(self, address: Address) -> str:
        """What people call an address: the contract's name and the beginning of the address."""
        description = self.description(address)
        start = explain.short(address)
        return f"{description.name[:TEXT_MAX]} {start}" if description is not None else start

    def call(self, message: Message) -> str:
        """A request as a person would write it, as far as its contract is described."""
        if message.kind is Kind.CREATE:
            return "create"
        if message.payload.startswith(SEALED):
            return "(sealed)"
        description = self.description(message.target)
        if message.kind is not Kind.REQUEST or description is None:
            return explain.payload(message)
        entry = entry_of(description, message.payload)
        return _written(entry, message.payload) if entry is not None else explain.payload(message)

    def _of(self, address: Address) -> tuple[Code, Description | None] | None:
        digest = self._world.peek(address).code
        if not digest:
            return None
        found = self._known.pop(digest, None) or self._read(digest)
        if found is not None:
            self._known[digest] = found
            if len(self._known) > KEPT_MAX:
                self._known.popitem(last=False)
        return found

    def _read(self, digest: bytes) -> tuple[Code, Description | None] | None:
        raw = self._world.code(digest)
        try:
            code = read_code(raw)
            return code, read_description(code.body) if code.mode == "numen" else None
        except NumenError:  # a code that is none was published, and nothing lives there
            return None


def entry_of(description: Description, payload: bytes) -> Entry | None:
    """The message or view that a payload asks for."""
    number = int.from_bytes(payload[:4], "big")
    found = (e for e in description.entries if e.role in _ASKED and e.number == number)
    return next(found, None) if len(payload) >= 4 else None


def _written(entry: Entry, payload: bytes) -> str:
    try:
        kinds = abi.parts(entry.signature[len(entry.name) :])
        values = abi.decode(kinds, payload[4:])
    except (abi.AbiError, ValueError):  # numbers in types of thousands of digits
        return f"{entry.name}(…)"[:TEXT_MAX]
    text = f"{entry.name}({', '.join(map(_value, values))})"
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"


def _value(value: Any) -> str:
    if isinstance(value, bytes):
        return explain.short(value) if len(value) == 20 else f"0x{value.hex()}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)
