"""Arguments as people type them, and as they should not."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.cli.arguments import ArgumentError, parse_argument

values = st.recursive(
    st.integers(-(2**256), 2**256) | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("0xff", 255),
        ("-0xFF", -255),
        ("0xdead_beef", 0xDEADBEEF),
        ("[1, 0x2, [3]]", [1, 2, [3]]),
        ('{"x": true, "0x1": 0x1}', {"x": True, "0x1": 1}),
        (str(2**256 - 1), 2**256 - 1),
    ],
)
def test_what_people_type(text, value):
    assert parse_argument(text) == value


@pytest.mark.parametrize(
    "text", ["", "1.5", "1e3", "0x", "[1", "NaN", "Infinity", "1 2", "1" * 101, "0x" + "f" * 101]
)
def test_what_is_no_argument(text):
    with pytest.raises(ArgumentError):
        parse_argument(text)


@pytest.mark.parametrize("depth", [32, 33, 100_000])
def test_nesting_is_bounded(depth):
    text = "[" * depth + "]" * depth

    with pytest.raises(ArgumentError) if depth > 32 else contextlib.nullcontext():
        parse_argument(text)


def test_a_file(tmp_path):
    path = tmp_path / "value.json"
    path.write_text("[1, 0x10]")

    assert parse_argument(f"@{path}") == [1, 16]


@pytest.mark.parametrize("name", ["absent", ".", "binary"])
def test_a_file_that_cannot_be_read(tmp_path, name):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ArgumentError, match=r"absent|directory|not text"):
        parse_argument(f"@{tmp_path / name}")


@given(values)
def test_json_is_read_as_json(value):
    import json

    assert parse_argument(json.dumps(value)) == value


@given(st.text(max_size=40))
def test_any_text_gives_a_value_or_a_clear_error(text):
    with contextlib.suppress(ArgumentError):
        parse_argument(text.lstrip("@"))
