"""What of a sandbox this machine has: found by trying, and said with what to do about the rest."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from numen.sandbox import confine, jail
from numen.sandbox.errors import UnavailableError

_PATIENCE_S: Final = 20
_WORDS_MAX: Final = 300


class Check(msgspec.Struct, frozen=True):
    """One part of a sandbox.

    Attributes:
        is_there: Whether it works here.
        says: What was found.
        advice: What to do, where it does not work; or empty.
    """

    is_there: bool
    says: str
    advice: str = ""


class Isolation(msgspec.Struct, frozen=True):
    """How far a process can be confined here.

    Attributes:
        bubblewrap: What makes jails, if it works.
        namespaces: No network, no files, no other processes: `sandbox/jail.py`.
        filter: No system calls but those of memory and time: `sandbox/confine.py`.
        limits: Memory, processor, time.
    """

    bubblewrap: Path | None
    namespaces: Check
    filter: Check
    limits: Check

    @property
    def is_full(self) -> bool:
        """Whether native code of strangers may run."""
        return self.namespaces.is_there and self.filter.is_there and self.limits.is_there

    @property
    def lacks(self) -> str:
        """What is missing, in words."""
        checks = (self.namespaces, self.filter, self.limits)
        return "; ".join(check.says for check in checks if not check.is_there)


def probe() -> Isolation:
    """Try what this machine has.

    Cost: a process in a jail, some 30 milliseconds.
    """
    bubblewrap = jail.find_bubblewrap()
    namespaces = _namespaces(bubblewrap)
    return Isolation(bubblewrap if namespaces.is_there else None, namespaces, _filter(), _limits())


def _namespaces(bubblewrap: Path | None) -> Check:
    if sys.platform != "linux":
        return Check(
            is_there=False,
            says=f"{sys.platform} has no namespaces",
            advice="work for strangers on Linux",
        )
    if bubblewrap is None:
        return Check(
            is_there=False,
            says="there is no bwrap",
            advice="install bubblewrap, or `pip install 'numen[sandbox]'`",
        )
    try:
        with jail.start(
            jail.python("print('inside')"),
            bubblewrap,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                said, errors = process.communicate(timeout=_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                return Check(is_there=False, says=f"{bubblewrap} does not come to an end")
    except (OSError, UnavailableError) as error:
        return Check(is_there=False, says=f"{bubblewrap} cannot be used: {error}")
    if said.strip() == b"inside":
        return Check(is_there=True, says=f"jails by {bubblewrap}")
    words = errors.decode(errors="replace").strip()[-_WORDS_MAX:]
    return Check(
        is_there=False,
        says=f"{bubblewrap} makes no jail: {words}",
        advice="allow user namespaces: sysctl kernel.unprivileged_userns_clone=1, or "
        "kernel.apparmor_restrict_unprivileged_userns=0, or a profile for bwrap",
    )


def _filter() -> Check:
    if confine.has_filters():
        return Check(is_there=True, says="the kernel filters system calls")
    return Check(
        is_there=False,
        says="system calls cannot be filtered",
        advice="use Linux on x86_64 or aarch64, with seccomp",
    )


def _limits() -> Check:
    if sys.platform == "darwin":
        return Check(is_there=False, says="the system does not limit memory")
    return Check(is_there=True, says="memory and time are limited")
