"""The page that draws costs over the source: well-formed, complete, and safe to open."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

import numen
from numen.api import heatmap
from numen.api.inspection import Free, Inspection, Line

PROGRAM = """
def main(a: u32, b: u32) -> bool:
    # <script>alert("1")</script> & 'more'
    assert a < 100, "<b>too much</b>"
    c = a ^ b
    return c == 7
"""


def page_of(text: str) -> str:
    found = numen.compile(text).inspect(with_pins=True)
    return heatmap.draw(found, "<string>", text)


def parse(page: str) -> ET.Element:
    assert page.startswith("<!DOCTYPE html>")
    return ET.fromstring(page)


def test_a_page_shows_every_line_and_what_it_costs():
    root = parse(page_of(PROGRAM))

    rows = [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")][1:]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    xor = rows[4]
    assert xor[1] == "32"
    assert xor[4].startswith("    c = a ^ b")
    assert "32 constraints" in xor[4]
    assert "32 x xor" in xor[4]
    cards = {
        "".join(card[0].itertext()): "".join(card[1].itertext()) for card in root.iter("div")
        if card[0].tag == "dt"
    }  # fmt: skip
    assert cards["free wires"] == "1"
    assert cards["not shown to be pinned"] == "0"


def test_source_is_shown_and_never_followed():
    page = page_of(PROGRAM)
    root = parse(page)

    assert {element.tag for element in root.iter()}.isdisjoint({"script", "b", "img", "a", "link"})
    assert '<script>alert("1")</script>' in "".join(root.itertext())
    assert "default-src 'none'" in page
    assert re.search(r"\son\w+=|https?:|url\(|@import", page) is None


def test_what_hides_or_turns_text_around_is_made_visible():
    page = page_of("def main(a: u32) -> u32:\n    # \u202e evil \u200b \x0c\n    return a\n")

    parse(page)
    assert "⟨202E⟩" in page
    assert not set("\u202e\u200b\x0c") & set(page)


def test_a_program_without_a_circuit_is_coloured_by_its_work():
    page = page_of("def main(n: u64) -> u64:\n    while n > 3:\n        n = n // 2\n    return n\n")

    root = parse(page)

    assert "no circuit" in page
    assert any(row.get("style") for row in root.iter("tr"))


def test_standard_modules_are_shown_with_their_text():
    page = page_of(
        "from numen.std.poseidon import poseidon\n\n"
        "def main(a: felt, b: felt) -> felt:\n    return poseidon(a, b)\n"
    )

    names = ["".join(title.itertext()) for title in parse(page).iter("h2")]
    assert names[1].startswith("numen/std/poseidon.numen")
    assert "def poseidon(" in page


ANY = st.text(max_size=30)


@given(text=st.text(max_size=200), file=ANY, role=ANY, reason=ANY, number=st.integers(1, 12))
def test_any_text_makes_a_page_that_is_well_formed(text, file, role, reason, number):
    line = Line(file, number, "", 5, 3, {role: 2})
    found = Inspection(
        program="00", constraints=7, refusal="", work=3, lines=(line,),
        free=(Free(role, reason),), loose=(reason,),
    )  # fmt: skip

    parse(heatmap.draw(found, file, text))


@pytest.mark.parametrize("refusal", ["", "<i>no</i>\n  ^"])
def test_an_empty_inspection_is_a_page(refusal: str):
    found = Inspection(program="", constraints=None, refusal=refusal, work=0, lines=())

    parse(heatmap.draw(found, "x.py", ""))
