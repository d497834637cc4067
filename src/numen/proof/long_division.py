"""Long division, found in finished constraints: ``a = b * q + r`` and ``0 <= r < b``, limb by limb.

Each limb of such an equation is a constraint, and carries join it to the next. Where every limb is
an equation of integers, because its range is shorter than the order, the sum of the limbs, each
times its weight, is one too; in it the carries cancel. What is left says that ``a - b * q - r`` is
zero; a second sum of this kind says that ``b - 1 - r`` is a sum of bits, and so not negative. Two
solutions for one ``a`` and ``b`` then differ in ``r`` by a multiple of ``b`` that is less than
``b``, which is zero.

So it is of an inverse, ``c * r = b * q + 1``: the equation says that ``c`` and ``b`` have no common
divisor, so of two solutions the difference in ``r`` is a multiple of ``b`` too.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from numen.ir.types import FIELD_ORDER
from numen.proof.lc import LC, accumulate
from numen.proof.moduli import is_division
from numen.proof.rows import Row
from numen.proof.spans import Spans

_CHAIN_MAX = 64
"""Limbs of the longest sum that is looked for."""


def long_division(
    rows: Sequence[Row],
    spans: Spans,
    where: Mapping[int, Sequence[int]],
    pinned: Container[int],
    start: int = 0,
) -> list[int]:
    """Find the wires of one quotient and remainder that are pinned by long division.

    Args:
        rows: The constraints.
        spans: Ranges of wires.
        where: Constraints by wire.
        pinned: Wires that are known to be pinned.
        start: The constraint to begin with.

    Returns:
        Wires that are pinned too; none where nothing is found.
    """
    return _Search(rows, spans, where, pinned).found(start)


class _Search:
    """The search for one division."""

    def __init__(
        self,
        rows: Sequence[Row],
        spans: Spans,
        where: Mapping[int, Sequence[int]],
        pinned: Container[int],
    ) -> None:
        self.rows, self.spans, self.where, self.pinned = rows, spans, where, pinned
        self.tried: set[int] = set()

    def found(self, start: int) -> list[int]:
        for index in range(start, len(self.rows)):
            row = self.rows[index]
            if row.line is None or index in self.tried or not self._open(row.line):
                continue
            equation = self._chain(index, with_truths=False)
            factors = self._factors(equation)
            if factors is None:
                continue
            known = self._known({wire: k for wire, k in equation.items() if wire in self.pinned})
            for window in self._windows(factors):
                if self._is_divided(factors, known, window):
                    return list(factors)
            if is_division(factors, self.rows, self.spans, self.where):
                return list(factors)
        return []

    def _known(self, line: LC) -> LC:
        """A sum in which wires that are always the same are numbers."""
        total: LC = {}
        for wire, k in line.items():
            span = self.spans.of_wire(wire)
            if span is not None and span[0] == span[1]:
                if span[0]:
                    accumulate(total, {0: 1}, k * span[0])
            else:
                accumulate(total, {wire: 1}, k)
        return total

    def _open(self, line: LC) -> LC:
        return {wire: k for wire, k in line.items() if wire not in self.pinned}

    def _equation(self, index: int) -> LC | None:
        """What a constraint says is zero, or 0 or 1, if that holds for integers too."""
        row = self.rows[index]
        line = row.truth if row.line is None else row.line
        if line is None:
            return None
        span = self.spans.of(line)
        if span is None:
            return None
        return line if span[0] > 1 - FIELD_ORDER and span[1] < FIELD_ORDER else None

    def _chain(self, start: int, *, with_truths: bool) -> LC:
        """A sum of equations in which carries cancel.

        The sum is zero, or where truths take part, not negative.
        """
        first = self._equation(start)
        if first is None:
            return {}
        total, used = dict(first), {start}
        while len(used) < _CHAIN_MAX:
            found = self._next(total, used, with_truths=with_truths)
            if found is None:
                break
            index, factor, line = found
            used.add(index)
            accumulate(total, line, factor)
        if not with_truths:
            self.tried |= used
        return total

    def _next(self, total: LC, used: set[int], *, with_truths: bool) -> tuple[int, int, LC] | None:
        """The next limb: a constraint, by how much it counts, and what it says."""
        for wire, k in total.items():
            limbs = [] if wire in self.pinned else self._limbs(wire)
            if len(limbs) != 2:
                continue  # a carry stands in two limbs, and a bit of a word somewhere else too
            for index in limbs:
                row = self.rows[index]
                line = row.line or (row.truth if with_truths else None)
                if index in used or not line:
                    continue
                factor, rest = divmod(-k, line[wire])
                if rest == 0 and factor > 1 and self._equation(index) is not None:
                    return index, factor, line
        return None

    def _limbs(self, wire: int) -> list[int]:
        """Constraints on a wire, but for the one that makes it a bit."""
        found = []
        for index in self.where[wire]:
            truth = self.rows[index].truth
            if truth is None or truth.keys() - {0, wire}:
                found.append(index)
        return found

    def _factors(self, equation: LC) -> dict[int, LC] | None:
        """What each open wire of an equation is multiplied by: sums of pinned wires."""
        factors: dict[int, LC] = {}
        for wire, k in self._open(equation).items():
            if self.spans.of_wire(wire) == (0, 1):
                accumulate(factors.setdefault(wire, {}), {0: 1}, k)
                continue
            product = next(self._products(wire), None)
            if product is None:
                return None
            divisor, quotient = product
            for digit, weight in self._open(quotient).items():
                if self.spans.of_wire(digit) != (0, 1):
                    return None
                accumulate(factors.setdefault(digit, {}), divisor, k * weight)
        return {wire: factor for wire, factor in factors.items() if factor}

    def _products(self, wire: int) -> Iterator[tuple[LC, LC]]:
        """The factors of a wire: one that is pinned, and one that is not."""
        for index in self.where[wire]:
            row = self.rows[index]
            if row.c != {wire: 1}:
                continue
            for known, other in ((row.a, row.b), (row.b, row.a)):
                if not self._open(known) and self._open(other):
                    yield known, other

    def _windows(self, factors: Mapping[int, LC]) -> Iterator[int]:
        """Where a sum that bounds the rest may begin: with the lowest of its bits."""
        seen: set[int] = set()
        for wire in factors:
            for index in self.where[wire]:
                row = self.rows[index]
                if row.truth is not None and len(row.truth) > 2 and index not in seen:
                    seen.add(index)
                    yield index

    def _is_divided(self, factors: Mapping[int, LC], known: LC, start: int) -> bool:
        """Whether a second sum says that the rest is below the divisor, so that all are digits."""
        bound = self._chain(start, with_truths=True)
        divisor = self._known({wire: k for wire, k in bound.items() if wire in self.pinned})
        accumulate(divisor, {0: 1}, 1)
        rest: dict[int, int] = {}
        for wire, k in self._open(bound).items():
            span = self.spans.of_wire(wire)
            if wire in factors and k < 0 and _multiple(factors[wire], divisor) is None:
                rest[wire] = -k
            elif span is None or max(k * span[0], k * span[1]) > 0:
                return False
        if not rest or not _are_digits(rest.values()):
            return False
        times = _common(factors, rest)
        if times is None or not (times in ({0: 1}, {0: -1}) or _is_one(known, divisor)):
            return False
        weights = [_multiple(of, divisor) for wire, of in factors.items() if wire not in rest]
        return _are_digits([abs(weight or 0) for weight in weights])


def _common(factors: Mapping[int, LC], rest: Mapping[int, int]) -> LC | None:
    """What the digits of the rest are multiplied by, beside their weights, if it is the same."""
    near = min(rest, key=rest.__getitem__)
    times = {wire: k // rest[near] for wire, k in factors[near].items()}
    same = all(
        factors[digit] == {wire: k * weight for wire, k in times.items()}
        for digit, weight in rest.items()
    )
    return times if same else None


def _is_one(known: LC, divisor: LC) -> bool:
    """Whether a sum is 1 or -1, but for a multiple of another."""
    for one in (1, -1):
        left = dict(known)
        accumulate(left, {0: one}, 1)
        if not left or _multiple(left, divisor) is not None:
            return True
    return False


def _multiple(line: LC, of: LC) -> int | None:
    """The integer that one sum is of another, if it is one."""
    if not of or line.keys() != of.keys():
        return None
    near = next(iter(of))
    weight, rest = divmod(line[near], of[near])
    same = rest == 0 and all(line[wire] == weight * k for wire, k in of.items())
    return weight if same and weight else None


def _are_digits(weights: Iterable[int]) -> bool:
    """Whether bits of such weights are told by their sum."""
    below = 0
    for weight in sorted(weights):
        if weight <= below:
            return False
        below += weight
    return True
