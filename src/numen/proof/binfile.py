"""The container of circom's binary files: a magic word, a version, and numbered sections.

    magic (4 bytes) | version (u32) | section count (u32) | sections
    section:  number (u32) | size in bytes (u64) | content

All integers are little-endian. A reader takes bytes as hostile: it never believes a count before
the bytes it promises are there, so that memory stays within a constant factor of the file.

Source: https://github.com/iden3/r1csfile, which the other formats follow.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numen.proof.errors import FormatError
from numen.proof.felts import SIZE_BYTES, Felts, first_not_below

SECTION_COUNT_MAX = 64
"""No format has more than a dozen."""


class Cursor:
    """A place in a stretch of a file, from which things are taken one after another.

    Attributes:
        format: Name of the format, for errors.
        data: The whole file.
        offset: Where the next thing is, in bytes from the beginning of the file.
        end: Where the stretch ends.
    """

    def __init__(self, format: str, data: bytes, offset: int, end: int) -> None:  # noqa: A002
        self.format = format
        self.data = data
        self.offset = offset
        self.end = end

    def wrong(self, reason: str, offset: int | None = None) -> FormatError:
        """Make the error of this format, at an offset or at the cursor."""
        return FormatError(self.format, reason, self.offset if offset is None else offset)

    @property
    def left(self) -> int:
        """How many bytes are not taken yet."""
        return self.end - self.offset

    def take(self, size: int) -> bytes:
        """Take bytes.

        Raises:
            FormatError: There are not so many.
        """
        start = self._pass_over(size)
        return self.data[start : self.offset]

    def records(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        """Take records as they lie in the file: not copied, and perhaps not aligned.

        Raises:
            FormatError: There are not so many.
        """
        start = self._pass_over(count * dtype.itemsize)
        return np.frombuffer(self.data, dtype, count, start)

    def _pass_over(self, size: int) -> int:
        if size > self.left:
            raise self.wrong(f"{size} bytes expected, {self.left} left")
        start, self.offset = self.offset, self.offset + size
        return start

    def unsigned(self, size: int) -> int:
        """Take an unsigned integer of so many bytes."""
        return int.from_bytes(self.take(size), "little")

    def prime(self, expected: int) -> None:
        """Take a field size and a prime, and refuse any but the expected ones."""
        start = self.offset
        size = self.unsigned(4)
        if size != SIZE_BYTES:
            raise self.wrong(f"field elements of {size} bytes; BN254 has {SIZE_BYTES}", start)
        prime = self.unsigned(size)
        if prime != expected:
            raise self.wrong(f"the prime is {prime}, not that of BN254", start + 4)

    def felts(self, count: int, bound: int) -> Felts:
        """Take field elements.

        Raises:
            FormatError: There are not so many, or one is not below the bound.
        """
        start = self.offset
        # Copied once, from the file to memory that is aligned.
        felts = self.records(np.dtype("<u8"), 4 * count).reshape(-1, 4).astype(np.uint64)
        index = first_not_below(felts, bound)
        if index is not None:
            at = start + SIZE_BYTES * index
            raise self.wrong("a field element is not below its prime", at)
        return felts

    def finish(self) -> None:
        """Refuse bytes that nothing has taken."""
        if self.left:
            raise self.wrong(f"{self.left} bytes too many")


def read_sections(name: str, data: bytes, version: int) -> dict[int, Cursor]:
    """Find the sections of a file.

    Args:
        name: Name of the format; its magic word too.
        data: The file.
        version: The version that is understood.

    Returns:
        A cursor at the content of each section.

    Raises:
        FormatError: Not this format or version, a section twice, or a size beyond the file.
    """
    cursor = Cursor(name, data, 0, len(data))
    if cursor.take(4) != name.encode():
        raise cursor.wrong(f"does not begin with {name!r}", 0)
    found = cursor.unsigned(4)
    if found != version:
        raise cursor.wrong(f"version {found}; version {version} is understood", 4)
    count = cursor.unsigned(4)
    if count > SECTION_COUNT_MAX:
        raise cursor.wrong(f"{count} sections; at most {SECTION_COUNT_MAX} are allowed", 8)
    sections: dict[int, Cursor] = {}
    for _ in range(count):
        start = cursor.offset
        number, size = cursor.unsigned(4), cursor.unsigned(8)
        if number in sections:
            raise cursor.wrong(f"a second section {number}", start)
        if size > cursor.left:
            raise cursor.wrong(f"section {number} of {size} bytes, {cursor.left} left", start)
        sections[number] = Cursor(name, data, cursor.offset, cursor.offset + size)
        cursor.offset += size
    cursor.finish()
    return sections


def require(name: str, sections: dict[int, Cursor], numbers: Iterable[int]) -> list[Cursor]:
    """Give some sections, in the order asked for.

    Raises:
        FormatError: One is missing.
    """
    for number in numbers:
        if number not in sections:
            raise FormatError(name, f"section {number} is missing")
    return [sections[number] for number in numbers]


def write_sections(name: str, version: int, sections: Iterable[tuple[int, bytes]]) -> bytes:
    """Join sections into a file, in the order given."""
    parts = []
    for number, content in sections:
        parts += [number.to_bytes(4, "little"), len(content).to_bytes(8, "little"), content]
    count = len(parts) // 3
    head = name.encode() + version.to_bytes(4, "little") + count.to_bytes(4, "little")
    return b"".join([head, *parts])
