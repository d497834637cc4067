"""All that the ledger knows of one address.

A cell is read and written only while a message is handed to its own address. That is why cells run
side by side without locks, and why one outcome follows from any order among them.
"""

from typing import TypeAlias

import msgspec

from numen.ledger.messages import Await
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


SlotSpace: TypeAlias = Space[Key, Slot]
CountSpace: TypeAlias = Space[bytes, int]
AwaitSpace: TypeAlias = Space[bytes, Await | None]
TimerSpace: TypeAlias = Space[Key, Timer | None]


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
    """

    __slots__ = ("account", "address", "awaits", "before", "received", "sent", "slots", "timers")

    def __init__(self, address: Address, account: Account | None = None) -> None:
        self.address = address
        self.account = self.before = account or Account()
        self.slots: SlotSpace = Space(0)
        self.sent: CountSpace = Space(0)
        self.received: CountSpace = Space(0)
        self.awaits: AwaitSpace = Space(None)
        self.timers: TimerSpace = Space(None)

    def credit(self, coins: int) -> None:
        """Add to the balance, or with a negative number take from it."""
        balance = self.account.balance + coins
        assert balance >= 0, "who takes coins has looked whether they are there"
        self.account = msgspec.structs.replace(self.account, balance=balance)

    def settle(self) -> None:
        """Let what is now be what the next block begins with."""
        self.before = self.account
        for space in (self.slots, self.sent, self.received, self.awaits, self.timers):
            space.settle()

    def abandon(self) -> None:
        """Be again what the block began with."""
        self.account = self.before
        for space in (self.slots, self.sent, self.received, self.awaits, self.timers):
            space.abandon()
