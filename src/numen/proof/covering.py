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
from collections.abc import Iterable, Sequence

import numpy as np

from numen.proof import cuts, truth_table
from numen.proof.lc import LC
from numen.proof.wires import Cut, Wires

_DEPTH = 2
"""How far below a cut what is left out is counted."""


def cover(w: Wires, outputs: Iterable[LC]) -> None:
    """Say again, by fewer constraints, what the bits are that bit operations have made.

    Wires keep their numbers and the plan of the witness stays as it is; rows are numbered anew, and
    what is said again comes last.

    Args:
        w: The construction, finished but for its layout.
        outputs: What will be read besides the constraints.

    Cost: linear in the operations.
    """
    logic = w.logic
    if not logic:
        return
    found = cuts.enumerate_cuts(logic)
    open_bits = [wire for wire in logic if wire in w.defined and found.are_several(wire)]
    if not open_bits:
        return
    cover_ = _Cover(w, _outside(w, outputs))
    for wire in open_bits:
        if cover_.readers[wire]:
            cover_.improve(wire, found.of(wire))
    _rewrite(w, cover_)


def _outside(w: Wires, outputs: Iterable[LC]) -> list[int]:
    """How often each wire stands elsewhere than in the rows that say what bits are."""
    is_read = np.ones(w.constraint_count, dtype=bool)
    is_read[[w.defined[wire] for wire in w.logic if wire in w.defined]] = False
    counts = np.zeros(len(w.roles), dtype=np.int64)
    for rows in (w.a, w.b, w.c):
        read = np.array(rows.wires, dtype=np.int64)[np.repeat(is_read, rows.lengths())]
        counts += np.bincount(read, minlength=len(counts))
    found: list[int] = counts.tolist()
    for combination in outputs:
        for wire in combination:
            found[wire] += 1
    return found


class _Cover:
    """The cut that each bit has taken, and how many read each bit.

    Attributes:
        chosen: The cuts of the bits that have a row to say what they are.
        reads: By wire, the inputs of its cut; None for what is no such bit.
        readers: By wire, how many cuts in use, rows and outputs read it.
    """

    def __init__(self, w: Wires, outside: list[int]) -> None:
        self.chosen = {wire: cut for wire, cut in w.logic.items() if wire in w.defined}
        self.reads: list[tuple[int, ...] | None] = [None] * len(outside)
        self.readers = outside
        for wire, (_, inputs) in self.chosen.items():
            self.reads[wire] = inputs
        for wire in reversed(self.chosen):
            if outside[wire]:
                for key in self.chosen[wire][1]:
                    outside[key] += 1

    def improve(self, wire: int, of: Sequence[Cut]) -> None:
        """Let a bit that is read take the cut that leaves out the most; the deeper one of equals.

        Args:
            wire: The bit.
            of: Its cuts, the deepest first.
        """
        now = self.chosen[wire]
        best = self._cheapest(now, of) if self._leaves_out(now) else self._deepest(now, of)
        if best != now:
            self._take_all(best[1])
            self._drop_all(now[1])
            self.chosen[wire] = best
            self.reads[wire] = best[1]

    def _leaves_out(self, cut: Cut) -> bool:
        """Whether something is left out where a cut is not taken."""
        readers, reads = self.readers, self.reads
        return any(readers[key] == 1 and reads[key] is not None for key in cut[1])

    def _deepest(self, now: Cut, of: Sequence[Cut]) -> Cut:
        """The deepest cut that brings nothing back."""
        readers, reads = self.readers, self.reads
        for cut in of:
            if cut == now or all(readers[key] or reads[key] is None for key in cut[1]):
                return cut
        return now

    def _cheapest(self, now: Cut, of: Sequence[Cut]) -> Cut:
        """The cut that brings back the least; the deeper one of equals."""
        self._drop(now[1], _DEPTH)
        best, least = now, self._cost(now)
        for cut in reversed(of):
            cost = self._cost(cut) if cut != now else least
            if cost <= least:
                best, least = cut, cost
        self._take(now[1], _DEPTH)
        return best

    def _cost(self, cut: Cut) -> int:
        """How many constraints a cut would bring back."""
        total = self._take(cut[1], _DEPTH)
        if total:
            self._drop(cut[1], _DEPTH)
        else:
            for key in cut[1]:
                self.readers[key] -= 1
        return total

    def _take(self, inputs: tuple[int, ...], depth: int) -> int:
        """Read what a cut reads, to a depth; how many constraints that brings back."""
        total, readers = 0, self.readers
        for key in inputs:
            readers[key] += 1
            if readers[key] == 1:
                below = self.reads[key]
                if below is not None:
                    total += 1 + (self._take(below, depth - 1) if depth else 0)
        return total

    def _drop(self, inputs: tuple[int, ...], depth: int) -> None:
        """Read it no longer."""
        readers = self.readers
        for key in inputs:
            readers[key] -= 1
            if readers[key] == 0 and depth:
                below = self.reads[key]
                if below is not None:
                    self._drop(below, depth - 1)

    def _take_all(self, inputs: tuple[int, ...]) -> None:
        """Read what a cut reads, to the ground."""
        todo = [inputs]
        while todo:
            for key in todo.pop():
                self.readers[key] += 1
                below = self.reads[key]
                if self.readers[key] == 1 and below is not None:
                    todo.append(below)

    def _drop_all(self, inputs: tuple[int, ...]) -> None:
        """Read it no longer."""
        todo = [inputs]
        while todo:
            for key in todo.pop():
                self.readers[key] -= 1
                below = self.reads[key]
                if self.readers[key] == 0 and below is not None:
                    todo.append(below)


def _rewrite(w: Wires, of: _Cover) -> None:
    """Put functions of three bits in the place of operations, and leave out what nobody reads."""
    unread = [wire for wire in of.chosen if not of.readers[wire]]
    said_again = {
        wire: cut for wire, cut in of.chosen.items() if of.readers[wire] and cut != w.logic[wire]
    }
    stays = np.ones(w.constraint_count, dtype=bool)
    stays[[w.defined.pop(wire) for wire in unread]] = False
    stays[[w.defined[wire] for wire in said_again]] = False
    for rows in (w.a, w.b, w.c):
        rows.keep(stays)
    number = (np.cumsum(stays) - 1).tolist()
    defined = {wire: number[row] for wire, row in w.defined.items() if wire not in said_again}
    w.tests = {wire: number[row] for wire, row in w.tests.items()}
    old, w.places = w.places, list(itertools.compress(w.places, stays.tolist()))
    for wire, (table, inputs) in said_again.items():
        row = w.defined[wire]
        defined[wire] = len(w.places)
        w.places.append(old[row])
        slots = (0, *inputs, wire)
        for rows, terms in zip(
            (w.a, w.b, w.c), truth_table.constraint(table, len(inputs)), strict=True
        ):
            rows.wires += [slots[slot] for slot, _ in terms]
            rows.coefficients += [weight for _, weight in terms]
            rows.ends.append(len(rows.wires))
    w.defined = defined
