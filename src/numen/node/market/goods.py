"""Goods: programs and inputs by their digests, as tasks name them.

GoodsError     they are not what their name says, or there is no room
"""

from pathlib import Path
from typing import Final

from numen.base.errors import NumenError
from numen.ir.program import Program, load
from numen.net.channel import FRAME_BYTES_MAX
from numen.node.market.speech import GOODS_BYTES_MAX, PART_BYTES_MAX, Part
from numen.proof.files import read_file, write_file
from numen.proof.statement import commit_inputs

SHELF_BYTES_MAX: Final = 1 << 30
"""Most bytes of goods that a hall keeps."""

assert PART_BYTES_MAX < FRAME_BYTES_MAX


class GoodsError(NumenError):
    """Goods are refused."""


def name_of(raw: bytes) -> bytes:
    """The name of goods: a program's id, else the commitment to inputs; 32 bytes."""
    program = program_of(raw)
    return commit_inputs(raw) if program is None else program.id


def program_of(raw: bytes) -> Program | None:
    """The program that bytes are, if they are one."""
    try:
        return load(raw)
    except NumenError:
        return None


class Shelf:
    """Goods in a folder, one file each.

    Args:
        folder: Where; made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._bytes = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())

    def __contains__(self, digest: bytes) -> bool:
        return self._path(digest).is_file()

    def get(self, digest: bytes) -> bytes | None:
        """Goods by their name, or None."""
        path = self._path(digest)
        return read_file(path, size_max=GOODS_BYTES_MAX) if path.is_file() else None

    def put(self, digest: bytes, raw: bytes) -> None:
        """Keep goods.

        Raises:
            GoodsError: They have another name, or there is no room.
            FileError: The disk refuses.
        """
        if digest in self:
            return
        if name_of(raw) != digest:
            raise GoodsError("the goods are not what their name says")
        if self._bytes + len(raw) > SHELF_BYTES_MAX:
            raise GoodsError("there is no room for more goods")
        write_file(self._path(digest), raw)
        self._bytes += len(raw)

    def part(self, digest: bytes, start: int) -> Part | None:
        """A part of goods from some byte on, or None."""
        raw = self.get(digest)
        if raw is None or not 0 <= start < len(raw):
            return None
        return Part(digest, start, len(raw), raw[start : start + PART_BYTES_MAX])

    def _path(self, digest: bytes) -> Path:
        assert len(digest) == 32
        return self._folder / digest.hex()


class Gathering:
    """Goods that are coming in parts, one after the other."""

    def __init__(self) -> None:
        self._digest = b""
        self._data = bytearray()

    def add(self, part: Part) -> bytes | None:
        """Take the next part; the whole, once it is there.

        Raises:
            GoodsError: It does not follow from those before.
        """
        if part.start == 0:
            self._digest, self._data = part.digest, bytearray()
        follows = (part.digest, part.start) == (self._digest, len(self._data))
        if not follows or part.start + len(part.data) > part.total:
            self._data = bytearray()
            raise GoodsError("a part of goods is out of order")
        self._data += part.data
        if len(self._data) < part.total:
            return None
        whole, self._data = bytes(self._data), bytearray()
        return whole


def parts(digest: bytes, raw: bytes) -> list[Part]:
    """Goods in parts.

    Raises:
        GoodsError: They are empty or too long.
    """
    if not 0 < len(raw) <= GOODS_BYTES_MAX:
        raise GoodsError(f"goods have 1 to {GOODS_BYTES_MAX} bytes, not {len(raw)}")
    return [
        Part(digest, start, len(raw), raw[start : start + PART_BYTES_MAX])
        for start in range(0, len(raw), PART_BYTES_MAX)
    ]
