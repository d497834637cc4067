"""Arrays of field elements, as kernels take them and circom's files hold them."""

import numpy as np

from numen.kernels.arrays import Words, integers, words

Felts = Words
"""Shape ``(n, 4)``, type uint64: four 64-bit limbs each, the least significant first."""

SIZE_BYTES = 32
"""Of one field element."""

felts_from_ints = words
"""Pack integers of ``[0, 2**256)``."""

ints_from_felts = integers
"""Unpack into integers of ``[0, 2**256)``."""


def first_not_below(felts: Felts, bound: int) -> int | None:
    """Index of the first element that is not below a bound, or None."""
    below = np.zeros(len(felts), dtype=bool)
    for limb in range(4):
        column = felts[:, limb]
        edge = np.uint64(bound >> 64 * limb & (1 << 64) - 1)
        # Higher limbs come later in the loop and outweigh what the lower ones said.
        below = (column < edge) | ((column == edge) & below)
    return None if below.all() else int(np.argmin(below))
