"""The process that waits inside the jail, and the one that it becomes for each job.

It has loaded everything that a run needs, and run something once, before any job comes: a job
costs a fork instead of a start. It never looks at a job itself: each comes as a descriptor, which
goes to the fork. That one takes its limits on, gives up its system calls, then reads.

Started by `sandbox/runner.py`; its standard input is the socket that jobs come by.
"""

import contextlib
import gc
import os
import select
import signal
import socket
from typing import Final

from numen.base.errors import NumenError
from numen.ir.parse import parse_module
from numen.ir.program import Program, load, program_from_module
from numen.jit import engine
from numen.sandbox import confine
from numen.sandbox.confine import Limits
from numen.sandbox.jobs import (
    STATUS_BYTES,
    Answer,
    Compile,
    Compiled,
    Ended,
    Job,
    Rejected,
    Run,
    pack,
    read_message,
    unpack,
    write_all,
)
from numen.vm import machine, payload

READY: Final = b"ready"
"""What is said when jobs may come."""

_TALK, _NOWHERE, _ERRORS = 0, 1, 2
_FIRST_UNKEPT: Final = 3
_DESCRIPTORS_MAX: Final = 1024
_MESSAGE_MAX: Final = 16
_TEXT_MAX: Final = 2000

_WARM: Final = """
program main() -> u256

func main -> (u256)
b0():
    r2 = array.[4 x u256] {1 2 3 4}
    r3 = const.u256 7
    r4 = const.u64 0
    r5 = const.u64 4
    r6 = const.u256 3
    r8 = const.u64 1
    jump b1(r4, r3)
b1(r0: u64, r1: u256):
    r9 = lt.u64 r0, r5
    branch r9, b3(), b2()
b2():
    return r1
b3():
    r10 = get.[4 x u256] r2, r0
    r11 = mul.u256 r1, r10
    r12 = div.u256 r11, r6
    r13 = add.u256 r12, r6
    r14 = add.u64 r0, r8
    jump b1(r14, r13)
"""
"""A program that has a bit of everything that is loaded late."""


def main(*, is_filtered: bool) -> None:
    """Wait for jobs until nobody can send any more.

    Args:
        is_filtered: Whether forks give up their system calls.
    """
    # All said, so that nothing is asked of the system.
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=os.dup(_TALK))
    _warm()
    woken, wakes = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(woken, select.POLLIN)
    running: dict[int, int] = {}
    write_all(control.fileno(), READY)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == woken:
                with contextlib.suppress(BlockingIOError):
                    os.read(woken, 512)
                _report(running)
            elif not _begin(control, running, is_filtered=is_filtered):
                return


def _warm() -> None:
    code, limits = program_from_module(parse_module(_WARM)).code, Limits()
    compiled = perform(Compile(code), limits)
    assert isinstance(compiled, Compiled), compiled
    for native in (compiled.native, None):
        ended = perform(Run(code, b"", native), limits)
        assert isinstance(ended, Ended), ended
    gc.collect()
    gc.freeze()  # what is here now is shared by all forks


def _begin(control: socket.socket, running: dict[int, int], *, is_filtered: bool) -> bool:
    """Take a job and fork for it; whether more can come."""
    data, descriptors, _, _ = socket.recv_fds(control, _MESSAGE_MAX, 2)
    if not data or len(descriptors) != 2:
        return False
    talk, status = descriptors
    pid = os.fork()
    if pid == 0:
        _become(talk, is_filtered=is_filtered)
    os.close(talk)
    running[pid] = status
    return True


def _report(running: dict[int, int]) -> None:
    """Say of each fork that has ended how it did."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        sink = running.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
            os.write(sink, code.to_bytes(STATUS_BYTES, "big", signed=True))
        os.close(sink)


def _become(talk: int, *, is_filtered: bool) -> None:
    """Be the process of one job, to its end."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(talk, _TALK)
        os.dup2(_NOWHERE, _ERRORS)
        os.closerange(_FIRST_UNKEPT, _DESCRIPTORS_MAX)
        limits = unpack(Limits, read_message(_TALK))
        confine.limit(limits)
        if is_filtered:
            confine.lock()
        write_all(_TALK, pack(perform(unpack(Job, read_message(_TALK)), limits)))
        code = 0
    finally:
        os._exit(code)


def perform(job: Job, limits: Limits) -> Answer:
    """Do a job, in a process that is confined."""
    try:
        program = load(job.code)
        if isinstance(job, Compile):
            return Compiled(engine.compile_object(program, is_confined=True))
        return _run(program, job, limits)
    except NumenError as error:
        return Rejected(type(error).__name__, error.message[:_TEXT_MAX])
    except MemoryError:
        return Rejected("MemoryError", "it needs more memory than it may have")


def _run(program: Program, job: Run, limits: Limits) -> Ended:
    result = machine.run(
        program,
        payload.decode_inputs(program, job.inputs),
        work_limit=limits.work,
        storage_limit_bytes=limits.storage_bytes,
        engine="interp",
        native=None if job.native is None else engine.link(program, job.native),
    )
    trap = result.outcome.trap
    place = trap.place if trap else None
    return Ended(
        None if trap else payload.encode_output(result),
        trap.reason.value if trap else None,
        trap.message[:_TEXT_MAX] if trap else "",
        (place.file[:_TEXT_MAX], place.line, place.column) if place else None,
        result.outcome.work,
    )
