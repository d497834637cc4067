"""A machine of a fleet: takes jobs from the queue, does them confined, and keeps the results."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Final

import numpy as np

from numen.base.codec import CodecError, decode
from numen.base.errors import NumenError
from numen.ir.program import load
from numen.ledger.order.client import FAILURES, FetchTimeoutError, JetStreamContext, Msg
from numen.node.fleet.jobs import (
    BLOB_BYTES_MAX,
    REASON_MAX,
    Failed,
    FleetError,
    Job,
    Outcome,
    Prove,
    Proved,
    Ran,
    Run,
    SegmentState,
    job_name,
    read_job,
)
from numen.node.fleet.notes import Began, Ended, Note, ended, kind_of
from numen.node.fleet.queue import ATTEMPTS_MAX, Queue
from numen.node.market.tools import answer_of
from numen.proof.machine import prove as prover
from numen.proof.stark.profile import profile_named
from numen.sandbox.errors import StartError
from numen.sandbox.runner import Sandbox

_LOG: Final = logging.getLogger("numen.fleet")
_FETCH_S: Final = 5.0
_PAUSE_S: Final = 0.5
_AGAIN_S: Final = 1.0


class Machine:
    """Does jobs of a fleet until it is cancelled.

    Args:
        queue: Where they come from.
        sandbox: Where programs run.
        at_once: Jobs that are done side by side.
        tell: Told of each job when it begins and when it ends.
    """

    def __init__(
        self, queue: Queue, sandbox: Sandbox, at_once: int,
        tell: Callable[[Note], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._queue, self._sandbox, self._tell = queue, sandbox, tell
        self._room = asyncio.Semaphore(at_once)
        # Provers of one's own programs and of strangers' alike run no code of theirs.
        self._provers = ProcessPoolExecutor(at_once, get_context("spawn"))
        self.done = 0

    async def run(self) -> None:
        """Take jobs and do them.

        Raises:
            FleetError: The queue is gone.
        """
        source, lease_s = await self._queue.jobs(), await self._queue.lease_s()
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._room.acquire()
                    message = await self._take(source)
                    group.create_task(self._do(message, lease_s))
        finally:
            self._provers.shutdown(wait=False, cancel_futures=True)

    async def _take(self, source: JetStreamContext.PullSubscription) -> Msg:
        while True:
            message: Msg
            try:
                (message,) = await source.fetch(1, timeout=_FETCH_S)
            except (FetchTimeoutError, TimeoutError):
                continue
            except FAILURES as error:
                _LOG.warning("the fleet: %s", error)
                await asyncio.sleep(_PAUSE_S)
                continue
            return message

    async def _do(self, message: Msg, lease_s: float) -> None:
        holding = asyncio.create_task(_hold(message, lease_s))
        try:
            await self._answer(message)
        except FAILURES as error:
            _LOG.warning("a job goes to another machine: %s", error)
        except asyncio.CancelledError:
            with contextlib.suppress(*FAILURES):
                await message.nak()
            raise
        finally:
            holding.cancel()
            self._room.release()

    async def _answer(self, message: Msg) -> None:
        try:
            job = read_job(message.data)
        except CodecError as error:
            _LOG.warning("what is no job is left alone: %s", error.message)
            await message.term()
            return
        name, attempt, start_s = job_name(job), message.metadata.num_delivered, time.monotonic()
        self._tell(Began(name, kind_of(job), attempt))
        known: Outcome | None = None
        try:
            known = await self._queue.result(job)
            outcome = known or await self._outcome(job)
        except (FleetError, StartError, BrokenProcessPool) as error:
            if attempt < ATTEMPTS_MAX:
                self._tell(Ended(name, kind_of(job), "back", _since_ms(start_s), reason=str(error)))
                await message.nak(delay=_AGAIN_S)
                return
            outcome = Failed(str(error)[:REASON_MAX])
        await self._queue.finish(job, outcome)
        await message.ack()
        self._tell(ended(name, job, outcome, _since_ms(start_s), is_new=known is None))
        self.done += 1

    async def _outcome(self, job: Job) -> Outcome:
        """Do a job; what is the job's own fault is its outcome."""
        try:
            match job:
                case Run(code, inputs, work_limit):
                    blobs = await self._queue.blob(code), await self._queue.blob(inputs)
                    return await asyncio.to_thread(self._run, *blobs, work_limit)
                case Prove(code, profile, segment):
                    blobs = await self._queue.blob(code), await self._queue.blob(segment)
                    loop = asyncio.get_running_loop()
                    return await loop.run_in_executor(self._provers, _prove, *blobs, profile)
        except (FleetError, StartError):
            raise
        except NumenError as error:
            return Failed(error.message[:REASON_MAX])

    def _run(self, code: bytes, inputs: bytes, work_limit: int) -> Outcome:
        answer = answer_of(load(code), inputs, work_limit, self._sandbox)
        return Ran(answer.output, answer.work)


def _prove(code: bytes, raw: bytes, profile: str) -> Proved:
    """Prove a segment in a process of its own."""
    state = decode(SegmentState, raw, size_max=BLOB_BYTES_MAX)
    memory = np.frombuffer(state.memory, dtype="<u8").astype(np.uint64)
    job = prover.Job(
        state.index, state.rows, memory, state.pc, state.flag, state.is_last, state.public,
        state.outputs, state.secret,
    )  # fmt: skip
    segment = prover.work(code, profile_named(profile), job)
    return Proved(segment.pc, segment.flag, segment.proof)


def _since_ms(start_s: float) -> int:
    return round((time.monotonic() - start_s) * 1000)


async def _hold(message: Msg, lease_s: float) -> None:
    """Say again and again that somebody is at it."""
    while True:
        await asyncio.sleep(lease_s / 3)
        with contextlib.suppress(*FAILURES):
            await message.in_progress()
