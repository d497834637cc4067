"""Runs Python of a test's choice where programs of strangers run, and says what became of it."""

import functools
import signal
import subprocess
from typing import NamedTuple

import pytest

from numen.sandbox import jail
from numen.sandbox.probe import probe

isolation = functools.cache(probe)

needs_jail = pytest.mark.skipif(
    "not __import__('tests.sandbox.inside', fromlist=['x']).isolation().is_full",
    reason="strangers cannot be confined on this machine",
)

_CONFINED = """
import ctypes, errno, mmap, os, resource, signal, socket, subprocess, threading, time
from numen.sandbox import confine
libc = ctypes.CDLL(None, use_errno=True)
confine.limit(confine.Limits(memory_bytes={memory}, cpu_s={cpu}, wall_s={wall}))
"""
_LOCKED = "confine.lock()\n"


class End(NamedTuple):
    """What became of a process."""

    code: int
    said: str
    errors: str

    def was_killed_by(self, number: signal.Signals) -> bool:
        return self.code == 128 + number


def waiting(body: str) -> End:
    """Run as the process that waits for jobs: in the jail, with its filter."""
    return _run(
        "import ctypes, os, socket, time\nlibc = ctypes.CDLL(None, use_errno=True)\n" + body
    )


def running(body: str, *, memory: int = 1 << 30, cpu: int = 5, wall: int = 10) -> End:
    """Run as the process of one job: with its limits, and its system calls given up."""
    return _run(_CONFINED.format(memory=memory, cpu=cpu, wall=wall) + _LOCKED + body)


def _run(text: str) -> End:
    with jail.start(
        jail.python(f"exec({text!r})"),
        isolation().bubblewrap,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            said, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return End(process.returncode, said.decode(), errors.decode())
