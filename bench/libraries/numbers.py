"""Numbers and sorting against Python's own: `math.isqrt`, `sorted`."""

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

SORTED = """
from numen.std.sorting import sort_u64

def main(xs: list[u64, {count}]) -> u64:
    ys = xs.copy()
    sort_u64(ys)
    total: u64 = 0
    for y in ys:
        total = wrapping_add(wrapping_mul(total, 31), y)
    return total
"""


def contests(quick: bool) -> Iterator[Contest]:
    """Everything about numbers."""
    count = BATCH // 8 if quick else BATCH
    yield from roots(count)
    for many in (100,) if quick else (1_000, 10_000):
        yield from sorting(many)


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


def sorting(count: int) -> Iterator[Contest]:
    """Random keys in order."""
    xs = [DICE.getrandbits(64) for _ in range(count)]
    yield contest(
        f"sort {count} numbers",
        SORTED.format(count=count),
        [xs],
        lambda: sorted(xs),
        same=lambda ours, theirs: ours == chained(theirs),
        target=1.0,
        rival="sorted",
    )


def chained(words: list[int]) -> int:
    """A number that tells the order of words."""
    total = 0
    for word in words:
        total = (total * 31 + word) % 2**64
    return total


def folded(words: list[int]) -> int:
    """The low 64 bits of all words, added without carries."""
    total = 0
    for word in words:
        total ^= word
    return total % 2**64
