"""Every refusal: its class, its place, what it says and what it suggests."""

import pytest

from numen.lang import compile_source, errors
from tests.lang.refusals import FORM, MEANING
from tests.lang.running import refusal

ROWS = MEANING | FORM


def test_the_table_is_all_here():
    assert len(ROWS) == len(MEANING) + len(FORM) == 149


@pytest.mark.parametrize("name", ROWS)
def test_a_refusal_points_at_its_place_and_suggests(name):
    source, kind, (line, column), message, hint = ROWS[name]

    error = refusal(source)

    assert type(error) is kind
    assert (error.place.file, error.place.line, error.place.column) == ("t.py", line, column)
    assert error.message == message
    assert error.hint == hint
    lines = source.splitlines()
    assert error.text == (lines[line - 1] if lines else "")


def test_the_table_covers_every_class_of_error():
    kinds = {kind for _, kind, *_ in ROWS.values()}
    every = {kind for kind in vars(errors).values() if isinstance(kind, type)}

    assert every - kinds == {errors.LangError, errors.NumenError, errors.TooLargeError}


def test_an_error_shows_its_line_and_a_caret_below_the_place():
    error = refusal("def main(a: u64) -> u64:\n    return a + missing\n")

    assert str(error) == (
        "t.py:2:16: unknown name missing\n"
        "        return a + missing\n"
        "                   ^\n"
        "    hint: did you mean min?"
    )


def test_columns_count_characters_where_the_line_has_others_than_ascii():
    source = 'def main(a: u64) -> u64:\n    assert a == 1, "é€😀"; return b\n'

    assert refusal(source).place.column == 34


def test_what_no_way_reaches_is_not_refused():
    source = "def main(a: u64) -> u64:\n    return a\n    return missing\n"

    assert compile_source(source).entry == "main"
