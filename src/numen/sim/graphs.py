"""Small worlds: rings whose nodes know their neighbours, and a few others far away.

Newman and Watts, 1999: a ring where each node is linked with the `near` nodes on both sides of it,
and as many links again are thrown between nodes by chance. Mean paths are short as in a random
graph, and neighbours know each other as in a lattice.
"""

import numpy as np
from numpy.typing import NDArray

Ends = tuple[NDArray[np.int64], NDArray[np.int64]]
"""For each directed edge, where it begins and where it ends."""


def small_world(nodes: int, degree: int, chance: np.random.Generator) -> Ends:
    """A graph of mutual links, each as two directed edges.

    Args:
        nodes: How many, more than ``degree``.
        degree: Mean number of links of a node, even: half of them near, half by chance.
        chance: Where chance comes from.

    Returns:
        Edges, each once, none from a node to itself, by where they begin.
    """
    assert degree % 2 == 0
    assert nodes > degree
    everyone = np.arange(nodes)
    near = [((everyone + gap) % nodes) for gap in range(1, degree // 4 + 1)]
    shortcuts = nodes * degree // 2 - len(near) * nodes
    begins = np.concatenate([everyone] * len(near) + [chance.integers(0, nodes, shortcuts)])
    ends = np.concatenate([*near, chance.integers(0, nodes, shortcuts)])
    keep = begins != ends
    begins, ends = begins[keep], ends[keep]
    codes = np.unique(np.concatenate([begins * nodes + ends, ends * nodes + begins]))
    return codes // nodes, codes % nodes
