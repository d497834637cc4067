"""A contract of Numen's language as a `Service`: deliveries in, outcomes out.

Native code runs it, or the interpreter where there is none; every outcome is the same.
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Final

import msgspec

from numen.base.codec import CodecError, decode, encode
from numen.base.crypto import keccak256
from numen.base.errors import NumenError
from numen.ir import interp
from numen.ir.host import Journal, Record, Writes
from numen.ir.interface import ListShape, TupleShape
from numen.ir.outcome import Outcome as Run
from numen.ir.program import Program, load
from numen.ir.trap import Reason as TrapReason
from numen.ir.trap import Trap
from numen.ir.types import U256
from numen.ir.wire import DecodeError
from numen.jit import engine as jit
from numen.jit.host import NativeHost
from numen.jit.layout import LINE_BYTES
from numen.jit.native import Native, new_memory
from numen.jit.native import Run as NativeRun
from numen.kernels.errors import CompileError
from numen.lang.contracts import records
from numen.lang.contracts.build import Contract
from numen.lang.contracts.description import Description
from numen.lang.contracts.model import CONTEXT_WORDS
from numen.vm.host import (
    EFFECTS_MAX,
    PAYLOAD_BYTES_MAX,
    VALUE_MAX,
    WRITES_MAX,
    Cancel,
    Continuation,
    Delivery,
    Effect,
    Event,
    Failure,
    Kind,
    Outcome,
    Reason,
    Rotate,
    Schedule,
    Send,
    Slots,
)
from numen.vm.isolated import Isolated
from numen.vm.machine import Engine

_WORD: Final = 32
_ARGUMENT_WORDS_MAX: Final = 2 * PAYLOAD_BYTES_MAX // _WORD

STORAGE_BYTES_MAX: Final = 16 << 20
"""Most bytes of arrays that a run of a contract may hold."""

_SELECTOR_BYTES: Final = 4
_ADDRESS_BYTES: Final = 20
_TOPICS_MAX: Final = 4
_TOPICS: Final = [Struct(f"{_WORD}s" * count) for count in range(1 + _TOPICS_MAX)]
_CONTEXT: Final = Struct("<Q24x20s12x32sQ24xQ24x20s12x32sQ24x")
"""The words of `model.Context`: numbers of 64 bits, addresses, coins."""

assert _CONTEXT.size == CONTEXT_WORDS * _WORD

_REQUEST, _VIEW, _BOUNCE = Kind.REQUEST, Kind.VIEW, Kind.BOUNCE
"""Members that every delivery is compared with: to find one in its class takes longer."""

_ERROR: Final = keccak256(b"Error(string)")[:_SELECTOR_BYTES]

_TRAPS: Final = {
    TrapReason.WORK_LIMIT: Reason.OUT_OF_WORK,
    TrapReason.HOST: Reason.TOO_LARGE,
    TrapReason.REQUIREMENT: Reason.REVERTED,
}
"""What a trap is to whoever asked; the others are checks of the language."""


class ContractError(NumenError):
    """A program and a description that do not make a contract."""


class _MalformedError(Exception):
    """A contract emitted a record that is none, or more than it may."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(reason, detail=detail)


class _Deployed(msgspec.Struct, frozen=True, array_like=True):
    """What a contract is deployed as."""

    code: bytes
    description: Description


def write_contract(contract: Contract) -> bytes:
    """Write a compiled contract as it is deployed.

    Raises:
        CodecError: It is too large.
    """
    return encode(_Deployed(contract.program.code, contract.description))


def read_contract(raw: bytes) -> "ContractService":
    """Make a contract of bytes from anyone ready to run.

    Raises:
        ContractError: The bytes are none.
    """
    try:
        deployed = decode(_Deployed, raw)
        program = load(deployed.code)
    except (CodecError, DecodeError) as error:
        raise ContractError(f"not a contract: {error}") from error
    return ContractService(program, deployed.description, is_untrusted=True)


def read_description(raw: bytes) -> Description:
    """What is to be known of a contract that was deployed, without making it ready to run.

    Raises:
        ContractError: The bytes are none.
    """
    try:
        return decode(_Deployed, raw).description
    except CodecError as error:
        raise ContractError(f"not a contract: {error}") from error


class _Seat:
    """Memory for one run at a time."""

    def __init__(self, native: Native) -> None:
        self.run = NativeRun(native, new_memory(native.layout))
        self.host = NativeHost()


class ContractService:
    """A contract, ready to run. Threads may use it at the same time.

    Attributes:
        description: What is to be known of it.
        fallback: Why it is not native code, where native code was wanted; or empty.
    """

    def __init__(
        self,
        program: Program,
        description: Description,
        *,
        engine: Engine = "auto",
        is_untrusted: bool = False,
    ) -> None:
        """Prepare a contract to run.

        Args:
            program: Its code.
            description: What its compiler says of it.
            engine: Which engine; ``jit`` refuses where ``auto`` falls back.
            is_untrusted: Whether somebody else wrote it, so that compiling it is bounded.

        Raises:
            ContractError: The description is not of this program, or the program is no contract.
            CompileError: Only where ``engine`` is ``jit``: there is no native code.
        """
        _check(program, description)
        self.description = description
        self.fallback = ""
        self._program = program
        self._native: Native | None = None
        if engine != "interp":
            try:
                self._native = jit.compile_program(program, is_untrusted=is_untrusted)
            except CompileError as error:
                if engine == "jit":
                    raise
                self.fallback = error.reason
        # To take from a list and to give to it is one step each, whatever other threads do.
        self._free: list[_Seat] = []
        self._numbers = frozenset(entry.number for entry in description.entries)
        self._room = description.argument_words * _WORD
        self._guarded = {
            entry.number.to_bytes(_SELECTOR_BYTES, "big"): entry
            for entry in description.entries
            if entry.takes_private or entry.gives_private
        }
        has_isolated = any(entry.is_isolated for entry in description.entries)
        self._isolated = Isolated(description, self._part) if has_isolated else None

    def handle(self, delivery: Delivery, slots: Slots) -> Outcome:
        """Carry out one delivery. Never raises for what a contract or a message does."""
        if self.description.is_private:
            failure = self._exposed(delivery)
            if failure is not None:
                return Outcome(failure=failure)
        if self._isolated is not None and self._isolated.concerns(delivery):
            return self._isolated.handle(delivery, slots)
        return self._part(delivery, slots)

    def _exposed(self, delivery: Delivery) -> Failure | None:
        """Why a delivery would show what is private, or None."""
        if not delivery.has_keys:
            return Failure(Reason.ABSENT, detail="nobody here has the keys of its private state")
        if delivery.kind not in (Kind.REQUEST, Kind.VIEW):
            return None
        entry = self._guarded.get(delivery.payload[:_SELECTOR_BYTES])
        if entry is None:
            return None
        is_asked_well = delivery.kind is Kind.VIEW and delivery.is_sealed
        if entry.gives_private and not is_asked_well:
            return _refusal(f"what {entry.name} gives is private: ask with a signed view call")
        if not delivery.is_sealed:
            return _refusal(f"what {entry.name} takes is private: seal the request")
        return None

    def _part(self, delivery: Delivery, slots: Slots) -> Outcome:
        """Carry out a delivery up to a wait or the end."""
        number, arguments = self._entry(delivery)
        if number is None:
            return _ABSENT
        if number < 0:
            return Outcome()
        if len(arguments) > self._room:
            detail = f"arguments of {len(arguments)} bytes, at most {self._room} are understood"
            return Outcome(failure=Failure(Reason.REVERTED, detail=detail))
        if delivery.work < 1:
            return Outcome(failure=Failure(Reason.OUT_OF_WORK))
        inputs = _inputs(number, delivery, arguments, self._room)
        run, writes, found = self._run(inputs, delivery.work, slots)
        if run.trap is not None:
            return Outcome(work=run.work, failure=_failure(run.trap, found))
        try:
            return self._outcome(delivery, run.work, writes, found)
        except _MalformedError as error:
            return Outcome(work=run.work, failure=error.failure)

    def _entry(self, delivery: Delivery) -> tuple[int | None, bytes]:
        """The number of what is run and its arguments, turned round.

        None where the contract has no such thing, negative where it need not run.
        """
        payload = delivery.payload
        if delivery.kind is _REQUEST or delivery.kind is _VIEW:
            if not payload:
                return self._known(records.RECEIVE_ENTRY, None), b""
            number = int.from_bytes(payload[:_SELECTOR_BYTES], "big")
            is_known = len(payload) >= _SELECTOR_BYTES and number in self._numbers
            return number if is_known else None, payload[: _SELECTOR_BYTES - 1 : -1]
        match delivery.kind:
            case Kind.CREATE:
                plain = None if payload or delivery.value else -1
                return self._known(records.CREATE_ENTRY, plain), payload[::-1]
            case Kind.TIMER:
                number = records.TIMERS + int.from_bytes(payload[:_SELECTOR_BYTES], "big")
                return self._known(number, None), payload[: _SELECTOR_BYTES - 1 : -1]
        waiting = delivery.continuation
        if waiting is None:
            is_bounce = delivery.kind is _BOUNCE
            return self._known(records.BOUNCE_ENTRY, -1) if is_bounce else -1, b""
        if not 0 <= waiting.entry < len(self.description.continuations):
            return None, b""
        number = records.CONTINUATIONS + 2 * waiting.entry
        if delivery.kind is _BOUNCE:
            return number + 1, waiting.frame[::-1]
        size = self.description.continuations[waiting.entry].reply_words * _WORD
        return number, (waiting.frame + payload[:size])[::-1]

    def _known(self, number: int, otherwise: int | None) -> int | None:
        return number if number in self._numbers else otherwise

    def _run(
        self, inputs: bytes, work_limit: int, slots: Slots
    ) -> tuple[Run, Writes, Sequence[Record]]:
        if self._native is None:
            journal = Journal(slots)
            words = _words(inputs)
            args: list[int | list[int]] = [words[:CONTEXT_WORDS], words[CONTEXT_WORDS:]]
            run = interp.run(self._program.metered, args, work_limit=work_limit, host=journal)
            return run, journal.writes(), journal.records
        try:
            seat = self._free.pop()
        except IndexError:
            seat = _Seat(self._native)
        host = seat.host
        while True:
            host.begin(slots)
            seat.run.prepare_bytes(inputs)
            seat.run.execute(work_limit=work_limit, host=host)
            if not host.may_repeat():
                break
        result = seat.run.outcome(), host.writes(), host.records()
        self._free.append(seat)
        return result

    def _outcome(
        self, delivery: Delivery, work: int, writes: Writes, found: Sequence[Record]
    ) -> Outcome:
        if len(writes) > WRITES_MAX:
            raise _MalformedError(Reason.TOO_LARGE, f"more than {WRITES_MAX} slots changed")
        result, effects, waits = self._effects(found)
        if len(effects) > EFFECTS_MAX:
            raise _MalformedError(Reason.TOO_LARGE, f"more than {EFFECTS_MAX} effects")
        if delivery.kind is _VIEW:
            return Outcome(result, (), (), work, None, waits)
        return Outcome(result, writes, tuple(effects), work, None, waits)

    def _effects(self, found: Sequence[Record]) -> tuple[bytes, list[Effect], bool]:
        result, waits = b"", False
        effects: list[Effect] = []
        pending = iter(found)
        for kind, words in pending:
            if len(words) > PAYLOAD_BYTES_MAX:
                raise _MalformedError(Reason.TOO_LARGE, f"{len(words)} bytes in one record")
            match kind:
                case records.RETURN:
                    result = words
                case records.EVENT:
                    effects.append(_event(words))
                case records.SEND:
                    effects.append(_send(words, 4, None))
                case records.CALL:
                    effects.append(_send(words, 5, self._continuation(words, pending)))
                    waits = True
                case records.SCHEDULE:
                    effects.append(_schedule(words))
                case records.CANCEL:
                    effects.append(Cancel(_number(words, 0)))
                case records.ROTATE:
                    effects.append(Rotate())
                case _:
                    raise _none()
        return result, effects, waits

    def _continuation(self, words: bytes, pending: Iterator[Record]) -> Continuation:
        kind, frame = next(pending, (0, b""))
        if kind != records.FRAME or len(frame) > PAYLOAD_BYTES_MAX:
            raise _none()
        entry, own = _number(frame, 0), self.description.continuations
        if entry >= len(own):
            raise _none()
        work = _number(words, 4) or own[entry].work
        return Continuation(entry, frame[_WORD:], work)


def _check(program: Program, description: Description) -> None:
    if description.program_id != program.id:
        raise ContractError("the description is of another program")
    words = description.argument_words
    if words > _ARGUMENT_WORDS_MAX or program.storage_bytes > STORAGE_BYTES_MAX:
        raise ContractError("the contract needs more memory than contracts may have")
    wanted = (ListShape(U256, CONTEXT_WORDS), ListShape(U256, words))
    shapes = tuple(field.shape for field in program.interface.inputs)
    if shapes != wanted or program.interface.result != TupleShape(()):
        raise ContractError("the program does not take a context and arguments, as contracts do")
    # What native code reads is written as one piece.
    assert (CONTEXT_WORDS * _WORD) % LINE_BYTES == 0


_ABSENT: Final = Outcome(failure=Failure(Reason.ABSENT))


def _inputs(number: int, delivery: Delivery, arguments: bytes, room: int) -> bytes:
    """The words that say why a contract runs, and its arguments; little-endian.

    Args:
        number: Of the entry.
        delivery: What it is told.
        arguments: Turned round.
        room: Bytes of the longest.
    """
    context = _CONTEXT.pack(
        number,
        delivery.sender[::-1],
        delivery.value.to_bytes(_WORD, "little"),
        delivery.height,
        delivery.time_ms,
        delivery.to[::-1],
        delivery.balance.to_bytes(_WORD, "little"),
        len(arguments),
    )
    return context + arguments.rjust(room, b"\0")


def _words(raw: bytes) -> list[int]:
    return [int.from_bytes(raw[at : at + _WORD], "little") for at in range(0, len(raw), _WORD)]


def _failure(trap: Trap, found: Sequence[Record]) -> Failure:
    reason = _TRAPS.get(trap.reason, Reason.TRAPPED)
    if reason is not Reason.REVERTED:
        return Failure(reason, detail=str(trap))
    if found and found[-1][0] == records.REVERT:
        return Failure(reason, _payload(found[-1][1], 0), str(trap))
    return Failure(reason, _error(trap.message), str(trap))


def _refusal(detail: str) -> Failure:
    return Failure(Reason.REVERTED, _error(detail), detail)


def _error(message: str) -> bytes:
    """``Error(string)``, as Solidity says why it refuses; nothing for an empty message."""
    if not message:
        return b""
    raw = message.encode()
    head = _WORD.to_bytes(_WORD, "big") + len(raw).to_bytes(_WORD, "big")
    return _ERROR + head + raw + bytes(-len(raw) % _WORD)


def _none() -> _MalformedError:
    return _MalformedError(Reason.TRAPPED, "the contract emitted what is no record")


def _number(words: bytes, index: int) -> int:
    at = _WORD * index
    if len(words) < at + _WORD:
        raise _none()
    return int.from_bytes(words[at : at + _WORD], "big")


def _payload(words: bytes, index: int) -> bytes:
    """A selector and what follows it."""
    if _number(words, index) == records.NO_SELECTOR:
        return b""
    return words[_WORD * (index + 1) - _SELECTOR_BYTES :]


def _address(words: bytes, index: int) -> bytes:
    if _number(words, index) >> (8 * _ADDRESS_BYTES):
        raise _none()
    return words[_WORD * (index + 1) - _ADDRESS_BYTES : _WORD * (index + 1)]


def _send(words: bytes, selector_at: int, continuation: Continuation | None) -> Send:
    value = _number(words, 1)
    if value > VALUE_MAX:
        raise _none()
    to, payload = _address(words, 0), _payload(words, selector_at)
    return Send(to, value, payload, _number(words, 2), _number(words, 3), continuation)


def _event(words: bytes) -> Event:
    count = _number(words, 0)
    end = _WORD * (1 + count)
    if count > _TOPICS_MAX or len(words) < end:
        raise _none()
    return Event(_TOPICS[count].unpack_from(words, _WORD), words[end:])


def _schedule(words: bytes) -> Schedule:
    at, period, work, key = (_number(words, index) for index in range(4))
    return Schedule(at, period, work, _payload(words, 4), key)
