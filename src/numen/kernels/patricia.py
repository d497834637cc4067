"""Roots of binary Patricia trees over sorted keys, hashed with SHA-256."""

import ctypes
import functools
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from numen.kernels import compiler
from numen.kernels.arrays import Indices, address, check_indices
from numen.kernels.errors import KernelInputError
from numen.kernels.native import Kernels
from numen.kernels.options import Options
from numen.kernels.patricia_code import ENTRIES_MAX, KEY_BYTES, patricia_functions
from numen.kernels.sha256_code import DIGEST_BYTES, Instructions, Vectors

Rows: TypeAlias = npt.NDArray[np.uint8]
"""Entries, keys or hashes: shape ``(n, bytes of one)``, in C order."""

_Digest = ctypes.c_char * DIGEST_BYTES


def _text() -> str:
    return patricia_functions(Instructions if compiler.has_feature("sha") else Vectors)


@functools.cache
def _kernels() -> Kernels:
    return Kernels(_text, Options(passes="O1"))


def _library() -> compiler.Library:
    return _kernels().library


@functools.cache
def _root() -> Callable[[bytes, int, int, ctypes.Array[ctypes.c_char]], None]:
    """The function ``subtree_root``, which takes bytes where they lie."""
    types = (ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
    found: Callable[[bytes, int, int, ctypes.Array[ctypes.c_char]], None]
    found = _library().function("subtree_root", None, *types)
    return found


@functools.cache
def _locate() -> Callable[[bytes, int, int, int, bytes], int]:
    """The function ``locate``, which takes bytes where they lie."""
    number = ctypes.c_int64
    types = (ctypes.c_char_p, number, number, number, ctypes.c_char_p)
    found: Callable[[bytes, int, int, int, bytes], int]
    found = _library().function("locate", number, *types)
    return found


def subtree_root(entries: bytes, size: int) -> bytes:
    """Hash the tree over entries; 32 bytes.

    Args:
        entries: One to `ENTRIES_MAX`, each of ``size`` bytes: a key of 32 bytes, a hash of 32
            bytes, and what else there is. Keys must differ, and be sorted as bytes: nothing checks
            that, and other keys give a hash that means nothing.
        size: Bytes of an entry, at least 64.

    Raises:
        KernelInputError: The bytes are no such entries.

    Cost: 0.1 microseconds an entry with the processor's instructions, about 0.5 without.
    """
    count, rest = divmod(len(entries), size)
    if size < KEY_BYTES + DIGEST_BYTES or rest or not 1 <= count <= ENTRIES_MAX:
        raise KernelInputError(f"{len(entries)} bytes are no entries of {size}")
    out = _Digest()
    _root()(entries, count, size, out)
    return out.raw


def locate(entries: bytes, size: int, key: bytes, first: int = 0) -> tuple[int, int]:
    """Find the entry that a key is at or below.

    Args:
        entries: Any number of them, as `subtree_root` wants them, the last two bytes of each the
            number of bits of its key that it stands for, 1 to 256, highest byte first: nothing
            checks that.
        size: Bytes of an entry, at least 66.
        key: 32 bytes.
        first: The least place that matters.

    Returns:
        Its place and its bits; where there is none, the place where it would be, and 0.

    Raises:
        KernelInputError: The bytes are no such entries, or no key.

    Cost: a microsecond.
    """
    count, rest = divmod(len(entries), size)
    if (
        rest
        or len(key) != KEY_BYTES
        or not 0 <= first <= count
        or size < KEY_BYTES + DIGEST_BYTES + 2
    ):
        raise KernelInputError(f"{len(entries)} bytes are no entries of {size}, or there is no key")
    found = _locate()(entries, count, size, first, key)
    return found >> 16, found & 0xFFFF


def subtree_roots(entries: Rows, starts: Indices, chosen: Indices) -> Rows:
    """Hash the trees over some ranges of a table of entries.

    Args:
        entries: As `subtree_root` wants those of each range.
        starts: Where the ranges begin, each where the one before ends, and the end of the last;
            of 1 to `ENTRIES_MAX` rows each.
        chosen: Numbers of ranges.

    Returns:
        A hash for each of ``chosen``; shape ``(n, 32)``.

    Raises:
        KernelInputError: The arrays have other shapes, or a number is out of range.
    """
    starts = _check_table(entries, starts, KEY_BYTES + DIGEST_BYTES)
    chosen = check_indices(chosen, "chosen", len(starts) - 1)
    out = np.empty((len(chosen), DIGEST_BYTES), np.uint8)
    _kernels().call(
        "subtree_roots", address(entries), entries.shape[1], address(starts), address(chosen),
        len(chosen), address(out),
    )  # fmt: skip
    return out


def locate_all(
    entries: Rows, starts: Indices, ranges: Indices, keys: Rows
) -> tuple[Indices, Indices]:
    """Find the entry that each key is at or below, in the range that it is looked for in.

    Args:
        entries: As `locate` wants those of each range.
        starts: As for `subtree_roots`.
        ranges: The number of a range, for each key.
        keys: Shape ``(n, 32)``.

    Returns:
        Rows and bits; where there is no such entry, the row where it would be, and 0.

    Raises:
        KernelInputError: The arrays have other shapes, or a number is out of range.

    Cost: 0.1 microseconds a key.
    """
    starts = _check_table(entries, starts, KEY_BYTES + DIGEST_BYTES + 2)
    _check_rows(keys, KEY_BYTES)
    ranges = check_indices(ranges, "ranges", len(starts) - 1)
    if len(ranges) != len(keys) or keys.shape[1] != KEY_BYTES:
        raise KernelInputError(f"there are {len(ranges)} ranges for {len(keys)} keys")
    out = np.empty(len(keys), np.int64)
    _kernels().call(
        "locate_all", address(entries), entries.shape[1], address(starts), address(ranges),
        address(keys), len(keys), address(out),
    )  # fmt: skip
    return out >> 16, out & 0xFFFF


def _check_table(entries: Rows, starts: Indices, size_min: int) -> Indices:
    """See that ranges lie in a table; where they begin, as int64."""
    _check_rows(entries, size_min)
    starts = check_indices(starts, "starts", len(entries) + 1)
    rows = np.diff(starts)
    if not len(rows) or int(rows.min()) < 1 or int(rows.max()) > ENTRIES_MAX:
        raise KernelInputError(f"the ranges do not have 1 to {ENTRIES_MAX} rows each")
    return starts


def _check_rows(rows: Rows, size_min: int) -> None:
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] < size_min:
        raise KernelInputError(f"an array of shape {rows.shape} has no rows of {size_min} bytes")
    if not rows.flags.c_contiguous:
        raise KernelInputError("the rows are not contiguous: copy them")
