"""Numbers and sorting against Python's own: `float`, `math.isqrt`, `sorted`."""

import math
import operator
import random
import struct
from collections.abc import Callable, Iterator

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

FLOATS = """
from numen.std.floats import {name}

def main(xs: list[u64, {count}], ys: list[u64, {count}]) -> u64:
    total: u64 = 0
    for x, y in zip(xs, ys):
        total ^= {call}
    return total
"""

BINARY: dict[str, Callable[[float, float], float]] = {
    "add": operator.add,
    "mul": operator.mul,
    "div": operator.truediv,
    "remainder": math.remainder,
}

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
    yield from floats(count)
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


def floats(count: int) -> Iterator[Contest]:
    """Operations on floats, against those of the processor from Python."""
    xs, ys = ([DICE.uniform(1, 1000) for _ in range(count)] for _ in range(2))
    words = [[bits(x) for x in floats] for floats in (xs, ys)]

    def same(ours: object, theirs: list[float]) -> bool:
        return ours == folded([bits(x) for x in theirs])

    for name, function in BINARY.items():
        yield contest(
            f"{count} x float {name}",
            FLOATS.format(name=name, call=f"{name}(x, y)", count=count),
            words,
            lambda function=function: [function(x, y) for x, y in zip(xs, ys, strict=True)],
            same=same,
            rival="float",
        )
    yield contest(
        f"{count} x float sqrt",
        FLOATS.format(name="sqrt", call="sqrt(x)", count=count),
        words,
        lambda: [math.sqrt(x) for x in xs],
        same=same,
        rival="float",
    )


def bits(x: float) -> int:
    """The bits of a float."""
    return int.from_bytes(struct.pack(">d", x), "big")


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
