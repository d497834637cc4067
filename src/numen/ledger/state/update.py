"""A new version of a tree, from the pages of the one before and a batch of changes.

The batch goes down the tree level by level (`numen.ledger.state.descent`) and comes up again: pages
are written from the lowest up, because an entry needs the hash of what it stands for. Each page is
read once and written once, however many of its keys change. Where the keys of a page stay the same,
only hashes and numbers change in it, and all such pages of a level are written and hashed together.
The others are put together anew; one that has become too large is parted where the tree parts.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from numen.kernels.arrays import Indices
from numen.kernels.patricia import Rows, subtree_roots
from numen.ledger.state.descent import NUMBER, Level, Load, descend
from numen.ledger.state.page import (
    EMPTY_ROOT,
    ENTRIES_INLINE,
    ENTRIES_MAX,
    ENTRY,
    KEY_BITS,
    KEY_BYTES,
    leaf_hash,
    page_hash,
    parting,
)

_SIZE = ENTRY.size
_HASH = slice(KEY_BYTES, 2 * KEY_BYTES)
_BODY = slice(_HASH.start, NUMBER.stop)
"""Hash and number of an entry: what changes where its key and bits do not."""
_BODY_BYTES = _BODY.stop - _BODY.start

_SAME, _CHANGED, _OTHER = 0, 1, 2


class Fate(msgspec.Struct, frozen=True):
    """What becomes of entries: of the places of a level, or of those that stand for its pages.

    Attributes:
        kinds: Of each: it stays as it is, has another hash and number, or there are others.
        bodies: Its hash and number, where those change; shape ``(n, 40)``.
        others: What stands in its place, where that is not one entry with its key and bits.
    """

    kinds: npt.NDArray[np.uint8]
    bodies: Rows
    others: dict[int, bytes]


class Update:
    """One batch of changes.

    Args:
        load: Reads pages by their numbers.
        free: The lowest number that is given to nothing.

    Attributes:
        free: The same, afterwards.
        records: New pages and values, by ascending number.
        stale: Numbers of what was replaced.
    """

    def __init__(self, load: Load, free: int) -> None:
        self._load = load
        self.free = free
        self.records: dict[int, bytes] = {}
        self.stale: list[int] = []
        self._changes: list[tuple[bytes, bytes | None]] = []

    def run(self, top: int, changes: Mapping[bytes, bytes | None]) -> tuple[bytes, int] | None:
        """Make the changes below the top page, 0 for none.

        Returns:
            The new root, and the number of the new top page; None if nothing changes.

        Raises:
            CorruptError: A page is missing or none.
        """
        self._changes = sorted(changes.items())
        if not self._changes:
            return None
        if not top:
            return self._topped(b"".join(map(self._added, range(len(self._changes)))))
        fate: Fate | None = None
        for level in reversed(descend(self._load, top, [key for key, _ in self._changes])):
            fate = self._pages(level, self._places(level, fate))
        assert fate is not None
        if fate.kinds[0] == _SAME:
            return None
        if fate.kinds[0] == _OTHER:
            return self._topped(fate.others[0])
        body = fate.bodies[0].tobytes()
        return body[:KEY_BYTES], int.from_bytes(body[KEY_BYTES:], "big")

    def _topped(self, page: bytes) -> tuple[bytes, int]:
        """Keep the entries of the top page, as many as there are."""
        while len(page) > ENTRIES_MAX * _SIZE:
            page = self._halves(page)
        if not page:
            return EMPTY_ROOT, 0
        return page_hash(page), self._keep(page)

    def _places(self, level: Level, below: Fate | None) -> Fate:
        """What becomes of the places of a level, from what became of the pages below."""
        count = len(level.places)
        kinds, bodies = np.zeros(count, np.uint8), np.zeros((count, _BODY_BYTES), np.uint8)
        others: dict[int, bytes] = {}
        if below is not None:
            at = np.flatnonzero(level.is_below)
            kinds[at], bodies[at] = below.kinds, below.bodies
            others = {int(at[page]): entries for page, entries in below.others.items()}
        for place in np.flatnonzero(level.bits == 0).tolist():
            added = self._added(int(level.changes[place]))
            if added:
                others[place], kinds[place] = added, _OTHER
        fate = Fate(kinds, bodies, others)
        leaves = np.flatnonzero(level.bits == KEY_BITS)
        if len(leaves):
            self._leaves(level, leaves, fate)
        return fate

    def _leaves(self, level: Level, leaves: Indices, fate: Fate) -> None:
        """Write down what becomes of entries of keys: other values, or none."""
        rows = level.entries[level.places[leaves]]
        hashes = np.ascontiguousarray(rows[:, _HASH]).tobytes()
        numbers = np.ascontiguousarray(rows[:, NUMBER]).view(">u8").ravel().tolist()
        changed: list[int] = []
        bodies: list[bytes] = []
        for i, (place, change) in enumerate(
            zip(leaves.tolist(), level.changes[leaves].tolist(), strict=True)
        ):
            key, value = self._changes[change]
            if value is None:
                fate.others[place] = b""
                fate.kinds[place] = _OTHER
                self.stale.append(numbers[i])
                continue
            digest = leaf_hash(key, value)
            if digest != hashes[i * KEY_BYTES : (i + 1) * KEY_BYTES]:
                changed.append(place)
                bodies.append(digest + self._keep(value).to_bytes(8, "big"))
                self.stale.append(numbers[i])
        fate.kinds[changed] = _CHANGED
        fate.bodies[changed] = np.frombuffer(b"".join(bodies), np.uint8).reshape(-1, _BODY_BYTES)

    def _pages(self, level: Level, places: Fate) -> Fate:
        """What becomes of the pages of a level, from what became of its places."""
        count = len(level.numbers)
        at = np.flatnonzero(places.kinds == _CHANGED)
        level.entries[level.places[at], _BODY] = places.bodies[at]
        firsts = np.searchsorted(level.pages, np.arange(count + 1))
        kinds = np.maximum.reduceat(places.kinds, firsts[:-1])
        fate = Fate(kinds, np.zeros((count, _BODY_BYTES), np.uint8), {})
        table = level.entries.tobytes()
        self.stale += [level.numbers[page] for page in np.flatnonzero(kinds != _SAME).tolist()]
        rebuilt = np.flatnonzero(kinds == _OTHER).tolist()
        self._patched(level, table, np.flatnonzero(kinds == _CHANGED), fate)
        for page in rebuilt:
            inside = range(int(firsts[page]), int(firsts[page + 1]))
            self._rebuilt(level, page, _joined(level, table, page, inside, places), fate)
        return fate

    def _patched(self, level: Level, table: bytes, pages: Indices, fate: Fate) -> None:
        """Keep pages in which no key came or went."""
        first = self.free
        starts, stops = level.starts[pages] * _SIZE, level.starts[pages + 1] * _SIZE
        spans = zip(starts.tolist(), stops.tolist(), strict=True)
        self.records |= {first + i: table[a:b] for i, (a, b) in enumerate(spans)}
        self.free += len(pages)
        numbers = np.arange(first, self.free).astype(">u8").view(np.uint8).reshape(-1, 8)
        fate.bodies[pages, :KEY_BYTES] = subtree_roots(level.entries, level.starts, pages)
        fate.bodies[pages, KEY_BYTES:] = numbers

    def _rebuilt(self, level: Level, page: int, entries: bytes, fate: Fate) -> None:
        """Keep the entries of a page that has others than before; the top page later."""
        if level.above is not None:
            above = level.above[page].tobytes()
            prefix, _, _, bits = ENTRY.unpack(above)
            entries = self._stored(entries, prefix, bits)
            is_alike = above[:KEY_BYTES] == entries[:KEY_BYTES]
            if len(entries) == _SIZE and is_alike and entries[_BODY.stop :] == above[_BODY.stop :]:
                fate.kinds[page] = _CHANGED
                fate.bodies[page] = np.frombuffer(entries[_BODY], np.uint8)
                return
        fate.others[page] = entries

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

    def _added(self, change: int) -> bytes:
        """The entry of a key that had none; nothing for one that is to have none."""
        key, value = self._changes[change]
        if value is None:
            return b""
        return ENTRY.pack(key, leaf_hash(key, value), self._keep(value), KEY_BITS)

    def _keep(self, record: bytes) -> int:
        number = self.free
        self.free += 1
        self.records[number] = record
        return number


def _joined(level: Level, table: bytes, page: int, inside: range, places: Fate) -> bytes:
    """The entries of a page, with others in some places; what only changed is in the table."""
    parts = []
    copied = int(level.starts[page])
    for place in inside:
        if places.kinds[place] == _OTHER:
            row = int(level.places[place])
            parts += [table[copied * _SIZE : row * _SIZE], places.others[place]]
            copied = row + bool(level.bits[place])
    parts.append(table[copied * _SIZE : int(level.starts[page + 1]) * _SIZE])
    return b"".join(parts)
