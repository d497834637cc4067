"""A new version of a tree, from the pages of the one before and a batch of changes.

The batch is sorted, so that each page is read once and written once, however many of its keys
change. Pages are written from the lowest up, because an entry needs the hash of what it stands for.
A page that has become too large is parted where the tree parts, into parts that fit.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from numen.kernels.patricia import locate
from numen.ledger.state.page import (
    EMPTY_ROOT,
    ENTRIES_INLINE,
    ENTRIES_MAX,
    ENTRY,
    KEY_BITS,
    KEY_BYTES,
    entry_at,
    is_below,
    leaf_hash,
    page_hash,
    parting,
)

Change: TypeAlias = tuple[int, bytes, bytes | None]
"""Key as a number, key, and its new value or None."""

_SIZE = ENTRY.size


class Update:
    """One batch of changes.

    Args:
        load: Reads a page by its number.
        free: The lowest number that is given to nothing.

    Attributes:
        free: The same, afterwards.
        records: New pages and values, by number.
        stale: Numbers of what was replaced.
    """

    def __init__(self, load: Callable[[int], bytes], free: int) -> None:
        self._load = load
        self.free = free
        self.records: dict[int, bytes] = {}
        self.stale: list[int] = []

    def run(self, top: int, changes: Mapping[bytes, bytes | None]) -> tuple[bytes, int]:
        """Make the changes below the top page, 0 for none.

        Returns:
            The new root, and the number of the new top page.
        """
        batch = [(int.from_bytes(key, "big"), key, changes[key]) for key in sorted(changes)]
        before = self._load(top) if top else b""
        page = self._merged(before, batch, 0, len(batch))
        if top and page == before:
            return page_hash(page), top
        if top:
            self.stale.append(top)
        while len(page) > ENTRIES_MAX * _SIZE:
            page = self._halves(page)
        if not page:
            return EMPTY_ROOT, 0
        return page_hash(page), self._keep(page)

    def _merged(self, page: bytes, batch: list[Change], start: int, stop: int) -> bytes:
        """A page after some changes: the entries, as many as there are.

        Recursion is as deep as pages lie above each other, each of which takes a bit of the key.
        """
        parts, copied = [], 0
        while start < stop:
            wanted, key, value = batch[start]
            place, bits = locate(page, _SIZE, key, copied)
            parts.append(page[copied * _SIZE : place * _SIZE])
            copied = place + 1
            if not bits:
                parts.append(self._added(key, value))
                copied, start = place, start + 1
            elif bits == KEY_BITS:
                parts.append(self._leaf(key, value, page, place))
                start += 1
            else:
                end = start + 1
                while end < stop and is_below(batch[end][0], wanted, bits):
                    end += 1
                parts.append(self._below(page, place, batch, start, end))
                start = end
        parts.append(page[copied * _SIZE :])
        return b"".join(parts)

    def _below(self, page: bytes, place: int, batch: list[Change], start: int, stop: int) -> bytes:
        """What becomes of an entry that stands for a page, after changes of keys in there."""
        prefix, _, number, bits = entry_at(page, place)
        before = self._load(number)
        after = self._merged(before, batch, start, stop)
        if after == before:
            return page[place * _SIZE : (place + 1) * _SIZE]
        self.stale.append(number)
        return self._stored(after, prefix, bits)

    def _stored(self, page: bytes, prefix: bytes, bits: int) -> bytes:
        """Put the keys that begin with some bits into pages; the entries that stand for them.

        Recursion takes a bit of the key each time.
        """
        if len(page) > ENTRIES_MAX * _SIZE:
            return self._halves(page)
        if len(page) <= ENTRIES_INLINE * _SIZE:
            return page
        return ENTRY.pack(prefix, page_hash(page), self._keep(page), bits)

    def _halves(self, page: bytes) -> bytes:
        """Put the two parts of a page that is too large into pages; the entries for them.

        One of them has more than `ENTRIES_INLINE` entries, so they are fewer than before.
        """
        bit, middle = parting(page)
        right = page[middle * _SIZE :]
        shift = KEY_BITS - 1 - bit
        first_one = int.from_bytes(right[:KEY_BYTES], "big") >> shift
        low, high = (
            self._stored(half, (top << shift).to_bytes(KEY_BYTES, "big"), bit + 1)
            for half, top in ((page[: middle * _SIZE], first_one - 1), (right, first_one))
        )
        return low + high

    def _leaf(self, key: bytes, value: bytes | None, page: bytes, place: int) -> bytes:
        """An entry for a key that has one: its own, a new one, or none."""
        _, digest, number, _ = entry_at(page, place)
        if value is not None:
            changed = leaf_hash(key, value)
            if changed == digest:
                return page[place * _SIZE : (place + 1) * _SIZE]
            self.stale.append(number)
            return ENTRY.pack(key, changed, self._keep(value), KEY_BITS)
        self.stale.append(number)
        return b""

    def _added(self, key: bytes, value: bytes | None) -> bytes:
        if value is None:
            return b""
        return ENTRY.pack(key, leaf_hash(key, value), self._keep(value), KEY_BITS)

    def _keep(self, record: bytes) -> int:
        number = self.free
        self.free += 1
        self.records[number] = record
        return number
