"""Random circuits, each with a witness that satisfies it."""

import msgspec
from hypothesis import strategies as st

from numen.proof.bn254 import R
from numen.proof.felts import Felts, felts_from_ints
from numen.proof.r1cs import R1CS

scalars = st.sampled_from([0, 1, 2, R - 1, R - 2, 1 << 64]) | st.integers(0, R - 1)


class Solved(msgspec.Struct, frozen=True):
    """A circuit and the values of its wires."""

    r1cs: R1CS
    rows: list
    values: list[int]

    @property
    def witness(self) -> Felts:
        return felts_from_ints(self.values)

    @property
    def statement(self) -> list[int]:
        return self.values[1 : self.r1cs.statement_count + 1]


def _combination(wires):
    return st.dictionaries(st.sampled_from(wires), scalars, max_size=3)


def value_of(terms, values):
    return sum(k * values[wire] for wire, k in terms.items()) % R


@st.composite
def solved_circuits(draw, inputs_max=4, rows_max=6):
    """Circuits whose rows are products; each row defines a wire, or relates those there are."""
    input_count = draw(st.integers(0, inputs_max))
    values = [1, *draw(st.lists(scalars, min_size=input_count, max_size=input_count))]
    rows = []
    for _ in range(draw(st.integers(0, rows_max))):
        wires = list(range(len(values)))
        a, b, c = (draw(_combination(wires)) for _ in range(3))
        rest = (value_of(a, values) * value_of(b, values) - value_of(c, values)) % R
        if draw(st.booleans()):
            values.append(rest)
            c = {**c, len(values) - 1: 1}
        else:
            c = {**c, 0: (c.get(0, 0) + rest) % R}
        rows.append((a, b, c))
    named = draw(st.integers(0, len(values) - 1))
    outputs = draw(st.integers(0, named))
    public = draw(st.integers(0, named - outputs))
    r1cs = R1CS.from_rows(
        rows,
        wire_count=len(values),
        output_count=outputs,
        public_count=public,
        private_count=named - outputs - public,
    )
    return Solved(r1cs, rows, values)
