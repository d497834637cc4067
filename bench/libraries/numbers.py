"""Numbers and sorting against Python's own: `float`, `decimal`, `math.isqrt`, `sorted`."""

import math
import operator
import random
import struct
from collections.abc import Callable, Iterator
from decimal import Context, Decimal
from functools import reduce

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

DECIMALS = """
from numen.std.{module} import {name}

def main(xs: list[u128, {count}], ys: list[u128, {count}]) -> u128:
    total: u128 = 0
    for x, y in zip(xs, ys):
        total ^= {call}
    return total
"""

PLACES = Context(prec=40)
"""As many digits as a decimal of ours can have, and a little more."""

ONE, LAST = 10**18, Decimal("1e-18")

DECIMAL: dict[str, tuple[str, str, Callable[[Decimal, Decimal], Decimal]]] = {
    "mul": ("decimals", "mul(x, y, 0)", PLACES.multiply),
    "div": ("decimals", "div(x, y, 0)", PLACES.divide),
    "exp": ("exponential", "exp(i128(x))", lambda x, _: PLACES.exp(x)),
    "ln": ("exponential", "u128.wrapping(ln(x))", lambda x, _: PLACES.ln(x)),
    "power": ("exponential", "power(x, i128(y))", PLACES.power),
}
"""Of each function its module, how it is called, and what `decimal` calls it."""

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
    yield from decimals(count // 4)
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


def decimals(count: int) -> Iterator[Contest]:
    """Operations on numbers with 18 places; both sides round to the nearest, ties to even."""
    xs = [DICE.randrange(1, 30 * ONE) for _ in range(count)]
    ys = [DICE.randrange(1, 10 * ONE) for _ in range(count)]
    pairs = [(Decimal(x).scaleb(-18), Decimal(y).scaleb(-18)) for x, y in zip(xs, ys, strict=True)]
    for name, (module, call, function) in DECIMAL.items():
        yield contest(
            f"{count} x decimal {name}",
            DECIMALS.format(module=module, name=name, call=call, count=count),
            [xs, ys],
            lambda function=function: [
                function(x, y).quantize(LAST, context=PLACES) for x, y in pairs
            ],
            same=lambda ours, theirs: (
                ours == folded([int(x.scaleb(18, PLACES)) for x in theirs], 128)
            ),
            target=1.0,
            rival="decimal",
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
        in_interpreter=count <= 1_000,
    )


def chained(words: list[int]) -> int:
    """A number that tells the order of words."""
    total = 0
    for word in words:
        total = (total * 31 + word) % 2**64
    return total


def folded(words: list[int], bits: int = 64) -> int:
    """The low bits of all words, added without carries."""
    return reduce(operator.xor, words) % 2**bits
