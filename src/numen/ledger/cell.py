"""All that the ledger knows of one address.

A cell is read and written only while a message is handed to its own address. That is why cells run
side by side without locks, and why one outcome follows from any order among them.
"""

from typing import Any, Protocol

import msgspec

from numen.ledger.messages import Await
from numen.ledger.sealed.keyring import Secrets
from numen.ledger.space import Space
from numen.vm.host import Address, Key, Slot


class Account(msgspec.Struct, frozen=True, gc=False):
    """The part of a cell that every address has.

    Attributes:
        balance: Coins, in the smallest unit.
        nonce: Transactions sent.
        code: Digest of the contract's code, or empty.
        timers: Schedules that are set.
        awaits: Answers that are waited for.
    """

    balance: int = 0
    nonce: int = 0
    code: bytes = b""
    timers: int = 0
    awaits: int = 0


class Timer(msgspec.Struct, frozen=True, gc=False):
    """A schedule that a contract set.

    Attributes:
        due: Height of its next run.
        period: Blocks between runs, or 0 for a single one.
        work: Most work units of a run.
        payload: What the contract is told.
    """

    due: int
    period: int
    work: int
    payload: bytes


class Below(Protocol):
    """What lies under a cell: the state that the last block left."""

    def account(self) -> Account: ...

    def slot(self, key: Key) -> Slot: ...

    def sent(self, target: Address) -> int: ...

    def received(self, source: Address) -> int: ...

    def awaited(self, request: bytes) -> Await | None: ...

    def timer(self, key: Key) -> Timer | None: ...

    def note(self, name: bytes) -> bytes: ...

    def private_count(self) -> int: ...


class Cell:
    """The state of one address.

    Attributes:
        address: Whose.
        account: As it is now.
        before: As it was when the block began.
        slots: What the contract wrote.
        sent: Messages sent, by receiver.
        received: Messages taken, by sender.
        awaits: Answers that are waited for, by request.
        timers: Schedules, by the contract's own keys.
        notes: What the ledger keeps in its own cell, by name.
        secrets: What opens and seals for a contract with private state, or None.
        salt: Of the epoch of keys that begins with the end of the block; empty for none.
    """

    __slots__ = (
        "_below",
        "account",
        "address",
        "awaits",
        "before",
        "notes",
        "received",
        "salt",
        "secrets",
        "sent",
        "slots",
        "timers",
    )  # fmt: skip

    def __init__(self, address: Address, below: Below, secrets: Secrets | None = None) -> None:
        self.address = address
        self.secrets = secrets
        self.salt = b""
        self._below = below
        self.account = self.before = below.account()
        self.slots: Space[Key, Slot] = Space(0, below.slot)
        self.sent: Space[Address, int] = Space(0, below.sent)
        self.received: Space[Address, int] = Space(0, below.received)
        self.awaits: Space[bytes, Await | None] = Space(None, below.awaited)
        self.timers: Space[Key, Timer | None] = Space(None, below.timer)
        self.notes: Space[bytes, bytes] = Space(b"", below.note)

    def credit(self, coins: int) -> None:
        """Add to the balance, or with a negative number take from it."""
        if not coins:
            return
        balance = self.account.balance + coins
        assert balance >= 0, "who takes coins has looked whether they are there"
        self.account = msgspec.structs.replace(self.account, balance=balance)

    def private_count(self) -> int:
        """How many private slots there were after the last block."""
        return self._below.private_count()

    def settle(self) -> None:
        """Let what is now be what the next block begins with."""
        self.before = self.account
        self.salt = b""
        for space in self._spaces():
            space.settle()

    def abandon(self) -> None:
        """Be again what the block began with."""
        self.account = self.before
        self.salt = b""
        for space in self._spaces():
            space.abandon()

    def _spaces(self) -> tuple[Space[Any, Any], ...]:
        return self.slots, self.sent, self.received, self.awaits, self.timers, self.notes
