"""That a circuit proves what it says: against the interpreter, and against provers that cheat."""

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from numen.ir import interp
from numen.ir.nodes import Module
from numen.ir.parse import parse_module
from numen.ir.types import BOOL, FELT, FIELD_ORDER, I64, I128, I256, U8, U16, U32, U64, U128, U256
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.circuit_errors import (
    AlwaysTrapsError,
    CircuitRefusalError,
    RunTrapsError,
)
from numen.proof.r1cs import check_witness
from numen.proof.wires import Limits
from tests.strategies.cheats import CHECKS, Rows, follow, holds, inputs_of
from tests.strategies.ir import runs

NARROW = (BOOL, U8, U16, U32, U64, U128, I64, I128, FELT)
"""The words that a wire holds."""

WIDE = (BOOL, U64, U128, U256, I256, FELT)
"""Words of 256 bits, and those that become them."""

SMALL = Limits(steps=20_000, constraints=20_000)

WORK = 10**7

Run = tuple[Module, list[int | list[int]]]


def some_runs() -> st.SearchStrategy[Run]:
    return runs(words=NARROW, statements_max=12) | runs(words=WIDE, statements_max=6)


def compiled(module: Module) -> Circuit | None:
    """A circuit, or None where there is none: too large, or without an end."""
    try:
        return compile_circuit(module, limits=SMALL)
    except CircuitRefusalError as error:
        event(type(error).__name__)
        return None


@settings(max_examples=150)
@given(some_runs())
def test_a_circuit_gives_what_the_interpreter_gives(run: Run):
    module, args = run
    outcome = interp.run(module, args, work_limit=WORK)

    try:
        circuit = compile_circuit(module, limits=SMALL)
    except AlwaysTrapsError:
        assert outcome.trap is not None
        return
    except CircuitRefusalError as error:
        event(type(error).__name__)
        return
    trap, found = None, None
    try:
        found = circuit.witness(args)
    except RunTrapsError as error:
        trap = error.trap

    assert trap == outcome.trap
    if found is not None:
        assert found.results == outcome.results
        check_witness(circuit.r1cs, found.felts())


@settings(max_examples=100)
@given(some_runs())
def test_a_run_that_traps_has_no_witness_for_a_cheat_either(run: Run):
    module, args = run
    circuit = compiled(module)
    if circuit is None:
        return

    values = follow(circuit, args, -1, 0)

    is_sound = interp.run(module, args, work_limit=WORK).trap is None
    assert holds(circuit, values) == is_sound


@settings(max_examples=60)
@given(some_runs(), st.integers(1, FIELD_ORDER - 1))
def test_changing_a_wire_is_noticed(run: Run, delta: int):
    module, args = run
    circuit = compiled(module)
    if circuit is None or interp.run(module, args, work_limit=WORK).trap is not None:
        return
    values = circuit.witness(args).values
    rows = Rows(circuit)
    sums = rows.sums(values)
    free = {wire.wire for wire in circuit.free_wires()}

    unnoticed = [
        circuit.name(wire)
        for wire in range(1, len(values))
        if wire not in inputs_of(circuit)
        and wire not in free
        and not all(rows.reject(sums, wire, change) for change in (1, -1, delta))
    ]

    assert unnoticed == []


@settings(max_examples=60)
@given(some_runs(), st.data())
def test_a_hint_that_lies_is_noticed(run: Run, data: st.DataObject):
    module, args = run
    circuit = compiled(module)
    if circuit is None or interp.run(module, args, work_limit=WORK).trap is not None:
        return
    plan = circuit.wires.plan
    free = {circuit.order[wire.wire] for wire in circuit.free_wires()}
    kept = set(circuit.order)
    steps = [i for i, (hint, first, _) in enumerate(plan) if first in kept and hint not in CHECKS]
    if not steps:
        return
    steps = [i for i in steps if plan[i][1] not in free]

    for step in data.draw(st.lists(st.sampled_from(steps), max_size=12)) if steps else ():
        lie = follow(circuit, args, step, data.draw(st.sampled_from([1, -1, 5])))
        assert not holds(circuit, lie), circuit.wires.roles[plan[step][1]]


@settings(max_examples=60)
@given(some_runs())
def test_every_wire_stands_in_a_constraint(run: Run):
    circuit = compiled(run[0])
    if circuit is None:
        return
    used = Rows(circuit).of
    unused = {wire.wire for wire in circuit.free_wires()}

    assert [w for w in range(1, circuit.r1cs.wire_count) if w not in used and w not in unused] == []


TEST = """program main(a: u32, b: u32) -> bool

func main -> (bool)
start(a: u32, b: u32):
    r = eq.u32 a, b
    return r
"""


def test_the_inverse_of_zero_is_free_and_named():
    circuit = compile_circuit(parse_module(TEST))
    (free,) = circuit.free_wires()
    values = circuit.witness([5, 5]).values

    values[free.wire] = 77

    assert "zero inverse" in free.name
    assert "zero has no inverse" in free.reason
    assert holds(circuit, values)


def test_an_inverse_of_something_else_is_not_free():
    circuit = compile_circuit(parse_module(TEST))
    (free,) = circuit.free_wires()
    values = circuit.witness([5, 6]).values

    values[free.wire] = (values[free.wire] + 1) % FIELD_ORDER

    assert not holds(circuit, values)


def test_an_input_that_nothing_uses_is_free_and_named():
    text = """program main(a: felt, private b: felt) -> felt

func main -> (felt)
start(a: felt, b: felt):
    r = mul.felt a, a
    return r
"""
    circuit = compile_circuit(parse_module(text))

    (free,) = circuit.free_wires()

    assert free.name == "b"
    assert "does not use" in free.reason


@pytest.mark.parametrize("word", ["u8", "u64", "i64", "u128", "i128", "bool"])
def test_an_input_outside_its_type_has_no_witness(word: str):
    text = f"""program main(private a: {word}) -> felt

func main -> (felt)
start(a: {word}):
    r = const.felt 7
    return r
"""
    circuit = compile_circuit(parse_module(text))
    leaf = circuit.inputs[0].word

    for value in (leaf.low - 1, leaf.high + 1, leaf.high + 2, FIELD_ORDER // 2):
        assert not holds(circuit, follow(circuit, [value], -1, 0))
    for value in (leaf.low, leaf.high, 0, 1):
        assert holds(circuit, follow(circuit, [value], -1, 0))
