"""Conspiracy breaching: how many others must be bribed before a node can lie to an observer.

The texts that the article quotes have three readings, and all three are here.

*cut*        the least number of nodes, without which no path of good edges leads from the observer
             to the target. By Menger's theorem that is the number of paths that share no node.
             **This is the one to use**: any number of invented nodes behind g bribed ones adds at
             most g.
*closure*    all that endorse the target, all that endorse those, and so on. In a connected network
             that is everybody, which is where "90 % of the network" comes from; invented nodes
             count.
*paths*      how many paths of a length there are, by powers of the matrix. Invented nodes make
             billions.

Sources: Trias whitepaper 1.0, sections 2.1 to 2.3; MagCarta's TRUST_VALUE; Menger 1927; Even 1975.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import msgspec

from numen.trust.web import Web

PATH_LENGTH_MAX: Final = 6
"""Longest paths that `paths` counts."""


class Breach(msgspec.Struct, frozen=True):
    """What it takes to lie to an observer.

    Attributes:
        value: Nodes to bribe, besides the target.
        cut: Which: a least set, ascending.
        is_direct: Whether the observer attests the target itself, good as found: then bribing
            others does not help, and `cut` is about what others add to that.
    """

    value: int
    cut: tuple[int, ...]
    is_direct: bool


class Cutter:
    """Finds cuts in one web.

    Args:
        web: Of which only good edges count.
    """

    def __init__(self, web: Web) -> None:
        self._entries: list[list[int]] = [[] for _ in range(web.count)]
        self._exits: list[list[int]] = [[] for _ in range(web.count)]
        good = web.is_good
        for source, target in zip(
            web.source[good].tolist(), web.target[good].tolist(), strict=True
        ):
            self._entries[source].append(2 * target)
            self._exits[target].append(2 * source + 1)

    def breach(self, observer: int, target: int) -> Breach:
        """The least set of nodes between an observer and a target.

        Cost: O(cut · E), with a search from both ends that sees little of E in a small world.
        """
        assert observer != target
        entries, exits = self._entries[observer], self._exits[target]
        is_direct = 2 * target in entries
        if is_direct:
            # No bribe cuts the observer's own attestation: the flow is of the others' alone.
            self._entries[observer] = [entry for entry in entries if entry != 2 * target]
            self._exits[target] = [exit_ for exit_ in exits if exit_ != 2 * observer + 1]
        flow = _Flow(self._entries, self._exits, observer, target)
        while flow.augment():
            pass
        self._entries[observer], self._exits[target] = entries, exits
        cut = flow.cut()
        return Breach(len(cut), tuple(sorted(cut)), is_direct)


def closure(web: Web, target: int) -> int:
    """How many nodes endorse a target, endorse one that does, and so on, besides itself."""
    backward = Web(web.count, web.target, web.source, web.weight, web.is_good)
    return int(backward.reachable(target).sum()) - 1


def paths(web: Web, observer: int, target: int, length_max: int = PATH_LENGTH_MAX) -> int:
    """How many walks of good edges, of at most so many edges, lead from an observer to a target."""
    assert 0 < length_max <= PATH_LENGTH_MAX
    source, end = web.source[web.is_good].tolist(), web.target[web.is_good].tolist()
    counts = [0] * web.count
    counts[observer] = 1
    total = 0
    for _ in range(length_max):
        after = [0] * web.count
        for a, b in zip(source, end, strict=True):
            after[b] += counts[a]
        counts = after
        total += counts[target]
    return total


class _Flow:
    """Paths that share no node, found one by one; each may reroute those before it.

    A node is two, its entry and its exit, with one unit between them: a search that comes to the
    entry of a node on a path cannot pass, but can go back along that path, whose exit it then has.
    Entries are numbered ``2 v`` and exits ``2 v + 1``. What lies between nodes has no bound, so
    that a cut is of nodes.

    Args:
        out: For each node, the entries it leads to.
        into: For each node, the exits that lead to it.
        observer: Where paths begin.
        target: Where they end.
    """

    def __init__(
        self, out: list[list[int]], into: list[list[int]], observer: int, target: int
    ) -> None:
        self._out, self._into = out, into
        self._start, self._end = 2 * observer + 1, 2 * target
        self._after: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._reached: dict[int, int] = {}
        self._is_forward = True

    def augment(self) -> bool:
        """Find one more path, or say that there is none; then `cut` knows why."""
        # No path comes back into the observer, or goes on from the target.
        barred = dict.fromkeys((self._start - 1, self._end + 1), -1)
        forward, backward = {self._start: -1, **barred}, {self._end: -1, **barred}
        ahead, behind = [self._start], [self._end]
        meeting: int | None = None
        while ahead and behind and meeting is None:
            if len(ahead) <= len(behind):
                ahead, meeting = _level(ahead, forward, backward, self._next)
            else:
                behind, meeting = _level(behind, backward, forward, self._previous)
        if meeting is not None:
            self._add(_chain(forward, meeting)[::-1] + _chain(backward, meeting)[1:])
            return True
        self._is_forward = not ahead
        self._reached = forward if self._is_forward else backward
        return False

    def cut(self) -> list[int]:
        """Nodes on paths of which the last search reached the near side and not the far one."""
        near, far = (0, 1) if self._is_forward else (1, 0)
        reached = self._reached
        return [v for v in self._before if 2 * v + near in reached and 2 * v + far not in reached]

    def _next(self, at: int) -> list[int]:
        """Where a unit can go from here."""
        v = at >> 1
        if at & 1:
            return [*self._out[v], 2 * v] if v in self._before else self._out[v]
        return [2 * self._before[v] + 1 if v in self._before else 2 * v + 1]

    def _previous(self, at: int) -> list[int]:
        """Whence a unit can come to here."""
        v = at >> 1
        if not at & 1:
            return [*self._into[v], 2 * v + 1] if v in self._before else self._into[v]
        return [2 * self._after[v] if v in self._before else 2 * v]

    def _add(self, chain: list[int]) -> None:
        """Put a path in; where it went back, others lose what it went back along."""
        arcs = [(a, b) for a, b in pairwise(chain) if a >> 1 != b >> 1]
        for a, b in arcs:
            if b & 1:
                self._before.pop(a >> 1, None)
                self._after.pop(b >> 1, None)
        for a, b in arcs:
            if a & 1:
                if a != self._start:
                    self._after[a >> 1] = b >> 1
                if b != self._end:
                    self._before[b >> 1] = a >> 1


def _level(
    queue: list[int],
    seen: dict[int, int],
    others: dict[int, int],
    neighbours: Callable[[int], list[int]],
) -> tuple[list[int], int | None]:
    """One step of a search from one end: what it reached, and where it met the other."""
    reached: list[int] = []
    for at in queue:
        for to in neighbours(at):
            if to not in seen:
                seen[to] = at
                if to in others:
                    return reached, to
                reached.append(to)
    return reached, None


def _chain(seen: dict[int, int], at: int) -> list[int]:
    """The way from a place back to where its search began."""
    chain = [at]
    while seen[chain[-1]] >= 0:
        chain.append(seen[chain[-1]])
    return chain
