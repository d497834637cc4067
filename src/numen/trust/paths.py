"""Transitive trust: a node trusts another along a path of attestations, as far as its weakest one.

The value of a path is the least D of its edges, which is its stalest one, and the value of a pair
is the best of its paths: the *widest path*. It is what repeated multiplication of the trust matrix
gives, over (max, min) instead of (+, ×). Source: Trias whitepaper 1.0, section 2.1; Pollack 1960.
"""

import heapq

import msgspec
import numpy as np

from numen.trust.history import STEPS
from numen.trust.web import Web

ITSELF = (1 << STEPS) - 1
"""What a node is worth to itself."""


class Path(msgspec.Struct, frozen=True):
    """A path of trust.

    Attributes:
        nodes: From the observer to the target.
        weight: The least D on the way; `ITSELF` for the path of a node to itself.
    """

    nodes: tuple[int, ...]
    weight: int


def widest_path(web: Web, observer: int, target: int) -> Path | None:
    """The path of good edges whose weakest edge is the strongest; the shortest of equal ones.

    Returns:
        None where no path leads to the target.

    Cost: O(E log V), for E edges that are reached.
    """
    before: dict[int, int] = {}
    done: set[int] = set()
    queue = [(-ITSELF, 0, observer, observer)]
    while queue:
        negative, length, node, previous = heapq.heappop(queue)
        if node in done:
            continue
        done.add(node)
        before[node] = previous
        if node == target:
            return Path(_trace(before, observer, target), -negative)
        edges = web.out.edges(np.array([node]))
        edges = edges[web.is_good[edges]]
        ends, weights = web.target[edges].tolist(), web.weight[edges].tolist()
        for end, weight in zip(ends, weights, strict=True):
            if end not in done:
                heapq.heappush(queue, (max(negative, -weight), length + 1, end, node))
    return None


def _trace(before: dict[int, int], observer: int, target: int) -> tuple[int, ...]:
    nodes = [target]
    while nodes[-1] != observer:
        nodes.append(before[nodes[-1]])
    return tuple(reversed(nodes))
