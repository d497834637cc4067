"""Keccak-256 of many messages at once, and the root of the Merkle tree over them.

One call of native code hashes them side by side. The tree is that of `numen.base.merkle`, whose
readable text says what the root is.
"""

import ctypes
import functools
from array import array
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from numen.base import merkle
from numen.kernels import compiler
from numen.kernels.keccak_tree_code import DIGEST_BYTES, keccak_tree_functions
from numen.kernels.options import Options

_AT_ONCE = 256
"""Messages that are joined for a call of native code: memory for more is not taken."""


@functools.cache
def _library() -> compiler.Library:
    return compiler.load(keccak_tree_functions(), options=Options(passes="O1"))


@functools.cache
def _digests() -> Callable[..., None]:
    size, pointer = ctypes.c_int64, ctypes.c_void_p
    return _function("digests", ctypes.c_char_p, pointer, size, pointer)


@functools.cache
def _fold(name: str) -> Callable[..., None]:
    return _function(name, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)


def _function(name: str, *types: Any) -> Callable[..., None]:
    found: Callable[..., None] = _library().function(name, None, *types)
    return found


def digests(messages: Sequence[bytes]) -> list[bytes]:
    """The Keccak-256 of each message."""
    raw = _hashed(messages).raw
    return [raw[at : at + DIGEST_BYTES] for at in range(0, len(raw), DIGEST_BYTES)]


def root(messages: Sequence[bytes]) -> bytes:
    """The Merkle root of the digests of messages, in their order; 32 bytes."""
    count = len(messages)
    if not count:
        return merkle.root(())
    hashes = _hashed(messages)
    begin = ctypes.addressof(hashes)
    _fold("leaves")(begin, count, begin)
    width = count
    while width > 1:
        pairs, odd = divmod(width, 2)
        _fold("nodes")(begin, pairs, begin)
        if odd:  # the last rises as it is
            last = begin + (width - 1) * DIGEST_BYTES
            ctypes.memmove(begin + pairs * DIGEST_BYTES, last, DIGEST_BYTES)
        width = pairs + odd
    return merkle.bind(count, hashes.raw[:DIGEST_BYTES])


def _hashed(messages: Sequence[bytes]) -> ctypes.Array[ctypes.c_char]:
    out = (ctypes.c_char * (DIGEST_BYTES * len(messages)))()
    begin = ctypes.addressof(out)
    for first in range(0, len(messages), _AT_ONCE):
        some = messages[first : first + _AT_ONCE]
        ends = array("q", accumulate(map(len, some), initial=0))
        place = begin + first * DIGEST_BYTES
        _digests()(b"".join(some), ends.buffer_info()[0], len(some), place)
    return out
