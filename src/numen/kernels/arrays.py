"""The arrays that kernels read and write, checked before native code sees an address.

Words of 256 bits are rows of four 64-bit limbs, lowest first, in C order: shape ``(n, 4)`` for
field elements, ``(n, 8)`` for points of G1, ``(n, 16)`` for points of G2.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from numen.kernels.errors import KernelInputError

Words: TypeAlias = npt.NDArray[np.uint64]
"""Rows of limbs."""

Indices: TypeAlias = npt.NDArray[np.int64]
"""Positions in other arrays."""

Digits: TypeAlias = npt.NDArray[np.int32]
"""Signed digits of scalars, shape ``(windows, n)``."""


def check(a: Words, columns: int, name: str, rows: int | None = None) -> Words:
    """See that an array is what a kernel will take it for.

    Args:
        a: Any array.
        columns: Limbs of a row.
        name: What to call it in the error.
        rows: How many rows it must have, if that is known.

    Returns:
        The array.

    Raises:
        KernelInputError: It has another type, shape or order.
    """
    if not isinstance(a, np.ndarray) or a.dtype != np.uint64 or not a.dtype.isnative:
        raise KernelInputError(f"{name} is not an array of uint64")
    if a.ndim != 2 or a.shape[1] != columns:
        raise KernelInputError(f"{name} has shape {a.shape}, not (n, {columns})")
    if rows is not None and len(a) != rows:
        raise KernelInputError(f"{name} has {len(a)} rows, not {rows}")
    if not a.flags.c_contiguous or not a.flags.aligned:
        raise KernelInputError(f"{name} is not contiguous, or not aligned: copy it")
    return a


def check_indices(a: npt.NDArray[Any], name: str, stop: int) -> Indices:
    """Positions as int64, all in ``range(stop)``.

    Raises:
        KernelInputError: It is not a vector of integers, or one is out of range.
    """
    if not isinstance(a, np.ndarray) or a.ndim != 1 or a.dtype.kind not in "iu":
        raise KernelInputError(f"{name} is not a vector of integers")
    if len(a) and not 0 <= int(a.min()) <= int(a.max()) < stop:
        raise KernelInputError(f"{name} has an index that is not in range({stop})")
    return np.ascontiguousarray(a, dtype=np.int64)


def words(values: Iterable[int]) -> Words:
    """Integers as rows of four limbs.

    Raises:
        KernelInputError: One is negative or has more than 256 bits.
    """
    try:
        data = b"".join([value.to_bytes(32, "little") for value in values])
    except OverflowError:
        raise KernelInputError("a value is negative or longer than 256 bits") from None
    return np.frombuffer(data, dtype="<u8").astype(np.uint64).reshape(-1, 4)


def integers(a: Words) -> list[int]:
    """Rows of four limbs as integers."""
    data = check(a, 4, "words").astype("<u8").tobytes()
    return [int.from_bytes(data[i : i + 32], "little") for i in range(0, len(data), 32)]


def address(a: npt.NDArray[Any], row: int = 0) -> int:
    """Where a row of a contiguous array begins in memory."""
    return int(a.ctypes.data) + row * int(a.strides[0])
