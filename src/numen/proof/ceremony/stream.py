"""Files of sections that are larger than memory should be: read piece by piece, written whole.

The container is that of `binfile`.
"""

import contextlib
import os
import secrets
import stat
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from numen.kernels import curve
from numen.proof.binfile import SECTION_COUNT_MAX
from numen.proof.ceremony.encoding import check_points
from numen.proof.errors import FormatError
from numen.proof.files import FileError
from numen.proof.points import Points

CHUNK_POINTS = 1 << 16
"""Points that are worked on at once."""

_HEAD_BYTES = 12


class SectionReader:
    """An open file of sections.

    Attributes:
        format: Name of the format.
        sections: Where the content of each section begins, and its size in bytes.
    """

    def __init__(self, path: Path, name: str, version: int) -> None:
        """Open a file and find its sections.

        Raises:
            FileError: It cannot be read, or is no ordinary file.
            FormatError: Not this format or version, a section twice, or a size beyond the file.
        """
        self.format = name
        self.path = path
        self.sections: dict[int, tuple[int, int]] = {}
        try:
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
            self._file: BinaryIO = os.fdopen(os.open(path, flags), "rb")
        except OSError as error:
            raise FileError(path, error.strerror or str(error)) from error
        try:
            self._find(version)
        except BaseException:
            self.close()
            raise

    def _find(self, version: int) -> None:
        status = os.fstat(self._file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise FileError(self.path, "not an ordinary file")
        size = status.st_size
        head = self.at(0, _HEAD_BYTES)
        if head[:4] != self.format.encode():
            raise self.wrong(f"does not begin with {self.format!r}", 0)
        found, count = (int.from_bytes(head[i : i + 4], "little") for i in (4, 8))
        if found != version:
            raise self.wrong(f"version {found}; version {version} is understood", 4)
        if count > SECTION_COUNT_MAX:
            raise self.wrong(f"{count} sections; at most {SECTION_COUNT_MAX} are allowed", 8)
        offset = _HEAD_BYTES
        for _ in range(count):
            head = self.at(offset, _HEAD_BYTES)
            number, length = (int.from_bytes(part, "little") for part in (head[:4], head[4:]))
            if number in self.sections:
                raise self.wrong(f"a second section {number}", offset)
            if length > size - offset - _HEAD_BYTES:
                raise self.wrong(f"section {number} of {length} bytes is too long", offset)
            self.sections[number] = offset + _HEAD_BYTES, length
            offset += _HEAD_BYTES + length
        if offset != size:
            raise self.wrong(f"{size - offset} bytes too many", offset)

    def wrong(self, reason: str, offset: int | None = None) -> FormatError:
        """Make the error of this format."""
        return FormatError(self.format, reason, offset)

    def at(self, offset: int, size: int) -> bytes:
        """Bytes of any place of the file.

        Raises:
            FormatError: The file ends before.
        """
        try:
            data = os.pread(self._file.fileno(), size, offset)
            while len(data) < size and (more := self._more(offset + len(data), size - len(data))):
                data += more
        except OSError as error:
            raise FileError(self.path, error.strerror or str(error)) from error
        if len(data) != size:
            raise self.wrong(f"{size} bytes expected, {len(data)} left", offset)
        return data

    def _more(self, offset: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, offset)

    def section(self, number: int, *, size: int | None = None, most: int = 1 << 30) -> bytes:
        """A whole section.

        Raises:
            FormatError: It is absent, of another size than asked for, or longer than ``most``.
        """
        offset, length = self.place(number, size)
        if length > most:
            raise self.wrong(f"section {number} of {length} bytes is too long", offset)
        return self.at(offset, length)

    def place(self, number: int, size: int | None = None) -> tuple[int, int]:
        """Where a section is, and how long.

        Raises:
            FormatError: It is absent, or of another size than asked for.
        """
        if number not in self.sections:
            raise self.wrong(f"section {number} is missing")
        offset, length = self.sections[number]
        if size is not None and length != size:
            raise self.wrong(f"section {number} has {length} bytes, not {size}", offset)
        return offset, length

    def points(self, number: int, group: curve.Group, first: int, count: int) -> Points:
        """Some points of a section, checked to be in their group.

        Raises:
            FormatError: They are not, or the section is shorter.
        """
        size = 8 * group.columns
        begin, length = self.place(number)
        if not 0 <= first <= first + count <= length // size:
            raise self.wrong(f"section {number} has no point {first + count - 1}", begin)
        offset = begin + first * size
        points = rows_of(group, self.at(offset, count * size))
        check_points(self.format, group, points, offset)
        return points

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SectionWriter:
    """A file of sections that appears under its name when it is complete, or not at all."""

    def __init__(self, path: Path, name: str, version: int, count: int) -> None:
        """Begin a file beside its place.

        Raises:
            FileError: There can be none.
        """
        self._path = path
        self._beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        self._left = count
        self._end = _HEAD_BYTES
        try:
            self._file: BinaryIO = self._beside.open("x+b")
        except OSError as error:
            raise FileError(path, error.strerror or str(error)) from error
        head = name.encode() + version.to_bytes(4, "little") + count.to_bytes(4, "little")
        self._file.write(head)

    def begin(self, number: int, size: int) -> int:
        """Begin a section of so many bytes, after the last; give where its content begins."""
        assert self._left
        assert self._file.tell() == self._end
        self._left -= 1
        self.write(number.to_bytes(4, "little") + size.to_bytes(8, "little"))
        begin = self._file.tell()
        self._end = begin + size
        return begin

    def write(self, data: bytes) -> None:
        """Go on with a section.

        Raises:
            FileError: The disk is full, or broken.
        """
        try:
            self._file.write(data)
        except OSError as error:
            raise FileError(self._path, error.strerror or str(error)) from error

    def section(self, number: int, data: bytes) -> None:
        """Write a whole section."""
        self.begin(number, len(data))
        self.write(data)

    def read_back(self, offset: int, size: int) -> bytes:
        """What has been written at a place."""
        self._file.flush()
        data = os.pread(self._file.fileno(), size, offset)
        assert len(data) == size
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                assert not self._left
                assert self._file.tell() == self._end
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
            if kind is None:
                self._beside.replace(self._path)
        except OSError as problem:
            raise FileError(self._path, problem.strerror or str(problem)) from problem
        finally:
            with contextlib.suppress(OSError):
                self._beside.unlink()


def rows_of(group: curve.Group, data: bytes) -> Points:
    """Points as files hold them, unchecked."""
    return np.frombuffer(data, dtype="<u8").astype(np.uint64).reshape(-1, group.columns)


def copy_section(reader: SectionReader, writer: SectionWriter, number: int) -> None:
    """Copy a section, piece by piece."""
    offset, size = reader.place(number)
    writer.begin(number, size)
    for done in range(0, size, 1 << 24):
        writer.write(reader.at(offset + done, min(1 << 24, size - done)))
