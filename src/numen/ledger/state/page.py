"""Pages of a binary Patricia tree: as many of its branches as fit a page of the disk.

The tree over a set of keys parts them at the first bit in which they differ, and each half again.
So a set has one tree and one root, whatever came first, was deleted since, or lies where on a disk:

    leaf    SHA-256(0 ‖ key ‖ SHA-256(value))
    node    SHA-256(1 ‖ bit ‖ left ‖ right)      bit: the first in which the keys below differ
    empty   32 zero bytes

A page holds the top of a part of the tree as sorted entries. An entry is a leaf, or a part that is
in a page of its own: that of all keys that begin with some bits. Nodes between entries are not
kept: they follow from the entries, and native code hashes them again in a few microseconds.
"""

import hashlib
import struct
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from numen.kernels import patricia
from numen.kernels.patricia_code import NODE_TAG
from numen.ledger.state.errors import CorruptError

EMPTY_ROOT: Final = bytes(32)
"""Root of the tree without keys."""

KEY_BYTES: Final = 32
KEY_BITS: Final = 256

ENTRY: Final = struct.Struct(">32s32sQH")
"""An entry: key or first bits of keys, hash, number of the record, how many bits it stands for."""

ENTRIES_MAX: Final = 4080 // ENTRY.size
"""Entries of a page: with LMDB's header it takes 4096 bytes, one page of the disk."""

ENTRIES_INLINE: Final = 6
"""A part of at most so many entries has no page: they stand in the page above."""


def leaf_hash(key: bytes, value: bytes) -> bytes:
    """Commit to a key and its value; 32 bytes."""
    return leaf_hash_of(key, hashlib.sha256(value).digest())


def leaf_hash_of(key: bytes, value_hash: bytes) -> bytes:
    """The same, from the SHA-256 of the value."""
    return hashlib.sha256(b"\0" + key + value_hash).digest()


def node_hash(bit: int, left: bytes, right: bytes) -> bytes:
    """Commit to two halves that part at a bit; 32 bytes."""
    return hashlib.sha256(bytes((NODE_TAG, bit)) + left + right).digest()


def page_hash(page: bytes) -> bytes:
    """The hash of the tree whose top is a page, which is not empty."""
    return patricia.subtree_root(page, ENTRY.size)


def check_page(page: bytes, number: int) -> bytes:
    """See that a record has the length of a page.

    Raises:
        CorruptError: It has not.
    """
    if not page or len(page) % ENTRY.size or len(page) > ENTRIES_MAX * ENTRY.size:
        raise CorruptError(f"page {number}", f"{len(page)} bytes are no page")
    return page


def entry_at(page: bytes, index: int) -> tuple[bytes, bytes, int, int]:
    """Key, hash, number and bits of the entry at a place."""
    key, digest, number, bits = ENTRY.unpack_from(page, index * ENTRY.size)
    return key, digest, number, bits


def is_below(key: int, prefix: int, bits: int) -> bool:
    """Whether a key begins with the first bits of a prefix; both as integers of 256 bits."""
    return not (key ^ prefix) >> (KEY_BITS - bits)


def bit_of(key: int, bit: int) -> int:
    """One bit of a key, counted from the highest."""
    return key >> (KEY_BITS - 1 - bit) & 1


def parting(page: bytes) -> tuple[int, int]:
    """Where a page of at least two entries parts: the bit, and the first place with a one."""
    low, high = (
        int.from_bytes(page[at : at + KEY_BYTES], "big") for at in (0, len(page) - ENTRY.size)
    )
    bit = KEY_BITS - (low ^ high).bit_length()
    # All keys begin as the highest does; the first with a one has zeros after it, or is above.
    border = high >> (KEY_BITS - 1 - bit) << (KEY_BITS - 1 - bit)
    size, places = ENTRY.size, range(len(page) // ENTRY.size)
    first_one = border.to_bytes(KEY_BYTES, "big")
    return bit, bisect_left(places, first_one, key=lambda i: page[i * size : i * size + KEY_BYTES])


def records(page: bytes) -> Iterator[tuple[int, bool]]:
    """The numbers of what entries name, and whether each is a page."""
    for _, _, number, bits in ENTRY.iter_unpack(page):
        yield number, bits != KEY_BITS
