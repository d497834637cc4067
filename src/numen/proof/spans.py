"""Ranges of wires that follow from constraints: bits are 0 or 1, and what is made of bits is small.

A span ``(low, high)`` of a wire says that in every witness its value is congruent to an integer in
it. Spans of sums are sums of spans, so they hold for the integers that the wires' spans mean.
"""

from collections import deque
from collections.abc import Sequence
from typing import TypeAlias

from numen.ir.types import FIELD_ORDER
from numen.proof.lc import LC
from numen.proof.rows import Row, combine

Span: TypeAlias = tuple[int, int]
"""Least and greatest integer."""

_DIGITS_MAX = 16
"""Terms of the longest sum that is solved for its bits."""

_BITS_MAX = 3
"""Bits of which all choices are tried."""

_KNOWN_MAX = 16
"""Most numbers in a sum that are replaced by their bits."""

_WIDTH_MAX = FIELD_ORDER >> 1
"""A wider span says nothing worth knowing."""


class Spans:
    """What is known of the ranges of wires.

    Attributes:
        wires: Span by wire.
        truths: Combinations that are 0 or 1.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.wires: dict[int, Span] = {0: (1, 1)}
        self.truths: set[tuple[tuple[int, int], ...]] = set()
        self._lowest: dict[int, LC] = {}
        for row in rows:
            if row.truth is not None:
                self.truths.add(_key(row.truth))
                self.truths.add(_key(_other_truth(row.truth)))
                self._note_lowest(row.truth)
        self._note_tests(rows)
        self._settle(rows)
        for row in rows:
            if row.line is not None and 2 < len(row.line) <= _DIGITS_MAX:
                self._fix(row.line)

    def of_wire(self, wire: int) -> Span | None:
        """The span of a wire, if it has one."""
        return self.wires.get(wire)

    def of(self, line: LC) -> Span | None:
        """The span of a combination, if it has one."""
        if _key(line) in self.truths:
            return (0, 1)
        found = self._total(line)
        known = [wire for wire in line if wire in self._lowest]
        if found is None or not known or len(known) > _KNOWN_MAX:
            return found
        low = high = 0
        for wire in known:
            # In place of a number its bits: those that the sum takes off it are then gone.
            k = line[wire]
            line = combine(line, self._lowest[wire], -k)
            low, high = low + min(k, 0), high + max(k, 0)
        rest = self._total(line)
        if rest is None:
            return found
        low, high = max(found[0], low + rest[0]), min(found[1], high + rest[1])
        return (low, high) if low <= high else found

    def _total(self, line: LC) -> Span | None:
        """The sum of spans."""
        low = high = 0
        for wire, k in line.items():
            span = self.wires.get(wire)
            if span is None:
                return None
            ends = (k * span[0], k * span[1])
            low, high = low + min(ends), high + max(ends)
        return low, high

    def _note_lowest(self, truth: LC) -> None:
        """Note a number whose lowest bit is what its other bits leave of it."""
        ones = [wire for wire, k in truth.items() if k == 1 and wire]
        if len(truth) > 2 and len(ones) == 1 and max(truth.values()) == 1:
            self._lowest.setdefault(ones[0], truth)

    def _note_tests(self, rows: Sequence[Row]) -> None:
        """Note truths of ``x * inverse = 1 - out`` and ``x * out = 0``: 0 or 1, whatever x is."""
        tested: dict[int, list[LC]] = {}
        for row in rows:
            if len(row.c) == 2 and row.c.get(0) == 1:
                out = next(wire for wire in row.c if wire)
                if row.c[out] == -1:
                    tested.setdefault(out, []).extend((row.a, row.b))
        for row in rows:
            for x, other in ((row.a, row.b), (row.b, row.a)):
                if not row.c and len(other) == 1 and x in tested.get(next(iter(other)), ()):
                    self.wires[next(iter(other))] = (0, 1)

    def _settle(self, rows: Sequence[Row]) -> None:
        """Follow what constraints say of wires until nothing new comes of it."""
        where: dict[int, list[int]] = {}
        missing: list[set[int]] = []
        for index, row in enumerate(rows):
            missing.append(row.wires() - self.wires.keys())
            for wire in missing[index]:
                where.setdefault(wire, []).append(index)
        ready = [index for index, wires in enumerate(missing) if len(wires) == 1]
        # What is always the same comes first: of two spans of a wire, the first is kept.
        todo = deque(sorted(ready, key=lambda index: rows[index].line is None))
        while todo:
            index = todo.popleft()
            if len(missing[index]) != 1:
                continue
            (wire,) = missing[index]
            span = self._says(rows[index], wire)
            if span is None or span[1] - span[0] >= _WIDTH_MAX:
                continue
            self.wires[wire] = span
            for other in where[wire]:
                missing[other].discard(wire)
                if len(missing[other]) == 1:
                    todo.append(other)

    def _fix(self, line: LC) -> None:
        """Find the bits of which a weighted sum is a constant, where there is one choice of them.

        Formula: with ``1 - bit`` in place of a bit of negative weight, the sum of weights that
        each outweigh all smaller ones is read from the heaviest down.
        """
        weights = sorted((abs(k), wire) for wire, k in line.items() if wire)
        below = 0
        for weight, wire in weights:
            if weight <= below or self.wires.get(wire) != (0, 1):
                return
            below += weight
        rest = -line.get(0, 0) - sum(k for wire, k in line.items() if wire and k < 0)
        if not 0 <= rest <= below < FIELD_ORDER >> 1:
            return
        found: dict[int, int] = {}
        for weight, wire in reversed(weights):
            taken = rest >= weight
            rest -= weight * taken
            found[wire] = int(taken == (line[wire] > 0))
        if rest == 0:
            self.wires.update((wire, (value, value)) for wire, value in found.items())

    def _says(self, row: Row, wire: int) -> Span | None:
        """What a constraint says of the only wire in it without a span."""
        if row.truth is not None:
            return self._solve(row.truth, wire, (0, 1))
        if row.line is not None:
            return self._solve(row.line, wire, (0, 0))
        table = self._tabulated(row, wire)
        if table is not None:
            return table
        if wire in row.a or wire in row.b or row.c[wire] not in {1, -1}:
            return None
        for truth, other in ((row.a, row.b), (row.b, row.a)):
            span = self._chosen(truth, other, row.c, wire)
            if span is not None:
                return span
        a, b = self.of(row.a), self.of(row.b)
        if a is None or b is None:
            return None
        corners = [x * y for x in a for y in b]
        return self._solve(row.c, wire, (min(corners), max(corners)))

    def sums(self, line: LC) -> list[int] | None:
        """All values of a sum of a few bits, in the order of their numbers; None of other sums."""
        bits = sorted(line.keys() - {0})
        if len(bits) > _BITS_MAX or any(self.wires.get(bit) != (0, 1) for bit in bits):
            return None
        found = [line.get(0, 0)]
        for bit in bits:
            found += [value + line[bit] for value in found]
        return found

    def _tabulated(self, row: Row, wire: int) -> Span | None:
        """The span of a wire of one factor, worked out for all choices of the few bits beside it.

        Formula: ``d * (k * wire + e) = f``, where ``d`` is never zero.
        """
        for d, factor in ((row.a, row.b), (row.b, row.a)):
            if wire not in factor or wire in d or wire in row.c:
                continue
            bits = (d.keys() | factor.keys() | row.c.keys()) - {0, wire}
            rest = {other: k for other, k in factor.items() if other != wire}
            sums = [self.sums({**dict.fromkeys(bits, 0), **part}) for part in (d, rest, row.c)]
            found = []
            for x, e, f in zip(*(part or [] for part in sums), strict=True):
                if x % FIELD_ORDER == 0 or (f - x * e) % (x * factor[wire]):
                    return None
                found.append((f - x * e) // (x * factor[wire]))
            return (min(found), max(found)) if found else None
        return None

    def _solve(self, line: LC, wire: int, total: Span) -> Span | None:
        """The span of a wire of a sum, from the span of the sum."""
        if line[wire] not in {1, -1}:
            return None
        rest = self.of({other: k for other, k in line.items() if other != wire})
        if rest is None:
            return None
        low, high = total[0] - rest[1], total[1] - rest[0]
        return (low, high) if line[wire] == 1 else (-high, -low)

    def _chosen(self, factor: LC, other: LC, c: LC, wire: int) -> Span | None:
        """The span of a wire where ``factor * other = c`` and the factor is a scaled truth.

        Formula: with ``factor = m * truth`` and ``c = k * wire + t * truth + rest``, ``k * wire``
        is ``-rest`` or ``m * other - t - rest``.
        """
        weights = [abs(k) for w, k in factor.items() if w]
        size = min(weights, default=0)
        if size == 0 or any(k % size for k in factor.values()):
            return None
        truth = {w: k // size for w, k in factor.items()}
        span = self.of(truth)
        if span is None or span[0] < 0 or span[1] > 1:
            return None
        rest = {w: k for w, k in c.items() if w != wire}
        near = next(w for w in truth if w)
        turns = rest.get(near, 0) // truth[near]
        rest = combine(rest, truth, -turns)
        ends = [
            self.of(combine({}, rest, -1)),
            self.of(combine(combine(combine({}, other, size), rest, -1), {0: 1}, -turns)),
        ]
        low = high = 0
        for index, end in enumerate(ends):
            if end is None:
                return None
            low = end[0] if index == 0 else min(low, end[0])
            high = end[1] if index == 0 else max(high, end[1])
        return (low, high) if c[wire] == 1 else (-high, -low)


def _key(line: LC) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(line.items()))


def _other_truth(truth: LC) -> LC:
    """One minus a truth."""
    other = {wire: -k for wire, k in truth.items()}
    constant = other.get(0, 0) + 1
    if constant:
        other[0] = constant
    else:
        other.pop(0, None)
    return other
