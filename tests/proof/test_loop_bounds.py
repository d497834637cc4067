"""Loops that the inputs end, in circuits with a bound for their rounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ir import interp
from numen.ir.program import program_from_module
from numen.lang.compile import compile_source
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.circuit_errors import RunTrapsError, TooLargeError, TooManyRoundsError
from numen.proof.r1cs import check_witness
from numen.proof.wires import Limits
from tests.proof.test_soundness import Rows, follow, holds, inputs_of

HALVINGS = """
def main(n: u16) -> u16:
    count = u16(0)
    while n > 1:
        n = n // 2
        count = count + 1
    return count
"""
TESTED_LAST = """
def main(n: u16) -> u16:
    count = u16(0)
    while True:
        n = n // 2
        count = count + 1
        if n == 0:
            break
    return count
"""
NESTED = """
def main(n: u8, m: u8) -> u16:
    total = u16(0)
    i = u8(0)
    while i < n:
        j = u8(0)
        while j < m:
            total = total + 1
            j = j + 1
        i = i + 1
    return total
"""
FIXED = """
def main(n: u8) -> u8:
    for i in range(6):
        if u8(i) == n:
            break
        n = n ^ 1
    return n
"""


def bounded(text: str, rounds: int) -> Circuit:
    program = program_from_module(compile_source(text))
    return compile_circuit(program.module, limits=Limits(rounds=rounds))


def check(circuit: Circuit, text: str, args: list[int], *, is_enough: bool) -> None:
    """The circuit proves the run, if its rounds are enough, and no other."""
    wanted = interp.run(compile_source(text), args, work_limit=10**6).results
    if is_enough:
        found = circuit.witness(args)
        assert found.results == wanted
        check_witness(circuit.r1cs, found.felts())
        return
    with pytest.raises(TooManyRoundsError, match="needs more than") as caught:
        circuit.witness(args)
    assert caught.value.place is not None
    assert "--loop-bound" in caught.value.hint
    assert not holds(circuit, follow(circuit, args, -1, 0))


@pytest.mark.parametrize("rounds", [0, 1, 2, 5])
def test_a_loop_takes_as_many_rounds_as_its_bound(rounds):
    circuit = bounded(HALVINGS, rounds)

    for n in (0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 63, 64, 65535):
        check(circuit, HALVINGS, [n], is_enough=n.bit_length() - 1 <= rounds)


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_a_loop_that_tests_last_does_so_too(rounds):
    circuit = bounded(TESTED_LAST, rounds)

    for n in (0, 1, 2, 3, 4, 7, 8, 31, 32, 63, 64, 65535):
        check(circuit, TESTED_LAST, [n], is_enough=max(n.bit_length(), 1) <= rounds)


def test_every_loop_has_the_bound_each_time_it_is_entered():
    circuit = bounded(NESTED, 3)

    for n, m in ((0, 9), (1, 3), (3, 3), (3, 0), (2, 1)):
        check(circuit, NESTED, [n, m], is_enough=n == 0 or max(n, m) <= 3)
    for n, m in ((4, 0), (1, 4), (3, 200)):
        check(circuit, NESTED, [n, m], is_enough=False)


def test_a_loop_that_ends_by_itself_needs_no_bound():
    without = compile_circuit(compile_source(FIXED))

    assert bounded(FIXED, 2).constraint_count == without.constraint_count
    check(bounded(FIXED, 2), FIXED, [100], is_enough=True)


def test_a_trap_in_a_loop_is_a_trap():
    circuit = bounded(HALVINGS.replace("count + 1", "count + 60000"), 4)

    with pytest.raises(RunTrapsError, match="overflow"):
        circuit.witness([15])


def test_the_place_of_the_loop_is_said():
    with pytest.raises(TooManyRoundsError) as caught:
        bounded(HALVINGS, 1).witness([9])

    assert (caught.value.place.line, caught.value.trap.message) == (
        4,
        "the loop needs more than 1 round",
    )


def test_a_bound_that_is_out_of_reach_is_refused_when_the_circuit_has_grown_too_large():
    text = HALVINGS.replace("u16", "u64").replace("n // 2", "n ^ (n * n % 7)")

    with pytest.raises(TooLargeError):
        compile_circuit(compile_source(text), limits=Limits(rounds=1 << 40, constraints=5_000))


@given(n=st.integers(0, 7), m=st.integers(0, 7), rounds=st.integers(0, 4))
def test_rounds_that_are_not_taken_change_nothing(n, m, rounds):
    check(bounded(NESTED, rounds), NESTED, [n, m], is_enough=n <= rounds and (not n or m <= rounds))


def test_changing_a_wire_of_a_bounded_loop_is_noticed():
    circuit = bounded(HALVINGS, 4)
    values = circuit.witness([13]).values
    rows, free = Rows(circuit), {wire.wire for wire in circuit.free_wires()}
    sums = rows.sums(values)

    assert [
        circuit.name(wire)
        for wire in range(1, len(values))
        if wire not in inputs_of(circuit)
        and wire not in free
        and not all(rows.reject(sums, wire, change) for change in (1, -1, 12345))
    ] == []


RANGES = {
    "an assertion": """
def main(n: u64) -> u64:
    assert n <= 9
    t: u64 = 0
    for i in range(n):
        t = t * 3 + i
    return t
""",
    "a narrow word": """
def main(n: u8) -> u64:
    t: u64 = 0
    for i in range(n % 16):
        t += u64(i) * u64(i)
    return t
""",
    "left in the middle": """
def main(n: u64) -> u64:
    m = n % 6
    t: u64 = 1
    i: u64 = 0
    while True:
        t = t * 2 + i
        if i == m:
            break
        i += 1
        t = t ^ n
    return t
""",
    "nested": """
def main(n: u64) -> u64:
    t: u64 = 0
    for i in range(n % 4):
        j: u64 = 7
        while j > i:
            j -= 1
            t += j ^ n
    return t
""",
}


@pytest.mark.parametrize("name", RANGES)
def test_loops_that_ranges_bound_need_no_bound_of_their_own(name: str):
    program = program_from_module(compile_source(RANGES[name]))
    circuit = compile_circuit(program.module)

    for n in (*range(20), 254, 255):
        wanted = interp.run(program.module, [n], work_limit=10**6)
        if wanted.trap is not None:
            with pytest.raises(RunTrapsError):
                circuit.witness([n])
            continue
        found = circuit.witness([n])
        assert found.results == wanted.results
        check_witness(circuit.r1cs, found.felts())


def test_a_bound_that_is_known_is_taken_for_a_greater_one_that_is_asked_for():
    module = program_from_module(compile_source(RANGES["an assertion"])).module

    known, asked = compile_circuit(module), compile_circuit(module, limits=Limits(rounds=500))
    assert asked.constraint_count == known.constraint_count
    less = compile_circuit(module, limits=Limits(rounds=3))
    assert less.constraint_count < known.constraint_count
    with pytest.raises(TooManyRoundsError):
        less.witness([4])
