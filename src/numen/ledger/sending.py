"""From what a handler asks for to messages, schedules and events, all of them or none."""

from typing import Final

import msgspec

from numen.ledger import tariff
from numen.ledger.cell import Cell, Timer
from numen.ledger.due import Due
from numen.ledger.messages import Await, Message, Owed, Paid, message_id
from numen.vm.host import (
    EFFECTS_MAX,
    PAYLOAD_BYTES_MAX,
    VALUE_MAX,
    WRITES_MAX,
    Address,
    Cancel,
    Event,
    Failure,
    Kind,
    Outcome,
    Reason,
    Rotate,
    Schedule,
    Send,
)

SEALED_FRAME_MAX: Final = 1 << 14
"""Longest saved frame of a contract with private state: its record is sealed in one cell."""


class Sender:
    """Everything that leaves an address while it handles one message.

    Args:
        cell: Who sends.
        cause: The message being handled.
        height: Of the present block.
        payer: Who pays for what follows.
        price: Coins a unit of work.

    Attributes:
        messages: What was sent, in order.
        events: What was told the world.
        credits: Coins that go back to somebody.
        due: What is due here, and when.
        passed_on: Work that left with messages or is kept for answers.
    """

    __slots__ = (
        "_cause", "_cell", "_height", "_id", "_paid", "_payer", "_price", "_root", "_sends",
        "_timers", "credits", "due", "events", "messages", "passed_on",
    )  # fmt: skip

    def __init__(self, cell: Cell, cause: Message, height: int, payer: Address, price: int) -> None:
        self._cell = cell
        self._cause = cause
        self._id = cause.id
        self._root = cause.root or self._id
        self._height = height
        self._payer = payer
        self._price = price
        self._sends: list[tuple[Send, int, Owed | None]] = []
        self._paid: Paid | None = None
        self._timers: list[Schedule | Cancel] = []
        self.messages: list[Message] = []
        self.events: list[Event] = []
        self.credits: list[tuple[Address, int]] = []
        self.due: list[Due] = []
        self.passed_on = 0

    def give_back(self, to: Address, coins: int) -> None:
        """Return coins that are no message's any more."""
        if coins:
            self.credits.append((to, coins))

    def answer(self, kind: Kind, owed: Owed, payload: bytes, value: int) -> None:
        """Answer whoever waits; the work for it was set aside there."""
        source, sequence = self._cell.address, self._next(owed.to)
        self.messages.append(Message(
            message_id(source, owed.to, sequence), source, owed.to, sequence, kind,
            self._id, self._root, self._payer, payload, 0, self._price, value, 0, self._height,
            is_awaited=False, subject=owed.request,
        ))  # fmt: skip

    def prepare(
        self, outcome: Outcome, work: int, owed: Owed | None, paid: Paid | None
    ) -> Failure | None:
        """See whether everything that is asked for can be done, and change nothing.

        Args:
            outcome: Of the handler.
            work: Work units that are left for it.
            owed: Whom this address owes an answer; the last request that waits inherits it.
            paid: Coins that came and were not touched; a request of an isolated method inherits it.

        Returns:
            Why it cannot, or None.
        """
        if len(outcome.effects) > EFFECTS_MAX or len(outcome.writes) > WRITES_MAX:
            return Failure(Reason.TOO_LARGE, detail="too many effects or writes")
        for effect in outcome.effects:
            failure = self._sort(effect)
            if failure is not None:
                return failure
        if outcome.waits:
            if not self._sends or self._sends[-1][0].continuation is None:
                return Failure(Reason.TRAPPED, detail="waits for nothing")
            send, _, _ = self._sends[-1]
            assert send.continuation is not None
            self._sends[-1] = (send, 0, owed)
            self._paid = paid if send.continuation.is_isolated else None
        if not self._sends and not self._timers:
            return None
        return self._share(work) or self._afford()

    def commit(self) -> None:
        """Do what was prepared."""
        unspent = self._cause.value if self._sends and self._cause.kind is Kind.REQUEST else 0
        for send, work, owed in self._sends:
            advanced = min(unspent, send.value)
            unspent -= advanced
            self._send(send, work, advanced, owed)
        for change in self._timers:
            self._schedule(change)

    def _sort(self, effect: object) -> Failure | None:
        match effect:
            case Send():
                self._sends.append((effect, 0, None))
                is_private = self._cell.secrets is not None
                frame_max = SEALED_FRAME_MAX if is_private else PAYLOAD_BYTES_MAX
                return _refuse_send(effect, self._height, frame_max)
            case Event(topics, data):
                self.events.append(effect)
                if len(topics) > 4 or len(data) > PAYLOAD_BYTES_MAX:
                    return Failure(Reason.TOO_LARGE, detail="an event is too large")
                return None
            case Schedule():
                self._timers.append(effect)
                return _refuse_schedule(effect)
            case Cancel():
                self._timers.append(effect)
                return None
            case Rotate():
                return None if self._cell.secrets is not None else _NOTHING_PRIVATE
            case _:
                raise AssertionError(effect)

    def _share(self, work: int) -> Failure | None:
        """Give each request its work; those that name none share what is left."""
        left = work
        sharing = 0
        for send, _, _ in self._sends:
            left -= send.work
            sharing += not send.work
            if send.continuation is not None:
                left -= tariff.work_of(send.continuation)
        if left < 0:
            return Failure(Reason.OUT_OF_WORK, detail="too little is left for what it asks")
        share = left // sharing if sharing else 0
        self._sends = [(send, send.work or share, owed) for send, _, owed in self._sends]
        return None

    def _afford(self) -> Failure | None:
        account = self._cell.account
        if sum(send.value for send, _, _ in self._sends) > account.balance:
            return Failure(Reason.UNPAID, detail="it sends more coins than it has")
        awaits = sum(send.continuation is not None for send, _, _ in self._sends)
        if account.awaits + awaits > tariff.AWAITS_MAX:
            return Failure(Reason.TOO_LARGE, detail="it waits for too many answers")
        if account.timers + len(self._timers) > tariff.TIMERS_MAX:
            return Failure(Reason.TOO_LARGE, detail="it has too many schedules")
        return None

    def _send(self, send: Send, work: int, advanced: int, owed: Owed | None) -> None:
        self._cell.credit(-send.value)
        source, sequence = self._cell.address, self._next(send.to)
        message = Message(
            message_id(source, send.to, sequence), source, send.to, sequence, Kind.REQUEST,
            self._id, self._root, self._payer, send.payload, work, self._price,
            send.value, advanced,
            send.deadline or self._height + tariff.DEADLINE_BLOCKS,
            is_awaited=send.continuation is not None,
        )  # fmt: skip
        self.messages.append(message)
        self.passed_on += work
        if send.continuation is not None:
            self.passed_on += tariff.work_of(send.continuation)
            self._wait(message, Await(
                send.continuation, owed, self._payer, self._price, self._root, message.deadline,
                self._paid if send.continuation.is_isolated else None,
            ))  # fmt: skip

    def _wait(self, message: Message, awaited: Await) -> None:
        cell = self._cell
        cell.awaits.store(message.id, awaited)
        cell.account = msgspec.structs.replace(cell.account, awaits=cell.account.awaits + 1)
        self.due.append(Due(awaited.deadline + 1, cell.address, message.id, 0))

    def _next(self, to: Address) -> int:
        """Count a message to an address."""
        sent = self._cell.sent
        sequence = sent.load(to)
        sent.store(to, sequence + 1)
        return sequence

    def _schedule(self, change: Schedule | Cancel) -> None:
        cell = self._cell
        had = cell.timers.load(change.key) is not None
        has = isinstance(change, Schedule)
        if isinstance(change, Schedule):
            due = max(change.at, self._height + 1)
            cell.timers.store(change.key, Timer(due, change.period, change.work, change.payload))
            self.due.append(Due(due, cell.address, b"", change.key))
        else:
            cell.timers.store(change.key, None)
        if has != had:
            timers = cell.account.timers + (1 if has else -1)
            cell.account = msgspec.structs.replace(cell.account, timers=timers)


_NOTHING_PRIVATE: Final = Failure(Reason.TRAPPED, detail="nothing of it is private")


def _refuse_send(send: Send, height: int, frame_max: int) -> Failure | None:
    frame = send.continuation.frame if send.continuation is not None else b""
    if len(send.payload) > PAYLOAD_BYTES_MAX or len(frame) > frame_max:
        return Failure(Reason.TOO_LARGE, detail="a payload or frame is too large")
    if send.deadline > height + tariff.DEADLINE_BLOCKS_MAX:
        return Failure(Reason.TOO_LARGE, detail="a deadline is too far")
    if send.work < 0 or not 0 <= send.value <= VALUE_MAX or len(send.to) != 20:
        return Failure(Reason.TOO_LARGE, detail="a value or address is too large")
    return None


def _refuse_schedule(schedule: Schedule) -> Failure | None:
    if len(schedule.payload) > PAYLOAD_BYTES_MAX:
        return Failure(Reason.TOO_LARGE, detail="the payload of a schedule is too large")
    return None
