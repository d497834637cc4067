"""Reserved addresses: memory that is asked for in large pieces and given when it is touched.

A reservation costs a few microseconds and no memory; pages appear, zeroed, as code writes to them,
and never move. So native code keeps plain pointers, and the size of a reservation is the bound on
what may lie in it.
"""

import ctypes
import mmap
import os
import sys
import weakref
from typing import Final

from numen.evm.errors import ResourceLimitError

_READ_WRITE: Final = mmap.PROT_READ | mmap.PROT_WRITE
_NO_RESERVE: Final = getattr(mmap, "MAP_NORESERVE", 0x4000)
"""Linux's flag: do not count addresses against memory until they are touched."""

_FIXED: Final = 0x10
"""Linux's and the BSDs' flag: exactly there, in place of what is there."""

_POPULATE_WRITE: Final = 23
"""Linux's advice, since 5.14: these pages are about to be written."""

_FLAGS: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
_FAILED: Final = ctypes.c_void_p(-1).value

_FIRST_PLACE: Final = 1 << 44
_PLACES: Final = 1 << 46
"""Where reservations are asked for: far from where the system puts code. Parts of one library of
native code must lie within 2 GiB, which a reservation among them would prevent."""

_PLACE_STEP: Final = 1 << 30

_C: Final = ctypes.CDLL(None, use_errno=True)
_C.mmap.restype = ctypes.c_void_p
_C.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int64,
)
_C.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_C.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


class Reservation:
    """Addresses of our own, until the object goes.

    Attributes:
        address: Of the first byte.
        size_bytes: How many there are.
        view: The same memory as a buffer, for `struct` and slices; dead when the object is.
    """

    _wished = 0

    def __init__(self, what: str, size_bytes: int) -> None:
        """Reserve addresses.

        Args:
            what: For the message.
            size_bytes: How many, a multiple of 4096.

        Raises:
            ResourceLimitError: The system refuses so many.
        """
        address = self._map(size_bytes)
        if address is None:
            reason = os.strerror(ctypes.get_errno())
            raise ResourceLimitError(
                f"the system refuses {size_bytes >> 10} KiB of addresses for {what}: {reason}",
                hint="allow this process more address space (ulimit -v) or overcommit",
            )
        self.address = address
        self.size_bytes = size_bytes
        self.view = memoryview((ctypes.c_ubyte * size_bytes).from_address(address)).cast("B")
        weakref.finalize(self, _C.munmap, address, size_bytes)

    def touch(self, start: int, size_bytes: int) -> None:
        """Have the system give bytes at once, which takes a third of the time of one page by one.

        Where the system cannot, they come when they are touched.

        Args:
            start: Of the first byte, from the beginning.
            size_bytes: How many.
        """
        first = start // mmap.PAGESIZE * mmap.PAGESIZE
        size = min(start + size_bytes, self.size_bytes) - first
        if sys.platform == "linux" and size > 0:
            _C.madvise(self.address + first, size, _POPULATE_WRITE)

    def forget(self, start: int = 0) -> None:
        """Give the memory from a byte on back to the system; it reads as zeros then.

        Raises:
            ResourceLimitError: The system refuses.
        """
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        if first >= self.size_bytes:
            return
        place, size = self.address + first, self.size_bytes - first
        if _C.mmap(place, size, _READ_WRITE, _FLAGS | _FIXED, -1, 0) != place:
            raise ResourceLimitError(f"the system refuses to clear {size >> 10} KiB")

    @classmethod
    def _map(cls, size_bytes: int) -> int | None:
        # Only a wish: two threads may wish for the same, and the system decides.
        place = _FIRST_PLACE + cls._wished % _PLACES
        cls._wished += -(-size_bytes // _PLACE_STEP) * _PLACE_STEP
        found: int = _C.mmap(place, size_bytes, _READ_WRITE, _FLAGS, -1, 0)
        return None if found == _FAILED else found
