# ruff: noqa: E501  (a table: one program, one line)
"""Files and what they import: their own files and `numen.std`, nothing of the host."""

import pytest

from numen.ir.ops import Op
from numen.lang import compile_source, limits
from tests.lang.running import refusal, run

SHAPES = """
@dataclass
class P:
    x: u64
    y: u64

SCALE = 10
TABLE = [5, 6, 7]

def total(p: P) -> u64:
    return SCALE * (p.x + p.y) + TABLE[p.x]
"""


def test_names_are_imported_from_a_file_beside():
    source = "from shapes import P, total\ndef main(a: u64) -> u64:\n    return total(P(a, 2))\n"

    assert run(source, 1, files={"shapes": SHAPES}) == 36


def test_a_module_is_imported_whole():
    source = (
        "import shapes\nimport shapes as s\nfrom shapes import TABLE as T\n"
        "def main(p: shapes.P) -> u64:\n"
        "    q = s.P(p.x, s.SCALE)\n    return shapes.total(q) + shapes.TABLE[0] + len(T)\n"
    )

    assert run(source, {"x": 1, "y": 2}, files={"shapes": SHAPES}) == 110 + 6 + 5 + 3


def test_modules_import_modules():
    files = {
        "a.b": "from shapes import total, P\ndef twice(x: u64) -> u64:\n    return 2 * total(P(x, x))\n",
        "shapes": SHAPES,
    }
    source = "from a.b import twice\ndef main(x: u64) -> u64:\n    return twice(x)\n"

    assert run(source, 2, files=files) == 94


def test_functions_of_one_name_in_two_files_are_two():
    files = {"other": "def f(a: u64) -> u64:\n    return a + 1\n"}
    source = (
        "import other\ndef f(a: u64) -> u64:\n    return a * 2\n"
        "def main(a: u64) -> u64:\n    return other.f(f(a))\n"
    )

    assert run(source, 5, files=files) == 11


def test_a_file_for_python_s_decorator_is_a_program_too():
    source = "import numen\n@numen.compile\ndef main(a, b):\n    return a + b\n"

    assert run(source, 1, 2) == 3


def test_what_editors_need_is_imported_in_vain():
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from numen import Private, felt, u64, wrapping_add\n"
        "def main(a: Private[felt], b: felt) -> felt:\n    return a + b\n"
    )

    assert run(source, 1, 2) == 3
    assert [given.is_private for given in compile_source(source).interface.inputs] == [True, False]


# fmt: off
REFUSED = {
    "a circle": ({"a": "import b", "b": "import a"}, "import a\n", "a circle of imports: a imports b imports a"),
    "itself": ({"a": "import a"}, "import a\n", "a circle of imports: a imports a"),
    "no file": ({"math_tools": ""}, "import mathtools\n", "no module mathtools beside this file"),
    "the host": ({}, "import socket\n", "no module socket beside this file"),
    "below numen": ({"numen.secret": "x = 1"}, "import numen.secret as s\n", "no module numen.secret"),
    "numen itself": ({}, "import numen as n\n", "import numen"),
    "a star": ({"a": "x = 1"}, "from a import *\n", "a has no *"),
    "a dotted name": ({"a.b": "x = 1"}, "import a.b\n", "a dotted import needs a name"),
    "a name that is not there": ({"a": "x = 1"}, "from a import y\n", "a has no y"),
    "a name twice": ({"a": "x = 1"}, "from a import x\nx = 2\n", "x is defined twice"),
    "a word of the language": ({"a": "x = 1"}, "from a import x as u64\n", "u64 is a word of the language"),
    "nothing in a module": ({"a": "x = 1"}, "import a\ndef f() -> u64:\n    return a.y\n", "a has no y"),
}
# fmt: on


@pytest.mark.parametrize("name", REFUSED)
def test_an_import_is_refused(name):
    files, source, message = REFUSED[name]

    error = refusal(source + "def main(a):\n    return a\n", files)

    assert error.message == message
    assert error.place is not None


def test_an_error_in_an_imported_file_points_into_it():
    error = refusal(
        "import a\ndef main(x):\n    return a.f(x)\n", {"a": "def f(x):\n    return z\n"}
    )

    assert str(error.place) == "a.py:2:12"


def test_a_program_of_too_many_files_is_refused():
    files = {f"m{i}": f"import m{i + 1}\n" for i in range(limits.MODULES_MAX + 5)}

    assert "more than 64 modules" in refusal("import m0\n", files).message


def test_a_constant_of_a_module_is_made_once_and_lent():
    source = (
        "TABLE: list[u8, 3] = [1, 0, 3]\n"
        "def get(i: u64) -> u8:\n    return TABLE[i]\n"
        "def main(i: u64) -> u8:\n    return get(i) + get(2)\n"
    )
    module = compile_source(source)
    made = [
        instr.data
        for fn in module.functions.values()
        for block in fn.blocks.values()
        for instr in block.body
        if instr.op is Op.ARRAY
    ]

    assert made == [(1, 0, 3)]
    assert run(source, 0) == 4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("K = 2**10 - 1", 1023),
        ("K: u32 = 7", 7),
        ("B = [1, 2]\nK = 3 * 3 + len(B)", 11),
        ("K = -(-5)", 5),
        ("K = 0xff >> 4", 15),
    ],
)
def test_constants_are_computed_exactly(text, value):
    assert run(f"{text}\ndef main(a: u64) -> u64:\n    return a + u64(K)\n", 0) == value


def test_constants_of_every_shape():
    source = (
        "ROWS = [[1, 2], [3, 4]]\nPAIR: tuple[u8, i64] = (7, -1)\nON = True\n"
        "ZEROS = [0] * 3\nF: list[felt, 2] = [-1, 1]\n"
        "def main(i: u64) -> tuple[u64, i64, felt]:\n"
        "    n: u64 = ROWS[i][1] * 10 + u64(PAIR[0]) + ZEROS[i] if ON else 0\n"
        "    return n, PAIR[1], F[0] + F[1] + 5\n"
    )

    assert run(source, 1) == [47, -1, 5]
