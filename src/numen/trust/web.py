"""The web: attestations as a directed graph, as one moment sees them.

An edge leads from an attester to its target. It is *good* where the most recent verdict is that the
target can be trusted, *bad* where it is not; its weight is the vector of those verdicts, aged to
now (`numen.trust.history`), so that a fresher edge is a heavier one. Edges are arrays, in
compressed rows by attester and by target, because networks of a hundred thousand nodes are
simulated on one machine.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from numen.trust import history
from numen.trust.history import STEPS
from numen.trust.kernel import Kernel

FRESH_STEPS: Final = STEPS
"""Steps after which a verdict counts no more, where nothing else is asked for."""

Nodes = NDArray[np.int64]
Mask = NDArray[np.bool_]
Weights = NDArray[np.int64]


class Rows:
    """Edges grouped by one of their ends.

    Args:
        ends: For each edge, the end by which they are grouped.
        count: Number of nodes.

    Attributes:
        order: Edges by that end.
        starts: Where each node's edges begin in `order`; one more at the end.
    """

    def __init__(self, ends: Nodes, count: int) -> None:
        self.order = np.argsort(ends, kind="stable")
        self.starts = np.searchsorted(ends[self.order], np.arange(count + 1))

    def edges(self, nodes: Nodes) -> Nodes:
        """All edges of some nodes."""
        starts, ends = self.starts[nodes], self.starts[nodes + 1]
        lengths = ends - starts
        if not lengths.sum():
            return np.empty(0, np.int64)
        offsets = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
        return self.order[np.arange(lengths.sum()) + offsets]


class Web:
    """A graph of verdicts.

    Args:
        count: Number of nodes.
        source: For each edge, who attests.
        target: Whom.
        weight: D of the verdict, above 0.
        is_good: What the verdict is.

    Attributes:
        count, source, target, weight, is_good: As given.
        out: Edges by source.
        into: Edges by target.
    """

    def __init__(
        self, count: int, source: Nodes, target: Nodes, weight: Weights, is_good: Mask
    ) -> None:
        self.count = count
        self.source, self.target, self.weight, self.is_good = source, target, weight, is_good
        self.out, self.into = Rows(source, count), Rows(target, count)

    @classmethod
    def of(cls, count: int, edges: Iterable[tuple[int, int, int, bool]]) -> "Web":
        """A web of edges (source, target, weight, is good)."""
        table = np.array([tuple(map(int, edge)) for edge in edges], np.int64).reshape(-1, 4)
        return cls(count, table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(bool))

    def good_targets(self, node: int) -> list[int]:
        """Whom a node finds trustworthy."""
        edges = self.out.edges(np.array([node]))
        return [int(target) for target in self.target[edges[self.is_good[edges]]]]

    def reachable(self, observer: int, allowed: Mask | None = None) -> Mask:
        """Nodes to which a path of good edges leads from the observer, itself among them.

        Args:
            observer: Where paths begin.
            allowed: Nodes that a path may go through or end at; all where left out.

        Cost: linear in the edges.
        """
        found = np.zeros(self.count, bool)
        found[observer] = True
        frontier = np.array([observer])
        while len(frontier):
            edges = self.out.edges(frontier)
            targets = self.target[edges[self.is_good[edges]]]
            fresh = targets[~found[targets]]
            if allowed is not None:
                fresh = fresh[allowed[fresh]]
            frontier = np.unique(fresh)
            found[frontier] = True
        return found


def web_of(kernel: Kernel, *, fresh_steps: int = FRESH_STEPS) -> Web:
    """The graph of what a kernel knows, at its present step.

    Args:
        kernel: Whose sheets.
        fresh_steps: Verdicts older than this are left out, from 1 to `STEPS`.
    """
    assert 0 < fresh_steps <= STEPS
    edges = []
    for signed in kernel:
        passed = max(0, kernel.now - signed.sheet.step)
        for line in signed.sheet.lines:
            found = history.aged(line.history, passed)
            is_good = history.verdict(found)
            if is_good is not None and history.age(found) < fresh_steps:
                weight = found.good if is_good else found.bad
                edges.append((signed.sheet.attester, line.target, weight, is_good))
    return Web.of(len(kernel.members), edges)
