"""The functions of three bits at most that a bit of a logic circuit is: its cuts.

A bit is an operation on two others, each of which is a function of what it was made of in turn.
Circuits repeat themselves, word by word and round by round: what a bit is depends only on what its
operands are and on which of the bits below are the same, so it is worked out once for each pattern.
"""

from typing import TypeAlias

from numen.proof import truth_table
from numen.proof.truth_table import INPUTS_MAX
from numen.proof.wires import Cut

_CUTS_MAX = 3
"""Cuts that are kept of a bit, besides the bit itself."""

Shape: TypeAlias = int
"""Number of a list of cuts whose inputs are places in a list of leaves."""

_LEAF: Shape = 0
"""Of a bit that no operation made."""


class Cuts:
    """The cuts of every bit.

    Attributes:
        nodes: By bit, the shape of its cuts and their leaves.
    """

    def __init__(self) -> None:
        self.nodes: dict[int, tuple[Shape, tuple[int, ...]]] = {}
        self._shapes: list[tuple[Cut, ...]] = [()]
        self._usable: list[tuple[Cut, ...]] = [()]
        self._number: dict[tuple[Cut, ...], Shape] = {(): _LEAF}
        self._made: dict[tuple[int, Shape, Shape, tuple[int, ...]], tuple[Shape, list[int]]] = {}

    def are_several(self, wire: int) -> bool:
        """Whether a bit can be said by one constraint in several ways."""
        return len(self._usable[self.nodes[wire][0]]) > 1

    def of(self, wire: int) -> list[Cut]:
        """The cuts of a bit that are one constraint each, the deepest first."""
        shape, leaves = self.nodes[wire]
        return [
            (table, tuple([leaves[place] for place in places]))
            for table, places in self._usable[shape]
        ]

    def add(self, wire: int, operation: int, a: int, b: int) -> None:
        """Find the cuts of a bit, those of its operands known."""
        first, below_a = self.nodes.get(a, (_LEAF, ()))
        second, below_b = self.nodes.get(b, (_LEAF, ()))
        order: dict[int, int] = {}
        pattern = tuple([order.setdefault(leaf, len(order)) for leaf in (*below_a, a, *below_b, b)])
        key = operation, first, second, pattern
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(*key)
        shape, chosen = made
        leaves = [*order]
        self.nodes[wire] = shape, tuple([leaves[place] for place in chosen])

    def _make(
        self, operation: int, first: Shape, second: Shape, pattern: tuple[int, ...]
    ) -> tuple[Shape, list[int]]:
        """The shape of an operation, and which leaves of its operands it has."""
        found: dict[Cut, None] = {}
        split = 1 + len(_places(self._shapes[first]))
        for x in self._cuts(first, pattern[:split]):
            for y in self._cuts(second, pattern[split:]):
                if len({*x[1], *y[1]}) <= INPUTS_MAX:
                    cut = _joined(operation, x, y)
                    if cut is not None:
                        found[cut] = None
        kept = list(found)
        # The deepest and the most shallow ones have the most to offer.
        kept = kept if len(kept) <= _CUTS_MAX else [kept[0], *kept[1 - _CUTS_MAX :]]
        chosen = _places(kept)
        place = {leaf: index for index, leaf in enumerate(chosen)}
        cuts = tuple((table, tuple(place[leaf] for leaf in inputs)) for table, inputs in kept)
        return self._numbered(cuts), chosen

    def _cuts(self, shape: Shape, leaves: tuple[int, ...]) -> list[Cut]:
        """The cuts of a shape, and at last the bit itself, which is the last of the leaves."""
        found = [
            (table, tuple(leaves[place] for place in places))
            for table, places in self._shapes[shape]
        ]
        return [*found, (0b10, leaves[-1:])]

    def _numbered(self, cuts: tuple[Cut, ...]) -> Shape:
        if cuts not in self._number:
            self._number[cuts] = len(self._shapes)
            self._shapes.append(cuts)
            self._usable.append(
                tuple(
                    (table, places)
                    for table, places in cuts
                    if truth_table.is_one_constraint(table, len(places))
                )
            )
        return self._number[cuts]


def enumerate_cuts(logic: dict[int, Cut]) -> Cuts:
    """Find the cuts of bits.

    Args:
        logic: The operations on two bits that made them, in order.

    Cost: linear in the operations.
    """
    cuts = Cuts()
    for wire, (operation, (a, b)) in logic.items():
        cuts.add(wire, operation, a, b)
    return cuts


def _places(cuts: tuple[Cut, ...] | list[Cut]) -> list[int]:
    """The leaves that cuts have, each once."""
    return [*dict.fromkeys(leaf for _, inputs in cuts for leaf in inputs)]


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
