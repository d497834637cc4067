"""Words that find mistakes, and where in memory and code things are put."""

from random import Random
from typing import Final

_WIDTHS: Final = (8, 16, 31, 32, 63, 64, 128, 160, 255)

EDGES: Final = tuple(
    sorted(
        {(1 << bits) + delta for bits in _WIDTHS for delta in (-1, 0, 1)}
        | {0, 1, 2, 3, 5, 20, 30, 31, 32, 33, 95, 96, 97, 127, 1023, 1024, 1025, 24_576}
        | {2**256 - n for n in (1, 2, 31, 32, 33, 2**64, 2**128)}
    )
)
"""Words at the limits of widths, memory and code."""


class Dice:
    """A source of chance that prefers what finds mistakes. The same seed gives the same throws."""

    def __init__(self, seed: str) -> None:
        # Text seeds go through SHA-512, the same on every machine and in every version.
        self.random = Random(seed)  # noqa: S311 - no secret

    def below(self, bound: int) -> int:
        return self.random.randrange(bound)

    def between(self, least: int, most: int) -> int:
        return self.random.randint(least, most)

    def chance(self, percent: int) -> bool:
        """Whether something of some per cent happens."""
        return self.random.randrange(100) < percent

    def word(self) -> int:
        """Any word: an edge, a small one, bits, a mask."""
        kind = self.below(10)
        if kind < 4:
            return self.random.choice(EDGES)
        if kind < 7:
            return self.below(self.random.choice((4, 64, 300, 70_000)))
        if kind == 7:
            return self.random.getrandbits(256)
        if kind == 8:
            return self.random.getrandbits(self.random.choice((16, 64, 65, 128, 192)))
        return (1 << self.below(257)) - 1

    def offset(self) -> int:
        """An offset in memory, mostly small, seldom beyond every bound."""
        if self.random.randrange(400) == 0:
            return self.random.choice(EDGES)
        return self.below(self.random.choice((1, 64, 96, 400, 3000)))

    def length(self) -> int:
        """A length in bytes, often 0 or a word, seldom beyond every bound."""
        if self.random.randrange(400) == 0:
            return self.random.choice(EDGES)
        return self.random.choice((0, 32, 32, 64, 1, 33, self.below(200), self.below(1500)))
