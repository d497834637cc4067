"""Files on disk, read with a bound and written whole or not at all."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from numen.base.errors import NumenError

SIZE_MAX_BYTES = 1 << 34
"""Default bound on a file that is read."""


class FileError(NumenError):
    """A file that cannot be read or written.

    Attributes:
        path: The file.
        reason: What the system says.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def read_file(path: Path, *, size_max: int = SIZE_MAX_BYTES) -> bytes:
    """Read a file.

    Raises:
        FileError: It cannot be read, is no ordinary file, or has more than ``size_max`` bytes.
    """
    try:
        # Without waiting: a pipe that nobody writes to would hold us until somebody does.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise FileError(path, "not an ordinary file")
            # At once, because pieces would be in memory twice when they are joined.
            data = file.read(min(state.st_size, size_max) + 1)
            data += file.read(size_max + 1 - len(data))
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
    if len(data) > size_max:
        raise FileError(path, f"more than {size_max} bytes")
    return data


def write_file(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees half of it.

    The bytes go to a file of another name beside it, and reach the disk, before the name is
    changed; a crash leaves the file as it was.

    Raises:
        FileError: It cannot be written; the file is as it was.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        # Created, and not opened: nobody else's file or link is ever written to.
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
