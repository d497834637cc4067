"""Numbers and sorting: `numen.std.math` against Python's own."""

import math
import random
from collections.abc import Iterator

from harness import Contest
from libraries.sides import contest

BATCH = 256
DICE = random.Random(1)

ROOTS = """
from numen.std.math import {name}

def main(xs: list[{word}, {count}]) -> u64:
    total: u64 = 0
    for x in xs:
        total ^= u64.wrapping({name}(x))
    return total
"""


def contests(quick: bool) -> Iterator[Contest]:
    """Everything about numbers."""
    count = BATCH // 8 if quick else BATCH
    yield from roots(count)


def roots(count: int) -> Iterator[Contest]:
    """Square roots of random numbers of every width."""
    for name, bits in (("isqrt", 64), ("isqrt128", 128), ("isqrt256", 256)):
        xs = [DICE.getrandbits(bits) for _ in range(count)]
        source = ROOTS.format(name=name, word=f"u{bits}", count=count)
        yield contest(
            f"{count} x {name}",
            source,
            [xs],
            lambda xs=xs: [math.isqrt(x) for x in xs],
            same=lambda ours, theirs: ours == folded(theirs),
            rival="math.isqrt",
        )


def folded(words: list[int]) -> int:
    """The low 64 bits of all words, added without carries."""
    total = 0
    for word in words:
        total ^= word
    return total % 2**64
