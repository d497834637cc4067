"""The way of a batch of changes down a tree: level by level, with all pages of a level at once.

A level is one table, the entries of its pages one after another, and one native call finds the
entry that each change is at or below.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from numen.kernels.arrays import Indices
from numen.kernels.patricia import Rows, locate_all
from numen.ledger.state.errors import CorruptError
from numen.ledger.state.page import ENTRY, KEY_BITS, KEY_BYTES

Load: TypeAlias = Callable[[Sequence[int]], list[bytes]]
"""Reads pages by their numbers."""

NUMBER = slice(2 * KEY_BYTES, 2 * KEY_BYTES + 8)
"""Where an entry has the number of its record, highest byte first."""


class Level:
    """Pages of a tree that a batch comes to, and what it finds there.

    A *place* is an entry that changes are at or below, or, where a change finds none, the row that
    its entry would have. Places are in the order of keys.

    Attributes:
        numbers: Of the pages.
        above: The entries that stand for the pages; None for the top page.
        starts: In which row each page begins, and the number of rows.
        entries: All rows; shape ``(n, 74)``. May be written.
        places: Row of each place.
        bits: How many bits of its key the entry there stands for; 0 where there is none.
        pages: Which of the pages each place is in.
        changes: The change that is at each place; the first of those below.
    """

    def __init__(
        self,
        load: Load,
        numbers: Sequence[int],
        above: Rows | None,
        coming: tuple[Indices, Indices, Rows],
    ) -> None:
        """Read some pages, and look for keys in them.

        Args:
            load: Reads pages by their numbers.
            numbers: Which pages.
            above: The entries that stand for them.
            coming: Numbers of changes, the page that each comes to, and their keys.
        """
        pages = load(numbers)
        self.numbers = numbers
        self.above = above
        self.starts = np.cumsum([0, *[len(page) // ENTRY.size for page in pages]])
        table = np.frombuffer(bytearray().join(pages), np.uint8)
        self.entries = table.reshape(-1, ENTRY.size)
        changes, pages_of, keys = coming
        rows, bits = locate_all(self.entries, self.starts, pages_of, keys)
        is_below = (bits > 0) & (bits < KEY_BITS)
        is_first = np.ones(len(rows), bool)
        is_first[1:] = (rows[1:] != rows[:-1]) | ~is_below[1:] | ~is_below[:-1]
        self._going = is_below
        self._coming = coming
        self._first = is_first
        self.places, self.bits = rows[is_first], bits[is_first]
        self.pages, self.changes = pages_of[is_first], changes[is_first]

    @property
    def is_below(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Of each place, whether its entry stands for a page."""
        return self._going[self._first]

    def next(self, load: Load) -> "Level | None":
        """The level below, if changes go on to any."""
        if not self._going.any():
            return None
        above = self.entries[self.places[self.is_below]]
        changes, _, keys = self._coming
        to = np.cumsum(self._first & self._going)[self._going] - 1
        numbers: list[int] = np.ascontiguousarray(above[:, NUMBER]).view(">u8").ravel().tolist()
        return Level(load, numbers, above, (changes[self._going], to, keys[self._going]))


def descend(load: Load, top: int, keys: Sequence[bytes]) -> list[Level]:
    """Follow sorted keys down from the top page.

    Args:
        load: Reads pages by their numbers.
        top: The number of the top page.
        keys: At least one, each of 32 bytes.

    Returns:
        The levels that they come to, from the top.

    Raises:
        CorruptError: A page is missing or none, or there are more levels than bits.
    """
    table = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY_BYTES)
    count = len(keys)
    level: Level | None = Level(
        load, [top], None, (np.arange(count), np.zeros(count, np.int64), table)
    )
    levels: list[Level] = []
    while level is not None:
        if len(levels) > KEY_BITS:
            raise CorruptError(f"page {level.numbers[0]}", "it lies below itself")
        levels.append(level)
        level = level.next(load)
    return levels
