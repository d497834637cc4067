"""What a contract can see and do: one definition for every kind of contract.

A contract is a service. It is told of a *delivery*, reads and writes its own slots, and gives back
an *outcome*: what it wrote and what it asks for. Nothing it asks for has happened yet; the ledger
lets it happen, all of it, if and only if the outcome is a success. So no contract ever runs inside
another.

A handler that awaits an answer ends there. What it still needs travels with its request as a
*continuation*, which the ledger keeps and hands back, and which nobody else can name.
"""

from enum import Enum
from typing import Annotated, Final, Protocol, TypeAlias

import msgspec
from msgspec import Meta

from numen.base.crypto import Hash32

Address: TypeAlias = bytes
"""20 bytes, as Ethereum's."""

Key: TypeAlias = int
"""The name of a slot of a contract, 0 to 2**256 - 1."""

Slot: TypeAlias = int
"""What a slot holds, 0 to 2**256 - 1; a slot never written holds 0."""

PAYLOAD_BYTES_MAX: Final = 1 << 16
"""Longest payload of a request, answer or event, and longest saved frame."""

EFFECTS_MAX: Final = 1024
"""Most effects of one delivery."""

WRITES_MAX: Final = 1 << 16
"""Most slots that one delivery changes."""

VALUE_MAX: Final = (1 << 128) - 1
"""Most coins that can be sent at once, in the smallest unit."""


class Kind(Enum):
    """Why a contract is run."""

    CREATE = "create"
    """It was just made; the payload is the constructor's arguments."""
    REQUEST = "request"
    """Somebody asks; the payload is a selector and arguments."""
    REPLY = "reply"
    """What it awaits came back; the payload is the result."""
    BOUNCE = "bounce"
    """What it asked for failed or was too late; the payload says why, as `Failure` does."""
    TIMER = "timer"
    """A schedule of its own is due; the payload is the one it was set with."""
    VIEW = "view"
    """Somebody looks; nothing that it does is kept."""


class Continuation(msgspec.Struct, frozen=True, gc=False):
    """What goes on when an answer comes.

    Attributes:
        entry: Which of the contract's continuations; its compiler numbers them.
        frame: The variables that live across the wait, canonical bytes of the contract's own.
        work: Work units kept back for it, paid when the request is made.
        is_isolated: Whether nothing has happened yet beside requests without coins: if what follows
            fails, the coins that came with the message go back.
    """

    entry: int
    frame: bytes
    work: int
    is_isolated: bool = False


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """What a contract is told.

    Attributes:
        kind: Why it runs.
        to: The contract.
        sender: Who asks, or who answered.
        value: Coins that came with it, already in the contract's balance.
        payload: As `kind` says.
        work: Most work units it may take.
        height: Of the block it is run in.
        time_ms: Of that block, in milliseconds since 1970.
        balance: Of the contract, ``value`` included.
        continuation: What awaited this reply or bounce, or None.
        has_keys: Whether the private slots of the contract are sealed where they are kept.
        is_sealed: Whether only who has the keys could read the payload, or can read the result of
            a view.
    """

    kind: Kind
    to: Address
    sender: Address
    value: int
    payload: bytes
    work: int
    height: int
    time_ms: int
    balance: int
    continuation: Continuation | None = None
    has_keys: bool = False
    is_sealed: bool = False


class Send(msgspec.Struct, frozen=True, gc=False):
    """A request to another contract, or coins to anybody.

    Attributes:
        to: Who is asked.
        value: Coins that go with it.
        payload: A selector and arguments, or empty for coins alone.
        work: Most work units the request may take; its cause pays, and gets back the rest.
        deadline: Last height of its delivery, after which it bounces; 0 for the ledger's own.
        continuation: Who wants the answer; None where nobody waits and only a failure is reported.
    """

    to: Address
    value: int
    payload: bytes
    work: int
    deadline: int = 0
    continuation: Continuation | None = None


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that the world may want to know, in the shape of Ethereum's logs.

    Attributes:
        topics: At most four words of 32 bytes.
        data: The rest, ABI-encoded.
    """

    topics: tuple[Hash32, ...]
    data: Annotated[bytes, Meta(max_length=PAYLOAD_BYTES_MAX)]


class Schedule(msgspec.Struct, frozen=True, gc=False):
    """Run me again.

    Attributes:
        at: Height of the first run; one in the past is the next block.
        period: Blocks between runs, or 0 for a single one.
        work: Most work units of each run, paid from the contract's balance.
        payload: What the contract is then told.
        key: By which it is replaced or cancelled, the contract's own.
    """

    at: int
    period: int
    work: int
    payload: bytes
    key: Key


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """Forget a schedule; one that does not exist is forgotten already."""

    key: Key


class Rotate(msgspec.Struct, frozen=True, gc=False):
    """Seal everything private again, under new keys, once no answer is waited for."""


Effect: TypeAlias = Send | Event | Schedule | Cancel | Rotate


class Reason(Enum):
    """Why a delivery failed."""

    REVERTED = "reverted"
    """The contract refused; the data is its error, ABI-encoded as Solidity's."""
    TRAPPED = "trapped"
    """A check of the language failed: overflow, bounds, division by zero."""
    OUT_OF_WORK = "out of work"
    ABSENT = "absent"
    """There is no contract at the address, or it has no such message."""
    LATE = "late"
    """The deadline passed."""
    UNPAID = "unpaid"
    """A balance does not cover what was to be sent."""
    TOO_LARGE = "too large"
    """It asked for more than the limits of this file allow."""
    CONFLICT = "conflict"
    """What an isolated method had read was changed by others, and it could not begin again."""


class Failure(msgspec.Struct, frozen=True, gc=False):
    """Why a request was not carried out.

    Attributes:
        reason: The kind.
        data: The contract's error for `Reason.REVERTED`, else empty.
        detail: One line for a person, without anything secret.
    """

    reason: Reason
    data: bytes = b""
    detail: str = ""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a delivery.

    A failure has no writes and no effects.

    Attributes:
        result: ABI-encoded result; empty where the handler awaits, or has none.
        writes: Slots that changed and what they hold now, by rising key.
        effects: What is asked for, in the order of the program.
        work: Work units taken.
        failure: Why it failed, or None.
        waits: Whether the handler ended in an ``await``, so that its own caller is answered later.
    """

    result: bytes = b""
    writes: tuple[tuple[Key, Slot], ...] = ()
    effects: tuple[Effect, ...] = ()
    work: int = 0
    failure: Failure | None = None
    waits: bool = False


class Slots(Protocol):
    """The slots of one contract, as they are when a delivery begins.

    Attributes:
        taken_back: Counts how often something that was written was taken back, as happens when a
            block is abandoned. While it stays, nothing but the contract's own outcomes changes
            what `load` gives.
    """

    @property
    def taken_back(self) -> int: ...

    def load(self, key: Key) -> Slot:
        """What a slot holds; 0 where nothing was ever written."""
        ...


class Service(Protocol):
    """A contract's code, ready to run; the same delivery and slots give the same outcome."""

    def handle(self, delivery: Delivery, slots: Slots) -> Outcome:
        """Carry out one delivery. Never raises for what a contract or a message does."""
        ...
