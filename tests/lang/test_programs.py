"""The programs in `examples/` and `bench/programs/` give what their last lines say."""

import ast
import hashlib
import re
from pathlib import Path

import pytest

from numen.ir.program import program_from_module
from numen.lang import compile_source
from numen.vm import machine

ROOT = Path(__file__).resolve().parents[2]
CALL = re.compile(r"^# main\((?P<arguments>.*)\) -> (?P<result>.+)$", re.MULTILINE)
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BENCHES = sorted((ROOT / "bench/programs").glob("*.py"))


def outcome(path: Path, arguments: tuple, engine: machine.Engine) -> str:
    module = compile_source(path.read_text(), file=path.name)
    result = machine.run(program_from_module(module), arguments, engine=engine)
    trap = result.trap
    return f"trap: {trap.message or trap.reason.value}" if trap else repr(result.value)


def test_the_programs_are_here():
    assert len(EXAMPLES) >= 10
    assert len(BENCHES) >= 10


@pytest.mark.parametrize("engine", ["interp", "jit"])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_gives_what_it_says(path, engine):
    for call in CALL.finditer(path.read_text()):
        assert outcome(path, ast.literal_eval(f"({call[1]},)"), engine) == call["result"]


@pytest.mark.slow
@pytest.mark.parametrize("path", BENCHES, ids=lambda path: path.stem)
def test_a_bench_program_gives_what_it_says(path):
    for call in CALL.finditer(path.read_text()):
        assert outcome(path, ast.literal_eval(f"({call[1]},)"), "jit") == call["result"]


@pytest.mark.slow
def test_sha256_of_a_mebibyte_is_hashlib_s():
    message = hashlib.shake_128(b"numen").digest(1 << 20)

    found = outcome(ROOT / "bench/programs/sha256_1mib.py", (list(message),), "jit")

    assert bytes(ast.literal_eval(found)) == hashlib.sha256(message).digest()


def test_sha256_of_the_example_is_hashlib_s():
    found = outcome(ROOT / "examples/sha256.py", (list(range(64)),), "interp")

    assert bytes(ast.literal_eval(found)) == hashlib.sha256(bytes(range(64))).digest()
