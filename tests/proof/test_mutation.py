"""Every gadget against provers that change its witness: one cell, a little, or all at once."""

import random

import pytest

from numen.ir import interp
from numen.ir.types import FIELD_ORDER
from numen.proof.circuit import Circuit, RunTrapsError
from numen.proof.r1cs import check_witness
from tests.strategies.cheats import Rows, inputs_of
from tests.strategies.circuits import OPERATIONS, module_of, operation, without
from tests.whole.attack import loose_wires
from tests.whole.far import second_witness

Args = list[int | list[int]]

EDGES = (0, 1, 2, 3, 7, -1, -2, 2**31, 2**63 - 1, 2**64 - 1, 2**127, 2**128 - 1, 2**255)

RUNS = 3
"""Runs of each operation that end."""

LOCAL_MAX = 800
"""Constraints up to which small changes of all wires together are solved for."""

QUICK = {"bool", "u8", "u32", "u64", "i64", "felt"}
"""Words whose circuits are small; others are for the slow tests."""

EVERY = [
    pytest.param(op, word, marks=[] if word in QUICK else pytest.mark.slow)
    for op, word in OPERATIONS
]


def runs_of(op: str, word: str) -> list[Args]:
    """Arguments on the edges, of runs that end; the interpreter gives the same."""
    circuit, module = operation(op, word), module_of(op, word)
    r = random.Random(f"{op}.{word}")
    found: list[Args] = []
    for _ in range(200):
        args: Args = []
        for leaf in circuit.inputs:
            of = leaf.word
            near = [edge for edge in (*EDGES, of.low, of.high) if edge in of]
            args.append(r.choice([*near, r.randint(of.low, of.high)]))
        outcome = interp.run(module, args, work_limit=10**6)
        if outcome.trap is None and args not in found:
            assert circuit.witness(args).results == outcome.results
            found.append(args)
        if len(found) == RUNS:
            break
    return found


def unnoticed(circuit: Circuit, args: Args) -> list[str]:
    """Wires of which some change passes."""
    values = circuit.witness(args).values
    check_witness(circuit.r1cs, circuit.witness(args).wires)
    rows = Rows(circuit)
    sums = rows.sums(values)
    free = {wire.wire for wire in circuit.free_wires()}
    skipped = {*inputs_of(circuit), 0} | free
    return [
        circuit.name(wire)
        for wire, value in enumerate(values)
        if wire not in skipped
        for delta in {1, -1, -2 * value % FIELD_ORDER, 1 - 2 * value, FIELD_ORDER >> 1}
        if delta % FIELD_ORDER and not rows.reject(sums, wire, delta)
    ]


@pytest.mark.parametrize(("op", "word"), EVERY, ids=str)
def test_every_cell_that_is_changed_is_noticed(op: str, word: str):
    circuit = operation(op, word)
    for args in runs_of(op, word):
        assert unnoticed(circuit, args) == []


@pytest.mark.parametrize(("op", "word"), EVERY, ids=str)
def test_there_is_no_second_witness(op: str, word: str):
    circuit = operation(op, word)
    r = random.Random(f"{op}.{word}")
    for args in runs_of(op, word):
        assert second_witness(circuit, args, r) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("op", "word"), [(op, word) for op, word in OPERATIONS if word in QUICK], ids=str
)
def test_no_wires_move_together(op: str, word: str):
    circuit = operation(op, word)
    for args in runs_of(op, word)[:2]:
        assert loose_wires(circuit, circuit.witness(args).values) == []


WEAK = {
    # what is left out lets a witness pass that is far from the true one
    ("rem", "u8"): [90, 7],
    ("rem", "u64"): [10**12, 10**5],
    ("div", "u128"): [10**30, 10**5],
    ("rem", "u256"): [10**60, 10**5],
}


@pytest.mark.parametrize(("op", "word"), WEAK, ids=str)
def test_a_remainder_that_need_not_be_small_is_found_by_the_far_attack_alone(op: str, word: str):
    """Without the proof of ``rest < b`` every bit is a bit, and near the witness nothing moves."""
    whole, args = operation(op, word), WEAK[op, word]
    values = whole.witness(args).values
    gap = gap_rows(whole)
    weak = without(whole, gap)

    assert second_witness(whole, args, random.Random(1), 300) == []
    assert second_witness(weak, args, random.Random(1), 300) != []
    if whole.constraint_count <= LOCAL_MAX:
        bits = {whole.name(wire) for wire in gap_wires(whole, gap)}
        assert set(loose_wires(weak, values)) <= bits


def gap_wires(circuit: Circuit, rows: list[int]) -> set[int]:
    """Wires in those constraints and in no others."""
    inside: set[int] = set()
    outside: set[int] = set()
    for matrix in circuit.r1cs.matrices:
        starts, wires = matrix.row_starts.tolist(), matrix.wires.tolist()
        for row in range(matrix.row_count):
            (inside if row in rows else outside).update(wires[starts[row] : starts[row + 1]])
    return inside - outside


def gap_rows(circuit: Circuit) -> list[int]:
    """The constraints of the last window: that the remainder is below the divisor."""
    inputs = circuit.input_constraints
    roles = circuit.wires.roles
    outputs = circuit.r1cs.output_count
    bits = [wire for wire, inner in enumerate(circuit.order) if roles[inner] == "bit"]
    # Bits that follow the last product or carry are those of the gap.
    solid = {"product", "carry", "remainder", "quotient"}
    last = max(w for w, inner in enumerate(circuit.order) if roles[inner] in solid)
    gap = {wire for wire in bits if wire > last}
    if not gap or last < min(bits):
        gap = set(bits[len(bits) // 2 :])
    found = []
    for row in range(inputs, circuit.constraint_count):
        wires: set[int] = set()
        for matrix in circuit.r1cs.matrices:
            start, end = matrix.row_starts[row : row + 2].tolist()
            wires.update(matrix.wires[start:end].tolist())
        if wires & gap and not wires & set(range(1, outputs + 1)):
            found.append(row)
    return found


def test_a_run_that_traps_is_no_run():
    with pytest.raises(RunTrapsError):
        operation("div", "u8").witness([1, 0])
