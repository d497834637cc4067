"""A fleet, as whoever has work for it sees it: runs of programs, and segments of proofs.

It is asked from threads, and speaks to the queue in a thread of its own.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Final, Self, TypeVar

from numen.base.codec import encode
from numen.market.actor import Answer
from numen.node.fleet.jobs import (
    BLOB_BYTES_MAX,
    Failed,
    Job,
    JobFailedError,
    Outcome,
    Prove,
    Proved,
    Ran,
    Run,
    SegmentState,
)
from numen.node.fleet.queue import Queue
from numen.node.market.tools import Goods
from numen.proof.machine.bundle import Segment
from numen.proof.machine.prove import Job as SegmentJob
from numen.proof.stark.profile import Profile
from numen.proof.statement import commit_inputs
from numen.sandbox.errors import SandboxError

AT_ONCE: Final = 64
"""Jobs that are handed in and not answered, of one worker or one proof."""

T = TypeVar("T")


class Fleet:
    """Machines behind a queue.

    Args:
        servers: URLs of the NATS servers.

    Raises:
        FleetError: Nobody is there.
    """

    def __init__(self, servers: Sequence[str]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fleet", daemon=True)
        self._thread.start()
        try:
            self._queue = self._call(Queue.connect(servers)).result()
        except BaseException:
            self._stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._queue.close()).result()
        self._stop()

    def run(self, code: bytes, inputs: bytes, work_limit: int) -> Answer:
        """Run a program on some machine.

        Raises:
            JobFailedError: No machine could.
            FleetError: The servers are gone.
        """
        found = self._call(self._run(code, inputs, work_limit)).result()
        assert isinstance(found, Ran)
        return Answer(found.output, found.work)

    def prove(
        self, code: bytes, profile: Profile, jobs: Iterator[SegmentJob]
    ) -> Iterator[tuple[SegmentJob, Segment]]:
        """Prove segments on all machines, in order: a `numen.proof.machine.prove.Spread`.

        Raises:
            JobFailedError: No machine could.
            FleetError: The servers are gone.
        """
        waiting: list[tuple[SegmentJob, Future[Outcome]]] = []
        for job in jobs:
            waiting.append((job, self._call(self._prove(code, profile, job))))
            if len(waiting) >= AT_ONCE:
                yield _proven(*waiting.pop(0))
        while waiting:
            yield _proven(*waiting.pop(0))

    async def _run(self, code: bytes, inputs: bytes, work_limit: int) -> Outcome:
        put = self._queue.put_blob
        return await self._ask(Run(await put(code), await put(inputs), work_limit))

    async def _prove(self, code: bytes, profile: Profile, job: SegmentJob) -> Outcome:
        state = SegmentState(
            job.index, job.rows, job.memory.astype("<u8").tobytes(), job.pc, job.flag, job.is_last,
            job.public, job.outputs, job.secret,
        )  # fmt: skip
        put = self._queue.put_blob
        blob = await put(encode(state, size_max=BLOB_BYTES_MAX))
        return await self._ask(Prove(await put(code), profile.name, blob))

    async def _ask(self, job: Job) -> Outcome:
        outcome = await self._queue.ask(job)
        if isinstance(outcome, Failed):
            raise JobFailedError(f"no machine of the fleet could: {outcome.reason}")
        return outcome

    def _call(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class FleetMachine:
    """Runs a worker's programs on its fleet: an `Executor`."""

    def __init__(self, goods: Goods, fleet: Fleet) -> None:
        self._goods, self._fleet = goods, fleet

    def run(self, program: bytes, inputs: bytes, work_limit: int) -> Answer:
        """Run a program by its id; see `Executor.run`.

        Raises:
            SandboxError: No machine of the fleet could.
        """
        try:
            return self._fleet.run(self._goods.programs[program].code, inputs, work_limit)
        except JobFailedError as error:
            self._goods.give_up(program, commit_inputs(inputs))
            raise SandboxError(error.message) from error


def _proven(job: SegmentJob, future: "Future[Outcome]") -> tuple[SegmentJob, Segment]:
    found = future.result()
    assert isinstance(found, Proved)
    return job, Segment(found.pc, found.flag, found.proof)
