"""Division modulo a constant, found in finished constraints: ``sum = m * q + r``, ``r <= m - 1``.

The equation and what its open wires are multiplied by are those of `long_division`; that r is at
most ``m - 1`` is shown as `canonical` shows it. There are two forms of it:

- *remainder*: the sum is pinned, so two solutions differ in r by a multiple of m, which is zero;
- *quotient*: ``b * r = a + m * q`` for a pinned ``b`` and a prime m. Where ``b`` is no multiple of
  m, two solutions differ in r by a multiple of m again. That it is none is shown by tests of parts
  of ``b`` for zero, of which one fails, where ``b`` is less than m in size.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from numen.ir.types import FIELD_ORDER
from numen.proof.canonical import are_at_most
from numen.proof.lc import LC, accumulate
from numen.proof.primes import is_prime
from numen.proof.rows import Row, combine
from numen.proof.spans import Spans


def is_division(
    factors: Mapping[int, LC],
    rows: Sequence[Row],
    spans: Spans,
    where: Mapping[int, Sequence[int]],
) -> bool:
    """Whether the open wires of an equation are the quotient and the rest of such a division.

    Args:
        factors: What each open wire, a bit, is multiplied by.
        rows: The constraints.
        spans: Ranges of wires.
        where: Constraints by wire.
    """
    fixed = {wire: abs(k[0]) for wire, k in factors.items() if k.keys() == {0}}
    families: dict[int, dict[int, int]] = {}
    for wire, k in fixed.items():
        families.setdefault(k // (k & -k), {})[wire] = k
    return any(
        _is_division(min(family.values()), family, factors, Facts(rows, spans, where))
        for family in families.values()
    )


class Facts(NamedTuple):
    """What is known of constraints.

    Attributes:
        rows: The constraints.
        spans: Ranges of wires.
        where: Constraints by wire.
    """

    rows: Sequence[Row]
    spans: Spans
    where: Mapping[int, Sequence[int]]


def _is_division(
    modulus: int, quotient: Mapping[int, int], factors: Mapping[int, LC], facts: Facts
) -> bool:
    """Whether these are the digits of the quotient, and the others those of the rest."""
    rest = {wire: k for wire, k in factors.items() if wire not in quotient}
    if len(rest) != modulus.bit_length():
        return False
    digits = sorted(quotient.values())
    bits = sorted(rest, key=lambda wire: _size(rest[wire]))
    times = rest[bits[0]]
    if digits != [modulus << place for place in range(len(digits))]:
        return False
    if any(rest[wire] != _scaled(times, 1 << place) for place, wire in enumerate(bits)):
        return False
    if times.keys() == {0}:
        is_unit = math.gcd(times[0], modulus) == 1
    else:
        is_unit = is_prime(modulus) and _is_no_multiple(times, modulus, facts)
    return is_unit and are_at_most(bits, modulus - 1, *facts)


def _size(line: LC) -> int:
    return max((abs(k) for k in line.values()), default=0)


def _scaled(line: LC, factor: int) -> LC:
    return {wire: k * factor for wire, k in line.items()}


def _is_no_multiple(line: LC, modulus: int, facts: Facts) -> bool:
    """Whether a sum is shown not to be a multiple: it is smaller, and not zero.

    To it may be added whether the sum of all else is zero.
    """
    tests = list(_tests(line, facts))
    for part, out in tests:
        rest = line if out is None else _without(line, out)
        if rest is not None and _times(part, rest) is not None:
            return _is_small(rest, modulus, facts)
    for low, one in tests:
        for high, other in tests:
            if one is None or other is None or one == other:
                continue
            for both in _products(one, other, facts):
                is_zero = both is None or facts.spans.of_wire(both) == (0, 0)
                rest = line if is_zero or both is None else _without(line, both)
                if rest is not None and _joined(low, high, rest, facts.spans):
                    return _is_small(rest, modulus, facts)
    return False


def _without(line: LC, truth: int) -> LC | None:
    """A sum less a truth that is added to it once."""
    if line.get(truth) != 1:
        return None
    return {wire: k for wire, k in line.items() if wire != truth}


def _is_small(line: LC, modulus: int, facts: Facts) -> bool:
    """Whether a sum is less than the modulus in size: what is added, and what is taken off."""
    parts = [{wire: sign * k for wire, k in line.items() if sign * k > 0} for sign in (1, -1)]
    return all(_is_below(part, modulus, facts) for part in parts)


def _is_below(line: LC, modulus: int, facts: Facts) -> bool:
    """Whether a sum of wires that are never negative is below a modulus."""
    span = facts.spans.of(line)
    if span is None or span[0] < 0:
        return False
    bits = sorted(line, key=line.__getitem__)
    are_bits = all(
        line[wire] == 1 << place and facts.spans.of_wire(wire) == (0, 1)
        for place, wire in enumerate(bits)
    )
    return span[1] < modulus or (are_bits and are_at_most(bits, modulus - 1, *facts))


def _tests(line: LC, facts: Facts) -> Iterator[tuple[LC, int | None]]:
    """Parts of a sum that are tested for zero, with the wire that says so; None: never zero."""
    near = {index for wire in line.keys() - {0} for index in facts.where[wire]}
    for index in sorted(near):
        row = facts.rows[index]
        if row.line is not None or row.truth is not None:
            continue
        out = combine({0: 1}, row.c, -1)
        for part in (row.a, row.b):
            if not part.keys() <= line.keys() or part.keys() <= {0}:
                continue
            if not out:
                yield part, None
            elif len(out) == 1 and 0 not in out and set(out.values()) == {1}:
                yield part, next(iter(out))


def _times(part: LC, line: LC) -> int | None:
    """How often a sum is another, if it is a multiple."""
    near = next(iter(part))
    times, rest = divmod(line.get(near, 0), part[near])
    return times if rest == 0 and times and line == _scaled(part, times) else None


def _joined(low: LC, high: LC, line: LC, spans: Spans) -> bool:
    """Whether a sum is one part, and another so many times that it is zero only where both are."""
    if low.keys() & high.keys() - {0}:
        return False
    near = next(iter(high.keys() - {0}))
    weight, rest = divmod(line.get(near, 0), high[near])
    size = spans.of(low)
    total = dict(low)
    accumulate(total, high, weight)
    if rest or size is None or total != line:
        return False
    return max(-size[0], size[1]) < abs(weight) < FIELD_ORDER


def _products(one: int, other: int, facts: Facts) -> Iterator[int | None]:
    """Wires that hold the product of two truths; None where it is zero."""
    for index in facts.where[one]:
        row = facts.rows[index]
        if (row.a, row.b) in (({one: 1}, {other: 1}), ({other: 1}, {one: 1})):
            if not row.c:
                yield None
            elif len(row.c) == 1 and 0 not in row.c and set(row.c.values()) == {1}:
                yield next(iter(row.c))
