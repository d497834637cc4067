"""Programs in Python's hands: compile, call, inspect, set up, prove, verify."""

from dataclasses import dataclass
from pathlib import Path

import pytest

import numen
from numen import Private, felt, u64
from numen.api.errors import KeysError, TrappedError
from numen.base.errors import NumenError
from numen.ir.interface import InputError
from numen.ir.types import FIELD_ORDER
from numen.proof.errors import ProofRejectedError

ENTROPY = bytes(range(64))
R = FIELD_ORDER


@numen.compile
def add(a, b):
    return a + b


LIMIT = 10


@dataclass
class Pair:  # noqa: D101
    x: u64
    y: u64


def smaller(p: Pair) -> u64:
    return min(p.x, p.y)


@numen.compile
def check(p: Pair) -> u64:
    """Say the smaller one."""
    assert p.x + p.y < LIMIT, "over the limit"
    return smaller(p)


def test_the_example_of_the_article():
    assert add(2, 3) == 5
    assert add.inspect().constraints == 1

    keys = add.setup(entropy=ENTROPY)
    proven = add.prove(2, 3, entropy=ENTROPY)

    assert proven.value == 5
    assert proven.public == (5, 2, 3)
    numen.verify(keys, proven)
    numen.verify(keys.verifying, proven.proof, [5, 2, 3])


@pytest.mark.parametrize("public", [[6, 2, 3], [5, 3, 2], [4, 1, 3]])
def test_a_proof_of_something_else_is_false(public):
    keys = add.setup(entropy=ENTROPY)
    proven = add.prove(2, 3, entropy=ENTROPY)

    with pytest.raises(ProofRejectedError):
        numen.verify(keys, proven, public)


@pytest.mark.parametrize("public", [[5, 2], [5, 2, 3, 0], [5, 2, 3 - R], [5 + R, 2, 3], []])
def test_public_values_that_make_no_sense_are_refused(public):
    keys = add.setup(entropy=ENTROPY)
    proven = add.prove(2, 3, entropy=ENTROPY)

    with pytest.raises(NumenError):
        numen.verify(keys, proven, public)


def test_private_inputs_are_not_public():
    f = numen.compile("def main(secret: Private[felt], b: felt) -> felt:\n    return secret * b\n")
    keys = f.setup(entropy=ENTROPY)

    proven = f.prove(7, 3, entropy=ENTROPY)

    assert proven.public == (21, 3)
    numen.verify(keys, proven)


def test_a_decorated_function_brings_structs_helpers_and_constants():
    assert check({"x": 3, "y": 4}) == 3
    assert check([3, 4]) == 3
    assert check.__doc__ == "Say the smaller one."


def test_a_trap_points_at_the_line_of_the_python_file():
    with pytest.raises(TrappedError, match="over the limit") as caught:
        check([9, 9])

    line = Path(__file__).read_text().split("\n")[caught.value.place.line - 1]
    assert "over the limit" in line
    assert caught.value.text == line


def test_an_error_of_the_language_points_at_the_line_of_the_python_file():
    with pytest.raises(NumenError) as caught:

        @numen.compile
        def broken(a: u64, b: felt) -> u64:
            return a + b

    assert "return a + b" in caught.value.text
    assert Path(__file__).read_text().split("\n")[caught.value.place.line - 1].strip() == (
        "return a + b"
    )


def test_a_source_text_and_its_entry():
    text = "def one(a):\n    return a + 1\ndef two(a):\n    return one(one(a))\n"

    assert numen.compile(text, entry="two")(40) == 42


@pytest.mark.parametrize("args", [(), (1,), (1, 2, 3), ("1", 2), (1.0, 2), (None, 2), ([1], 2)])
def test_other_arguments_are_refused(args):
    with pytest.raises(InputError):
        add(*args)


def test_keys_of_another_program_are_refused():
    other = numen.compile("def main(a, b): return a * b")

    with pytest.raises(KeysError):
        other.prove(2, 3, keys=add.setup(entropy=ENTROPY), entropy=ENTROPY)


def test_a_run_that_traps_is_not_proven():
    with pytest.raises(TrappedError, match="over the limit"):
        check.prove([9, 9])


def test_inspection_counts_line_by_line():
    text = """def main(a: u64, b: u64) -> u64:
    c = a * b
    return c + 1
"""
    found = numen.compile(text).inspect()

    assert [line.line for line in found.lines] == [2, 3]
    assert sum(line.constraints for line in found.lines) <= found.constraints
    assert sum(line.work for line in found.lines) <= found.work
    assert found.lines[0].text == "    c = a * b"


def test_a_program_without_a_circuit_says_why():
    text = "def main(n: u64) -> u64:\n    while n != 7:\n        n = n * 3 % 11\n    return n"
    f = numen.compile(text)

    assert f.inspect().constraints is None
    assert ":2:" in f.inspect().refusal
    with pytest.raises(NumenError, match=":2:"):
        f.setup()


def test_the_same_source_is_the_same_program():
    text = "def main(a: felt) -> felt:\n    return a * a"
    commented = "# squares\ndef main(a: felt) -> felt:\n\n    x = a * a\n    return x"

    assert numen.compile(text).program.id == numen.compile(commented).program.id


def test_names_are_exactly_what_is_public():
    for name in ("compile", "verify", "Keys", "Proven", "Compiled", "u64", "felt", "Private"):
        assert name in dir(numen)
        assert getattr(numen, name) is not None
    with pytest.raises(AttributeError):
        _ = numen.nothing


def test_a_cell_of_a_notebook(tmp_path):
    """What IPython does: the source of a cell is in `linecache` only."""
    import linecache

    text = "def cell(a, b):\n    return a * b\n"
    name = "<ipython-input-1-0123456789ab>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace = {}
    exec(compile(text, name, "exec"), namespace)

    assert numen.compile(namespace["cell"])(6, 7) == 42


@pytest.mark.parametrize("value", [Private, u64])
def test_the_names_of_the_language_are_ordinary_in_python(value):
    def typed(a: Private[felt], b: list[u64]) -> u64:
        return a

    assert typed(5, []) == 5
    assert value is not None
