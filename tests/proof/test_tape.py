"""Tapes: native code fills the wires as the plan does, and stays within its arrays."""

import random

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from numen.ir.trap import TrapError
from numen.kernels.errors import KernelInputError
from numen.kernels.tape import Tape, check_tape
from numen.kernels.tape_code import Action
from numen.lang.compile import compile_source
from numen.proof import tape as tapes
from numen.proof import witness
from numen.proof.circuit import Circuit, compile_circuit, wire_values
from numen.proof.circuit_errors import CircuitRefusalError
from numen.proof.errors import FormatError
from numen.proof.felts import felts_from_ints, ints_from_felts
from numen.proof.tape_file import read_tape, write_tape
from numen.proof.wires import Limits
from tests.strategies.circuits import EDGES, OPERATIONS, operation
from tests.strategies.ir import runs

EDGE = (0, 1, 2, 3, 7, -1, -2, 2**31, 2**63, 2**64 - 1, 2**127, 2**128 - 1, 2**255)


def assert_agrees(circuit: Circuit, args: list[int | list[int]]) -> None:
    """The tape fills every wire as the plan does, or stops where the plan traps."""
    values = [0] * len(circuit.wires.roles)
    values[0] = 1
    words = [
        part
        for leaf, arg in zip(circuit.inputs, args, strict=True)
        for word in ([arg] if isinstance(arg, int) else arg)
        for part in wire_values(leaf.word, word)
    ]
    for wire, value in zip(circuit.input_wires, words, strict=True):
        values[circuit.order[wire]] = value
    filled = felts_from_ints(values)
    traps = False
    try:
        witness.follow(circuit.wires.plan, values)
    except (TrapError, ZeroDivisionError):
        traps = True

    stopped = circuit.tape.follow(filled)

    assert traps == (stopped < len(circuit.tape.steps))
    if not traps:
        assert ints_from_felts(filled) == values


@pytest.mark.parametrize(("op", "word"), OPERATIONS, ids=str)
def test_every_operation_agrees_with_the_plan(op: str, word: str):
    circuit = operation(op, word)
    r = random.Random(f"{op} {word}")
    for _ in range(8):
        args: list[int | list[int]] = []
        for leaf in circuit.inputs:
            of = leaf.word
            edges = [edge for edge in (*EDGE, of.low, of.high) if edge in of]
            args.append(r.choice([*edges, r.randint(of.low, of.high)]))
        assert_agrees(circuit, args)


@settings(max_examples=60)
@given(runs(words=EDGES, statements_max=10))
def test_random_programs_agree_with_the_plan(run):
    try:
        circuit = compile_circuit(run[0], limits=Limits(steps=20_000, constraints=20_000))
    except CircuitRefusalError as error:
        event(type(error).__name__)
        return

    assert_agrees(circuit, run[1])


def test_every_action_is_recorded():
    used = set()
    for op, word in [*OPERATIONS, ("div", "felt")]:
        used |= set(operation(op, word).tape.steps[:, 0].tolist())
    path = "def main(c: bool, a: felt) -> felt:\n    if c:\n        a = 1 / a\n    return a\n"
    modular = "def main(a: u256, b: u256) -> u256:\n    return div_mod(a, b, 2**255 - 19)\n"
    for source in ("def main(a: felt) -> u256:\n    return u256(a)\n", path, modular):
        used |= set(compile_circuit(compile_source(source)).tape.steps[:, 0].tolist())

    assert used == set(Action)


def sample() -> Tape:
    return operation("rem", "i128").tape


ARRAYS = ("steps", "starts", "wires", "kinds", "constants", "wides")


@settings(max_examples=300)
@given(st.data())
def test_a_tape_that_is_changed_is_refused_or_stays_within_its_arrays(data):
    tape = sample()
    name = data.draw(st.sampled_from(ARRAYS))
    array = getattr(tape, name).copy()
    flat = array.reshape(-1)
    at = data.draw(st.integers(0, len(flat) - 1))
    info = np.iinfo(array.dtype)
    near = st.sampled_from([0, 1, 2, 7, 11, 12, 255, 256, 704, tape.wire_count, len(tape.starts)])
    flat[at] = data.draw(near | st.integers(int(info.min), int(info.max)))
    changed = replace(tape, **{name: array})
    try:
        check_tape(changed)
    except KernelInputError:
        return
    values = np.zeros((tape.wire_count, 4), dtype=np.uint64)
    values[0, 0] = 1

    assert 0 <= changed.follow(values) <= len(tape.steps)


def test_an_array_of_another_length_is_refused():
    tape = sample()

    with pytest.raises(KernelInputError):
        tape.follow(np.zeros((tape.wire_count - 1, 4), dtype=np.uint64))
    with pytest.raises(KernelInputError):
        check_tape(replace(tape, wire_count=tape.wire_count - 1, starts=tape.starts[:-1].copy()))
    with pytest.raises(KernelInputError):
        check_tape(replace(tape, steps=tape.steps[:, :7].copy()))


def test_a_tape_is_read_back():
    tape = sample()
    again = read_tape(write_tape(tape))

    assert again.wire_count == tape.wire_count
    for name in ARRAYS:
        assert np.array_equal(getattr(again, name), getattr(tape, name))


@settings(max_examples=200)
@given(st.data())
def test_bytes_that_are_changed_are_refused_or_another_tape(data):
    good = write_tape(operation("rem", "u8").tape)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + data.draw(st.binary(max_size=3)) + good[at + data.draw(st.integers(0, 3)) :]
    try:
        read_tape(bad)
    except FormatError:
        return


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xc1", b"\x93\x01\x02\x03", b"\xff" * 40])
def test_what_is_no_tape_is_refused(data: bytes):
    with pytest.raises(FormatError):
        read_tape(data)


def test_the_recorder_knows_every_hint():
    hints = {
        value
        for name, value in vars(witness).items()
        if callable(value)
        and getattr(value, "__module__", "") == witness.__name__
        and name not in {"follow", "exact", "total"}
    }

    assert set(tapes._RECORDERS) == hints
