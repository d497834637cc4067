"""Functions of Python as sources of Numen's language."""

import functools
from dataclasses import dataclass

import pytest

from numen.api.capture import CaptureError, capture
from numen.base.names import Private, felt, u64

WEIGHTS = [3, 4]
SIZE = 2


@dataclass
class Point:  # noqa: D101
    x: u64
    y: u64


def norm(p: Point) -> u64:
    return p.x * WEIGHTS[0] + p.y * WEIGHTS[1]


def decorate(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)

    return inner


@decorate
def distance(a: Point, b: Private[u64]) -> u64:
    return norm(a) + b * SIZE


def test_a_function_brings_what_it_uses():
    captured = capture(distance.__wrapped__)

    lines = captured.text.split("\n")
    assert captured.entry == "distance"
    assert any(line.startswith("class Point:") for line in lines)
    assert "def norm(p: Point) -> u64:" in lines
    assert "WEIGHTS = [3, 4]" in lines
    assert "SIZE = 2" in lines
    assert not any("decorate" in line for line in lines)


def test_lines_stay_where_they_are():
    captured = capture(distance.__wrapped__)

    with open(captured.file, encoding="utf-8") as file:  # noqa: PTH123
        original = file.read().split("\n")
    for number, line in enumerate(captured.text.split("\n")):
        if line.startswith(("def ", "class ", "    ")):
            assert original[number] == line


def test_a_nested_function_is_dedented():
    def inner(a: felt) -> felt:
        return a * a

    captured = capture(inner)

    assert "def inner(a: felt) -> felt:\n    return a * a\n" in captured.text


def test_a_constant_of_the_enclosing_function_is_taken_along():
    size = 5

    def inner(a: u64) -> u64:
        return a + size

    assert "size = 5" in capture(inner).text


@pytest.mark.parametrize("value", [len, 5, print])
def test_what_has_no_source_is_refused(value):
    with pytest.raises(CaptureError):
        capture(value)


def test_a_function_without_a_file_is_refused():
    namespace = {}
    exec("def ghost(a, b):\n    return a + b\n", namespace)

    with pytest.raises(CaptureError, match="cannot be found"):
        capture(namespace["ghost"])
