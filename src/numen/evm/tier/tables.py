"""Region tables: for each byte of a code the pointer of the region that begins there, and its heat.

Native code reads the pointers and adds to the heat while Python fills the pointers in. Both are
aligned words, which this machine reads and writes whole.
"""

import ctypes
from collections.abc import Iterable
from typing import Final

from numen.evm.errors import ResourceLimitError
from numen.evm.native.arena import Reservation
from numen.evm.native.layout import REGION_BYTES

CHUNK_BYTES: Final = 64 << 20
"""Tables are cut from reservations of this size; a page costs memory when it is written."""

TOUCHED_BYTES: Final = 64 << 10
"""What is asked for at once: the tables of a code of 4,000 bytes."""

CHUNKS_MAX: Final = 32
"""After that many chunks code gets no tables, and is interpreted."""

_ALIGNMENT: Final = 64
_HEAT_OFFSET: Final = 8
assert REGION_BYTES == 2 * _HEAT_OFFSET


class Table:
    """The table of one code; valid while its `Tables` live.

    Attributes:
        address: Of the entry of the first byte.
    """

    def __init__(self, address: int, size: int) -> None:
        """A table for code of ``size`` bytes."""
        self.address = address
        self._size = size

    def publish(self, pc: int, region: int) -> None:
        """From here on control that comes to a place goes on in a region."""
        ctypes.c_uint64.from_address(self.address + REGION_BYTES * pc).value = region

    def has_region(self, pc: int) -> bool:
        """Whether a region begins at a place."""
        return ctypes.c_uint64.from_address(self.address + REGION_BYTES * pc).value != 0

    def heat(self, pc: int) -> int:
        """Gas that the interpreter spent on the way to a JUMPDEST so far."""
        place = self.address + REGION_BYTES * pc + _HEAT_OFFSET
        return ctypes.c_int64.from_address(place).value

    def set_heat(self, pc: int, heat: int) -> None:
        """Count on from another heat, which may be negative."""
        place = self.address + REGION_BYTES * pc + _HEAT_OFFSET
        ctypes.c_int64.from_address(place).value = heat

    def heats(self, places: Iterable[int]) -> dict[int, int]:
        """Heat of each JUMPDEST that the interpreter has come to."""
        data = ctypes.string_at(self.address, REGION_BYTES * self._size)
        words = memoryview(data).cast("q")
        return {pc: heat for pc in places if (heat := words[2 * pc + 1])}


class Tables:
    """The tables of one machine."""

    def __init__(self) -> None:
        """Reserve the first chunk, so that the first run need not wait for it."""
        self._chunks: list[Reservation] = []
        self._free = 0
        self._end = 0
        self._reserve(CHUNK_BYTES)

    def new(self, size: int) -> Table | None:
        """A table for code of ``size`` bytes, all zero; None when there are too many."""
        needed = -(-REGION_BYTES * (size + 1) // _ALIGNMENT) * _ALIGNMENT
        if self._free + needed > self._end and not self._reserve(needed):
            return None
        table = Table(self._free, size)
        self._free += needed
        return table

    def _reserve(self, needed: int) -> bool:
        if len(self._chunks) >= CHUNKS_MAX:
            return False
        try:
            chunk = Reservation("tables of regions", max(needed, CHUNK_BYTES))
        except ResourceLimitError:
            return False
        chunk.touch(0, TOUCHED_BYTES)
        self._chunks.append(chunk)
        self._free = chunk.address
        self._end = chunk.address + chunk.size_bytes
        return True
