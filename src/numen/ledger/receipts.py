"""What became of each message: the ledger's own account of a block."""

from enum import Enum

import msgspec

from numen.ledger.messages import Message
from numen.vm.host import Event, Failure


class Fate(Enum):
    """How a delivery ended."""

    DONE = "done"
    """It was carried out."""
    WAITS = "waits"
    """It was carried out up to an ``await``; its answer comes later."""
    FAILED = "failed"
    """It changed nothing, but for the coins and work that went back."""
    STALE = "stale"
    """An answer that nobody waits for any more."""


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What became of one message.

    Attributes:
        message: The message.
        height: Of the block it was handed over in.
        fate: How it ended.
        work: Work units charged.
        result: ABI-encoded result of a request that was carried out.
        failure: Why not.
        events: What it told the world.
        sent: Ids of the messages that it caused, in order.
    """

    message: Message
    height: int
    fate: Fate
    work: int
    result: bytes = b""
    failure: Failure | None = None
    events: tuple[Event, ...] = ()
    sent: tuple[bytes, ...] = ()
