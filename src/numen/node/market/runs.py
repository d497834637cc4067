"""Runs side by side: programs run in threads while their owner goes on with everything else.

    NotYetError       the answer is not there yet

An actor of `numen.market` runs a program in the middle of a thought. Here the run begins when it is
first asked for, the thought ends in `NotYetError`, and is had again when the answer is there:
until then the actor is not shown the task (`numen.node.market.tools.Equipped`).
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from numen.base.errors import NumenError
from numen.market.actor import Answer, Executor
from numen.market.task import Task
from numen.proof.statement import commit_inputs

ANSWERS_MAX: Final = 4096
"""Answers that are kept; the oldest go first."""

WAITING_MAX: Final = 4096
"""Runs that may be on their way; more are started when there is room."""

Key = tuple[bytes, bytes, int]


class NotYetError(NumenError):
    """The answer of a run is not there yet."""


class Runs:
    """An `Executor` whose answers are there, or not yet. Threads may share it.

    Args:
        executor: Who runs programs.
        at_once: Runs side by side; one for each processor where left out.

    Attributes:
        told: Called, in any thread, whenever an answer is there.
    """

    def __init__(self, executor: Executor, at_once: int | None = None) -> None:
        self._executor = executor
        self._threads = ThreadPoolExecutor(at_once or os.cpu_count() or 1, "numen-run")
        self._lock = threading.Lock()
        self._answers: OrderedDict[Key, Answer | NumenError] = OrderedDict()
        self._running: set[Key] = set()
        self.told: Callable[[], None] = lambda: None

    def run(self, program: bytes, inputs: bytes, work_limit: int) -> Answer:
        """Give the answer of a run, or start the run; see `Executor.run`.

        Raises:
            NotYetError: It is not there yet.
            SandboxError: This machine has none.
        """
        key = (program, commit_inputs(inputs), work_limit)
        with self._lock:
            found = self._answers.get(key)
            if isinstance(found, Answer):
                return found
            if found is not None:
                raise found
            if key not in self._running and len(self._running) < WAITING_MAX:
                self._running.add(key)
                self._threads.submit(self._work, key, inputs)
        raise NotYetError("the answer is not there yet")

    def is_running(self, task: Task) -> bool:
        """Whether the answer of a task is on its way."""
        with self._lock:
            return (task.program, task.inputs, task.work_limit) in self._running

    def close(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _work(self, key: Key, inputs: bytes) -> None:
        program, _, work_limit = key
        found: Answer | NumenError
        try:
            found = self._executor.run(program, inputs, work_limit)
        except NumenError as error:
            found = error
        with self._lock:
            self._running.discard(key)
            self._answers[key] = found
            while len(self._answers) > ANSWERS_MAX:
                self._answers.popitem(last=False)
        self.told()
