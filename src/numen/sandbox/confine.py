"""What a process does to itself before it looks at a stranger's program.

Limits first, then, where the system has it, the filter: after that it can neither open a file nor
a socket, start a process, signal one, nor take any of this back.
"""

import ctypes
import os
import platform
import resource
import signal
import sys
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.sandbox import filter as filters
from numen.sandbox.errors import UnavailableError
from numen.sandbox.syscalls import MACHINES

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 21, 22, 38
_MODE_FILTER: Final = 2
_FILES_MAX: Final = 16


WORK_MAX: Final = 2**63 - 1
"""Most work units that can be asked for."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one run may take.

    Attributes:
        memory_bytes: Address space of its process, Python and LLVM (some 200 MB) included.
        cpu_s: Seconds of processor time.
        wall_s: Seconds by the clock.
        output_bytes: Longest answer.
        storage_bytes: Arrays and memories of the program.
        work: Work units.
    """

    memory_bytes: Annotated[int, Meta(ge=1 << 28, le=1 << 46)] = 1 << 30
    cpu_s: Annotated[int, Meta(ge=1, le=1 << 20)] = 30
    wall_s: Annotated[int, Meta(ge=1, le=1 << 20)] = 60
    output_bytes: Annotated[int, Meta(ge=1, le=1 << 28)] = 1 << 20
    storage_bytes: Annotated[int, Meta(ge=1, le=1 << 40)] = 1 << 28
    work: Annotated[int, Meta(ge=1, le=WORK_MAX)] = 10**10


def limit(limits: Limits) -> None:
    """Take the limits on, for good; those of time count from now."""
    kinds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _FILES_MAX,
        resource.RLIMIT_AS: limits.memory_bytes,
    }
    if sys.platform == "darwin":
        del kinds[resource.RLIMIT_AS]  # nobody keeps it there
    for kind, value in kinds.items():
        resource.setrlimit(kind, (value, value))
    # A signal at the first, the end at the second: the signal says which limit it was.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits.wall_s)


def has_filters() -> bool:
    """Whether this system filters system calls, and we know its calls."""
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        return False
    return bool(_libc().prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)


def lock() -> None:
    """Give up every system call that a run does not need, in this thread, for good.

    Raises:
        UnavailableError: The system does not do it.
    """
    program = filters.running(platform.machine())
    code = ctypes.create_string_buffer(program, len(program))
    head = _Program(len(program) // 8, ctypes.addressof(code))
    libc = _libc()
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or (
        libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(head), 0, 0) != 0
    ):
        raise UnavailableError(
            f"system calls cannot be filtered: {os.strerror(ctypes.get_errno())}"
        )


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    return libc
