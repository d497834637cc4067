"""What is due when: timers of contracts, and answers that must come in time.

An entry only says where to look. The cell has the truth: a timer that was replaced, or an answer
that came after all, is passed over.
"""

import heapq
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from numen.ledger.cell import Cell, Timer
from numen.ledger.failures import encode_failure
from numen.ledger.messages import NOBODY, Message, message_id
from numen.vm.host import Address, Failure, Key, Kind, Reason


class Due(NamedTuple):
    """A place to look at.

    Attributes:
        height: When, at the earliest.
        address: Whose cell.
        request: Id of the request that should have been answered; empty for a timer.
        key: Of the timer.
    """

    height: int
    address: Address
    request: bytes
    key: Key


class Agenda:
    """Everything that will be due, the earliest first."""

    def __init__(self, entries: Iterable[Due] = ()) -> None:
        self._known = set(entries)
        self._heap = sorted(self._known)

    def add(self, entries: Iterable[Due]) -> None:
        """Note what will be due; once is enough."""
        for entry in entries:
            if entry not in self._known:
                self._known.add(entry)
                heapq.heappush(self._heap, entry)

    def take(self, height: int) -> Due | None:
        """The earliest entry that is due by a height, which is then forgotten; or None."""
        if not self._heap or self._heap[0].height > height:
            return None
        entry = heapq.heappop(self._heap)
        self._known.discard(entry)
        return entry

    def entries(self) -> tuple[Due, ...]:
        """Everything noted, in order."""
        return tuple(sorted(self._known))


def wake_ups(
    agenda: Agenda,
    cells: Callable[[Address], Cell],
    height: int,
    price: int,
    most: int,
) -> tuple[Message, ...]:
    """Write the messages that the ledger itself sends at a height.

    A timer is paid from its contract's balance; one that cannot be is forgotten.

    Args:
        agenda: What is due; entries that were carried out are gone afterwards.
        cells: Gives the cell of an address; changed.
        height: Of the block.
        price: Coins a unit of work.
        most: Most messages; what is left comes first in the next block.
    """
    written: list[Message] = []
    sent = cells(NOBODY).sent
    while len(written) < most and (due := agenda.take(height)) is not None:
        cell = cells(due.address)
        sequence = sent.load(due.address)
        message = _too_late(cell, due, sequence) if due.request else None
        if message is None and not due.request:
            message = _timer(agenda, cell, due, sequence, height, price)
        if message is not None:
            written.append(message)
            sent.store(due.address, sequence + 1)
    return tuple(written)


def _too_late(cell: Cell, due: Due, sequence: int) -> Message | None:
    awaited = cell.awaits.load(due.request)
    if awaited is None:
        return None
    payload = encode_failure(Failure(Reason.LATE, detail="no answer came in time"))
    return Message(
        message_id(NOBODY, cell.address, sequence), NOBODY, cell.address, sequence,
        Kind.BOUNCE, due.request, awaited.root, awaited.payer,
        payload, 0, awaited.price, 0, 0, due.height, is_awaited=False, subject=due.request,
    )  # fmt: skip


def _timer(
    agenda: Agenda, cell: Cell, due: Due, sequence: int, height: int, price: int
) -> Message | None:
    timer = cell.timers.load(due.key)
    if timer is None or timer.due != due.height:
        return None
    cost = timer.work * price
    is_paid = cost <= cell.account.balance
    _advance(agenda, cell, due.key, timer, height, goes_on=bool(timer.period) and is_paid)
    if not is_paid:
        return None
    cell.credit(-cost)
    return Message(
        message_id(NOBODY, cell.address, sequence), NOBODY, cell.address, sequence,
        Kind.TIMER, b"", b"", cell.address, timer.payload,
        timer.work, price, 0, 0, height, is_awaited=False,
    )  # fmt: skip


def _advance(
    agenda: Agenda, cell: Cell, key: Key, timer: Timer, height: int, *, goes_on: bool
) -> None:
    """Set a timer to its next slot that is not past, or forget it."""
    if not goes_on:
        cell.timers.store(key, None)
        account = cell.account
        cell.account = msgspec.structs.replace(account, timers=account.timers - 1)
        return
    missed = (height - timer.due) // timer.period
    following = timer.due + (missed + 1) * timer.period
    cell.timers.store(key, msgspec.structs.replace(timer, due=following))
    agenda.add([Due(following, cell.address, b"", key)])
