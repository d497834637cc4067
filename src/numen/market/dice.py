"""Choices that a seed replays: the same on every machine and in every version of Python."""

from collections.abc import Sequence
from typing import TypeVar

from numen.base.crypto import keccak256

T = TypeVar("T")


class Dice:
    """A stream of integers from a seed.

    Args:
        seed: Bytes; equal seeds give equal streams.
    """

    __slots__ = ("_count", "_seed")

    def __init__(self, seed: bytes) -> None:
        self._seed = keccak256(b"numen/dice/1", seed)
        self._count = 0

    def word(self) -> bytes:
        """Give the next 32 bytes."""
        self._count += 1
        return keccak256(self._seed, self._count.to_bytes(8, "big"))

    def below(self, bound: int) -> int:
        """Give an integer in ``[0, bound)``; the bias is less than ``bound / 2**256``."""
        assert bound > 0
        return int.from_bytes(self.word(), "big") % bound

    def between(self, low: int, high: int) -> int:
        """Give an integer from low to high, both included."""
        return low + self.below(high - low + 1)

    def choice(self, items: Sequence[T]) -> T:
        """Give one of the items."""
        return items[self.below(len(items))]
