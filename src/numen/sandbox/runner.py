"""The sandbox, from outside: start what waits in the jail, give it jobs, believe nothing of it."""

import os
import selectors
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self

import msgspec

from numen.base.errors import Place
from numen.ir.interface import InputError, flatten
from numen.ir.outcome import Outcome
from numen.ir.program import Program
from numen.ir.trap import Reason, Trap
from numen.sandbox import jail
from numen.sandbox.confine import WORK_MAX, Limits
from numen.sandbox.errors import (
    AnswerError,
    KilledError,
    NativeRefusedError,
    RejectedError,
    StartError,
)
from numen.sandbox.jobs import (
    HEAD_BYTES,
    JOB_BYTES_MAX,
    STATUS_BYTES,
    Answer,
    Compile,
    Compiled,
    Ended,
    Job,
    Rejected,
    Run,
    pack,
    unpack,
)
from numen.sandbox.probe import Isolation, probe
from numen.sandbox.waiter import READY
from numen.vm import payload
from numen.vm.machine import Engine, LimitError, Result

COMPILING: Final = Limits(
    memory_bytes=2 << 30, cpu_s=20, wall_s=160, output_bytes=64 << 20, storage_bytes=1, work=1
)
"""What compiling one program may take; the clock has to do with who else uses the machine."""

JOBS_MAX: Final = 8
"""Jobs that run at a time, where nobody says otherwise."""

COMPILED_MAX: Final = 64
"""Programs whose native code is kept, in memory."""

_START_S: Final = 60
_GRACE_S: Final = 5
"""How much longer than its limit a run has, before everything in the jail is ended for it."""

_LAST_WORDS_BYTES: Final = 400
_CHUNK: Final = 1 << 16
_ENVELOPE_BYTES: Final = 16_384
"""What an answer has at most besides the output."""


class Sandbox:
    """Runs programs of strangers, each in a process of its own. Threads may share it.

    Args:
        isolation: What there is, from `probe`; tried now where left out.
        insists: Whether the operator wants native code even where it cannot be confined.
        jobs_max: Jobs that may run at a time; more wait. Each may take its limit of memory.
    """

    def __init__(
        self,
        isolation: Isolation | None = None,
        *,
        insists: bool = False,
        jobs_max: int = JOBS_MAX,
    ) -> None:
        self.isolation = isolation or probe()
        self._insists = insists
        self._is_closed = False
        self._slots = threading.BoundedSemaphore(jobs_max)
        self._turn = threading.Lock()
        self._compiled: OrderedDict[bytes, Answer] = OrderedDict()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        # A jail ends with the thread that started it, so that is no caller's.
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="jail")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(
        self,
        program: Program,
        inputs: Sequence[Any],
        *,
        limits: Limits | None = None,
        work_limit: int | None = None,
        engine: Engine = "auto",
    ) -> Result:
        """Run a program; the result is that of `vm.machine.run`.

        Args:
            program: Anybody's.
            inputs: One value for each parameter.
            limits: What it may take.
            work_limit: Work units, 1 or more, in place of those of the limits.
            engine: ``auto`` is native code where it can be had and confined.

        Raises:
            InputError: A value does not have the shape of its parameter.
            LimitError: The work limit is no positive number.
            NativeRefusedError: ``jit`` was asked for, and cannot be confined.
            RejectedError: The program cannot be run.
            KilledError: The run took more than its limits, or tried what it may not.
            AnswerError: What came out is no answer, or too long.
            StartError: The sandbox does not start.
        """
        if len(inputs) != len(program.interface.inputs):
            raise InputError(
                f"expected {len(program.interface.inputs)} arguments, found {len(inputs)}"
            )
        limits = limits or Limits()
        if work_limit is not None:
            if work_limit < 1:
                raise LimitError(f"a work limit of {work_limit} allows nothing")
            limits = msgspec.structs.replace(limits, work=min(work_limit, WORK_MAX))
        raw = payload.encode_inputs(program, inputs)
        native, fallback = self._native(program, engine)
        ended = self._run(Run(program.code, raw, native), limits)
        return _result(program, ended, "interp" if native is None else "jit", fallback)

    def close(self) -> None:
        """End the jail and all that runs in it, for good."""
        self._is_closed = True
        self._end_jail()
        self._keeper.shutdown()

    def _end_jail(self) -> None:
        with self._turn:
            self._stop()

    def _native(self, program: Program, engine: Engine) -> tuple[bytes | None, str]:
        """The native code of a program, where it is wanted; or why it is interpreted."""
        if engine == "interp":
            return None, ""
        if not self.isolation.is_full and not self._insists:
            refusal = NativeRefusedError(self.isolation.lacks)
            if engine == "jit":
                raise refusal
            return None, refusal.message
        with self._turn:
            found = self._compiled.get(program.id)
        if found is None:
            found = self._compile(program)
        if isinstance(found, Compiled):
            return found.native, ""
        reason = (
            found.message if isinstance(found, Rejected) else "the compiler says something else"
        )
        if engine == "jit":
            raise RejectedError(f"there is no native code: {reason}")
        return None, reason

    def _compile(self, program: Program) -> Answer:
        """Have a program compiled; a compiler that takes too much for it is a rejection."""
        is_lasting = True
        found: Answer
        try:
            found = self._ask(Compile(program.code), COMPILING)
        except KilledError as error:
            is_lasting = error.is_its_own
            found = Rejected("KilledError", f"compiling was given up: {error.reason}")
        except AnswerError as error:
            found = Rejected("AnswerError", f"compiling was given up: {error.message}")
        if is_lasting:
            self._keep(program.id, found)
        return found

    def _keep(self, identity: bytes, answer: Answer) -> None:
        with self._turn:
            self._compiled[identity] = answer
            self._compiled.move_to_end(identity)
            while len(self._compiled) > COMPILED_MAX:
                self._compiled.popitem(last=False)

    def _run(self, job: Run, limits: Limits) -> Ended:
        answer = self._ask(job, limits)
        if isinstance(answer, Rejected):
            raise RejectedError(f"{answer.kind}: {answer.message}")
        if not isinstance(answer, Ended):
            raise AnswerError("what came out answers another question")
        return answer

    def _ask(self, job: Job, limits: Limits) -> Answer:
        packed = pack(job)
        if len(packed) > JOB_BYTES_MAX:
            raise RejectedError(f"a job of {len(packed)} bytes, where {JOB_BYTES_MAX} are allowed")
        request = pack(limits) + packed
        with self._slots:
            try:
                return self._converse(request, limits)
            except KilledError as error:
                if error.is_its_own or self._is_closed:
                    raise
            return self._converse(request, limits)  # once more: it was ended for another's sake

    def _converse(self, request: bytes, limits: Limits) -> Answer:
        near, far = socket.socketpair()
        said, says = os.pipe()
        with near, os.fdopen(said, "rb", buffering=0) as status:
            try:
                self._hand_over(far, says)
            finally:
                far.close()
                os.close(says)
            deadline = time.monotonic() + limits.wall_s + _GRACE_S
            try:
                raw = _exchange(near, request, limits.output_bytes + _ENVELOPE_BYTES, deadline)
                code = _status(status.fileno(), deadline)
            except TimeoutError:
                self._end_jail()
                raise KilledError(f"it did not end after {limits.wall_s} s") from None
        if code != 0:
            raise KilledError(_why(code, limits), is_its_own=code != -signal.SIGKILL)
        answer: Answer = unpack(Answer, raw)
        return answer

    def _hand_over(self, talk: socket.socket, status: int) -> None:
        with self._turn:
            control = self._started()
            try:
                socket.send_fds(control, [b"job"], [talk.fileno(), status])
            except OSError:
                self._stop()
                socket.send_fds(self._started(), [b"job"], [talk.fileno(), status])

    def _started(self) -> socket.socket:
        if self._process is not None and self._process.poll() is not None:
            self._stop()
        if self._is_closed:
            raise StartError("it was closed")
        if self._control is None:
            self._start()
        assert self._control is not None
        return self._control

    def _start(self) -> None:
        is_filtered = self.isolation.filter.is_there
        body = f"from numen.sandbox.waiter import main; main(is_filtered={is_filtered})"
        control, inside = socket.socketpair()
        with tempfile.TemporaryFile() as errors:
            with inside:
                self._process = self._keeper.submit(
                    jail.start,
                    jail.python(body),
                    self.isolation.bubblewrap,
                    stdin=inside.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                ).result()
            self._control = control
            control.settimeout(_START_S)
            try:
                ready = control.recv(len(READY))
            except OSError:
                ready = b""
            control.settimeout(None)
            if ready != READY:
                self._stop()
                size = errors.seek(0, os.SEEK_END)
                errors.seek(max(0, size - _LAST_WORDS_BYTES))
                raise StartError(errors.read().decode(errors="replace").strip())

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._control = None


def _exchange(near: socket.socket, request: bytes, size_max: int, deadline: float) -> bytes:
    """Say the request and hear the answer to its end.

    Raises:
        TimeoutError: There is none before the deadline.
        AnswerError: It is too long.
    """
    near.setblocking(False)
    left, answer = memoryview(request), bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(near, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while True:
            wait_s = deadline - time.monotonic()
            events = ready.select(wait_s) if wait_s > 0 else []
            if not events:
                raise TimeoutError
            ((_, what),) = events
            if left and what & selectors.EVENT_WRITE:
                left = left[_send(near, left) :]
                if not left:
                    ready.modify(near, selectors.EVENT_READ)
            if what & selectors.EVENT_READ:
                chunk = _receive(near)
                answer += chunk
                if not chunk:
                    return bytes(answer)
                if len(answer) > size_max + HEAD_BYTES:
                    raise AnswerError(f"the run gives more than the {size_max} bytes it may")


def _send(near: socket.socket, data: memoryview) -> int:
    try:
        return near.send(data[:_CHUNK])
    except BlockingIOError:
        return 0
    except (BrokenPipeError, ConnectionResetError):
        return len(data)  # it has ended; how, its status says


def _receive(near: socket.socket) -> bytes:
    try:
        return near.recv(_CHUNK)
    except ConnectionResetError:
        return b""


def _status(source: int, deadline: float) -> int:
    """How the process ended; it says nothing if all of the jail did.

    Raises:
        TimeoutError: Nobody says.
    """
    with selectors.DefaultSelector() as ready:
        ready.register(source, selectors.EVENT_READ)
        if not ready.select(max(0.0, deadline - time.monotonic())):
            raise TimeoutError
    raw = os.read(source, STATUS_BYTES)
    return int.from_bytes(raw, "big", signed=True) if len(raw) == STATUS_BYTES else -signal.SIGKILL


def _why(code: int, limits: Limits) -> str:
    reasons = {
        -signal.SIGXCPU: f"it took more than {limits.cpu_s} s of processor time",
        -signal.SIGALRM: f"it took more than {limits.wall_s} s",
        -signal.SIGSYS: "it asked the system for what it may not",
        -signal.SIGKILL: "the system killed it, or all of the jail",
        -signal.SIGSEGV: "it touched memory that it does not have, or had no more stack",
    }
    if code in reasons:
        return reasons[code]
    return f"by signal {-code}" if code < 0 else "its process failed"


def _result(program: Program, ended: Ended, engine: str, fallback: str) -> Result:
    """What an answer says, as a result; it may lie about the value, not about its shape."""
    if ended.output is None:
        return Result(None, Outcome(None, _trap(ended), ended.work), engine, fallback)
    try:
        value = payload.decode_output(program, ended.output)
    except payload.PayloadError as error:
        raise AnswerError(f"what came out is no output of the program: {error}") from error
    results = flatten(program.interface.result, value, "result")
    return Result(value, Outcome(tuple(results), None, ended.work), engine, fallback)


def _trap(ended: Ended) -> Trap:
    try:
        reason = Reason(ended.reason)
    except ValueError as error:
        raise AnswerError("what came out is no trap") from error
    return Trap(reason, ended.message, Place(*ended.place) if ended.place else None)
