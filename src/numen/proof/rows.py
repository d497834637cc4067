"""A finished constraint system read back, one constraint at a time, as an analysis wants it."""

import itertools

import msgspec

from numen.ir.types import FIELD_ORDER
from numen.proof.felts import ints_from_felts
from numen.proof.lc import LC
from numen.proof.r1cs import R1CS

_HALF = FIELD_ORDER >> 1


class Row(msgspec.Struct, frozen=True, eq=False):
    """A constraint ``a * b = c``, coefficients of least size.

    Attributes:
        a: First factor.
        b: Second factor.
        c: Product.
        line: What is zero, where one factor is constant.
        truth: What is 0 or 1, where that is what the constraint says.
    """

    a: LC
    b: LC
    c: LC
    line: LC | None
    truth: LC | None

    def wires(self) -> set[int]:
        """The wires in it, the constant one too if it is."""
        return self.a.keys() | self.b.keys() | self.c.keys()


def centred(value: int) -> int:
    """The integer of least size that is congruent modulo the order."""
    value %= FIELD_ORDER
    return value - FIELD_ORDER if value > _HALF else value


def combine(a: LC, b: LC, factor: int) -> LC:
    """``a + factor * b``, coefficients of least size."""
    total = dict(a)
    for wire, k in b.items():
        left = centred(total.get(wire, 0) + factor * k)
        if left:
            total[wire] = left
        else:
            total.pop(wire, None)
    return total


def rows_of(r1cs: R1CS) -> list[Row]:
    """The constraints, one by one."""
    columns: list[list[LC]] = []
    for matrix in r1cs.matrices:
        coefficients = [centred(k) for k in ints_from_felts(matrix.coefficients)]
        starts, wires = matrix.row_starts.tolist(), matrix.wires.tolist()
        columns.append(
            [
                dict(zip(wires[start:end], coefficients[start:end], strict=True))
                for start, end in itertools.pairwise(starts)
            ]
        )
    return [_row(a, b, c) for a, b, c in zip(*columns, strict=True)]


def _row(a: LC, b: LC, c: LC) -> Row:
    line = truth = None
    if a.keys() <= {0} or b.keys() <= {0}:
        factor, other = (a, b) if a.keys() <= {0} else (b, a)
        line = combine({wire: -k for wire, k in c.items()}, other, factor.get(0, 0))
    elif not c:
        for one, other in ((a, b), (b, a)):
            if combine(one, other, -1) == {0: 1}:
                truth = one
    return Row(a, b, c, line, truth)
