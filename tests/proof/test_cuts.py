"""The cuts of bits, against what the operations say."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from numen.proof.cuts import enumerate_cuts
from numen.proof.truth_table import INPUTS_MAX, is_one_constraint

LEAVES = 5
OPERATIONS = (0b1000, 0b1110, 0b0110, 0b0100, 0b1001)


@st.composite
def circuits(draw: st.DrawFn) -> dict[int, tuple[int, tuple[int, int]]]:
    """Operations on two different bits, among the leaves and the operations before."""
    logic = {}
    for wire in range(1 + LEAVES, 1 + LEAVES + draw(st.integers(1, 12))):
        a = draw(st.integers(1, wire - 1))
        b = draw(st.integers(1, wire - 1).filter(lambda b, a=a: b != a))
        logic[wire] = draw(st.sampled_from(OPERATIONS)), (a, b)
    return logic


@given(circuits())
def test_a_cut_is_what_the_bit_is(logic):
    cuts = enumerate_cuts(logic)

    for bits in itertools.product((0, 1), repeat=LEAVES):
        values = dict(enumerate(bits, 1))
        for wire, (operation, (a, b)) in logic.items():
            values[wire] = operation >> (values[a] | values[b] << 1) & 1
            for table, inputs in cuts.of(wire):
                index = sum(values[key] << j for j, key in enumerate(inputs))
                assert table >> index & 1 == values[wire]


@given(circuits())
def test_cuts_are_one_constraint_of_different_bits(logic):
    cuts = enumerate_cuts(logic)

    for wire in logic:
        found = cuts.of(wire)
        assert cuts.are_several(wire) == (len(found) > 1)
        for table, inputs in found:
            assert is_one_constraint(table, len(inputs))
            assert len(inputs) == len(set(inputs)) <= INPUTS_MAX


def test_words_have_the_cuts_of_one_bit():
    word = range(64)
    logic = {200 + i: (0b0110, (1 + i, 65 + i)) for i in word}
    logic |= {300 + i: (0b1000, (200 + i, 129 + i)) for i in word}

    cuts = enumerate_cuts(logic)

    assert {cuts.nodes[300 + i][0] for i in word} == {cuts.nodes[300][0]}
    assert {inputs for _, inputs in cuts.of(363)} == {(263, 192), (64, 128, 192)}
