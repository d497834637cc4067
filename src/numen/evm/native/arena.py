"""Reserved addresses: memory that is asked for in large pieces and given when it is touched.

A reservation costs a few microseconds and no memory; pages appear, zeroed, as code writes to them,
and never move. So native code keeps plain pointers, and the size of a reservation is the bound on
what may lie in it.
"""

import ctypes
import mmap
from typing import Final

from numen.evm.errors import ResourceLimitError

_NO_RESERVE: Final = getattr(mmap, "MAP_NORESERVE", 0x4000)
"""Linux's flag: do not count addresses against memory until they are touched."""

_PAGE_BYTES: Final = mmap.PAGESIZE


class Reservation:
    """Addresses of our own.

    Attributes:
        address: Of the first byte.
        size_bytes: How many there are.
        view: The same memory as a buffer, for `struct` and slices.
    """

    def __init__(self, what: str, size_bytes: int, least_bytes: int | None = None) -> None:
        """Reserve addresses; where the system refuses, half as many, and so on.

        Args:
            what: For the message, when nothing helps.
            size_bytes: How many are wanted, a multiple of 4096.
            least_bytes: How few will do; as many as are wanted, if None.

        Raises:
            ResourceLimitError: The system gives not even the least.
        """
        least = size_bytes if least_bytes is None else least_bytes
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
        while True:
            try:
                self.view = mmap.mmap(-1, size_bytes, flags=flags)
                break
            except (OSError, ValueError, OverflowError) as error:
                if size_bytes // 2 < least:
                    raise ResourceLimitError(
                        f"the system refuses {size_bytes >> 20} MiB of addresses for {what}",
                        hint="allow this process more address space (ulimit -v) or overcommit",
                    ) from error
                size_bytes //= 2
        self.size_bytes = size_bytes
        # Ends before the mapping does, so that the mapping can go.
        self._anchor = ctypes.c_char.from_buffer(self.view)
        self.address = ctypes.addressof(self._anchor)

    def forget(self, start: int = 0) -> None:
        """Give the memory from a byte on back to the system; it reads as zeros then."""
        first = -(-start // _PAGE_BYTES) * _PAGE_BYTES
        if first < self.size_bytes:
            self.view.madvise(mmap.MADV_DONTNEED, first, self.size_bytes - first)
