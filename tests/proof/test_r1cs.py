"""Circuits and witnesses: what satisfies, what does not, and which row says so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.kernels.field import FR
from numen.proof.bn254 import R
from numen.proof.errors import CircuitError, UnsatisfiedError, WitnessError
from numen.proof.felts import felts_from_ints, first_not_below, ints_from_felts
from numen.proof.r1cs import R1CS, check_witness, domain_log, multiply
from tests.strategies.r1cs import scalars, solved_circuits, value_of

# x * x = y, y * x = z, with z public
CUBE = [({2: 1}, {2: 1}, {3: 1}), ({3: 1}, {2: 1}, {1: 1})]


def cube():
    return R1CS.from_rows(CUBE, wire_count=4, output_count=1, private_count=1)


@given(values=st.lists(st.integers(0, 2**256 - 1)))
def test_felts_hold_integers(values):
    assert ints_from_felts(felts_from_ints(values)) == values


edges = st.integers(0, 2**256 - 1) | st.sampled_from([R - 1, R, R + 1, R ^ 1 << 64, R - (1 << 64)])


@given(values=st.lists(edges), bound=edges)
def test_the_first_element_that_is_not_below_a_bound_is_found(values, bound):
    expected = next((i for i, value in enumerate(values) if value >= bound), None)

    assert first_not_below(felts_from_ints(values), bound) == expected


@given(solved=solved_circuits())
@settings(max_examples=40)
def test_a_solved_circuit_is_satisfied(solved):
    check_witness(solved.r1cs, solved.witness)


@given(solved=solved_circuits(rows_max=8))
@settings(max_examples=40)
def test_a_matrix_times_a_witness_is_what_its_rows_say(solved):
    form = FR.to_montgomery(solved.witness)
    for column, matrix in enumerate(solved.r1cs.matrices):
        expected = [value_of(row[column], solved.values) for row in solved.rows]
        assert ints_from_felts(multiply(matrix, form)) == expected


@given(solved=solved_circuits(), data=st.data(), value=scalars)
@settings(max_examples=40)
def test_the_first_row_that_fails_is_named(solved, data, value):
    values = list(solved.values)
    values[data.draw(st.integers(0, len(values) - 1))] = value
    values[0] = 1
    products = [tuple(value_of(terms, values) for terms in row) for row in solved.rows]
    bad = [i for i, (a, b, c) in enumerate(products) if a * b % R != c]

    if not bad:
        check_witness(solved.r1cs, felts_from_ints(values))
    else:
        with pytest.raises(UnsatisfiedError) as caught:
            check_witness(solved.r1cs, felts_from_ints(values))
        error = caught.value
        assert (error.row, (error.a, error.b, error.c)) == (bad[0], products[bad[0]])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1, 27, 3], "shape"),
        ([1, 27, 3, 9, 0], "shape"),
        ([], "shape"),
        ([2, 27, 3, 9], "wire 0"),
        ([0, 0, 0, 0], "wire 0"),
        ([1 + R, 27, 3, 9], "wire 0"),
        ([1, 27 + R, 3, 9], "wire 1"),
        ([1, 27, 3, 2**256 - 1], "wire 3"),
    ],
)
def test_what_has_not_the_form_of_a_witness_is_refused(values, reason):
    with pytest.raises(WitnessError, match=reason):
        check_witness(cube(), felts_from_ints(values))


def test_a_witness_of_another_type_is_refused():
    for witness in (np.zeros((4, 4), dtype=np.int64), np.zeros((4, 4)), np.zeros(16, np.uint64)):
        with pytest.raises(WitnessError):
            check_witness(cube(), witness)


@pytest.mark.parametrize(
    "arguments",
    [
        {"wire_count": 3},
        {"wire_count": 0},
        {"wire_count": 1 << 32},
        {"wire_count": 4, "output_count": 4},
        {"wire_count": 4, "output_count": -1, "public_count": 1},
        {"wire_count": 4, "private_count": 4},
    ],
)
def test_circuits_that_contradict_themselves_are_refused(arguments):
    with pytest.raises(CircuitError):
        R1CS.from_rows(CUBE, **arguments)


@pytest.mark.parametrize("wire", [-1, 1 << 32, 1 << 64])
def test_wires_out_of_range_are_refused(wire):
    with pytest.raises(CircuitError):
        R1CS.from_rows([({wire: 1}, {}, {})], wire_count=4)


def test_coefficients_are_taken_modulo_the_prime():
    r1cs = R1CS.from_rows([({1: -1, 2: R}, {0: R + 2}, {0: 2 * R})], wire_count=3)

    assert ints_from_felts(r1cs.a.coefficients) == [R - 1]
    assert ints_from_felts(r1cs.b.coefficients) == [2]
    assert len(r1cs.c.coefficients) == 0


@pytest.mark.parametrize(
    ("rows", "statement", "log"), [(0, 0, 0), (0, 1, 1), (1, 0, 1), (2, 1, 2), (3, 0, 2), (4, 0, 3)]
)
def test_the_domain_has_a_row_for_each_constraint_and_wire_of_the_statement(rows, statement, log):
    r1cs = R1CS.from_rows([({}, {}, {})] * rows, wire_count=9, public_count=statement)

    assert domain_log(r1cs) == log
    assert 1 << log >= rows + statement + 1
