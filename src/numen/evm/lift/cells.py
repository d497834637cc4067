"""Memory at known offsets, as values: what a frame stores where, without a memory."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Generic, Protocol, TypeVar

V = TypeVar("V")

WORD_BYTES = 32


class Words(Protocol[V]):
    """The arithmetic that cutting words into bytes needs."""

    def const(self, value: int) -> V:
        """A known word."""

    def shift_left(self, value: V, bits: int) -> V:
        """``value * 2**bits`` modulo 2**256, ``bits`` below 256."""

    def shift_right(self, value: V, bits: int) -> V:
        """``value / 2**bits`` rounded down, ``bits`` below 256."""

    def low_bits(self, value: V, bits: int) -> V:
        """``value`` modulo ``2**bits``, ``bits`` below 256."""

    def either(self, a: V, b: V) -> V:
        """Bitwise or."""

    def plus(self, value: V, amount: int) -> V:
        """``value + amount`` modulo 2**256."""


class Cells(Generic[V]):
    """Bytes at known offsets, in pieces of one to 32 bytes, each a number, big-endian.

    What was never written is zero. Pieces do not overlap.

    Attributes:
        pieces: Size in bytes and number of each piece, by its offset.
    """

    def __init__(self, pieces: Mapping[int, tuple[int, V]] | None = None) -> None:
        self.pieces: dict[int, tuple[int, V]] = dict(pieces or {})

    def copy(self) -> "Cells[V]":
        """Cells that change on their own."""
        return Cells(self.pieces)

    def read(self, words: Words[V], start: int, size: int = WORD_BYTES) -> V:
        """The number in ``size`` bytes, 1 to 32, from ``start`` on."""
        whole = self.pieces.get(start)
        if whole is not None and whole[0] == size:
            return whole[1]
        parts: list[V] = []
        end = start + size
        for at, (length, value) in self._overlapping(start, size):
            low, high = max(at, start), min(at + length, end)
            part = _cut(words, value, low - at, high - at, length)
            if high < end:
                part = words.shift_left(part, 8 * (end - high))
            parts.append(part)
        return reduce(words.either, parts) if parts else words.const(0)

    def write(self, words: Words[V], start: int, size: int, value: V) -> None:
        """Put a number below ``2**(8 * size)`` in ``size`` bytes, 1 to 32, from ``start`` on."""
        end = start + size
        for at, (length, old) in list(self._overlapping(start, size)):
            del self.pieces[at]
            if at < start:
                self.pieces[at] = (start - at, _cut(words, old, 0, start - at, length))
            if at + length > end:
                self.pieces[end] = (at + length - end, _cut(words, old, end - at, length, length))
        self.pieces[start] = (size, value)

    def _overlapping(self, start: int, size: int) -> Iterator[tuple[int, tuple[int, V]]]:
        pieces = self.pieces
        for at in range(start - WORD_BYTES + 1, start + size):
            piece = pieces.get(at)
            if piece is not None and at + piece[0] > start:
                yield at, piece

    def recut(self, words: Words[V], cuts: list[int]) -> "Cells[V]":
        """The same bytes in pieces that end at every one of the sorted offsets inside them."""
        found: Cells[V] = Cells()
        for at, (length, value) in self.pieces.items():
            inner = cuts[bisect_right(cuts, at) : bisect_left(cuts, at + length)]
            for low, high in zip([at, *inner], [*inner, at + length], strict=True):
                part = _cut(words, value, low - at, high - at, length)
                found.pieces[low] = (high - low, part)
        return found


def _cut(words: Words[V], value: V, low: int, high: int, length: int) -> V:
    """Bytes ``low`` to ``high`` of a number of ``length`` bytes, counted from the greatest."""
    if high < length:
        value = words.shift_right(value, 8 * (length - high))
    # Above a number of fewer bytes there is nothing to mask.
    return words.low_bits(value, 8 * (high - low)) if low else value
