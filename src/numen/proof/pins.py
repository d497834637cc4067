"""Whether constraints leave a prover any choice: a static check that every wire is pinned.

Given the inputs, a constraint system pins a wire when every witness holds the same value there. The
check works on the finished constraints alone and knows nothing of how they were made. It starts
from the inputs and applies, until nothing new follows, rules each of which is a proof of
uniqueness:

- *solved*: a constraint in which one wire is left, times what cannot be zero;
- *digits*: a sum whose parts have ranges that do not overlap, as bits of a word;
- *zero test*: ``x * inverse = 1 - out`` and ``x * out = 0``; the inverse of zero is free;
- *division*: ``0 <= rest < b`` and ``rest = a - b * quotient`` without passing the order;
- *long division*: the same of sums of limbs, joined by their carries, and inverses;
- *canonical*: bits of an element that are proven to be those of the number below the order.

What no rule reaches is listed: it may still be pinned by an argument that is not among the rules.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from enum import Enum

import msgspec

from numen.ir.types import FIELD_ORDER
from numen.proof.canonical import canonical_bits
from numen.proof.lc import LC
from numen.proof.long_division import long_division
from numen.proof.r1cs import R1CS
from numen.proof.rows import Row, combine, rows_of
from numen.proof.spans import Span, Spans


class Rule(Enum):
    """Why a wire is pinned, or free without harm."""

    GIVEN = "given"
    SOLVED = "solved"
    DIGITS = "digits"
    ZERO_TEST = "zero test"
    DIVISION = "division"
    LONG_DIVISION = "long division"
    CANONICAL = "bits of a number below the order"
    FREE = "inverse of a value that may be zero"


class Pins(msgspec.Struct, frozen=True):
    """What the check found.

    Attributes:
        rules: By wire, how it was shown to be pinned, or that it is free without harm.
        loose: Wires that no rule reaches, in order.
    """

    rules: dict[int, Rule]
    loose: tuple[int, ...]

    @property
    def free(self) -> tuple[int, ...]:
        """Wires of which nothing else depends, and that any number may fill in some witnesses."""
        return tuple(wire for wire, rule in self.rules.items() if rule is Rule.FREE)


def find_pins(r1cs: R1CS) -> Pins:
    """Check a constraint system.

    Args:
        r1cs: The constraints; public and private inputs are taken as given.

    Cost: about linear in the entries of the matrices, some 10 microseconds each.
    """
    return _Checker(r1cs).check()


class _Checker:
    """The check of one constraint system."""

    def __init__(self, r1cs: R1CS) -> None:
        self.wire_count = r1cs.wire_count
        self.rows = rows_of(r1cs)
        self.spans = Spans(self.rows)
        named = r1cs.statement_count + r1cs.private_count
        given = [0, *range(1 + r1cs.output_count, 1 + named)]
        self.rules: dict[int, Rule] = dict.fromkeys(given, Rule.GIVEN)
        self._start = 0
        self.where: dict[int, list[int]] = {}
        for index, row in enumerate(self.rows):
            for wire in row.wires():
                self.where.setdefault(wire, []).append(index)

    def check(self) -> Pins:
        """Apply the rules until nothing new follows."""
        self._follow(range(len(self.rows)))
        while found := self._seek():
            self._follow(sorted({index for wire in found for index in self.where[wire]}))
        loose = tuple(wire for wire in range(self.wire_count) if wire not in self.rules)
        return Pins(self.rules, loose)

    def _seek(self) -> list[int]:
        """Apply the rules that look at many constraints; the wires that one of them pins."""
        # Constraints stand in the order of the program, so what can be shown next comes first.
        while self._start < len(self.rows) and self.rows[self._start].wires() <= self.rules.keys():
            self._start += 1
        for rule, search in ((Rule.CANONICAL, canonical_bits), (Rule.LONG_DIVISION, long_division)):
            found = search(self.rows, self.spans, self.where, self.rules, self._start)
            if found:
                self.rules.update(dict.fromkeys(found, rule))
                return found
        return []

    def _follow(self, rows: Iterable[int]) -> None:
        """Apply the rules to constraints, and to others as more is known of their wires."""
        todo = deque(rows)
        waiting = set(todo)
        while todo:
            index = todo.popleft()
            waiting.discard(index)
            for wire in self._consequences(index):
                for other in self.where.get(wire, ()):
                    if other not in waiting:
                        waiting.add(other)
                        todo.append(other)

    def _consequences(self, index: int) -> Iterator[int]:
        """What a constraint pins that was not pinned before."""
        row = self.rows[index]
        found: Iterable[tuple[int, Rule]]
        if row.truth is not None:
            found = self._truth(row.truth) or self._division(index, row.truth)
        elif row.line is not None:
            found = self._digits(row.line)
        else:
            found = self._product(index, row)
        for wire, rule in found:
            if wire not in self.rules:
                self.rules[wire] = rule
                yield wire

    def _open(self, line: LC) -> LC:
        """The part of a combination that is not pinned."""
        return {wire: k for wire, k in line.items() if wire not in self.rules}

    def _digits(self, line: LC) -> list[tuple[int, Rule]]:
        """Wires of a sum that is zero, if no two choices of them have the same sum."""
        left = self._open(line)
        if len(left) == 1:
            return [(wire, Rule.SOLVED) for wire in left]
        if left and self._is_positional(left, []):
            return [(wire, Rule.DIGITS) for wire in left]
        return []

    def _truth(self, truth: LC) -> list[tuple[int, Rule]]:
        """Wires of a sum that is 0 or 1: the sum itself is the lowest digit."""
        left = self._open(truth)
        if left and self._is_positional(left, [(1, 1)]):
            return [(wire, Rule.DIGITS) for wire in left]
        return []

    def _is_positional(self, left: LC, more: list[tuple[int, int]]) -> bool:
        """Whether weighted ranges do not overlap, so that a sum tells its parts.

        Two choices of the same sum differ by a sum of ``weight * difference`` that is zero modulo
        the order, and as an integer where all of them together are below the order. The heaviest
        part that differs outweighs the others, if it is heavier than all they can make up for.

        Args:
            left: Wires and their weights.
            more: Weights and widths of parts that are no wires.
        """
        parts = list(more)
        for wire, k in left.items():
            span = self.spans.of_wire(wire)
            if span is None:
                return False
            parts.append((abs(k), span[1] - span[0]))
        return is_positional(parts)

    def _product(self, index: int, row: Row) -> list[tuple[int, Rule]]:
        a, b, c = self._open(row.a), self._open(row.b), self._open(row.c)
        if not a and not b:
            return self._digits(row.c)
        tested = self._zero_test(index, row)
        if tested:
            return tested
        for known, other in ((row.a, row.b), (row.b, row.a)):
            if self._open(known) or c or not self._is_never_zero(known, row.c):
                continue
            return self._digits(other)
        return []

    def _is_never_zero(self, factor: LC, product: LC) -> bool:
        """Whether a factor cannot be zero: its product is not, or its range has no zero."""
        if product.keys() == {0}:
            return True
        values = self.spans.sums(factor)
        if values is not None and all(value % FIELD_ORDER for value in values):
            return True
        span = self.spans.of(factor)
        return span is not None and (span[0] > 0 or span[1] < 0) and _is_narrow(span)

    def _zero_test(self, index: int, row: Row) -> list[tuple[int, Rule]]:
        """``x * inverse = 1 - out`` and ``x * out = 0``: ``out`` is 1 just where ``x`` is zero."""
        for x, inverse in ((row.a, row.b), (row.b, row.a)):
            out = combine({0: 1}, row.c, -1)
            if self._open(x) or not self._open(inverse) or not self._open(out):
                continue
            left = self._open(out)
            if len(left) != 1 or not self._has_product(x, out, left):
                continue
            found = [(wire, Rule.ZERO_TEST) for wire in left]
            if len(inverse) == 1:
                (wire,) = inverse
                if self.where[wire] == [index]:
                    found.append((wire, Rule.FREE))
            return found
        return []

    def _has_product(self, x: LC, out: LC, near: LC) -> bool:
        """Whether some constraint says ``x * out = 0``."""
        (wire,) = near
        for index in self.where[wire]:
            row = self.rows[index]
            if not row.c and ((row.a == x and row.b == out) or (row.b == x and row.a == out)):
                return True
        return False

    def _division(self, index: int, truth: LC) -> list[tuple[int, Rule]]:
        """A rest that is proven to be below a divisor, with the quotient that it belongs to."""
        left = self._open(truth)
        near = {other for wire in left for other in self.where[wire] if other != index}
        for other in sorted(near):
            second = self.rows[other].truth
            if second is None:
                continue
            for first, last in ((truth, second), (second, truth)):
                found = self._divided(first, last)
                if found:
                    return found
        return []

    def _divided(self, first: LC, second: LC) -> list[tuple[int, Rule]]:
        """Quotient of a division whose rest is in the range of one window, and its gap in another.

        Formula: ``rest = known - t``, from 0 up, and ``gap = b - 1 - rest``, from 0 up, where
        ``t = b * quotient``. Two solutions have rests that differ by less than ``b`` and by a
        multiple of ``b``, so they are one.
        """
        one, two = self._open(first), self._open(second)
        shared = {wire: k for wire, k in one.items() if two.get(wire) == -k}
        if not shared or len(shared) != len(one.keys() & two.keys()):
            return []
        rest, gap = (self._window(part, shared) for part in (one, two))
        bound = {wire: k for wire, k in combine(first, second, 1).items() if wire in self.rules}
        span = self.spans.of(bound)
        if rest is None or gap is None or span is None or rest[0] < 0 or gap[0] < 0:
            return []
        # rest + gap = bound as integers: rest < b, where b = bound + 1.
        reach = max(rest[1] + gap[1], span[1]) - min(0, span[0])
        if reach >= FIELD_ORDER:
            return []
        divisor = combine(bound, {0: 1}, 1)
        return self._quotient(shared, divisor, span[1] + 1)

    def _window(self, part: LC, shared: LC) -> Span | None:
        """The range of ``truth + (what stands for its other bits)``, as a sum from zero up."""
        bits = {wire: k for wire, k in part.items() if wire not in shared}
        if not self._is_positional(bits, [(1, 1)]):
            return None
        low, high = 0, 1
        for wire, k in bits.items():
            span = self.spans.of_wire(wire)
            assert span is not None
            ends = (-k * span[0], -k * span[1])
            low, high = low + min(ends), high + max(ends)
        return low, high

    def _quotient(self, shared: LC, divisor: LC, most: int) -> list[tuple[int, Rule]]:
        """Wires of ``t``, where it is a divisor times what cannot pass the order."""
        if divisor.keys() <= {0}:
            size = divisor.get(0, 0)
            if size < 1 or any(k % size for k in shared.values()):
                return []
            width = self._reach({wire: k // size for wire, k in shared.items()})
            if width is None or (width + 1) * size >= FIELD_ORDER:
                return []
            scaled = {wire: k // size for wire, k in shared.items()}
            if not self._is_positional(scaled, []):
                return []
            return [(wire, Rule.DIVISION) for wire in shared]
        if len(shared) != 1:
            return []
        ((wire, k),) = shared.items()
        if k not in {1, -1}:
            return []
        for index in self.where[wire]:
            row = self.rows[index]
            for b, quotient in ((row.a, row.b), (row.b, row.a)):
                if row.c == {wire: 1} and b == divisor and self._open(quotient):
                    width = self._reach(self._open(quotient))
                    digits = self._open(quotient)
                    if width is None or (width + 1) * most >= FIELD_ORDER:
                        continue
                    if self._is_positional(digits, []):
                        found = [(digit, Rule.DIVISION) for digit in digits]
                        return [(wire, Rule.DIVISION), *found]
        return []

    def _reach(self, line: LC) -> int | None:
        """By how much two values of a sum can differ."""
        total = 0
        for wire, k in line.items():
            span = self.spans.of_wire(wire)
            if span is None:
                return None
            total += abs(k) * (span[1] - span[0])
        return total


def is_positional(parts: list[tuple[int, int]]) -> bool:
    """Whether parts of such weights and widths are told by their sum modulo the order."""
    below = 0
    for weight, width in sorted(parts):
        if weight <= below:
            return False
        below += weight * width
    return below < FIELD_ORDER


def _is_narrow(span: Span) -> bool:
    return span[1] - span[0] < FIELD_ORDER and span[0] > -FIELD_ORDER and span[1] < FIELD_ORDER
