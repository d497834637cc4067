"""Texts: `numen.std.text` against Python's own `str`.

Python keeps a text of ASCII alone, or the width of its widest character, and has its length; ours
are UTF-8. Half of the words have characters of several bytes. Of what a function gives we count the
characters, which reads all of it, so that no compiler can leave any of it out.
"""

import random
import time
from collections.abc import Callable, Iterator

from harness import Contest
from libraries.numbers import folded
from libraries.sides import INTERPRETER, contest, interpreted, native
from numen.ir.interface import ListShape, flatten, text_shape
from numen.ir.program import program_from_module
from numen.lang.compile import compile_source

BATCH = 32
ROOM = 64
ROUNDS = 64
"""How often each text is gone through: the entry holds it against the syntax of UTF-8 once."""

DICE = random.Random(7)
WORDS = ["numen", "register", "ledger", "a", "of", "machine", "verifié", "naïve", "€5", "次"]

HEAD = """
import numen.std.text as text

def main(rounds: u64, texts: list[str[64], {count}]) -> u64:
    total: u64 = 0
    for _ in range(rounds):
        for each in texts:
            {body}
    return total
"""

CASES: tuple[tuple[str, str, Callable[[str], int]], ...] = (
    ("length", "total += text.length(each)", len),
    (
        "find",
        'total += u64(text.find(each, "ledger ma") + 1)',
        lambda each: each.find("ledger ma") + 1,
    ),
    (
        "concat",
        'total += text.length(text.concat(each, "suffix"))',
        lambda each: len(each + "suffix"),
    ),
    (
        "slice",
        "total += text.length(text.slice(each, 3, -3))",
        lambda each: len(each[3:-3]),
    ),
    (
        "upper",
        "total += text.length(text.upper(each))",
        lambda each: len(each.upper()),
    ),
    (
        "replace",
        'total += text.length(text.replace(each, "ledger", "book"))',
        lambda each: len(each.replace("ledger", "book")),
    ),
    (
        "split",
        """parts = [str[16]() for _ in range(40)]
            total += text.split(each, " ", parts)""",
        lambda each: len(each.split(" ")),
    ),
    (
        "encode and decode",
        "total += text.length(text.decode(text.encode(each)))",
        lambda each: len(each.encode().decode()),
    ),
)
"""What is done with each text: in the language, and in Python."""

NUMBERS = """
import numen.std.text as text

def main(xs: list[u128, {count}]) -> u64:
    total: u64 = 0
    for x in xs:
        total ^= u64.wrapping({body})
    return total
"""


def contests(quick: bool) -> Iterator[Contest]:
    """Everything about texts."""
    count = BATCH // 4 if quick else BATCH
    texts = [phrase() for _ in range(count)]
    given = flatten(ListShape(text_shape("str", ROOM), count), texts)
    for name, body, python in CASES:
        source = HEAD.format(count=count, body=body)
        program = program_from_module(compile_source(source, file=f"{name}.numen"))
        yield Contest(
            f"{ROUNDS} x {count} x text.{name}",
            native(program, [ROUNDS, *given]),
            {"str": lambda python=python: sum(sum(map(python, texts)) for _ in range(ROUNDS))},
            clock=time.process_time,
        )
        yield Contest(
            f"{count} x text.{name}",
            native(program, [1, *given]),
            {INTERPRETER: interpreted(program, [1, *given])},
            clock=time.process_time,
        )
    yield from numbers(8 * count)


def numbers(count: int) -> Iterator[Contest]:
    """Numbers written and read."""
    xs = [DICE.getrandbits(DICE.randrange(1, 129)) for _ in range(count)]
    yield contest(
        f"{count} x text.format_u128",
        NUMBERS.format(count=count, body="text.size(text.format_u128(x))"),
        [xs],
        lambda: folded([len(str(x)) for x in xs]),
        same=lambda ours, theirs: ours == theirs,
        rival="str",
    )
    yield contest(
        f"{count} x text.parse_u128 of text.format_u128",
        NUMBERS.format(count=count, body="text.parse_u128(text.format_u128(x))"),
        [xs],
        lambda: folded([int(str(x)) for x in xs]),
        same=lambda ours, theirs: ours == theirs,
        rival="int of str",
    )


def phrase() -> str:
    """Words, as many as have room."""
    found = ""
    while len(found.encode()) < ROOM - 16:
        found += DICE.choice(WORDS[:6] if DICE.random() < 0.5 else WORDS) + " "
    return found
