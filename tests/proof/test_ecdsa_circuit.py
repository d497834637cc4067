"""ECDSA of the standard library as a circuit: its steps cannot lie, and the whole is small."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numen.ir.pipeline import optimise
from numen.lang.compile import compile_source
from numen.proof.circuit import compile_circuit
from numen.proof.circuit_errors import RunTrapsError
from numen.proof.machine import emulate, execute
from numen.proof.machine.chips import cpu
from numen.proof.machine.lower import lower
from numen.proof.machine.words import join_outputs, split_inputs
from numen.proof.r1cs import check_witness
from tests.proof.test_pins import assert_pinned
from tests.proof.test_std_circuits import Compiled, lie
from tools.ecdsa import BASE, P, add, multiply

VECTORS = json.loads(
    (Path(__file__).parents[1] / "lang/vectors/ecdsa.json").read_text(encoding="utf-8")
)

VERIFY = """
from numen.std.ecdsa import verify

def main(h: u256, r: u256, s: u256, x: u256, y: u256) -> bool:
    return verify(h, r, s, x, y)
"""

STEPS = {
    "added": "added(p, q)",
    "doubled": "doubled(p)",
    "doubled_and_added": "doubled_and_added(p, q.x, q.y)",
}

BARS = {"added": 2_050, "doubled": 2_000, "doubled_and_added": 3_350}
"""Constraints that a step may take beside those of its inputs and of their remainders."""


def step(name: str) -> str:
    return f"""
from numen.std.ecdsa import P, Point, added, doubled, doubled_and_added

def main(ax: u256, ay: u256, bx: u256, by: u256) -> tuple[u256, u256]:
    p = Point(ax % P, ay % P)
    q = Point(bx % P, by % P)
    total = {STEPS[name]}
    return total.x, total.y
"""


def expected(name: str, p: Any, q: Any) -> list[int]:
    found = {
        "added": lambda: add(p, q),
        "doubled": lambda: add(p, p),
        "doubled_and_added": lambda: add(add(p, q), p),
    }[name]()
    return list(found)


@pytest.fixture(scope="module", params=STEPS)
def compiled(request: pytest.FixtureRequest) -> tuple[str, Compiled]:
    return request.param, Compiled(step(request.param))


def test_a_step_gives_what_the_curve_says(compiled):
    name, program = compiled
    for j, k in ((3, 5), (2, 1), (2**200, 7)):
        p, q = multiply(j, BASE), multiply(k, BASE)
        assert list(program.run(*p, *q)) == expected(name, p, q)
    inputs = program.circuit.input_constraints + 4 * 280
    assert program.circuit.constraint_count - inputs <= BARS[name]


def test_a_step_cannot_lie(compiled):
    _, program = compiled
    p, q = multiply(3, BASE), multiply(5, BASE)

    assert_pinned(program.circuit)
    lie(program.circuit, [*p, *q])


def test_what_has_no_slope_has_no_witness(compiled):
    """Two points of one x: unless it is refused, a prover chooses the slope, and so the sum."""
    name, program = compiled
    x, y = multiply(3, BASE)
    others = [(x, y), (x, P - y)] if name != "doubled" else []
    for other in others:
        with pytest.raises(RunTrapsError):
            program.circuit.witness([x, y, *other])


@pytest.mark.slow
def test_the_whole_takes_fewer_than_2_to_the_19():
    circuit = compile_circuit(optimise(compile_source(VERIFY)))
    chosen = [*VECTORS[::40], *[vector for vector in VECTORS if not vector["is_valid"]][::15]]

    assert circuit.constraint_count <= 470_000
    assert {vector["is_valid"] for vector in chosen} == {True, False}
    for vector in chosen:
        found = circuit.witness([int(number, 16) for number in vector["numbers"]])
        check_witness(circuit.r1cs, found.wires)
        assert found.results == (int(vector["is_valid"]),), vector["says"]


def test_the_provable_machine_runs_it_in_one_segment():
    module = optimise(compile_source(VERIFY))
    lowered = lower(module)
    for vector in (VECTORS[0], next(v for v in VECTORS if not v["is_valid"])):
        given: list[int | list[int]] = [int(number, 16) for number in vector["numbers"]]
        memory = emulate.start(lowered.code, *split_inputs(lowered, given)).memory
        machine = execute.load(lowered.code, np.array(memory, np.uint64))
        cycles = execute.run_to_end(machine, cpu.STEPS_MAX)

        results = [int(machine.memory[at]) for at in lowered.code.outputs]
        assert join_outputs(lowered, results) == (int(vector["is_valid"]),)
        assert cycles < 700_000


@pytest.mark.parametrize(("word", "sign"), [("u256", 1), ("i256", 1), ("i256", -1)])
def test_a_table_of_wide_constants_is_read_by_decoding_its_index(word: str, sign: int):
    """Once for all limbs and both tables, where no entry has a sign; 19 is no power of two."""
    tables = [[(sign if k % 2 else 1) * (k * 7**85 // d) for k in range(19)] for d in (1, 3)]
    text = (
        f"A: list[{word}, 19] = {tables[0]}\nB: list[{word}, 19] = {tables[1]}\n"
        f"def main(i: u8) -> tuple[{word}, {word}]:\n    return A[u64(i)], B[u64(i)]\n"
    )
    module = compile_source(text)
    circuit = compile_circuit(module)

    for index in range(19):
        found = circuit.witness([index])
        check_witness(circuit.r1cs, found.wires)
        assert found.results == (tables[0][index], tables[1][index])
    with pytest.raises(RunTrapsError):
        circuit.witness([19])
    assert_pinned(circuit)
    if sign > 0:
        assert circuit.constraint_count - circuit.input_constraints < 19 + 8 + 30
