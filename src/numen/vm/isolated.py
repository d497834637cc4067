"""Isolated methods: what they read before a wait still holds when they go on, or they begin again.

Such a method only reads and asks until its last wait (`lang.contracts.isolation`). While it waits,
it keeps a *memo*: what it was asked, which slots it read and what they held, and every question
that was answered. When an answer comes and the slots hold the same, it goes on. Where they do not,
it runs from its start, and each question that it asks as before has its answer at once, and is not
sent again. So all of it is as if it had run at one moment, that of the last answer.

A question that it asks otherwise this time is sent, if none that is left over had an effect: what
only looked is forgotten, what changed another contract cannot be taken back, and then the method
fails with `Reason.CONFLICT`, as it does when it began again `AGAIN_MAX` times.
"""

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from numen.base import codec
from numen.base.codec import U64, U256, CodecError
from numen.base.crypto import Address, Hash32
from numen.base.errors import NumenError
from numen.ir.tariff import READ_WORK
from numen.lang.contracts.description import Description
from numen.vm.host import (
    PAYLOAD_BYTES_MAX,
    Continuation,
    Delivery,
    Failure,
    Key,
    Kind,
    Outcome,
    Reason,
    Send,
    Slot,
    Slots,
)

AGAIN_MAX: Final = 3
"""How often a method begins again before it fails."""

READS_MAX: Final = 512
"""Most slots that it reads before its last wait."""

ANSWERS_MAX: Final = 256
"""Most questions that it asks."""

_DOMAIN: Final = "numen/isolated/question/1"
_SELECTOR_BYTES: Final = 4

Bytes = Annotated[bytes, Meta(max_length=PAYLOAD_BYTES_MAX)]


class _Question(msgspec.Struct, frozen=True, array_like=True):
    """Who is asked, and what."""

    to: Address
    payload: Bytes


class _Answered(msgspec.Struct, frozen=True, array_like=True):
    """A question, and what came back.

    Attributes:
        question: Its digest.
        is_view: Whether it only looked.
        is_reply: Whether it was answered; else it bounced.
        payload: The answer.
    """

    question: Hash32
    is_view: bool
    is_reply: bool
    payload: Bytes


class _Read(msgspec.Struct, frozen=True, array_like=True):
    """A slot, and what it held."""

    key: U256
    held: U256


class _Memo(msgspec.Struct, frozen=True, array_like=True):
    """What an isolated method keeps while it waits.

    Attributes:
        kind: Why it was run: a request or a timer.
        sender: Who asked.
        value: Coins that came with it, 32 bytes on the wire.
        payload: What it was asked.
        again: How often it began again.
        reads: What it read.
        answers: What it was answered, in order.
        question: The digest of what it asks.
        frame: The variables that live across the wait.
    """

    kind: Kind
    sender: Address
    value: U256
    payload: Bytes
    again: U64
    reads: Annotated[tuple[_Read, ...], Meta(max_length=READS_MAX)]
    answers: Annotated[tuple[_Answered, ...], Meta(max_length=ANSWERS_MAX)]
    question: Hash32
    frame: Bytes


Handle = Callable[[Delivery, Slots], Outcome]
"""Carries out one part of a method, up to a wait or its end."""


class _ConflictError(NumenError):
    """The method cannot go on: carried to where an outcome is made of it."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(reason, detail=detail)


class Isolated:
    """The isolated methods of a contract.

    Args:
        description: Of the contract.
        handle: Carries out a part of a method.
    """

    def __init__(self, description: Description, handle: Handle) -> None:
        self._handle = handle
        self._resumes = description.continuations
        entries = [entry for entry in description.entries if entry.is_isolated]
        self._again_works = {
            (entry.number % (1 << 8 * _SELECTOR_BYTES)).to_bytes(_SELECTOR_BYTES, "big"): (
                entry.again_work
            )
            for entry in entries
        }

    def concerns(self, delivery: Delivery) -> bool:
        """Whether a delivery begins an isolated method, or goes on with one."""
        waiting = delivery.continuation
        if waiting is not None:
            known = 0 <= waiting.entry < len(self._resumes)
            return known and self._resumes[waiting.entry].is_isolated
        is_asked = delivery.kind in (Kind.REQUEST, Kind.TIMER)
        return is_asked and delivery.payload[:_SELECTOR_BYTES] in self._again_works

    def handle(self, delivery: Delivery, slots: Slots) -> Outcome:
        """Carry out a delivery that `concerns` an isolated method."""
        passing = _Pass(self._handle, slots, delivery.work)
        try:
            if delivery.continuation is None:
                passing.run(delivery)
                memo = _first_memo(delivery)
            else:
                memo = self._go_on(delivery, delivery.continuation, passing)
            return self._end(memo, passing)
        except _ConflictError as error:
            return passing.failed(error.failure)

    def _go_on(self, delivery: Delivery, waiting: Continuation, passing: "_Pass") -> _Memo:
        """Go on behind a wait, or from the start; what is kept if it waits again."""
        memo = self._read_memo(waiting.frame)
        resume = self._resumes[waiting.entry]
        is_reply = delivery.kind is Kind.REPLY
        payload = delivery.payload[: 32 * resume.reply_words] if is_reply else b""
        answer = _Answered(memo.question, resume.is_view, is_reply, payload)
        memo = replace(memo, answers=(*memo.answers, answer))
        if len(memo.answers) > ANSWERS_MAX:
            raise _ConflictError(Reason.TOO_LARGE, f"it asked more than {ANSWERS_MAX} questions")
        passing.charge(READ_WORK * len(memo.reads))
        if all(passing.slots.load(read.key) == read.held for read in memo.reads):
            kept = replace(waiting, frame=memo.frame)
            passing.run(replace(delivery, continuation=kept))
            passing.reads = {read.key: read.held for read in memo.reads} | passing.reads
            return memo
        if memo.again >= AGAIN_MAX:
            detail = f"what it read was changed by others, and it began again {AGAIN_MAX} times"
            raise _ConflictError(Reason.CONFLICT, detail)
        return self._begin_again(delivery, memo, passing)

    def _read_memo(self, raw: bytes) -> _Memo:
        """Read a memo; code that no compiler of ours wrote may have left anything."""
        try:
            memo = codec.decode(_Memo, raw)
        except CodecError as error:
            raise _ConflictError(Reason.TRAPPED, "what was kept for it is no memo") from error
        is_begun = memo.kind in (Kind.REQUEST, Kind.TIMER)
        if not is_begun or memo.payload[:_SELECTOR_BYTES] not in self._again_works:
            raise _ConflictError(Reason.TRAPPED, "what was kept is not of an isolated method")
        return memo

    def _begin_again(self, delivery: Delivery, memo: _Memo, passing: "_Pass") -> _Memo:
        """Run from the start, with the answers that there are."""
        told = replace(
            delivery,
            kind=memo.kind,
            sender=memo.sender,
            value=memo.value,
            payload=memo.payload,
            continuation=None,
        )
        outcome = passing.run(told)
        used = 0
        for answer in memo.answers:
            if not outcome.waits or passing.question() != answer.question:
                break
            used += 1
            kind = Kind.REPLY if answer.is_reply else Kind.BOUNCE
            asked = passing.asked()
            outcome = passing.run(
                replace(
                    told,
                    kind=kind,
                    sender=asked.to,
                    value=0,
                    payload=answer.payload,
                    continuation=asked.continuation,
                )
            )
        left = memo.answers[used:]
        if outcome.failure is None and not all(answer.is_view for answer in left):
            detail = "what it read was changed by others, and what it had asked cannot be unasked"
            raise _ConflictError(Reason.CONFLICT, detail)
        return replace(memo, again=memo.again + 1, answers=memo.answers[:used])

    def _end(self, memo: _Memo, passing: "_Pass") -> Outcome:
        """The outcome of a pass, with a memo if it waits."""
        if not passing.outcome.waits:
            return passing.ended()
        asked = passing.asked()
        assert asked.continuation is not None
        if len(passing.reads) > READS_MAX:
            detail = f"it reads more than {READS_MAX} slots before it waits"
            raise _ConflictError(Reason.TOO_LARGE, detail)
        kept = replace(
            memo,
            reads=tuple(
                _Read(U256(key), U256(passing.reads[key])) for key in sorted(passing.reads)
            ),
            question=passing.question(),
            frame=asked.continuation.frame,
        )
        try:
            frame = codec.encode(kept, size_max=PAYLOAD_BYTES_MAX)
        except CodecError as error:
            raise _ConflictError(Reason.TOO_LARGE, "it keeps too much while it waits") from error
        # Where the author says how much is kept, that is all.
        is_sized = asked.continuation.work == self._resumes[asked.continuation.entry].work
        selector = memo.payload[:_SELECTOR_BYTES]
        more = (AGAIN_MAX - memo.again) * self._again_works[selector] if is_sized else 0
        continuation = Continuation(
            asked.continuation.entry,
            frame,
            asked.continuation.work + more,
            is_isolated=True,
        )
        return passing.ended(replace(asked, continuation=continuation))


class _Watched(Slots):
    """Slots that remember which of them were read, and what they held."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.reads: dict[Key, Slot] = {}

    @property
    def taken_back(self) -> int:
        """As the slots say."""
        return self._slots.taken_back

    def load(self, key: Key) -> Slot:
        """What a slot holds."""
        held = self.reads[key] = self._slots.load(key)
        return held


class _Pass:
    """The parts of a method that are run in one delivery, one after another.

    Attributes:
        slots: Of the contract.
        reads: The slots that were read, and what they hold.
        outcome: Of the last part.
    """

    def __init__(self, handle: Handle, slots: Slots, work: int) -> None:
        self.slots = slots
        self.reads: dict[Key, Slot] = {}
        self.outcome = Outcome()
        self._handle = handle
        self._left = work
        self._taken = 0

    def charge(self, work: int) -> None:
        """Take work for something that no part does.

        Raises:
            _ConflictError: There is not so much.
        """
        if work > self._left:
            raise _ConflictError(Reason.OUT_OF_WORK, "too little is left to see what has changed")
        self._taken += work
        self._left -= work

    def run(self, delivery: Delivery) -> Outcome:
        """Run a part."""
        watched = _Watched(self.slots)
        self.outcome = outcome = self._handle(replace(delivery, work=self._left), watched)
        self._taken += outcome.work
        self._left -= min(outcome.work, self._left)
        self.reads |= watched.reads
        return outcome

    def asked(self) -> Send:
        """What the last part waits for.

        Raises:
            _ConflictError: It did more than to ask, as no compiled method does.
        """
        match self.outcome:
            case Outcome(writes=(), effects=(Send(value=0) as asked,)) if asked.continuation:
                return asked
            case _:
                raise _ConflictError(Reason.TRAPPED, "an isolated method did more than to ask")

    def question(self) -> bytes:
        """The digest of what the last part asks."""
        asked = self.asked()
        return codec.digest(_DOMAIN, _Question(asked.to, asked.payload))

    def ended(self, *asked: Send) -> Outcome:
        """The outcome of all parts together."""
        effects = asked or self.outcome.effects
        return replace(self.outcome, effects=effects, work=self._taken)

    def failed(self, failure: Failure) -> Outcome:
        """The outcome where something else than the last part failed."""
        return Outcome(work=self._taken, failure=failure)


def _first_memo(delivery: Delivery) -> _Memo:
    return _Memo(
        delivery.kind,
        delivery.sender,
        U256(delivery.value),
        delivery.payload,
        0,
        (),
        (),
        bytes(32),
        b"",
    )
