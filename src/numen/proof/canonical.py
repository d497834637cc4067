"""Bits of a number below the order, found in finished constraints.

The bits of 254 places name some elements twice: as a number, and as that number plus the order. A
number above the order less one has its first bit that differs where that constant has a zero. So
constraints rule it out, if the bits above being those of the constant, it follows that this one is
zero too. What follows is found by propagation: from the wires whose values are known, a constraint
in which one wire is left gives its value, and so does a sum of wires that is zero and that none
of them lowers.
"""

import itertools
from collections.abc import Container, Mapping, Sequence

from numen.ir.types import FIELD_ORDER
from numen.proof.lc import LC
from numen.proof.rows import Row, centred, combine
from numen.proof.spans import Spans

_WIRES_MAX = 260
"""Constraints of more wires are not looked at: they say what bits sum up to, not what they are."""


def canonical_bits(
    rows: Sequence[Row],
    spans: Spans,
    where: Mapping[int, Sequence[int]],
    pinned: Container[int],
    start: int = 0,
) -> list[int]:
    """Find the bits of one element that are pinned as those of a number below the order.

    Args:
        rows: The constraints.
        spans: Ranges of wires.
        where: Constraints by wire.
        pinned: Wires that are known to be pinned.
        start: The constraint to begin with.
    """
    for row in itertools.islice(rows, start, None):
        if row.line is None or len(row.line) < FIELD_ORDER.bit_length():
            continue
        bits = _bits(row.line, spans, pinned)
        if bits and are_at_most(bits, FIELD_ORDER - 1, rows, spans, where):
            return bits
    return []


def _bits(line: LC, spans: Spans, pinned: Container[int]) -> list[int]:
    """The open wires of a sum, if they are bits that count 1, 2, 4 and so on."""
    left = {wire: k for wire, k in line.items() if wire not in pinned}
    bits = sorted(left, key=lambda wire: abs(left[wire]))
    sign = 1 if bits and left[bits[0]] == 1 else -1
    # Heavy weights are near the order, and their least size may be that of a negative number.
    weights = [sign * left[wire] % FIELD_ORDER for wire in bits]
    order = sorted(range(len(bits)), key=weights.__getitem__)
    if [weights[index] for index in order] != [1 << index for index in range(len(bits))]:
        return []
    return [bits[i] for i in order] if all(spans.of_wire(w) == (0, 1) for w in bits) else []


def are_at_most(
    bits: Sequence[int],
    most: int,
    rows: Sequence[Row],
    spans: Spans,
    where: Mapping[int, Sequence[int]],
) -> bool:
    """Whether bits, lowest first, are shown to be those of a number that is at most a constant."""
    known = _Consequences(rows, spans, where)
    for place in reversed(range(len(bits))):
        if most >> place & 1:
            known.assume(bits[place], 1)
        elif known.values.get(bits[place]) != 0:
            return False
    return True


class _Consequences:
    """Values of wires that follow from values of others.

    Attributes:
        values: By wire, assumed or found.
    """

    def __init__(
        self, rows: Sequence[Row], spans: Spans, where: Mapping[int, Sequence[int]]
    ) -> None:
        self.rows, self.spans, self.where = rows, spans, where
        self.values = {0: 1}

    def assume(self, wire: int, value: int) -> None:
        """Give a wire a value, and others what follows."""
        self.values.setdefault(wire, value)
        todo = [wire]
        while todo:
            for index in self.where[todo.pop()]:
                row = self.rows[index]
                if len(row.a) + len(row.b) + len(row.c) > _WIRES_MAX:
                    continue
                for other, found in self._solved(self._zero(row)).items():
                    if other not in self.values:
                        self.values[other] = found
                        todo.append(other)

    def _open(self, line: LC) -> LC:
        """A sum with the wires that have values put together."""
        total: LC = {}
        for wire, k in line.items():
            value = self.values.get(wire)
            if value is None:
                total[wire] = k
            elif value:
                left = centred(total.get(0, 0) + k * value)
                if left:
                    total[0] = left
                else:
                    total.pop(0, None)
        return total

    def _zero(self, row: Row) -> LC:
        """A sum that is zero by a constraint if one factor of it is known; else the empty sum."""
        a, b = self._open(row.a), self._open(row.b)
        if not a.keys() <= {0}:
            a, b = b, a
        if not a.keys() <= {0}:
            return {}
        return combine(self._open({wire: -k for wire, k in row.c.items()}), b, a.get(0, 0))

    def _solved(self, line: LC) -> LC:
        """The values of wires whose sum is zero, where there is one choice."""
        wires = line.keys() - {0}
        if len(wires) == 1:
            (wire,) = wires
            return {wire: -line.get(0, 0) * pow(line[wire], -1, FIELD_ORDER) % FIELD_ORDER}
        spans = [(k, self.spans.of_wire(wire)) for wire, k in line.items()]
        reach = sum(k * span[1] for k, span in spans if span is not None)
        is_never_less = all(k > 0 and span is not None and span[0] == 0 for k, span in spans)
        return dict.fromkeys(line, 0) if is_never_less and reach < FIELD_ORDER else {}
