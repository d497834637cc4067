"""The helper process, from the compiler's side: start, ask, kill, start again."""

import atexit
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import BinaryIO

import msgspec

from numen.kernels import frames
from numen.kernels.errors import (
    CompileError,
    CompilerDiedError,
    CompileTimeoutError,
    OutOfMemoryError,
)
from numen.kernels.options import Options

_LAST_WORDS_BYTES = 400

_PATIENCE = 8
"""How much longer than its processor time a compilation may take by the clock: what else the
machine has to do must not decide what is compiled."""

_DECODER = msgspec.msgpack.Decoder(frames.Done | frames.Refused | frames.Exhausted)


class Helper:
    """One helper process, started on first use and after each death.

    Threads take turns. A fork does not inherit the process, only the right to start its own.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: BinaryIO | None = None
        self._owner = 0
        self._limit_bytes = 0

    def compile_module(self, text: str, options: Options) -> bytes:
        """Have a module compiled within the limits of its options.

        Raises:
            CompileError: Of the class that fits the cause.
        """
        with self._turn:
            process = self._started(options.limit_bytes)
            try:
                request = frames.pack(frames.Job(text, options))
                body = _exchange(process, request, _PATIENCE * options.limit_ms)
            except TimeoutError:
                self._stop()
                raise CompileTimeoutError(options.limit_ms) from None
            if body is None:
                raise self._obituary(options)
        answer: frames.Done | frames.Refused | frames.Exhausted = _DECODER.decode(body)
        match answer:
            case frames.Done(code):
                return code
            case frames.Refused(reason):
                raise CompileError(reason)
            case frames.Exhausted():
                raise OutOfMemoryError(options.limit_bytes)

    def close(self) -> None:
        """End the process, if there is one."""
        with self._turn:
            self._stop()

    def _started(self, limit_bytes: int) -> subprocess.Popen[bytes]:
        if self._process is not None and self._owner != os.getpid():
            self._process = None
        if self._process is not None and (
            self._limit_bytes != limit_bytes or self._process.poll() is not None
        ):
            self._stop()
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _stop
            # -P: a file in the working directory must not be able to pose as a module.
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "numen.kernels.worker", str(limit_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
            if self._owner != os.getpid():
                atexit.register(self.close)
            self._owner = os.getpid()
            self._limit_bytes = limit_bytes
        return self._process

    def _stop(self) -> int:
        """Kill the process and let go of its pipes; its exit status."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return 0
        process.kill()
        status = process.wait()
        for pipe in (process.stdin, process.stdout, self._errors):
            if pipe is not None:
                pipe.close()
        return status

    def _obituary(self, options: Options) -> CompileError:
        assert self._process is not None
        assert self._errors is not None
        # It has closed its output, or sent too much of it: either way it is of no more use.
        try:
            status = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _LAST_WORDS_BYTES))
        words = self._errors.read().decode(errors="replace").strip()
        self._stop()
        if status == -signal.SIGPROF:
            return CompileTimeoutError(options.limit_ms)
        if "out of memory" in words.lower() or "bad_alloc" in words or "MemoryError" in words:
            return OutOfMemoryError(options.limit_bytes)
        return CompilerDiedError(status, words)


def _exchange(process: subprocess.Popen[bytes], request: bytes, limit_ms: int) -> bytes | None:
    """Write a request and read the body of the answer, or None if the process ended.

    Raises:
        TimeoutError: The answer is not complete after the limit.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    deadline = time.monotonic() + limit_ms / 1000
    sink, source = process.stdin.fileno(), process.stdout.fileno()
    os.set_blocking(sink, False)
    pending, answer = memoryview(request), bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(sink, selectors.EVENT_WRITE)
        ready.register(source, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            for key, _ in ready.select(left):
                if key.fd == source:
                    chunk = os.read(source, 1 << 20)
                    if not chunk:
                        return None
                    answer += chunk
                    if len(answer) > frames.FRAME_BYTES_MAX:
                        return None
                    if len(answer) >= 8 and len(answer) - 8 >= int.from_bytes(answer[:8], "big"):
                        return bytes(answer[8:])
                else:
                    pending = pending[_write(sink, pending) :]
                    if not pending:
                        ready.unregister(sink)


def _write(sink: int, data: memoryview) -> int:
    try:
        return os.write(sink, data[: 1 << 16])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        # The process is gone; reading its output will say so.
        return len(data)
