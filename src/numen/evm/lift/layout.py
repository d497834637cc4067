"""Where the boxes of a drawn graph stand: layers from top to bottom, few crossings.

The method is Sugiyama's: turn the back edges around, give each node the layer of its longest way
from the top, cut long edges at every layer, order the layers by the middle of each node's
neighbours, and then move the nodes apart as little as the order asks for. All in whole pixels.

Source: Sugiyama, Tagawa, Toda, "Methods for Visual Understanding of Hierarchical System
Structures", 1981; the last step is a least-squares fit by pooling neighbours (Barlow, 1972).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

SWEEPS: Final = 8
"""Times that the layers are ordered by their neighbours, down or up."""

BENDS_MAX: Final = 6_000
"""Most points where edges cross a layer; edges that would need more are not routed."""

GAP_X: Final = 28
GAP_Y: Final = 46
_BEND_WIDTH: Final = 10


class Placed(msgspec.Struct, frozen=True):
    """A drawing without ink.

    Attributes:
        boxes: Left edge and top of each node.
        routes: For each edge, where it crosses the layers between its ends, from its first node on;
            None for an edge that is not routed. A back edge has no points.
        is_back: For each edge, whether it leads up.
        width: Of everything.
        height: Of everything.
    """

    boxes: tuple[tuple[int, int], ...]
    routes: tuple[tuple[tuple[int, int], ...] | None, ...]
    is_back: tuple[bool, ...]
    width: int
    height: int


def place(sizes: Sequence[tuple[int, int]], edges: Sequence[tuple[int, int]]) -> Placed:
    """Lay a graph out.

    Args:
        sizes: Width and height of each node; node 0 is the top, from which all can be reached.
        edges: Pairs of nodes.

    Cost: about linear in the nodes, edges and `BENDS_MAX`.
    """
    return _Layout(sizes, edges).run()


class _Layout:
    """Nodes, and after them the bends of long edges, which are laid out like nodes."""

    def __init__(self, sizes: Sequence[tuple[int, int]], edges: Sequence[tuple[int, int]]) -> None:
        self.sizes = list(sizes)
        self.edges = edges
        self.is_back = _back_edges(len(sizes), edges)
        self.layer_of: list[int] = []
        self.layers: list[list[int]] = []
        self.above: dict[int, list[int]] = {}
        self.below: dict[int, list[int]] = {}
        self.bends: list[list[int] | None] = []
        self.left: dict[int, int] = {}

    def run(self) -> Placed:
        self.assign_layers()
        self.cut_edges()
        self.order()
        self.settle()
        tops = self.tops()
        count = len(self.is_back)
        boxes = tuple(
            (self.left[node], tops[self.layer_of[node]])
            for node in range(len(self.sizes) - self.bend_count())
        )
        routes = tuple(self.route(index, tops) for index in range(count))
        width = max(self.left[node] + self.sizes[node][0] for node in self.left)
        last = len(self.layers) - 1
        height = tops[last] + max(self.sizes[node][1] for node in self.layers[last])
        return Placed(boxes, routes, tuple(self.is_back), width, height)

    def bend_count(self) -> int:
        return sum(len(bends) for bends in self.bends if bends)

    def assign_layers(self) -> None:
        """The longest way from the top, over the edges that lead down."""
        down: dict[int, list[int]] = {}
        waiting = [0] * len(self.sizes)
        for (a, b), is_back in zip(self.edges, self.is_back, strict=True):
            if not is_back:
                down.setdefault(a, []).append(b)
                waiting[b] += 1
        self.layer_of = [0] * len(self.sizes)
        ready = [node for node, count in enumerate(waiting) if not count]
        for node in ready:
            for to in down.get(node, ()):
                self.layer_of[to] = max(self.layer_of[to], self.layer_of[node] + 1)
                waiting[to] -= 1
                if not waiting[to]:
                    ready.append(to)

    def cut_edges(self) -> None:
        """Put a bend into every layer that an edge crosses."""
        self.layers = [[] for _ in range(max(self.layer_of) + 1)]
        for node, layer in enumerate(self.layer_of):
            self.layers[layer].append(node)
        left = BENDS_MAX
        for (a, b), is_back in zip(self.edges, self.is_back, strict=True):
            span = self.layer_of[b] - self.layer_of[a] - 1
            if is_back or span > left:
                self.bends.append([] if is_back else None)
                continue
            left -= span
            bends: list[int] = []
            for layer in range(self.layer_of[a] + 1, self.layer_of[b]):
                bend = len(self.sizes)
                self.sizes.append((_BEND_WIDTH, 0))
                self.layer_of.append(layer)
                self.layers[layer].append(bend)
                bends.append(bend)
            self.bends.append(bends)
            for upper, lower in zip([a, *bends], [*bends, b], strict=True):
                self.below.setdefault(upper, []).append(lower)
                self.above.setdefault(lower, []).append(upper)

    def order(self) -> None:
        """Order each layer by the middle of its neighbours, down and up in turn."""
        position: dict[int, int] = {}
        for layer in self.layers:
            position |= {node: index for index, node in enumerate(layer)}
        for sweep in range(SWEEPS):
            is_down = sweep % 2 == 0
            near = self.above if is_down else self.below
            for layer in self.layers if is_down else reversed(self.layers):
                keys = {node: _middle(node, near, position) for node in layer}
                layer.sort(key=keys.__getitem__)
                position |= {node: index for index, node in enumerate(layer)}

    def settle(self) -> None:
        """Give each node its place: near its neighbours, in order, none over another."""
        for layer in self.layers:
            at = 0
            for node in layer:
                self.left[node] = at
                at += self.sizes[node][0] + GAP_X
        for sweep in range(SWEEPS):
            near = self.above if sweep % 2 == 0 else self.below
            for layer in self.layers if sweep % 2 == 0 else reversed(self.layers):
                self.spread(layer, near)
        least = min(self.left.values())
        self.left = {node: at - least for node, at in self.left.items()}

    def spread(self, layer: Sequence[int], near: Mapping[int, Sequence[int]]) -> None:
        offsets: list[int] = []
        wanted: list[int] = []
        offset = 0
        for node in layer:
            width = self.sizes[node][0]
            neighbours = near.get(node, ())
            centres = [self.left[n] + self.sizes[n][0] // 2 for n in neighbours]
            at = sum(centres) // len(centres) - width // 2 if centres else self.left[node]
            offsets.append(offset)
            wanted.append(at - offset)
            offset += width + GAP_X
        for node, at, before in zip(layer, _pool(wanted), offsets, strict=True):
            self.left[node] = at + before

    def tops(self) -> list[int]:
        tops = [0]
        for layer in self.layers[:-1]:
            tops.append(tops[-1] + max(self.sizes[node][1] for node in layer) + GAP_Y)
        return tops

    def route(self, index: int, tops: Sequence[int]) -> tuple[tuple[int, int], ...] | None:
        bends = self.bends[index]
        if bends is None:
            return None
        return tuple(
            (self.left[bend] + _BEND_WIDTH // 2, tops[self.layer_of[bend]]) for bend in bends
        )


def _back_edges(count: int, edges: Sequence[tuple[int, int]]) -> list[bool]:
    """Which edges lead to a node that is on the way to theirs, in a walk from the top."""
    out: list[list[int]] = [[] for _ in range(count)]
    for index, (a, _) in enumerate(edges):
        out[a].append(index)
    is_back = [False] * len(edges)
    is_open, is_done = [False] * count, [False] * count
    for root in range(count):
        if is_done[root]:
            continue
        stack = [(root, iter(out[root]))]
        is_open[root] = True
        while stack:
            node, pending = stack[-1]
            index = next(pending, -1)
            if index < 0:
                stack.pop()
                is_open[node], is_done[node] = False, True
                continue
            to = edges[index][1]
            if is_open[to]:
                is_back[index] = True
            elif not is_done[to]:
                is_open[to] = True
                stack.append((to, iter(out[to])))
    return is_back


def _middle(
    node: int, near: Mapping[int, Sequence[int]], position: Mapping[int, int]
) -> tuple[int, int]:
    """The mean place of a node's neighbours, in thousandths; its own where it has none."""
    places = [position[neighbour] for neighbour in near.get(node, ())]
    mean = 1000 * sum(places) // len(places) if places else 1000 * position[node]
    return mean, position[node]


def _pool(wanted: Iterable[int]) -> list[int]:
    """The numbers nearest to those wanted that never fall, in least squares."""
    groups: list[tuple[int, int]] = []
    for value in wanted:
        total, count = value, 1
        while groups and groups[-1][0] * count > total * groups[-1][1]:
            before, size = groups.pop()
            total, count = total + before, count + size
        groups.append((total, count))
    return [total // count for total, count in groups for _ in range(count)]
