"""Whatever the text, compiling ends with a module or with a typed error that has a place."""

import ast
import copy
import random
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.ir.check import check
from numen.ir.nodes import Module
from numen.lang import LangError, compile_source, limits
from numen.lang.errors import TooLargeError
from tests.lang.generate import Generator
from tests.lang.refusals import FORM, MEANING

ROOT = Path(__file__).resolve().parents[2]
VALID = [
    *(path.read_text() for path in sorted((ROOT / "bench/programs").glob("*.py"))),
    *(source for source, *_ in (MEANING | FORM).values()),
]
WORDS = sorted({word for text in VALID for word in re.findall(r"\w+|[^\w\s]+", text)})
NODES = [
    type_
    for type_ in vars(ast).values()
    if isinstance(type_, type) and issubclass(type_, ast.expr | ast.stmt)
]


def compiles_or_refuses(text: str) -> None:
    found = outcome(text)
    if isinstance(found, LangError):
        assert found.place is not None, found
        assert found.place.line >= 1
        assert found.place.column >= 1
        assert found.place.file in ("fuzz.py", "numen/std/sha256.numen")
    else:
        check(found)


def outcome(text: str) -> Module | LangError:
    try:
        return compile_source(text, file="fuzz.py")
    except LangError as error:
        return error


@given(st.text())
@example("\ufeffdef main(a): return a")
@example("def main(a):\r  return a")
@example("def main(a):\x0c return a\x0b")
@example('"\\d"')
@example("\ud800")
@example("x = 1\0")
@example("x = " + "9" * 5000)
@example("x = 0x" + "f" * 5000)
@example("def main(a):\n return a" + "\\\n")
@example("def f(a: list[u64, 2**2**2**2**2**2]): pass")
def test_any_text(text):
    compiles_or_refuses(text)


@given(st.lists(st.sampled_from([*WORDS, "\n", "\n    ", "\n        ", " "]), max_size=60))
def test_any_sequence_of_words(words):
    compiles_or_refuses("def main(a, b):\n    " + " ".join(words))


@settings(max_examples=400)
@given(st.sampled_from(VALID), st.randoms(use_true_random=False))
def test_any_mutation_of_a_program(text, r):
    for _ in range(r.randrange(1, 4)):
        start = r.randrange(len(text) + 1)
        stop = min(len(text), start + r.randrange(6))
        text = text[:start] + r.choice([*WORDS, "", " ", "\n", "(", "-"]) + text[stop:]
    compiles_or_refuses(text)


@settings(max_examples=60)
@given(st.integers(0, 2**64))
def test_any_swap_of_two_parts_of_a_program(seed):
    r = random.Random(seed)
    text, _ = Generator(r).program()
    tree = ast.parse(text)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    one, two = r.choice(nodes), copy.deepcopy(r.choice(nodes))
    for parent in list(ast.walk(tree)):
        for name, field in ast.iter_fields(parent):
            if field is one:
                setattr(parent, name, two)
            elif isinstance(field, list) and one in field:
                field[field.index(one)] = two
    compiles_or_refuses(ast.unparse(tree))


DEEP = {
    "brackets": "(" * 5000 + "a" + ")" * 5000,
    "lists": "[" * 90 + "a" + "]" * 90,
    "nots": "not " * 5000 + "a",
    "minuses": "-" * 100_000 + "a",
    "attributes": "a" + ".x" * 100_000,
    "subscripts": "a" + "[0]" * 100_000,
    "calls": "a" + "()" * 50_000,
    "choices": "1 if a else " * 20_000 + "1",
    "powers": "a ** " * 20_000 + "1",
    "lambdas": "lambda: " * 5000 + "a",
    "comparisons": "a < " * 20_000 + "a",
    "bool chain": "a and " * 20_000 + "a",
}


@pytest.mark.parametrize("name", DEEP)
def test_a_deep_expression_is_refused(name):
    compiles_or_refuses(f"def main(a):\n    return {DEEP[name]}\n")
    with pytest.raises(LangError):
        compile_source(f"def main(a):\n    return {DEEP[name]}\n")


def test_a_long_sum_is_no_deep_expression():
    text = f"def main(a):\n    return {'a + ' * 1000}a\n"

    assert len(compile_source(text).functions["main"].entry.body) == 1000


def test_many_elifs_are_no_deep_nest():
    arms = "".join(f"    elif a == {i}:\n        b = {i}\n" for i in range(1, 500))
    head = "def main(a: u64) -> u64:\n    if a == 0:\n        b = 0\n"
    text = f"{head}{arms}    else:\n        b = 9\n    return b\n"

    assert len(compile_source(text).functions["main"].blocks) > 500


def test_a_source_at_the_limit_is_read_and_one_above_it_is_not():
    program = "def main(a):\n    return a\n"
    line = "#" + "x" * 998 + "\n"
    filler = line * ((limits.SOURCE_BYTES_MAX - len(program)) // 1000)
    rest = limits.SOURCE_BYTES_MAX - len(program) - len(filler)
    text = program + filler + "#" * (rest - 1) + "\n"
    assert len(text) == limits.SOURCE_BYTES_MAX

    compile_source(text)
    with pytest.raises(TooLargeError, match="longer than 1048576 bytes"):
        compile_source(text + "\n")


def test_ten_megabytes_are_refused_before_they_are_read():
    with pytest.raises(TooLargeError, match="longer than 1048576 bytes"):
        compile_source("(" * 10_000_000)


def test_structs_within_structs_do_not_multiply_without_bound():
    text = "@dataclass\nclass S0:\n    x: u64\n    y: u64\n"
    for i in range(1, 40):
        text += f"@dataclass\nclass S{i}:\n    x: S{i - 1}\n    y: S{i - 1}\n"

    with pytest.raises(TooLargeError, match="more than 1024 parts"):
        compile_source(text + "def main(a):\n    return a\n")


def test_generic_functions_do_not_multiply_without_bound():
    text = (
        "def g(xs: list[u64, N]) -> u64:\n    return N\ndef main(a: u64) -> u64:\n    b: u64 = 0\n"
    )
    text += "".join(f"    b += g([a] * {i})\n" for i in range(1, limits.INSTANCES_MAX + 10))

    with pytest.raises(TooLargeError, match="more than 2048 functions"):
        compile_source(text + "    return b\n")


def test_more_variables_than_the_limit_are_refused():
    lines = "".join(f"    v{i} = a\n" for i in range(limits.VARIABLES_MAX))

    with pytest.raises(TooLargeError, match="more than 256 variables"):
        compile_source(f"def main(a: u64) -> u64:\n{lines}    return a\n")


def test_more_ways_to_one_point_than_the_limit_are_refused():
    lines = "        if a > 1: break\n" * limits.WAYS_MAX

    compile_source(f"def main(a: u64) -> u64:\n    while a > 1:\n{lines[:-24]}    return a\n")
    with pytest.raises(TooLargeError, match="more than 4096 ways"):
        compile_source(f"def main(a: u64) -> u64:\n    while a > 1:\n{lines}    return a\n")


def test_more_storage_than_the_machine_gives_is_refused():
    text = "def main(a: u64) -> u64:\n"
    text += "".join(f"    x{i} = [0] * (1 << 24)\n" for i in range(3)) + "    return x2[0]\n"

    with pytest.raises(TooLargeError, match="402653184 bytes"):
        compile_source(text)
