"""Bits of a number below the order, found in finished constraints.

The bits of 254 places name some elements twice: as a number, and as that number plus the order.
With ``top`` and ``bottom`` the two parts of the bits, constraints rule the second one out that say

    room = C - top >= 0
    last = (room = 0)
    last * (B - bottom) >= 0

for then the number is at most ``C * 2**h + B``, which is below the order.
"""

import itertools
from collections.abc import Container, Iterator, Mapping, Sequence

from numen.ir.types import FIELD_ORDER
from numen.proof.lc import LC
from numen.proof.rows import Row
from numen.proof.spans import Spans

_NARROW = FIELD_ORDER >> 2


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
        if bits and any(_is_below(rows, spans, where, bits, index) for index in where[bits[-1]]):
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


def _rest(row: Row, part: LC, spans: Spans) -> int | None:
    """How far a sum can reach that a constraint proves not to be negative; None if it does not.

    The constraint is ``part - (other bits) = 0 or 1``.
    """
    if row.truth is None or any(row.truth.get(wire) != k for wire, k in part.items()):
        return None
    reach = 1
    for wire, k in row.truth.items():
        if wire not in part:
            span = spans.of_wire(wire)
            if span is None or k > 0 or span[0] < 0 or wire == 0:
                return None
            reach -= k * span[1]
    return reach if reach < _NARROW else None


def _is_below(
    rows: Sequence[Row],
    spans: Spans,
    where: Mapping[int, Sequence[int]],
    bits: list[int],
    index: int,
) -> bool:
    """Whether a constraint on the highest bit begins the proof that a number is below the order."""
    truth = rows[index].truth
    if truth is None or truth.keys() <= {0, bits[-1]}:
        return False
    low = next(i for i, wire in enumerate(bits) if wire in truth)
    room = {wire: -1 << i for i, wire in enumerate(bits[low:])} | {0: truth.get(0, 0)}
    if not 0 < room[0] < _NARROW or 1 << len(bits) - low > _NARROW:
        return False
    if _rest(rows[index], room, spans) is None:
        return False
    return any(
        _bounds_bottom(rows, spans, where, bits[:low], room[0], last)
        for last in _tests_of_zero(rows, where, room, bits[-1])
    )


def _tests_of_zero(
    rows: Sequence[Row], where: Mapping[int, Sequence[int]], room: LC, near: int
) -> Iterator[int]:
    """Wires that are 1 where a sum is zero."""
    for index in where[near]:
        row = rows[index]
        if room in (row.a, row.b) and row.c.get(0) == 1 and len(row.c) == 2:
            (wire,) = row.c.keys() - {0}
            if row.c[wire] == -1:
                yield wire


def _bounds_bottom(
    rows: Sequence[Row],
    spans: Spans,
    where: Mapping[int, Sequence[int]],
    bits: list[int],
    top: int,
    last: int,
) -> bool:
    """Whether, where the top is the highest one allowed, the bottom is small enough."""
    for index in where[last]:
        row = rows[index]
        gap = row.b if row.a == {last: 1} else row.a
        least = gap.get(0, 0)
        wanted = {wire: -1 << i for i, wire in enumerate(bits)} | {0: least}
        if {last: 1} not in (row.a, row.b) or gap != wanted or len(row.c) != 1:
            continue
        ((product, k),) = row.c.items()
        is_small = 0 <= least < _NARROW and 1 << len(bits) < _NARROW
        if k != 1 or not is_small or (top << len(bits)) + least >= FIELD_ORDER:
            continue
        if any(_rest(rows[at], {product: 1}, spans) is not None for at in where[product]):
            return True
    return False
