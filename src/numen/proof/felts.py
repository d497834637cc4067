"""Arrays of field elements: 32 little-endian bytes each, as a numpy array of shape (n, 4).

This is the form in which the kernels take them and in which circom's files hold them.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Felts = NDArray[np.uint64]
"""Shape ``(n, 4)``, type uint64: four 64-bit limbs each, the least significant first."""

SIZE_BYTES = 32
"""Of one field element."""


def felts_from_ints(values: Iterable[int]) -> Felts:
    """Pack integers of ``[0, 2**256)``."""
    data = b"".join([value.to_bytes(SIZE_BYTES, "little") for value in values])
    return np.frombuffer(data, dtype="<u8").reshape(-1, 4).astype(np.uint64)


def ints_from_felts(felts: Felts) -> list[int]:
    """Unpack into integers of ``[0, 2**256)``."""
    data = felts.astype("<u8", copy=False).tobytes()
    from_bytes = int.from_bytes
    return [from_bytes(data[i : i + SIZE_BYTES], "little") for i in range(0, len(data), SIZE_BYTES)]


def first_not_below(felts: Felts, bound: int) -> int | None:
    """Index of the first element that is not below a bound, or None."""
    below = np.zeros(len(felts), dtype=bool)
    for limb in range(4):
        column = felts[:, limb]
        edge = np.uint64(bound >> 64 * limb & (1 << 64) - 1)
        # Higher limbs come later in the loop and outweigh what the lower ones said.
        below = (column < edge) | ((column == edge) & below)
    return None if below.all() else int(np.argmin(below))
