"""A process of a market that is watched: what it hears, what goes through it, what it runs."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from numen.market import events, log
from numen.market.actor import Answer, Executor
from numen.market.events import Event
from numen.market.turn import Market
from numen.net.channel import Transport
from numen.node.market.hall import Hall
from numen.node.market.member import Member
from numen.node.market.place import Place
from numen.node.market.replica import Replica
from numen.proof.statement import commit_inputs
from numen.watch import serve, spans
from numen.watch.market import About
from numen.watch.otlp import Telemetry
from numen.watch.sources import MarketSource
from numen.watch.spans import Span, Took
from numen.watch.traffic import Counted, Traffic

TAIL_BYTES: Final = 64 << 20
"""How much of what happened before is read again when a hall is opened."""

RUNS_MAX: Final = 256
"""Most runs that wait for the event that tells what they were for."""


class Watched:
    """A process of a market, and who looks at it.

    Args:
        about: Who it is; when its market was born is filled in once it is known.
        port: Where the page listens, 0 for any; None for no page.
        telemetry: Where spans go, or None.

    Raises:
        ServeError: Nobody can listen there.

    Attributes:
        url: Of the page, or empty.
    """

    def __init__(self, about: About, port: int | None, telemetry: Telemetry | None) -> None:
        self._about = about
        self._telemetry = telemetry
        self._traffic = Traffic()
        self._source = MarketSource(self._now_about, self._traffic)
        self._source.state = self._market
        self._replica: Callable[[], Replica | None] = lambda: None
        self._runs: dict[tuple[bytes, bytes], Took] = {}
        self._listening = serve.listen(port) if port is not None else None
        self.url = serve.address(self._listening) if self._listening is not None else ""

    def transport(self, transport: Transport) -> Transport:
        """The same transport, whose frames are counted."""
        return Counted(transport, self._traffic)

    def opened(self, place: Place, hall: Hall, told: Path) -> None:
        """A hall was opened; a log has what happened before, of which the end is read."""
        self._about = msgspec.structs.replace(self._about, place=str(place))
        self._replica = lambda: hall.replica
        self._source.queues = lambda: {"parcels": hall.waiting, "members": hall.present}
        with told.open("rb") as lines:
            self._source.hear(log.tail(lines, TAIL_BYTES))

    def joined(self, member: Member) -> None:
        """A member is about to follow a market."""
        self._replica = lambda: member.replica
        self._source.queues = lambda: {"outbox": member.waiting}

    def heard(self, happened: Sequence[Event]) -> None:
        """Something happened."""
        ended = self._source.hear(happened)
        if self._telemetry is None:
            return
        if self._about.role == "hall":
            born_ms = self._now_about().born_ms
            for task in ended:
                self._telemetry.send(spans.of_task(task, born_ms))
            return
        for event in happened:
            span = self._of_mine(event)
            if span is not None:
                self._telemetry.send([span])

    def machine(self, machine: Executor) -> Executor:
        """A machine whose runs are measured."""
        return _Timed(machine, self._ran)

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Work, with the page beside it."""
        page = None
        if self._listening is not None:
            page = asyncio.ensure_future(serve.attend(self._source, self._listening))
        try:
            await work
        finally:
            if page is not None:
                page.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await page
            if self._telemetry is not None:
                await asyncio.to_thread(self._telemetry.close)

    def _now_about(self) -> About:
        replica = self._replica()
        if replica is None:
            return self._about
        genesis = replica.genesis
        names = {**self._about.names, genesis.hall.hex(): "the hall"}
        return msgspec.structs.replace(self._about, born_ms=genesis.born_ms, names=names)

    def _market(self) -> Market | None:
        replica = self._replica()
        return replica.market if replica is not None else None

    def _ran(self, program: bytes, inputs: bytes, took: Took) -> None:
        if len(self._runs) >= RUNS_MAX:
            del self._runs[next(iter(self._runs))]
        self._runs[program, inputs] = took

    def _of_mine(self, event: Event) -> Span | None:
        """The span of a run of ours that an event is about."""
        market = self._market()
        match event:
            case events.Executed(task=name, worker=who) | events.Voted(task=name, verifier=who):
                pass
            case _:
                return None
        job = market.jobs.get(bytes.fromhex(name)) if market is not None else None
        took = self._runs.get((job.task.program, job.task.inputs)) if job is not None else None
        if took is None or who != self._about.account:
            return None
        make = spans.computed if isinstance(event, events.Executed) else spans.checked
        return make(bytes.fromhex(name), who, took)


class _Timed:
    """A machine that says how long a run took."""

    def __init__(self, machine: Executor, ran: Callable[[bytes, bytes, Took], None]) -> None:
        self._machine, self._ran = machine, ran

    def run(self, program: bytes, inputs: bytes, work_limit: int) -> Answer:
        start_ns = time.time_ns()
        answer = self._machine.run(program, inputs, work_limit)
        took = Took(start_ns, time.time_ns(), answer.work)
        self._ran(program, commit_inputs(inputs), took)
        return answer
