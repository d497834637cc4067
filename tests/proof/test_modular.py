"""Arithmetic modulo a constant of 256 bits: what it costs and gives, and that it cannot lie."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ir import interp
from numen.ir.pipeline import optimise
from numen.ir.trap import Reason
from numen.lang.compile import compile_source
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.circuit_errors import RunTrapsError
from numen.proof.pins import find_pins
from numen.proof.primes import is_prime
from numen.proof.r1cs import check_witness
from numen.proof.rows import rows_of
from tests.proof.test_mutation import unnoticed
from tests.proof.test_pins import assert_pinned
from tests.strategies.circuits import without
from tests.whole.far import second_witness

P = 2**256 - 2**32 - 977
"""The field of secp256k1."""

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""The order of secp256k1."""

COMPOSITE = 3 * 5 * 7 * 2**200 + 1 * 15

MODULI = {
    "p": P,
    "n": N,
    "25519": 2**255 - 19,
    "97": 97,
    "even": 10**76 + 6,
    "composite": COMPOSITE,
}

# Expressions of three words, and the constraints that they may take beside those of the inputs.
BARS = {
    "mul_mod(a, b, M)": 670,
    "mul_mod(a, a, M)": 660,
    "mul_mod(a, sub_mod(b, c, M), M)": 670,
    "sub_mod(mul_mod(a, a, M), add_mod(b, c, M), M)": 665,
    "add_mod(mul_mod(a, b, M), mul_mod(b, c, M), M)": 695,
    "sub_mod(a, b, M)": 280,
    "a % M": 280,
    "div_mod(a, 2, M)": 280,
    "div_mod(a, b, M)": 950,
    "div_mod(sub_mod(a, b, M), sub_mod(b % M, c % M, M), M)": 1230,
}

PATHS = {
    "a choice": "div_mod(a, b, M) if c > a else mul_mod(a, b, M)",
    "a division by zero that is not taken": "div_mod(a, b, M) if b % M != 0 else c",
}

EXPRESSIONS = {**{text: text for text in BARS}, **PATHS}

EDGES = [0, 1, 2, 3, P - 1, P, P + 1, N - 1, N, N + 1, 2**64, 2**128 - 1, 2**255, 2**256 - 1]

words = st.sampled_from(EDGES) | st.integers(0, 2**256 - 1)


def source(text: str, modulus: int) -> str:
    expression = text.replace("M", str(modulus))
    return f"def main(a: u256, b: u256, c: u256) -> u256:\n    return {expression}\n"


def compiled(text: str, modulus: int) -> Circuit:
    return compile_circuit(optimise(compile_source(source(text, modulus))))


def is_void(text: str, modulus: int) -> bool:
    """Whether every run traps, so that there is no circuit."""
    return "(a, 2," in text and modulus % 2 == 0


EVERY = [
    pytest.param(text, modulus, id=f"{text} {name}")
    for text in EXPRESSIONS.values()
    for name, modulus in MODULI.items()
    if not is_void(text, modulus)
]


def agree(text: str, modulus: int, args: list[int]) -> None:
    module = optimise(compile_source(source(text, modulus)))
    outcome = interp.run(module, list(args), work_limit=10**9)
    circuit = compile_circuit(module)
    if outcome.trap is not None:
        assert outcome.trap.reason is Reason.DIVISION_BY_ZERO
        with pytest.raises(RunTrapsError):
            circuit.witness(list(args))
        return
    found = circuit.witness(list(args))
    assert found.results == outcome.results
    check_witness(circuit.r1cs, found.wires)


@pytest.mark.parametrize("text", BARS)
def test_arithmetic_modulo_a_prime_takes_few_constraints(text: str):
    circuit = compiled(text, P)

    assert circuit.constraint_count - circuit.input_constraints <= BARS[text]


@pytest.mark.parametrize(("text", "modulus"), EVERY)
def test_circuits_give_what_the_interpreter_gives(text: str, modulus: int):
    dice = random.Random(f"{text} {modulus}")
    for _ in range(6):
        agree(text, modulus, [dice.choice([*EDGES, dice.getrandbits(256)]) for _ in range(3)])


def chains(depth: int) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["a", "b", "c", "7", str(P - 1), "max(a, b)"])
    if depth == 0:
        return leaves
    inner = chains(depth - 1)
    call = st.tuples(st.sampled_from(["add_mod", "sub_mod", "mul_mod"]), inner, inner)
    return leaves | call.map(lambda parts: "{}({}, {}, M)".format(*parts))


@settings(max_examples=40)
@given(st.tuples(chains(4), chains(4)), st.sampled_from([P, N, 97]), st.tuples(words, words, words))
def test_chains_give_what_the_interpreter_gives(pair, modulus, args):
    agree("add_mod({}, {}, M) ^ a".format(*pair), modulus, list(args))


@pytest.mark.parametrize(("text", "modulus"), EVERY)
def test_everything_is_pinned(text: str, modulus: int):
    assert_pinned(compiled(text, modulus))


LIES = [("p", text) for text in EXPRESSIONS.values()] + [
    (name, text)
    for name in ("n", "97", "even")
    for text in ("mul_mod(a, b, M)", "div_mod(a, b, M)", "sub_mod(a, b, M)")
]


@pytest.mark.parametrize(("name", "text"), LIES)
def test_there_is_no_other_witness(name: str, text: str):
    circuit = compiled(text, MODULI[name])
    dice = random.Random(text)
    # Small results are those to which the modulus can be added in 256 bits.
    for args in ([7, 7, 9], [7, 7, 2**255 + 1], [dice.getrandbits(250) for _ in range(3)]):
        args[1] |= 1  # with a little luck a unit of every modulus here
        assert unnoticed(circuit, list(args)) == []
        assert second_witness(circuit, list(args), dice, 60) == []


def bound_rows(circuit: Circuit, at: int) -> set[int]:
    """Constraints that say that a rest is below the modulus: those between its bits and others."""
    roles = [circuit.wires.roles[inner] for inner in circuit.order]
    inverses = [wire for wire, role in enumerate(roles) if role == "zero inverse"]
    tests = {inverses[at], inverses[at] + 1}
    found = set()
    for row in range(circuit.input_constraints, circuit.constraint_count):
        for matrix in circuit.r1cs.matrices:
            start, end = matrix.row_starts[row : row + 2].tolist()
            if tests & set(matrix.wires[start:end].tolist()):
                found.add(row)
    return found


@pytest.mark.parametrize("text", ["mul_mod(a, b, M)", "div_mod(a, 2, M)"])
def test_without_its_bound_a_small_rest_is_not_the_only_one(text: str):
    """The bound is what rules out the rest plus the modulus, and the check sees that it is gone."""
    whole = compiled(text, P)
    weak = without(whole, bound_rows(whole, 0))
    args: list[int | list[int]] = [4, 1, 0]

    assert second_witness(whole, args, random.Random(3), 300) == []
    assert second_witness(weak, args, random.Random(3), 300) != []
    assert find_pins(weak.r1cs).loose


def test_without_its_test_zero_divides_zero():
    """The classic: a slope of two equal points may be anything unless the divisor is tested."""
    whole = compiled("div_mod(sub_mod(a % M, b % M, M), sub_mod(a % M, b % M, M), M)", P)
    roles = [whole.wires.roles[inner] for inner in whole.order]

    assert find_pins(whole.r1cs).loose == ()
    with pytest.raises(RunTrapsError):
        whole.witness([9, 9, 0])
    demands = {
        index
        for index, row in enumerate(rows_of(whole.r1cs))
        if row.line is not None and len(row.line) == 1 and roles[min(row.line)] == "and"
    }
    assert demands
    assert find_pins(without(whole, demands).r1cs).loose


def test_a_path_that_is_not_taken_may_divide_by_zero():
    text = "div_mod(a, b, M) if b % M != 0 else c"

    assert compiled(text, P).witness([3, P, 8]).results == (8,)
    assert compiled(text, COMPOSITE).witness([3, 0, 8]).results == (8,)


def test_sums_are_worked_out_before_they_grow_long():
    lines = "".join("    x = add_mod(x, mul_mod(x, b, M), M)\n" for _ in range(12))
    text = f"def main(a: u256, b: u256) -> u256:\n    x = a\n{lines}    return x\n"
    module = optimise(compile_source(text.replace("M", str(P))))
    args: list[int | list[int]] = [2**255 + 12345, P - 2]
    circuit = compile_circuit(module)

    assert circuit.witness(args).results == interp.run(module, args, work_limit=10**9).results
    assert circuit.constraint_count < 512 + 12 * 700


PRIMES = {
    2: True, 3: True, 4: False, 1: False, 0: False, 97: True, 561: False, 3215031751: False,
    P: True, N: True, P * 3 >> 1: False, 2**255 - 19: True, (2**127 - 1) * (2**127 - 1): False,
}  # fmt: skip


@pytest.mark.parametrize(("n", "expected"), PRIMES.items())
def test_primes_are_told_from_others(n: int, expected: bool):
    assert is_prime(n) == expected
