"""Texts against Python's own, on every engine."""

import re
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.ir.trap import Reason
from tests.lang.std.everywhere import Everywhere

ROOM, PART = 70, 33
"""Bytes of the longer and the shorter text: neither ends with a word."""

LOOK = """
import numen.std.text as text

def main(a: str[70], b: str[33], start: i64, stop: i64) -> tuple[
    str[103], i64, u64, str[70], bool, bool, bool, i64, u64, u64, str[70], str[70], bool
]:
    return (
        text.concat(a, b), text.find(a, b), text.count(a, b), text.slice(a, start, stop),
        text.contains(a, b), text.starts_with(a, b), text.ends_with(a, b), text.compare(a, b),
        text.length(a), text.size(a), text.upper(a), text.lower(a), a == b,
    )
"""

CHANGE = """
import numen.std.text as text

def main(a: str[70], old: str[8], new: str[8]) -> tuple[str[70], str[70], bool, str[70]]:
    before, found, after = text.partition(a, old)
    return text.replace(a, old, new), before, found, after
"""

APART = """
import numen.std.text as text

def main(a: str[70], separator: str[8]) -> tuple[u64, list[str[40], 6], str[288]]:
    parts = [str[40]() for _ in range(6)]
    count = text.split(a, separator, parts)
    return count, parts, text.join(separator, parts, count)
"""

READ = """
import numen.std.text as text

def main(which: u64, a: str[80]) -> tuple[u256, i128]:
    if which == 0:
        return text.parse_u256(a), 0
    if which == 1:
        return u256(text.parse_u128(a)), 0
    if which == 2:
        return 0, text.parse_i128(a)
    return text.parse_hex(a), 0
"""

WRITE = """
import numen.std.text as text

def main(a: u256, b: u128, c: i128) -> tuple[str[78], str[39], str[40], str[66]]:
    return text.format_u256(a), text.format_u128(b), text.format_i128(c), text.format_hex(a)
"""

DECODE = """
import numen.std.text as text

def main(raw: bytes[70]) -> tuple[str[70], bytes[70], u64]:
    a = text.decode(raw)
    return a, text.encode(a), len(raw)
"""

TEXTS = [
    "", "a", "aa", "ab", "aab", "b" * 31, "b" * 32, "b" * 33, "x" * 69 + "y", "é", "é" * 16,
    "€uro", "a" * 31 + "é", "a" * 30 + "€" + "z", "\U0010ffff" * 17, "\x00", "a\x00", "\x7f\x80",
    "ZzAa@[`{", "aXbXc", "naïve café",
]  # fmt: skip
"""Ends of words within a character, at one, and before one; zeros; every length of a character."""


@pytest.fixture(scope="module")
def look() -> Everywhere:
    return Everywhere(LOOK)


@pytest.fixture(scope="module")
def change() -> Everywhere:
    return Everywhere(CHANGE)


@pytest.fixture(scope="module")
def apart() -> Everywhere:
    return Everywhere(APART)


@pytest.fixture(scope="module")
def read() -> Everywhere:
    return Everywhere(READ)


@pytest.fixture(scope="module")
def write() -> Everywhere:
    return Everywhere(WRITE)


@pytest.fixture(scope="module")
def decode() -> Everywhere:
    return Everywhere(DECODE)


def texts(room: int, alphabet: str = "abA\x00é€\U0001f600") -> st.SearchStrategy[str]:
    """Texts of few characters, so that what is looked for is often there, and of any."""
    some = st.text(st.sampled_from(alphabet), max_size=room) | st.text(max_size=room)
    return some.map(lambda text: fitted(text, room))


def fitted(text: str, room: int) -> str:
    """As much of a text as has room."""
    return text.encode(errors="replace")[:room].decode(errors="ignore")


def upper(text: str) -> str:
    return "".join(c.upper() if c.isascii() else c for c in text)


def lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def looked(a: str, b: str, start: int, stop: int) -> list[Any]:
    """What Python says."""
    return [
        a + b, a.find(b), a.count(b), a[start:stop], b in a, a.startswith(b), a.endswith(b),
        (a > b) - (a < b), len(a), len(a.encode()), upper(a), lower(a), a == b,
    ]  # fmt: skip


def test_known_texts_are_as_python_has_them(look):
    positions = [(0, 5), (-3, 99), (1, -1), (2, 2), (5, 1), (-99, -2), (31, 33)]
    cases = [
        (a, fitted(b, PART), *positions[number % len(positions)])
        for number, (a, b) in enumerate(product(TEXTS, TEXTS[::2]))
    ]

    for case in cases:
        assert look(*case) == looked(*case), case
    assert len(cases) >= 200


@settings(max_examples=100)
@given(texts(ROOM), texts(PART), st.integers(-80, 80), st.integers(-80, 80))
@example("a", "", -(2**63), 2**63 - 1)
def test_texts_are_as_python_has_them(look, a, b, start, stop):
    assert look(a, b, start, stop) == looked(a, b, start, stop)


@settings(max_examples=200)
@given(texts(ROOM), texts(3), texts(5))
@example("a" * 70, "a", "b")
@example("a" * 70, "a", "bc")
@example("aXbXc", "X", "")
@example("aaa", "aa", "b")
@example("abc", "", "x")
def test_parts_are_replaced_as_python_does(change, a, old, new):
    if not old:
        assert change(a, old, new) == Reason.REQUIREMENT
        return
    replaced = a.replace(old, new)
    before, found, after = a.partition(old)

    expected: Any = [replaced, before, bool(found), after]
    if len(replaced.encode()) > ROOM:
        expected = Reason.REQUIREMENT
    assert change(a, old, new) == expected


@settings(max_examples=200)
@given(texts(ROOM, "ab,é"), st.sampled_from([",", "a", "é", ",b", "", "€"]))
@example("," * 5, ",")
@example("," * 6, ",")
@example("b" * 41 + ",", ",")
@example("", ",")
def test_texts_come_apart_and_together_as_python_s(apart, a, separator):
    parts = a.split(separator) if separator else [""] * 7
    if len(parts) > 6 or any(len(part.encode()) > 40 for part in parts):
        assert apart(a, separator) == Reason.REQUIREMENT
        return

    assert apart(a, separator) == [len(parts), parts + [""] * (6 - len(parts)), a]


LIMITS = (2**256 - 1, 2**128 - 1, 2**127 - 1)
LOWS = (0, 0, -(2**127))

numbers = st.integers(0, 256).flatmap(lambda bits: st.integers(-(2**bits), 2**bits))
edges = [0, 9, 10, 99, 10**18 - 1, 10**18, 10**36, 2**127, 2**128, 2**256]


@settings(max_examples=200)
@given(st.integers(0, 2), numbers | st.sampled_from(edges + [n - 1 for n in edges]))
def test_numbers_are_read(read, which, number):
    is_inside = LOWS[which] <= number <= LIMITS[which]
    expected: Any = [0, number] if which == 2 else [number, 0]

    assert read(which, str(number)) == (expected if is_inside else Reason.REQUIREMENT)


@settings(max_examples=200)
@given(st.text(st.sampled_from("0123456789-+_ xaF"), max_size=12))
@example("")
@example("-")
@example("-0")
@example("007")
@example("1_0")
@example("0x")
@example("0xfF")
@example("0x" + "f" * 65)
@example("2" * 80)
def test_what_is_no_number_is_refused(read, text):
    digits = text.removeprefix("-")
    plain = digits if digits.isdigit() and digits.isascii() else None

    for which in (0, 1, 2):
        is_one = plain is not None and (which == 2 or plain == text)
        inside = is_one and LOWS[which] <= int(text) <= LIMITS[which]
        expected: Any = Reason.REQUIREMENT
        if inside:
            expected = [0, int(text)] if which == 2 else [int(text), 0]
        assert read(which, text) == expected
    is_hex = re.fullmatch("0x[0-9a-fA-F]+", text) and int(text, 16) < 2**256
    expected = [int(text, 16), 0] if is_hex else Reason.REQUIREMENT
    assert read(3, text) == expected


@settings(max_examples=200)
@given(numbers, numbers, numbers)
@example(0, 0, 0)
@example(2**256 - 1, 2**128 - 1, -(2**127))
@example(10**18, 10**36, 2**127 - 1)
def test_numbers_are_written_as_python_writes_them(write, a, b, c):
    a, b = abs(a) % 2**256, abs(b) % 2**128
    c = (c + 2**127) % 2**128 - 2**127

    assert write(a, b, c) == [str(a), str(b), str(c), hex(a)]


MALFORMED = [
    b"\x80", b"\xbf", b"a\x80", b"\xc0\x80", b"\xc1\xbf", b"\xc2", b"\xc2a", b"\xdf",
    b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe1", b"\xe1\x80", b"\xe1\x80a", b"\xed\xa0\x80",
    b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf0\x90", b"\xf0\x90\x80",
    b"\xf1\x80\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe",
    b"\xff", b"\xc3\xa9\xa9", b"\xe2\x82\xac\x80",
]  # fmt: skip
"""Every way to be wrong, alone."""

SOUND = [
    b"", b"\x00", b"\x7f", b"\xc2\x80", b"\xdf\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf",
    b"\xee\x80\x80", b"\xef\xbf\xbf", b"\xf0\x90\x80\x80", b"\xf4\x8f\xbf\xbf",
]  # fmt: skip
"""The least and the greatest of every kind."""


def decoded(raw: bytes) -> Any:
    try:
        return [raw.decode(), f"0x{raw.hex()}", len(raw)]
    except UnicodeDecodeError:
        return Reason.REQUIREMENT


def test_the_end_of_a_full_text_is_looked_at():
    """Where a text fills its words, no zero behind it shows that a character is cut short."""
    full = Everywhere(DECODE.replace("70", "32"))

    for raw in MALFORMED + SOUND:
        for size in range(len(raw) + 1):
            text = raw[:size].rjust(32, b"a")
            assert full(text) == decoded(text), text


@pytest.mark.parametrize("before", [0, 1, 28, 29, 30, 31, 32, 61, 62])
def test_known_bytes_are_texts_where_python_says_so(decode, before):
    cases = [
        b"a" * before + raw + after for raw in MALFORMED + SOUND for after in (b"", b"b", b"\x80")
    ]

    for raw in cases:
        assert decode(raw) == decoded(raw), raw
    assert 9 * len(cases) >= 200


@settings(max_examples=200)
@given(
    st.binary(max_size=ROOM)
    | st.lists(st.sampled_from(MALFORMED + SOUND + [b"a"]), max_size=16)
    .map(b"".join)
    .map(lambda b: b[:ROOM])
    | texts(ROOM).map(str.encode)
)
def test_bytes_are_texts_where_python_says_so(decode, raw):
    raw = raw[:ROOM]

    assert decode(raw) == decoded(raw)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\x80", "a byte continues no character"),
        (b"\xe2\x82", "a character is cut short"),
        (b"a" * 68 + b"\xe2\x82", "a character is cut short"),
        (b"\xc0\x80", "a character takes more bytes than it needs"),
        (b"\xf0\x80\x80\x80", "a character takes more bytes than it needs"),
        (b"\xed\xa0\x80", "half of a surrogate pair"),
        (b"\xf4\x90\x80\x80", "beyond U+10FFFF"),
        (b"\xff", "beyond U+10FFFF"),
    ],
)
def test_malformed_bytes_are_refused_by_name(decode, raw, why):
    trap = decode.outcome(raw).trap

    assert trap is not None
    assert trap.message == f"not UTF-8: {why}"


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        ({"length": 71, "words": [0, 0, 0]}, "longer than str[70]"),
        ({"length": 2**64 - 1, "words": [0, 0, 0]}, "longer than str[70]"),
        ({"length": 1, "words": [2**255, 0, 0]}, "not UTF-8: a byte continues no character"),
        ({"length": 1, "words": [1, 0, 0]}, "a text is not padded with zeros"),
        ({"length": 32, "words": [0, 0, 1]}, "a text is not padded with zeros"),
    ],
)
def test_an_input_that_is_no_text_is_refused(look, given_, why):
    trap = look.outcome(given_, "", 0, 0).trap

    assert trap is not None
    assert trap.message == why


VALUES = """
@dataclass
class Tag:
    name: str[8]
    count: u64

def same(a: str[8]) -> str[8]:
    return a

def main(a: str[8], b: str[8]) -> list[str[8], 8]:
    kept = a
    c = a
    d = b
    c, d = d, c
    xs = [c, d, str[8]("?")]
    first = xs[0]
    xs[0] = "!"
    tag = Tag(first, 1)
    name = tag.name
    for x in xs:
        name = x
    d = same(d)
    return [kept, c, d, xs[0], xs[1], first, tag.name, name]
"""


def test_texts_are_values():
    library = Everywhere(VALUES)

    assert library("one", "two") == ["one", "two", "one", "!", "one", "two", "two", "?"]
