"""Bit operations covered by constraints of three bits: fewer of them say the same.

A program writes a choice, a majority or a parity with the operators it has, and each operation is
first a constraint of its own. Most functions of three bits are one constraint as well (see
`truth_table`), so a bit can be said to be a function of what its operands were made of. Operands
that nothing else reads are then left out. This is what a compiler of logic circuits does with
look-up tables: cuts are enumerated, and each bit takes the one by which the most is left out, as
things stand (Mishchenko, Chatterjee, Brayton, "Improvements to technology mapping for LUT-based
FPGAs", 2007, section 3.4).
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

from numen.base.errors import Place
from numen.proof import lc, truth_table
from numen.proof.lc import LC
from numen.proof.truth_table import INPUTS_MAX
from numen.proof.wires import Cut, Rows, Wires

_CUTS_MAX = 3
"""Cuts that are kept of a bit, besides the bit itself."""

_DEPTH = 2
"""How far below a cut what is left out is counted."""

_ROUNDS = 1
"""How often every bit is looked at; more change next to nothing."""


def cover(w: Wires, outputs: Iterable[LC]) -> None:
    """Say again, by fewer constraints, what the bits are that bit operations have made.

    Wires keep their numbers and the plan of the witness stays as it is; rows are numbered anew.

    Args:
        w: The construction, finished but for its layout.
        outputs: What will be read besides the constraints.

    Cost: linear in the operations.
    """
    logic = w.logic
    if not logic:
        return
    cuts = _enumerate(logic)
    if all(len(of) < 2 for of in cuts.values()):
        return
    chosen = {wire: cut for wire, cut in logic.items() if w.defined.get(wire) is not None}
    cover_ = _Cover(chosen, _outside(w, outputs))
    for _ in range(_ROUNDS):
        for wire in chosen:
            cover_.improve(wire, cuts[wire])
    changed = {
        w.defined[wire]: (wire, cut) for wire, cut in chosen.items() if cut is not logic[wire]
    }
    unread = {w.defined[wire] for wire in chosen if cover_.readers[wire] == 0}
    _rewrite(w, changed, unread)


def _enumerate(logic: dict[int, Cut]) -> dict[int, list[Cut]]:
    """The functions of three bits at most, each one constraint, that each bit is."""
    found: dict[int, list[Cut]] = {}
    usable: dict[int, list[Cut]] = {}
    for wire, (table, (a, b)) in logic.items():
        cuts: dict[Cut, None] = {}
        for first in (*found.get(a, ()), (0b10, (a,))):
            for second in (*found.get(b, ()), (0b10, (b,))):
                if len({*first[1], *second[1]}) <= INPUTS_MAX:
                    cut = _joined(table, first, second)
                    if cut is not None:
                        cuts[cut] = None
        kept = list(cuts)
        # The deepest and the most shallow ones have the most to offer.
        found[wire] = kept if len(kept) <= _CUTS_MAX else [kept[0], *kept[1 - _CUTS_MAX :]]
        usable[wire] = [
            cut for cut in found[wire] if truth_table.is_one_constraint(cut[0], len(cut[1]))
        ]
    return usable


def _joined(operation: int, x: Cut, y: Cut) -> Cut | None:
    """An operation on two functions, as one of the bits of both; None where it is a bit or none."""
    inputs = x[1]
    positions = []
    for key in y[1]:
        if key in inputs:
            positions.append(inputs.index(key))
        else:
            positions.append(len(inputs))
            inputs = (*inputs, key)
    table, used = truth_table.joined(operation, x[0], len(x[1]), y[0], tuple(positions))
    if len(used) < 2:  # a bit that needs no constraint: rare, and left as it was made
        return None
    if len(used) < len(inputs):
        inputs = tuple([inputs[index] for index in used])
    return table, inputs


def _outside(w: Wires, outputs: Iterable[LC]) -> Counter[int]:
    """How often a wire stands elsewhere than in the rows that say what bits are."""
    counts: Counter[int] = Counter()
    own = {w.defined[wire] for wire in w.logic if wire in w.defined}
    for rows in (w.a, w.b, w.c):
        counts.update(rows.wires)
        counts.subtract(itertools.chain.from_iterable(map(rows.wires_of, own)))
    for combination in outputs:
        counts.update(combination.keys())
    return counts


class _Cover:
    """The cut that each bit has taken, and how many read each bit.

    Attributes:
        chosen: The cuts.
        readers: How many cuts in use, rows and outputs read a wire.
    """

    def __init__(self, chosen: dict[int, Cut], outside: Counter[int]) -> None:
        self.chosen = chosen
        self.readers = outside
        for wire in reversed(chosen):
            if self.readers[wire]:
                for key in chosen[wire][1]:
                    self.readers[key] += 1

    def improve(self, wire: int, cuts: list[Cut]) -> None:
        """Let a bit take the cut that leaves out the most; the deeper one of equals."""
        if len(cuts) < 2 or self.readers[wire] == 0:
            return
        now = self.chosen[wire]
        best = self._cheapest(now, cuts) if self._leaves_out(now) else self._deepest(now, cuts)
        if best is not now:
            self._take(best, None)
            self._drop(now, None)
            self.chosen[wire] = best

    def _leaves_out(self, cut: Cut) -> bool:
        """Whether something is left out where a cut is not taken."""
        return any(self.readers[key] == 1 and key in self.chosen for key in cut[1])

    def _deepest(self, now: Cut, cuts: list[Cut]) -> Cut:
        """The deepest cut that brings nothing back."""
        for cut in cuts:
            if cut is now or all(self.readers[key] or key not in self.chosen for key in cut[1]):
                return cut
        return now

    def _cheapest(self, now: Cut, cuts: list[Cut]) -> Cut:
        """The cut that brings back the least; the deeper one of equals."""
        self._drop(now, _DEPTH)
        best, least = now, self._cost(now)
        for cut in reversed(cuts):
            cost = self._cost(cut)
            if cost <= least:
                best, least = cut, cost
        self._take(now, _DEPTH)
        return best

    def _cost(self, cut: Cut) -> int:
        """How many constraints a cut would bring back."""
        total = self._take(cut, _DEPTH)
        self._drop(cut, _DEPTH)
        return total

    def _take(self, cut: Cut, depth: int | None) -> int:
        """Read what a cut reads, to a depth; how many constraints that brings back."""
        total = 0
        todo = [(cut, 0)]
        while todo:
            of, level = todo.pop()
            for key in of[1]:
                self.readers[key] += 1
                if self.readers[key] == 1 and key in self.chosen:
                    total += 1
                    if level != depth:
                        todo.append((self.chosen[key], level + 1))
        return total

    def _drop(self, cut: Cut, depth: int | None) -> None:
        """Read it no longer."""
        todo = [(cut, 0)]
        while todo:
            of, level = todo.pop()
            for key in of[1]:
                self.readers[key] -= 1
                if self.readers[key] == 0 and key in self.chosen and level != depth:
                    todo.append((self.chosen[key], level + 1))


def _rewrite(w: Wires, changed: dict[int, tuple[int, Cut]], unread: set[int]) -> None:
    """Put functions of three bits in the place of operations, and leave out what nobody reads."""
    old = (w.a, w.b, w.c)
    new = (Rows(), Rows(), Rows())
    places: list[Place | None] = []
    number: dict[int, int] = {}
    start = 0
    for row in [*sorted(changed.keys() | unread), len(w.places)]:
        number.update(zip(range(start, row), itertools.count(len(places)), strict=False))
        places += w.places[start:row]
        for rows, source in zip(new, old, strict=True):
            rows.copy(source, start, row)
        start = row + 1
        if row in changed and row not in unread:
            wire, (table, keys) = changed[row]
            number[row] = len(places)
            places.append(w.places[row])
            for rows, part in zip(new, _constraint(table, keys, wire), strict=True):
                rows.append(part)
    w.a, w.b, w.c = new
    w.places = places
    w.defined = {wire: number[row] for wire, row in w.defined.items() if row in number}
    w.tests = {wire: number[row] for wire, row in w.tests.items()}


def _constraint(table: int, bits: tuple[int, ...], wire: int) -> tuple[LC, LC, LC]:
    """A wire as a function of two or three others.

    Formulas: ``-k * a * b = rest - out``, where ``rest + k * a * b`` is the function; ``c * (y - x)
    = y - out`` for a choice by ``c``; ``d * (k * out + e) = f`` else, where ``d``, ``e`` and ``f``
    are sums of the bits and ``d`` is never zero: see `truth_table.hyperbola`.
    """
    if len(bits) == 2:
        *weights, product = truth_table.polynomial(table, 2)
        rest = _weighted(weights, bits)
        return {bits[0]: -product}, {bits[1]: 1}, {**rest, wire: -1}
    choice = truth_table.choice(table)
    if choice is not None:
        of, then, other = choice
        x, y = (
            lc.negate({bits[i]: 1}) if is_negated else {bits[i]: 1}
            for i, is_negated in (then, other)
        )
        return {bits[of]: 1}, lc.sub(y, x), {**y, wire: -1}
    shape = truth_table.hyperbola(table)
    assert shape is not None
    d, e, f = (_weighted(weights, bits) for weights in (shape.d, shape.e, shape.f))
    return d, {**e, wire: shape.k}, f


def _weighted(weights: Sequence[int], bits: tuple[int, ...]) -> LC:
    """A constant and a multiple of each bit."""
    return {wire: weight for wire, weight in zip((0, *bits), weights, strict=True) if weight}
