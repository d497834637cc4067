"""The page of the standard library says how many constraints a call takes."""

import re

import pytest

from numen.ir.pipeline import optimise
from numen.lang.compile import compile_source
from numen.proof.circuit import compile_circuit
from tests.markdown import ROOT

PAGE = (ROOT / "docs/reference/std.md").read_text()
ROWS = re.findall(r"^\| `(\w+)\.(\w+)\((.*)\) -> (.*)` \| ([\d,]+) \|$", PAGE, re.MULTILINE)
LARGE = 20_000
"""Constraints of what takes more than a moment to compile."""


def program(module: str, name: str, given: str, result: str) -> str:
    """A program that is one call: of a sort, on a copy of its list."""
    types = [given] if given.startswith("list") else given.split(", ")
    params = ", ".join(f"x{i}: {of}" for i, of in enumerate(types) if of != "HALF_EVEN")
    args = ", ".join(of if of == "HALF_EVEN" else f"x{i}" for i, of in enumerate(types))
    lines = [f"from numen.std.{module} import {name}", "from numen.std.rounding import HALF_EVEN"]
    lines += [f"def main({params}) -> {result}:", f"    return {name}({args})"]
    if name.startswith("sort"):
        lines[-1:] = ["    found = x0.copy()", f"    {name}(found)", "    return found"]
    return "\n".join([*lines, ""])


@pytest.mark.parametrize(
    ("module", "name", "given", "result", "wanted"),
    [
        pytest.param(*row, marks=[pytest.mark.slow] * (int(row[4].replace(",", "")) > LARGE))
        for row in ROWS
    ],
)
def test_a_call_takes_as_many_constraints_as_the_page_says(module, name, given, result, wanted):
    circuit = compile_circuit(optimise(compile_source(program(module, name, given, result))))

    assert f"{circuit.constraint_count:,}" == wanted


def test_the_page_has_calls_of_every_kind():
    assert {row[0] for row in ROWS} == {
        "math",
        "floats",
        "decimals",
        "exponential",
        "sorting",
        "text",
    }
