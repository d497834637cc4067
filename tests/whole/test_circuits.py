"""Circuits against a prover that cheats, and cases that once went wrong."""

import random

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from numen.ir import interp
from numen.ir.interface import flatten
from numen.ir.program import program_from_module
from numen.ir.types import FIELD_ORDER
from numen.lang import LangError, compile_source
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.circuit_errors import CircuitRefusalError, RunTrapsError
from numen.proof.r1cs import check_witness
from tests.whole.attack import loose_wires
from tests.whole.everywhere import NARROW, SMALL, draw, prove
from tests.whole.straight import write


def circuits_of(source: str) -> list[Circuit]:
    """The circuit of a program as it is written, and as it is optimised."""
    module = compile_source(source)
    return [compile_circuit(each) for each in (module, program_from_module(module).module)]


def assert_proves(source: str, *argument_lists: list[int | list[int]]) -> None:
    """The circuits give what the interpreter gives, and nothing in their witnesses is loose."""
    module = compile_source(source)
    for circuit in circuits_of(source):
        for args in argument_lists:
            outcome = interp.run(module, args, work_limit=10**6)
            witness = circuit.witness(args)
            assert witness.results == outcome.results
            check_witness(circuit.r1cs, witness.felts())
            assert loose_wires(circuit, witness.values) == []


def test_a_small_number_is_not_taken_for_a_truth():
    """A value of 0 to 2 and the constant 1 differ by one at most, and are no truths."""
    source = "def main(x: u64) -> bool:\n    return x % 3 == 1\n"

    assert_proves(source, *([x] for x in range(7)))


@pytest.mark.parametrize("constant", [0, 1, 2, 3])
@pytest.mark.parametrize("modulus", [1, 2, 3, 4])
def test_small_numbers_are_compared(modulus, constant):
    source = f"""def main(x: u64, y: i64) -> tuple[bool, bool, bool]:
    return x % {modulus} == {constant}, x % {modulus} < {constant}, y % {modulus} == y // {modulus}
"""

    assert_proves(source, *([x, y] for x in range(5) for y in range(-4, 5)))


def test_an_output_whose_terms_cancel_only_modulo_the_order():
    source = f"""def main(a: felt, b: felt) -> felt:
    t = a * b
    return t * felt({FIELD_ORDER - 1}) + t
"""

    assert_proves(source, [3, 4], [0, 0])


def test_a_demand_on_a_truth_that_cancels_modulo_the_order_demands_nothing():
    source = f"""def main(a: u64) -> u64:
    truth = felt(a == 3)
    nothing = truth * felt({FIELD_ORDER - 1}) + truth
    xs = [u64(7)] * 1
    return xs[u64(nothing)]
"""

    assert_proves(source, [3], [4])


WIDE_CONSTANTS = [
    ("c: bool", "u256", "x = {high} if c else u256(1)", [[0], [1]]),
    ("c: bool", "i256", "x = i256(-5) if c else i256(-(2**255))", [[0], [1]]),
    ("c: bool", "u256", "x: u256 = {high}; x = x if c else u256(0)", [[0], [1]]),
    ("i: u64", "u256", "xs = [{high}, u256(7), u256(9)]; x = xs[i]", [[0], [1], [2]]),
    ("i: u64", "u256", "xs = [u256(7)] * 3; xs[i] = {high}; x = xs[0] ^ xs[1]", [[0], [1], [2]]),
]


@pytest.mark.parametrize(("head", "of", "line", "argument_lists"), WIDE_CONSTANTS)
def test_a_choice_of_two_wide_constants_is_a_wide_word(head, of, line, argument_lists):
    """Two constants do not tell how wide they are: 2**255 was taken modulo the order."""
    lines = line.format(high="u256(2**255)").split("; ")
    body = "".join(f"    {each}\n" for each in [*lines, "return x // 3"])

    assert_proves(f"def main({head}) -> {of}:\n{body}", *argument_lists)


def test_wide_constants_meet_where_paths_do():
    source = """def pick(c: bool) -> u256:
    if c:
        return u256(2**255)
    return u256(3)

def main(c: bool, xs: list[u256, 2]) -> tuple[u256, u256]:
    x: u256 = 2**255 + 2
    ys = [u256(0)] * 2
    if c:
        x = 5
        ys[1] = 2**254
        xs[0] = 2**253
    return x // 3 ^ pick(c) % 7, ys[1] // 5 ^ xs[0]
"""

    assert_proves(source, [0, [1, 2]], [1, [1, 2]])


def test_a_wide_quotient_that_can_only_be_zero():
    source = """def main(a: u8) -> tuple[u256, u256]:
    x: u256 = u256(a)
    return x // (2**255), x % (2**254)
"""

    assert_proves(source, [0], [4], [255])


def test_a_product_that_needs_as_many_bits_as_the_order():
    source = """def main(a: u128) -> u128:
    return wrapping_mul(a, 2**125 + 1)
"""

    assert_proves(source, [0], [5], [2**128 - 1])


@settings(max_examples=20)
@given(st.integers(0, 2**40))
def test_no_wires_of_a_random_program_are_loose(seed):
    source, args = draw(seed, NARROW)
    parts: list[int | list[int]] = []
    try:
        module = compile_source(source)
        circuit = compile_circuit(module, limits=SMALL)
        for wanted, arg in zip(module.interface.inputs, args, strict=True):
            parts += flatten(wanted.shape, arg)
        values = circuit.witness(parts).values
    except (LangError, CircuitRefusalError, RunTrapsError):
        return

    assert loose_wires(circuit, values) == []


@settings(max_examples=25)
@given(st.integers(0, 2**40))
def test_bit_operations_and_wrapping_sums_are_proven(seed):
    source, args = write(random.Random(seed))
    module = compile_source(source)
    outcome = interp.run(module, args, work_limit=10**6)

    for each in (module, program_from_module(module).module):
        event(prove(each, args, outcome))


def test_the_attack_finds_what_is_loose():
    """The attack itself: a result of which a constraint is missing is loose."""
    circuit, _ = circuits_of("def main(a: u8, b: u8) -> u8:\n    return a ^ b\n")
    values = circuit.witness([200, 7]).values
    assert loose_wires(circuit, values) == []

    found = [loose_wires(_without(circuit, row), values) for row in range(circuit.constraint_count)]

    assert sum("result" in names for names in found) == 8


def _without(circuit: Circuit, row: int) -> Circuit:
    """A circuit with one constraint emptied."""

    def emptied(matrix):
        start, end = matrix.row_starts[row : row + 2].tolist()
        starts = matrix.row_starts.copy()
        starts[row + 1 :] -= end - start
        keep = [i for i in range(len(matrix.wires)) if not start <= i < end]
        return replace(
            matrix,
            row_starts=starts,
            wires=matrix.wires[keep],
            coefficients=matrix.coefficients[keep],
        )

    r1cs = circuit.r1cs
    bare = replace(r1cs, a=emptied(r1cs.a), b=emptied(r1cs.b), c=emptied(r1cs.c))
    return replace(circuit, r1cs=bare)
