"""What is due when: timers of contracts, and answers that must come in time.

An entry only says where to look. The cell has the truth: a timer that was replaced, or an answer
that came after all, is passed over. Entries lie in the ledger's own cell, a note for each height.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from numen.ledger.cell import Cell, Timer
from numen.ledger.failures import encode_failure
from numen.ledger.messages import NOBODY, Message, message_id
from numen.vm.host import Address, Failure, Key, Kind, Reason

_ENTRY_BYTES: Final = 20 + 1 + 32
_TIMER, _REQUEST = b"t", b"r"


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


def note_due(own: Cell, entries: Iterable[Due], height: int) -> None:
    """Note what will be due.

    Args:
        own: The ledger's own cell.
        entries: What is due; what should have been already is due at the next height.
        height: Of the present block.
    """
    by_height: dict[int, list[bytes]] = {}
    for entry in entries:
        by_height.setdefault(max(entry.height, height + 1), []).append(_write(entry))
    for due, written in by_height.items():
        name = _name(due)
        own.notes.store(name, own.notes.load(name) + b"".join(written))


def wake_ups(
    own: Cell,
    cells: Callable[[Address], Cell],
    height: int,
    price: int,
    most: int,
) -> tuple[Message, ...]:
    """Write the messages that the ledger itself sends at a height.

    A timer is paid from its contract's balance; one that cannot be is forgotten.

    Args:
        own: The ledger's own cell; changed.
        cells: Gives the cell of an address; changed.
        height: Of the block.
        price: Coins a unit of work.
        most: Most entries to look at; what is left comes first in the next block.
    """
    name, following = _name(height), _name(height + 1)
    note = own.notes.load(name)
    if not note:
        return ()
    cut = most * _ENTRY_BYTES
    own.notes.store(name, b"")
    if len(note) > cut:
        own.notes.store(following, note[cut:] + own.notes.load(following))
    written: list[Message] = []
    for due in _read(note[:cut], height):
        cell = cells(due.address)
        sequence = own.sent.load(due.address)
        if due.request:
            message = _too_late(cell, due, sequence)
        else:
            message = _timer(own, cell, due, sequence, price)
        if message is not None:
            written.append(message)
            own.sent.store(due.address, sequence + 1)
    return tuple(written)


def _name(height: int) -> bytes:
    return b"due" + height.to_bytes(8, "big")


def _write(due: Due) -> bytes:
    if due.request:
        return due.address + _REQUEST + due.request
    return due.address + _TIMER + due.key.to_bytes(32, "big")


def _read(note: bytes, height: int) -> Iterator[Due]:
    for at in range(0, len(note), _ENTRY_BYTES):
        address, kind, what = note[at : at + 20], note[at + 20 : at + 21], note[at + 21 : at + 53]
        if kind == _REQUEST:
            yield Due(height, address, what, 0)
        else:
            yield Due(height, address, b"", int.from_bytes(what, "big"))


def _too_late(cell: Cell, due: Due, sequence: int) -> Message | None:
    awaited = cell.awaits.load(due.request)
    if awaited is None or awaited.deadline >= due.height:
        return None
    payload = encode_failure(Failure(Reason.LATE, detail="no answer came in time"))
    return Message(
        message_id(NOBODY, cell.address, sequence), NOBODY, cell.address, sequence,
        Kind.BOUNCE, due.request, awaited.root, awaited.payer, payload, 0, awaited.price,
        0, 0, due.height, is_awaited=False, subject=due.request,
    )  # fmt: skip


def _timer(own: Cell, cell: Cell, due: Due, sequence: int, price: int) -> Message | None:
    timer = cell.timers.load(due.key)
    if timer is None or timer.due > due.height:
        return None
    cost = timer.work * price
    is_paid = cost <= cell.account.balance
    _advance(own, cell, due, timer, goes_on=bool(timer.period) and is_paid)
    if not is_paid:
        return None
    cell.credit(-cost)
    return Message(
        message_id(NOBODY, cell.address, sequence), NOBODY, cell.address, sequence,
        Kind.TIMER, b"", b"", cell.address, timer.payload, timer.work, price, 0, 0, due.height,
        is_awaited=False,
    )  # fmt: skip


def _advance(own: Cell, cell: Cell, due: Due, timer: Timer, *, goes_on: bool) -> None:
    """Set a timer to its next slot that is not past, or forget it."""
    if not goes_on:
        cell.timers.store(due.key, None)
        account = cell.account
        cell.account = msgspec.structs.replace(account, timers=account.timers - 1)
        return
    missed = (due.height - timer.due) // timer.period
    following = timer.due + (missed + 1) * timer.period
    cell.timers.store(due.key, msgspec.structs.replace(timer, due=following))
    note_due(own, [due._replace(height=following)], due.height)
