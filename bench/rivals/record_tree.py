"""The state tree with a record for each node, by hash: how trees are usually kept on disk.

It has the same root as the tree in pages, so what is compared is where nodes lie. Only what the
bench needs is here: building from nothing, and new values for keys that are there.
"""

from numen.ledger.state.kv import KV, Get
from numen.ledger.state.page import leaf_hash, node_hash

Pairs = list[tuple[bytes, bytes]]


class RecordTree:
    """A tree in a `KV`."""

    def __init__(self, kv: KV, pairs: dict[bytes, bytes]) -> None:
        self._kv = kv
        self._writes: dict[bytes, bytes | None] = {}
        self.root = self._build(sorted(pairs.items()))
        self._commit()

    def update(self, changes: dict[bytes, bytes]) -> bytes:
        """New values for keys that are there; the root."""
        with self._kv.reading() as get:
            self.root = self._changed(get, self.root, sorted(changes.items()))
        self._commit()
        return self.root

    def _commit(self) -> None:
        self._kv.commit(sorted(self._writes.items()))
        self._writes.clear()

    def _build(self, pairs: Pairs) -> bytes:
        if len(pairs) == 1:
            return self._leaf(*pairs[0])
        first, last = (int.from_bytes(pairs[i][0], "big") for i in (0, -1))
        bit = 256 - (first ^ last).bit_length()
        low, high = _parted(pairs, bit)
        return self._node(bit, self._build(low), self._build(high))

    def _changed(self, get: Get, name: bytes, pairs: Pairs) -> bytes:
        record = get(name)
        assert record, "a key that is not there"
        self._writes[name] = None
        if record[0] == 0:
            return self._leaf(*pairs[0])
        bit, left, right = record[1], record[2:34], record[34:]
        low, high = _parted(pairs, bit)
        left = self._changed(get, left, low) if low else left
        right = self._changed(get, right, high) if high else right
        return self._node(bit, left, right)

    def _leaf(self, key: bytes, value: bytes) -> bytes:
        name = leaf_hash(key, value)
        self._writes[name] = b"\0" + key + value
        return name

    def _node(self, bit: int, left: bytes, right: bytes) -> bytes:
        name = node_hash(bit, left, right)
        self._writes[name] = bytes((1, bit)) + left + right
        return name


def _parted(pairs: Pairs, bit: int) -> tuple[Pairs, Pairs]:
    at, mask = bit >> 3, 0x80 >> (bit & 7)
    low = [pair for pair in pairs if not pair[0][at] & mask]
    return low, pairs[len(low) :]
