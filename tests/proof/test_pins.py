"""The static check that constraints leave no choice, and that what it shows is so."""

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from numen.ir.types import FIELD_ORDER
from numen.lang.compile import compile_source
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.circuit_errors import CircuitRefusalError, RunTrapsError
from numen.proof.pins import Rule, find_pins, is_positional
from numen.proof.r1cs import R1CS
from numen.proof.wires import Limits
from tests.strategies.circuits import EDGES, OPERATIONS, operation, without
from tests.strategies.ir import runs
from tests.whole.attack import loose_wires

SMALL = Limits(steps=20_000, constraints=4_000)


def assert_pinned(circuit: Circuit) -> None:
    """Every wire is shown to be pinned, or is free and said to be."""
    named = circuit.r1cs.statement_count + circuit.r1cs.private_count
    free = {wire.wire for wire in circuit.free_wires() if wire.wire > named}
    pins = find_pins(circuit.r1cs)

    assert [circuit.name(wire) for wire in pins.loose] == []
    assert set(pins.free) == free


@pytest.mark.parametrize(("op", "word"), OPERATIONS, ids=str)
def test_every_operation_is_pinned(op: str, word: str):
    assert_pinned(operation(op, word))


PROGRAMS = {
    "branches": """
def main(c: u8, a: u64) -> u64:
    if c == 0:
        x = a + 1
    elif c == 1:
        if a > 10:
            return a - 10
        x = a * 2
    else:
        x = 100 // a
    return x * x
""",
    "arrays": """
def main(a: list[u32, 8], i: u64, x: u32, grow: bool) -> tuple[u32, list[u32, 8]]:
    b = a.copy()
    b[i] = x
    if grow:
        b[7 - i] = b[i] + 1
    return b[(i + 3) % 8], b
""",
    "loops": """
def main(a: list[u64, 4], limit: u64) -> u64:
    total = 0
    for i in range(4):
        if a[i] > limit:
            if total > limit:
                break
            total += 1
        total += a[i]
    return total
""",
    "divisions on a path": """
def main(c: bool, a: u256, b: u256, x: i64, y: i64) -> tuple[u256, i64]:
    q, r = a, x
    if c:
        q, r = a // b, x % y
    return q, r
""",
    "divisions by constants": """
def main(a: u256, b: i128, c: u64) -> tuple[u256, i128, u64]:
    return a // 10**30 + a % 7, b // -3, c % 1000
""",
    "poseidon": """
from numen.std.poseidon import poseidon

def main(a: felt, b: felt) -> felt:
    return poseidon(a, b)
""",
    "floats": """
from numen.std.floats import add, mul

def main(x: u64, y: u64) -> tuple[u64, u64]:
    return add(x, y), mul(x, y)
""",
    "order": """
from numen.std.sorting import order_u64

def main(keys: list[u64, 6]) -> list[u64, 6]:
    return order_u64(keys)
""",
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_pinned(name: str):
    assert_pinned(compile_circuit(compile_source(PROGRAMS[name])))


@pytest.mark.slow
def test_sha256_is_pinned():
    source = """
from numen.std.sha256 import sha256

def main(m: list[u8, 32]) -> list[u8, 32]:
    return sha256(m)
"""
    assert_pinned(compile_circuit(compile_source(source)))


@pytest.mark.slow
def test_decimals_and_powers_are_pinned():
    source = """
from numen.std.decimals import div
from numen.std.exponential import exp

def main(x: u128, y: i128) -> u128:
    return div(x, exp(y), 0)
"""
    assert_pinned(compile_circuit(compile_source(source)))


ELEMENT = "def main(a: felt) -> u256:\n    return u256(a)\n"


def test_bits_of_an_element_are_those_of_the_number_below_the_order():
    circuit = compile_circuit(compile_source(ELEMENT))

    assert_pinned(circuit)
    assert Rule.CANONICAL in find_pins(circuit.r1cs).rules.values()
    assert loose_wires(circuit, circuit.witness([FIELD_ORDER - 1]).values) == []


def test_a_missing_part_of_that_proof_is_noticed():
    whole = compile_circuit(compile_source(ELEMENT))
    matrices = whole.r1cs.matrices
    single = [  # the constraints that are more than that a wire is a bit
        row
        for row in range(whole.constraint_count)
        if any(m.row_starts[row + 1] - m.row_starts[row] > 2 for m in matrices)
        or matrices[2].row_starts[row + 1] > matrices[2].row_starts[row]
    ]
    some_bits = range(0, whole.constraint_count, 29)

    silent = [
        row for row in {*single, *some_bits} if not find_pins(without(whole, {row}).r1cs).loose
    ]

    assert silent == []


@settings(max_examples=40)
@given(runs(words=EDGES, statements_max=8))
def test_random_programs_are_pinned(run):
    try:
        circuit = compile_circuit(run[0], limits=SMALL)
    except CircuitRefusalError as error:
        event(type(error).__name__)
        return

    assert_pinned(circuit)


@settings(max_examples=40)
@given(runs(words=EDGES, statements_max=4), st.data())
def test_what_is_said_to_be_pinned_is_not_loose(run, data):
    """Of circuits that lack a constraint the check may say less, but nothing that is wrong."""
    try:
        whole = compile_circuit(run[0], limits=Limits(steps=5_000, constraints=1_000))
        values = whole.witness(run[1]).values
    except (CircuitRefusalError, RunTrapsError):
        return
    if not whole.constraint_count:
        return
    gone = data.draw(st.sets(st.integers(0, whole.constraint_count - 1), min_size=1, max_size=3))
    circuit = without(whole, gone)

    pinned = find_pins(circuit.r1cs).rules

    said = {whole.name(wire) for wire in pinned}
    assert [name for name in loose_wires(circuit, values) if name in said] == []


@pytest.mark.parametrize(
    ("op", "word"), [("add", "u8"), ("rem", "u8"), ("eq", "u8"), ("lt", "i64")]
)
def test_a_constraint_that_is_missing_is_noticed(op: str, word: str):
    whole = operation(op, word)
    body = range(whole.input_constraints, whole.constraint_count)

    silent = [row for row in body if not find_pins(without(whole, {row}).r1cs).loose]

    assert silent == []


def rows(*of: tuple[dict[int, int], dict[int, int], dict[int, int]], wires: int) -> R1CS:
    return R1CS.from_rows(of, wire_count=wires, private_count=1)


def bit(wire: int) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    return {wire: 1}, {wire: 1, 0: -1}, {}


@pytest.mark.parametrize(
    "system",
    [
        rows(({1: 1}, {2: 1}, {0: 1, 3: 1}), wires=4),  # two unknown in one constraint
        rows(({1: 1}, {2: 1}, {1: 1}), wires=3),  # where the input is zero, anything will do
        rows(({2: 1}, {2: 1}, {1: 1}), wires=3),  # a root has two signs
        rows(bit(2), bit(3), ({2: 1, 3: 1, 1: -1}, {0: 1}, {}), wires=4),  # 1 is 0 + 1 and 1 + 0
        rows(bit(2), ({2: 1}, {3: 1}, {}), wires=4),  # a bit that may be zero frees the other
        rows(({1: 1}, {2: 1}, {0: 1, 3: -1}), wires=4),  # half a zero test
    ],
)  # fmt: skip
def test_what_leaves_a_choice_is_loose(system: R1CS):
    assert find_pins(system).loose


def test_bits_of_an_element_are_not_told_by_their_sum():
    bits = range(2, 2 + 254)
    line = {wire: 1 << index for index, wire in enumerate(bits)}
    system = rows(*(bit(wire) for wire in bits), (line, {0: 1}, {1: 1}), wires=256)

    assert set(find_pins(system).loose) == set(bits)


def test_the_rule_of_digits():
    assert is_positional([(1, 1), (2, 1), (4, 1)])
    assert is_positional([(1, 3), (4, 1)])
    assert not is_positional([(1, 4), (4, 1)])
    assert not is_positional([(1, 1), (1, 1)])
    assert is_positional([(1 << i, 1) for i in range(253)])
    assert not is_positional([(1 << i, 1) for i in range(254)])
    assert not is_positional([(FIELD_ORDER, 1)])


def test_every_rule_is_used():
    used = set()
    for op, word in [("rem", "u8"), ("rem", "u128"), ("eq", "u8"), ("add", "u8")]:
        used |= set(find_pins(operation(op, word).r1cs).rules.values())

    used |= set(find_pins(compile_circuit(compile_source(ELEMENT)).r1cs).rules.values())

    assert used == set(Rule)
