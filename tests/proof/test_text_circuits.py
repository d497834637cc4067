"""Texts as circuits: what they give, what they refuse, and that they leave a prover no choice."""

from functools import cache

import pytest

from numen.proof.circuit_errors import RunTrapsError
from tests.proof.test_std_circuits import Compiled, lie

CHANGED = """
from numen.std.text import compare, concat, length, upper

def main(a: str[6], b: str[3]) -> tuple[str[9], u64, i64, bool]:
    return upper(concat(a, b)), length(a), compare(a, b), a == b
"""

FOUND = """
from numen.std.text import find, slice

def main(a: str[6], b: str[3]) -> tuple[i64, str[6]]:
    return find(a, b), slice(a, 1, -1)
"""

PAIRS = [("aé", "é"), ("", ""), ("abcabc", "abc"), ("€€", "€"), ("\U0001f600a", "a"), ("abc", "ab")]


@cache
def changed() -> Compiled:
    return Compiled(CHANGED)


def upper(text: str) -> str:
    return "".join(c.upper() if c.isascii() else c for c in text)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_texts_are_changed_as_python_does(a, b):
    expected = [upper(a + b), len(a), (a > b) - (a < b), a == b]

    assert changed().run(a, b) == expected


def test_no_wire_of_a_changed_text_is_free():
    lie(changed().circuit, changed().parts("aé", "z"))


@pytest.mark.parametrize("raw", [b"\x80", b"\xe2\x82", b"\xc0\x80", b"\xed\xa0\x80", b"\xff"])
def test_what_is_not_utf8_has_no_proof(raw):
    word = int.from_bytes(raw.ljust(32, b"\0"), "big")
    given = {"length": len(raw), "words": [word]}

    with pytest.raises(RunTrapsError, match="not UTF-8"):
        changed().circuit.witness(changed().parts(given, ""))


@pytest.mark.slow
def test_texts_are_found_as_python_does():
    program = Compiled(FOUND)

    for a, b in PAIRS:
        assert program.run(a, b) == [a.find(b), a[1:-1]]
    lie(program.circuit, program.parts("aéb", "éb"))
