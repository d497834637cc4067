"""The code that stands for every other contract while an event-driven EVM contract runs.

A call does not enter anybody: it is written down. The code that is found at every address but the
caller's own leaves what it was called with in a log, and returns nothing. So a call in a frame that
is undone is undone too, and every engine of the EVM does it alike, without knowing.

Source: the article's event-driven contracts, and the virtual machine of Vite (whitepaper, 5.1),
where CALL writes a request and pushes nothing that was computed elsewhere.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from numen.base.crypto import keccak256
from numen.base.errors import NumenError
from numen.evm.message import Log

TOPIC: Final = keccak256(b"\x0fnumen/mailbox/1")
"""Topic of the logs that are letters."""

CODE: Final = (
    bytes.fromhex("34" "6000" "52")  # CALLVALUE, to memory at 0
    + bytes.fromhex("36" "6000" "6020" "37")  # CALLDATASIZE bytes of the call data, after it
    + b"\x7f" + TOPIC
    + bytes.fromhex("36" "6020" "01" "6000" "a1")  # LOG1 of both
    + bytes.fromhex("00")  # STOP
)  # fmt: skip
"""What runs in a callee's place. A static call fails, for it may not even write a letter."""

_VALUE_BYTES: Final = 32


class Letter(msgspec.Struct, frozen=True):
    """A call that was made.

    Attributes:
        to: Who was called.
        value: Coins that went with it.
        payload: Call data.
    """

    to: bytes
    value: int
    payload: bytes


class ForeignCodeError(NumenError):
    """Code of another contract was to run on this one's storage, which nobody can do here."""


def sort(logs: tuple[Log, ...], own: bytes) -> Iterator[Letter | Log]:
    """Tell letters from a contract's own logs, in their order.

    Args:
        logs: Of a run.
        own: Address of the contract.

    Raises:
        ForeignCodeError: A DELEGATECALL or CALLCODE found the mailbox.
    """
    for log in logs:
        if log.address != own:
            value = int.from_bytes(log.data[:_VALUE_BYTES], "big")
            yield Letter(log.address, value, log.data[_VALUE_BYTES:])
        elif log.topics == (TOPIC,):
            raise ForeignCodeError("another contract's code cannot run on this one's storage")
        else:
            yield log
