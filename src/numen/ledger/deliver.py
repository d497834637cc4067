"""Hand one message to one address: the heart of the ledger.

What a handler asks for happens if it succeeds, all of it, and else none (M3). Whoever waits is
answered exactly once: by the result, or by a typed bounce that says why not (M4). Work for the
answer is set aside when the question is asked (M5), so that a contract always hears.

Coins of a failed request go back to the contract that sent them if it waits for the answer, for it
then decides; otherwise what the payer had advanced goes to the payer and the rest to the sender.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from numen.base.crypto import keccak256
from numen.ledger import tariff
from numen.ledger.cell import Cell
from numen.ledger.due import Due
from numen.ledger.failures import encode_failure
from numen.ledger.messages import Await, Message, Owed, Paid
from numen.ledger.receipts import Fate, Receipt
from numen.ledger.sealed.charter import FOUNDING, NO_SALT, write_charter
from numen.ledger.sealed.charter import NOTE as CHARTER
from numen.ledger.sealed.errors import UnsealError
from numen.ledger.sealed.keyring import SEALED
from numen.ledger.sending import Sender
from numen.vm.host import (
    Address,
    Delivery,
    Event,
    Failure,
    Kind,
    Outcome,
    Reason,
    Rotate,
    Service,
)

CODE_BYTES: Final = 32
"""The payload of a creation begins with the digest of the contract's code."""

EPOCH: Final = keccak256(b"NewEpoch(uint64)")
"""First topic of the event of a contract whose keys change; the second is the epoch."""

_WISH: Final = b"rotate"
_WISHED: Final = b"\1"
"""The ledger's note that a contract wants new keys once it waits for no answer."""

_SALT: Final = b"numen/epoch/1"

_ANSWERS: Final = (Kind.REPLY, Kind.BOUNCE)
_CREATE, _REQUEST, _DONE, _WAITS = Kind.CREATE, Kind.REQUEST, Fate.DONE, Fate.WAITS
"""Members that every message is compared with: to find one in its class takes longer."""


class Moment(msgspec.Struct, frozen=True):
    """The block in which a message is handed over.

    Attributes:
        height: Of the block, 1 or more.
        time_ms: Milliseconds since 1970.
        price: Coins that a unit of work costs where no transaction says so: of timers.
    """

    height: int
    time_ms: int
    price: int


class Handed(msgspec.Struct, frozen=True, gc=False):
    """What follows from one message.

    Attributes:
        receipt: For the record.
        messages: To be handed over next, in order.
        credits: Coins that go back to somebody; additions, so their order does not matter.
        fee: Coins for the work that was done.
        due: Timers that were set here, and answers that must come in time.
    """

    receipt: Receipt
    messages: tuple[Message, ...]
    credits: tuple[tuple[Address, int], ...]
    fee: int
    due: tuple[Due, ...]


Services = Callable[[bytes], Service | None]
"""Gives the code of a digest, ready to run, or None where there is none."""


def deliver(cell: Cell, message: Message, moment: Moment, services: Services) -> Handed | None:
    """Hand a message to the address it is for.

    Args:
        cell: Of ``message.target``; changed.
        message: The next of its pair.
        moment: The present block.
        services: Where code comes from.

    Returns:
        What follows; None if the message was handed over before, and nothing changed.
    """
    assert message.target == cell.address
    expected = cell.received.load(message.source)
    if message.sequence < expected:
        return None
    assert message.sequence == expected, "messages of a pair come in their order"
    cell.received.store(message.source, expected + 1)
    return _Delivering(cell, message, moment).run(services)


class _Delivering:
    """One delivery, step by step."""

    __slots__ = ("awaited", "cell", "message", "moment", "payer", "price", "work")

    def __init__(self, cell: Cell, message: Message, moment: Moment) -> None:
        self.cell = cell
        self.message = message
        self.moment = moment
        self.awaited: Await | None = None
        self.work = message.work
        self.payer = message.payer
        self.price = message.price

    def run(self, services: Services) -> Handed:
        message, cell = self.message, self.cell
        if message.kind in _ANSWERS:
            self.awaited = cell.awaits.load(message.subject)
            if self.awaited is None:
                cell.credit(message.value)
                return self._end(Fate.STALE, 0)
            self._resume(self.awaited)
        elif message.kind is _REQUEST and message.deadline < self.moment.height:
            return self._fail(Failure(Reason.LATE), 0)
        elif message.kind is _CREATE and not self._found():
            return self._fail(Failure(Reason.ABSENT, detail="somebody lives there already"), 0)
        cell.credit(message.value)
        if not cell.account.code:
            return self._without_code()
        service = services(cell.account.code)
        if service is None:
            self._take_back()
            return self._fail(
                Failure(Reason.ABSENT, detail="its code was not published, or is none"), 0
            )
        try:
            delivery = self._delivery()
        except UnsealError as error:
            self._take_back()
            return self._fail(Failure(Reason.REVERTED, detail=str(error)), 0)
        return self._conclude(service.handle(delivery, cell.slots))

    def _found(self) -> bool:
        """Give a new contract its code, unless the place is taken."""
        account = self.cell.account
        if account.code:
            return False
        code = self.message.payload[:CODE_BYTES]
        self.cell.account = msgspec.structs.replace(account, code=code)
        return True

    def _resume(self, awaited: Await) -> None:
        cell = self.cell
        cell.awaits.store(self.message.subject, None)
        cell.account = msgspec.structs.replace(cell.account, awaits=cell.account.awaits - 1)
        self.work = tariff.work_of(awaited.continuation)
        self.payer, self.price = awaited.payer, awaited.price

    def _without_code(self) -> Handed:
        """Coins alone go to anybody; a question needs somebody who answers."""
        payload = self.message.payload
        if payload and self.message.kind is _REQUEST and not payload.startswith(FOUNDING):
            self.cell.credit(-self.message.value)
            return self._fail(Failure(Reason.ABSENT, detail="no contract lives there"), 0)
        return self._succeed(Outcome(), 0)

    def _delivery(self) -> Delivery:
        message, moment, awaited = self.message, self.moment, self.awaited
        secrets = self.cell.secrets
        payload = message.payload[CODE_BYTES:] if message.kind is _CREATE else message.payload
        is_sealed = secrets is not None and message.kind is _REQUEST and payload.startswith(SEALED)
        if secrets is not None and is_sealed:
            payload = secrets.open_request(payload, message.source)
        return Delivery(
            message.kind,
            message.target,
            message.source,
            message.value,
            payload,
            max(0, self.work - tariff.DELIVERY_WORK),
            moment.height,
            moment.time_ms,
            self.cell.account.balance,
            awaited.continuation if awaited is not None else None,
            secrets is not None,
            is_sealed,
        )

    def _conclude(self, outcome: Outcome) -> Handed:
        charge = outcome.work + tariff.DELIVERY_WORK + self._sealing_work(outcome)
        failure = outcome.failure
        if failure is None and charge <= self.work:
            return self._succeed(outcome, charge)
        self._take_back()
        failure = failure or Failure(Reason.OUT_OF_WORK)
        return self._fail(failure, min(charge, self.work))

    def _sealing_work(self, outcome: Outcome) -> int:
        """For sealing everything again, if that is wanted."""
        for effect in outcome.effects:
            if isinstance(effect, Rotate):
                return tariff.RESEAL_WORK * (1 + self.cell.private_count())
        return 0

    def _take_back(self) -> None:
        # A bounce brings a contract its own coins: they stay, whatever it makes of the news.
        if self.message.kind not in _ANSWERS:
            self.cell.credit(-self.message.value)
        if self.message.kind is _CREATE:
            self.cell.account = msgspec.structs.replace(self.cell.account, code=b"")

    def _succeed(self, outcome: Outcome, charge: int) -> Handed:
        sender = Sender(self.cell, self.message, self.moment.height, self.payer, self.price)
        owed = self._owed()
        failure = sender.prepare(outcome, self.work - charge, owed, self._paid())
        if failure is not None:
            self._take_back()
            return self._fail(failure, charge)
        self.cell.slots.update(outcome.writes)
        sender.commit()
        self._note_keys(outcome)
        if not outcome.waits and owed is not None:
            sender.answer(Kind.REPLY, owed, outcome.result, 0)
        fate = _WAITS if outcome.waits else _DONE
        return self._end(fate, charge, sender, outcome.result)

    def _note_keys(self, outcome: Outcome) -> None:
        """Let everybody know the keys of a new contract, and remember that others are wanted."""
        cell = self.cell
        if cell.secrets is None:
            return
        if self.message.kind is _CREATE:
            cell.notes.store(CHARTER, write_charter(cell.secrets.charter(NO_SALT)))
        if any(isinstance(effect, Rotate) for effect in outcome.effects):
            cell.notes.store(_WISH, _WISHED)

    def _turn(self, events: list[Event]) -> None:
        """Let the block begin an epoch of keys, if that is wanted and nothing is waited for.

        What is saved across a wait is sealed with the keys of its epoch, and could not be read.
        """
        cell = self.cell
        if cell.secrets is None or cell.account.awaits or not cell.notes.load(_WISH):
            return
        cell.notes.store(_WISH, b"")
        if not cell.salt:
            cell.salt = keccak256(_SALT, self.message.id)
            epoch = cell.secrets.keys.epoch + 1
            events.append(Event((EPOCH, epoch.to_bytes(32, "big")), b""))

    def _owed(self) -> Owed | None:
        if self.awaited is not None:
            return self.awaited.owed
        if self.message.is_awaited:
            return Owed(self.message.source, self.message.id)
        return None

    def _paid(self) -> Paid | None:
        """Coins that came with the request that is carried out, as long as they are untouched."""
        message = self.message
        if message.kind in _ANSWERS:
            return self.awaited.paid if self.awaited is not None else None
        return Paid(message.source, message.value, message.advanced) if message.value else None

    def _fail(self, failure: Failure, charge: int) -> Handed:
        message = self.message
        sender = Sender(self.cell, message, self.moment.height, self.payer, self.price)
        owed, paid = self._owed(), self._paid()
        value = paid.value if paid is not None else 0
        if message.kind in _ANSWERS and value:
            # They are in the contract's balance, if it has not spent them otherwise.
            value = min(value, self.cell.account.balance)
            self.cell.credit(-value)
        if owed is not None:
            sender.answer(Kind.BOUNCE, owed, encode_failure(failure), value)
        elif paid is not None:
            advanced = min(paid.advanced, value)
            sender.give_back(paid.source, value - advanced)
            sender.give_back(self.payer, advanced)
        return self._end(Fate.FAILED, charge, sender, b"", failure)

    def _end(
        self,
        fate: Fate,
        charge: int,
        sender: Sender | None = None,
        result: bytes = b"",
        failure: Failure | None = None,
    ) -> Handed:
        sender = sender or Sender(
            self.cell, self.message, self.moment.height, self.payer, self.price
        )
        self._turn(sender.events)
        sender.give_back(self.payer, (self.work - charge - sender.passed_on) * self.price)
        receipt = Receipt(
            self.message,
            self.moment.height,
            fate,
            charge,
            result,
            failure,
            tuple(sender.events),
            tuple([message.id for message in sender.messages]),
        )
        return Handed(
            receipt,
            tuple(sender.messages),
            tuple(sender.credits),
            charge * self.price,
            tuple(sender.due),
        )
