"""What travels between contracts, and how it is told apart from everything that ever did.

The messages from one address to another are counted. The count is part of the message's id, the
receiver takes each count once and in order, so nothing is delivered twice, and nothing overtakes
(M1, M2 of the specification).
"""

from collections.abc import Iterable
from struct import Struct
from typing import Final

import msgspec

from numen.base.crypto import keccak256
from numen.kernels import keccak_tree
from numen.vm.host import Address, Continuation, Kind

NOBODY: Final[Address] = bytes(20)
"""The ledger itself as a sender: of timers, and of bounces that nobody sent."""

_MESSAGE: Final = b"\x0fnumen/message/1"
_NAMED: Final = Struct(f">{len(_MESSAGE)}s20s20sQ")


class Message(msgspec.Struct, frozen=True, gc=False):
    """A request, an answer, or a wake-up.

    Attributes:
        id: What `message_id` gives for the next three.
        source: Who sent it.
        target: Who gets it.
        sequence: How many messages of this pair went before.
        kind: What the receiver is told.
        cause: Id of the message or transaction in whose handling it was sent.
        root: Id of the transaction, or the timer's message, that all began with.
        payer: Who pays for the work, and gets back what is not used.
        payload: As `Kind` says.
        work: Work units that came with it, paid already.
        price: Coins a unit of it.
        value: Coins that came with it.
        advanced: The part of ``value`` that is the payer's: it goes back there if nobody waits.
        deadline: Last height of its delivery.
        is_awaited: Whether the sender kept a continuation for the answer.
        subject: Id of the request that a reply or bounce is about, else empty.
    """

    id: bytes
    source: Address
    target: Address
    sequence: int
    kind: Kind
    cause: bytes
    root: bytes
    payer: Address
    payload: bytes
    work: int
    price: int
    value: int
    advanced: int
    deadline: int
    is_awaited: bool
    subject: bytes = b""


class Owed(msgspec.Struct, frozen=True, gc=False):
    """A request that is being carried out and has not been answered.

    Attributes:
        to: Who waits.
        request: Id of the request.
    """

    to: Address
    request: bytes


class Paid(msgspec.Struct, frozen=True, gc=False):
    """Coins that came with a request, while nothing was done with them.

    Attributes:
        source: Who sent the request.
        value: The coins.
        advanced: The part of them that is the payer's.
    """

    source: Address
    value: int
    advanced: int


class Await(msgspec.Struct, frozen=True, gc=False):
    """What a contract left behind when it asked and went.

    Attributes:
        continuation: What goes on when the answer comes.
        owed: Whom the contract itself still owes an answer then, or None.
        payer: Who paid for the continuation's work.
        price: Coins a unit of it.
        root: What all began with.
        deadline: Height after which it is told that nothing came.
        paid: Coins that go back if what follows fails, or None.
    """

    continuation: Continuation
    owed: Owed | None
    payer: Address
    price: int
    root: bytes
    deadline: int
    paid: Paid | None = None


def message_id(source: Address, target: Address, sequence: int) -> bytes:
    """Name a message; 32 bytes. No two messages of one ledger have one name."""
    return keccak256(_NAMED.pack(_MESSAGE, source, target, sequence))


def message_ids(named: Iterable[tuple[Address, Address, int]]) -> list[bytes]:
    """Name many messages at once."""
    pack = _NAMED.pack
    return keccak_tree.digests([pack(_MESSAGE, *each) for each in named])
