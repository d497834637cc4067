"""Many tries in native memory: that of accounts, and one for the slots of each account.

They are those of `trie.Trie`, with keys that are hashed, and are hashed again only where they
changed. Python passes changes in batches; hashing a key, walking to its leaf, encoding and hashing
the way back up takes native code three microseconds.
"""

import ctypes
import functools
from collections.abc import Mapping
from typing import Any, Final

from numen.base.crypto import keccak256
from numen.evm.forest import openings
from numen.evm.forest.batches import ACCOUNT, forest_text
from numen.evm.forest.nodes import HEAD, NODE
from numen.kernels import compiler
from numen.kernels.options import Options

__all__ = ["ACCOUNT", "DELETED", "EMPTY", "Forest"]

EMPTY: Final = 0
"""The trie without keys, by the index of its root."""

DELETED: Final = -1
"""In place of the index of an account's storage: the account is deleted."""

_NODES_PER_KEY: Final = 2
"""What a key that is put may take: a leaf, and a branch above it."""

_NODES_FIRST: Final = 64


class Forest:
    """A pool of nodes, and the tries in it. A trie is named by the index of its root.

    A change gives the trie another name, and the old one means nothing any more.
    """

    __slots__ = ("_capacity", "_pool")

    def __init__(self) -> None:
        self._capacity = _NODES_FIRST
        self._pool = ctypes.create_string_buffer(self._capacity * NODE.size_bytes)
        # Index 0 is no node: the head lies there.
        HEAD.write(ctypes.addressof(self._pool), "used", 1)

    def put_slots(self, trie: int, slots: Mapping[int, int]) -> int:
        """Store words by key, both below 2**256; zeros are deleted.

        Returns:
            The trie's name from now on.

        Cost: about a microsecond for each slot in Python, and three in native code.
        """
        records = b"".join(
            [key.to_bytes(32, "big") + word.to_bytes(32, "big") for key, word in slots.items()]
        )
        self._make_room(len(slots))
        return int(_native().put_slots(self._pool, trie, records, len(slots)))

    def put_accounts(self, trie: int, records: list[bytes]) -> int:
        """Store or delete accounts, each packed by `ACCOUNT`.

        Returns:
            The trie's name from now on.
        """
        self._make_room(len(records))
        data = b"".join(records)
        assert len(data) == ACCOUNT.size * len(records)
        return int(_native().put_accounts(self._pool, trie, data, len(records)))

    def root(self, trie: int) -> bytes:
        """Commit to all keys and values of a trie; 32 bytes."""
        out = ctypes.create_string_buffer(32)
        _native().commit(self._pool, trie, out)
        return out.raw

    def open(self, trie: int, key: bytes) -> list[bytes]:
        """The encoded nodes from a trie's root to a key, before it is hashed."""
        self.root(trie)  # so that every reference is known
        return openings.opening(ctypes.addressof(self._pool), trie, keccak256(key))

    def drop(self, trie: int) -> None:
        """Forget a trie; its nodes are used again."""
        _native().drop(self._pool, trie)

    def copy(self) -> "Forest":
        """Make one that is the same, whose tries have the same names. Cost: copying the memory."""
        other = Forest()
        other._grow(self._capacity)
        ctypes.memmove(other._pool, self._pool, len(self._pool))
        return other

    def _make_room(self, keys: int) -> None:
        used = HEAD.read(ctypes.addressof(self._pool), "used")
        wanted = used + _NODES_PER_KEY * keys
        if wanted > self._capacity:
            self._grow(max(wanted, 2 * self._capacity))

    def _grow(self, capacity: int) -> None:
        larger = ctypes.create_string_buffer(capacity * NODE.size_bytes)
        ctypes.memmove(larger, self._pool, len(self._pool))
        self._pool, self._capacity = larger, capacity


class _Native:
    """The functions, linked into this process."""

    def __init__(self) -> None:
        library = compiler.load(forest_text(), options=Options(passes="O2"))
        batch = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_char_p, ctypes.c_int64)
        self.put_slots: Any = library.function("put_slots", ctypes.c_int64, *batch)
        self.put_accounts: Any = library.function("put_accounts", ctypes.c_int64, *batch)
        place = (ctypes.c_void_p, ctypes.c_int64)
        self.commit: Any = library.function("commit", None, *place, ctypes.c_void_p)
        self.drop: Any = library.function("drop", None, *place)


@functools.cache
def _native() -> _Native:
    return _Native()
