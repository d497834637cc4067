"""Files on disk, read with a bound and written whole or not at all."""

import os
import tempfile
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
        FileError: It cannot be read, or has more than ``size_max`` bytes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(min(size_max, os.fstat(file.fileno()).st_size) + 1)
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
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
