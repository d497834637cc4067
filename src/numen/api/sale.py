"""A sale: one task on its way through the market, what happens to it, and what comes of it.

NumenError
├── UnsoldError      the task ended without an answer
├── LateError        it took longer than the buyer wanted to wait
├── LaggedError      a listener was slower than what it listened to
└── AnswerTrapError  the answer is that the program stopped with a trap
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Final, Generic, TypeVar

import msgspec

from numen.api.evidence import Want
from numen.base.errors import NumenError
from numen.ir.program import Program
from numen.market.events import Event, Withdrawn
from numen.market.why import unfilled
from numen.node.market.buyer import Sold
from numen.proof.statement import Evidence
from numen.vm.payload import PayloadError, decode_output, trap_of

CANCEL_S: Final = 5.0
"""How long whoever stops waiting waits for its task to be taken back."""

EVENTS_MAX: Final = 4096
"""Events that may wait for one listener."""

R = TypeVar("R")


class UnsoldError(NumenError):
    """A task ended without an answer.

    Attributes:
        sold: How it ended.
        why: What would have filled the bid, where nobody worked on it; else empty.
    """

    def __init__(self, sold: Sold, why: str = "") -> None:
        short = sold.task.hex()[:16]
        super().__init__(
            f"task {short} ended without an answer. {why or sold.how}",
            hint=f"`numen why {short} --log FOLDER/events.jsonl` of the hall tells all of it",
        )
        self.sold = sold
        self.why = why


class LateError(NumenError):
    """A task took longer than its buyer wanted to wait. It is taken back where nobody works on it.

    Attributes:
        task: Id of the task.
        waited_s: How long.
    """

    def __init__(self, task: bytes, waited_s: float) -> None:
        super().__init__(
            f"task 0x{task.hex()} has no answer after {waited_s:g} s",
            hint="wait longer with timeout_s, or raise the bid",
        )
        self.task = task
        self.waited_s = waited_s


class LaggedError(NumenError):
    """A listener did not take its events in time, so that some are missing."""


class AnswerTrapError(NumenError):
    """The answer that was settled, and paid for, is that the program stopped with a trap.

    Attributes:
        reason: The class of the fault, or the author's words.
        sold: Who says so.
    """

    def __init__(self, reason: str, sold: Sold) -> None:
        super().__init__(f"the program traps: {reason}", hint="run it here to see where")
        self.reason = reason
        self.sold = sold


class Bought(msgspec.Struct, Generic[R], frozen=True):
    """A result that was paid for.

    Attributes:
        value: What the program gave.
        sold: Who answered, who was fined, and what it cost.
        wanted: What evidence was asked for.
        evidence: The proof or quote that came with the answer, which the market, and this member
            of it, have verified; None where equal answers were the evidence.
    """

    value: R
    sold: Sold
    wanted: Want
    evidence: Evidence | None = None


class Listener:
    """Events for one listener, bounded: an asynchronous iterator that ends with what it hears."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(EVENTS_MAX)
        self._has_lagged = False

    def put(self, event: Event | None) -> None:
        """Tell it something; None that there is no more."""
        if self._queue.full():
            self._has_lagged = True
        else:
            self._queue.put_nowait(event)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            if self._has_lagged and self._queue.empty():
                raise LaggedError(f"more than {EVENTS_MAX} events waited")
            event = await self._queue.get()
            if event is None:
                return
            yield event


class Sale(Generic[R]):
    """A task that was posted. Awaited, it gives what was bought.

    Attributes:
        task: Id of the task.
        program: What runs.
        wanted: What evidence was asked for.
    """

    def __init__(
        self,
        task: bytes,
        program: Program,
        wanted: Want,
        withdraw: Callable[[bytes], None],
        evidence: Callable[[Sold], Awaitable[Evidence | None]],
    ) -> None:
        self.task = task
        self.program = program
        self.wanted = wanted
        self._withdraw, self._evidence = withdraw, evidence
        self._done: asyncio.Future[Sold] = asyncio.get_running_loop().create_future()
        self._done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._is_back = asyncio.Event()
        self._past: list[Event] = []
        self._listeners: list[Listener] = []

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self._done.done()

    def __await__(self) -> Generator[Any, None, Bought[R]]:
        return self.result().__await__()

    async def result(self, timeout_s: float | None = None) -> Bought[R]:
        """Wait for the answer.

        A wait that is cancelled, or takes too long, takes the task back first.

        Args:
            timeout_s: How long; None for as long as the task lives.

        Raises:
            UnsoldError: The task ended without an answer.
            AnswerTrapError: The answer is a trap.
            LateError: It took too long.
            NumenError: The market went away.
        """
        try:
            async with asyncio.timeout(timeout_s):
                sold = await asyncio.shield(self._done)
        except TimeoutError:
            await asyncio.shield(self._take_back())
            assert timeout_s is not None
            raise LateError(self.task, timeout_s) from None
        except asyncio.CancelledError:
            await asyncio.shield(self._take_back())
            raise
        return Bought(self._value(sold), sold, self.wanted, await self._evidence(sold))

    async def _take_back(self) -> None:
        """Cancel, and wait for the market to say so; not for long, as somebody waits."""
        self.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_S):
                await self._is_back.wait()

    def cancel(self) -> None:
        """Ask to have the task back: what no worker has earned returns."""
        if not self.is_over:
            self._withdraw(self.task)

    async def events(self) -> AsyncIterator[Event]:
        """Give what happened to the task and what happens, until it is over."""
        listener = Listener()
        for event in self._past:
            listener.put(event)
        if self.is_over:
            listener.put(None)
        else:
            self._listeners.append(listener)
        async for event in listener:
            yield event

    def hear(self, event: Event) -> None:
        """Take note of something that happened to the task."""
        if isinstance(event, Withdrawn):
            self._is_back.set()
        if len(self._past) < EVENTS_MAX - 1:
            self._past.append(event)
        for listener in self._listeners:
            listener.put(event)

    def goes_on_as(self, task: bytes, withdraw: Callable[[bytes], None]) -> None:
        """Take note that what was to be bought again is gone, and was posted as a task instead."""
        self.task, self._withdraw = task, withdraw

    def end(self, outcome: Sold | NumenError) -> None:
        """Take note that it is over."""
        self._is_back.set()
        if self._done.done():
            return
        if isinstance(outcome, NumenError):
            self._done.set_exception(outcome)
        else:
            self._done.set_result(outcome)
        for listener in self._listeners:
            listener.put(None)

    def _value(self, sold: Sold) -> R:
        if sold.output is None:
            why = unfilled(sold.task.hex(), self._past) if self._past else ""
            raise UnsoldError(sold, why)
        reason = trap_of(sold.output)
        if reason is not None:
            raise AnswerTrapError(reason, sold)
        try:
            value: R = decode_output(self.program, sold.output)
        except PayloadError as error:
            raise AnswerTrapError(f"no value of the program ({error.message})", sold) from None
        return value
