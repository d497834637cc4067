"""Proves runs in processes of their own, which are ended at their limits.

A worker proves first and offers then: a program that traps, keys that are not the program's, a
proof over the limits cost it time, and never its pledge. Proofs are made beside everything else
that a worker does, one at a time.
"""

import contextlib
import logging
import subprocess
import sys
import threading
from collections import OrderedDict
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import CodecError, decode
from numen.base.errors import NumenError
from numen.market.actor import UnprovableError
from numen.market.message import Kept
from numen.market.task import Snark, Stark, Task, task_id
from numen.node.market.goods import name_of
from numen.node.market.proving import (
    PROOF_BYTES_MAX,
    Failed,
    Job,
    Made,
    ProveSnark,
    ProveStark,
    pack,
)
from numen.node.market.tools import Goods
from numen.proof.statement import Evidence
from numen.proof.statement import Snark as SnarkEvidence

PROOFS_MAX: Final = 64
"""Proofs that are kept for tasks that live."""

_LOG: Final = logging.getLogger("numen.market")
_DIES_S: Final = 10


class ProofLimits(msgspec.Struct, frozen=True):
    """What one proof may take.

    Attributes:
        memory_bytes: Address space of its process.
        wall_s: Seconds by the clock.
    """

    memory_bytes: Annotated[int, Meta(ge=1 << 30)] = 6 << 30
    wall_s: Annotated[int, Meta(ge=1)] = 300


class ProcessProver:
    """A `numen.market.actor.Prover`.

    Args:
        goods: Where programs, inputs and keys are.
        limits: What one proof may take.
    """

    def __init__(self, goods: Goods, limits: ProofLimits | None = None) -> None:
        self._goods = goods
        self._limits = limits or ProofLimits()
        self._found: OrderedDict[bytes, Evidence | Kept | None] = OrderedDict()
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._is_closed = False

    def prove(self, task: Task, inputs: bytes) -> Evidence | Kept | None:
        """The proof of a task, or None while it is being made; see `Prover.prove`."""
        name = task_id(task)
        with self._lock:
            if name in self._found:
                found = self._found[name]
                if found is None:
                    raise UnprovableError(f"there is no proof of task 0x{name.hex()}")
                return found
            if self._running is not None or self._is_closed:
                return None
            job = self._job(task, inputs)
            if job is None:
                self._keep(name, None)
                raise UnprovableError(f"there is no proof of task 0x{name.hex()}")
            self._running = _start(self._limits)
        threading.Thread(target=self._work, args=(name, job, self._running), daemon=True).start()
        return None

    def is_able(self, task: Task) -> bool | None:
        """Whether a task has a proof: it has when it is made. None until then."""
        if not isinstance(task.policy, Snark | Stark):
            return True
        inputs = self._goods.inputs.get(task.inputs)
        try:
            return None if inputs is None or self.prove(task, inputs) is None else True
        except UnprovableError:
            return False

    def close(self) -> None:
        """End the proof that is being made."""
        with self._lock:
            self._is_closed = True
            if self._running is not None:
                self._running.kill()

    def _job(self, task: Task, inputs: bytes) -> Job | None:
        code = self._goods.programs[task.program].code
        match task.policy:
            case Snark(key, proving) if proving is not None:
                made_of = (self._goods.inputs.get(key), self._goods.inputs.get(proving))
                if made_of[0] is None or made_of[1] is None:
                    return None
                return ProveSnark(code, inputs, made_of[0], made_of[1])
            case Stark(proven, _):
                return ProveStark(code, inputs, proven)
        return None

    def _work(self, name: bytes, job: Job, process: subprocess.Popen[bytes]) -> None:
        found: Evidence | Kept | None = None
        try:
            found = self._evidence(_ask(process, job, self._limits))
        except NumenError as error:
            _LOG.warning("no proof of task %s: %s", name.hex()[:16], error)
        with self._lock:
            self._running = None
            self._keep(name, found)

    def _evidence(self, made: Made) -> Evidence | Kept:
        if made.snark is not None:
            return decode(SnarkEvidence, made.snark)
        kept = name_of(made.stark)
        self._goods.made.append(made.stark)
        return Kept(kept)

    def _keep(self, name: bytes, found: Evidence | Kept | None) -> None:
        self._found[name] = found
        while len(self._found) > PROOFS_MAX:
            self._found.popitem(last=False)


class ProverDiedError(NumenError):
    """The process that proves did not give a proof."""


def _start(limits: ProofLimits) -> subprocess.Popen[bytes]:
    # -P: a file in the working directory must not be able to pose as a module.
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", "numen.node.market.prove",
         str(limits.memory_bytes), str(limits.wall_s)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _ask(process: subprocess.Popen[bytes], job: Job, limits: ProofLimits) -> Made:
    """Have a job done, and end the process in any case."""
    try:
        raw, _ = process.communicate(pack(job), timeout=limits.wall_s + _DIES_S)
    except subprocess.TimeoutExpired:
        raise ProverDiedError(f"it took more than {limits.wall_s} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
    try:
        answer = decode(Made, raw, size_max=PROOF_BYTES_MAX)
    except CodecError:
        raise ProverDiedError(_failure(raw, process.returncode)) from None
    return answer


def _failure(raw: bytes, code: int) -> str:
    try:
        return decode(Failed, raw).reason
    except CodecError:
        return f"its process ended with {code}"
