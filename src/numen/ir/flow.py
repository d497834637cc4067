"""Control flow: computed from a function when asked, never stored in it."""

from collections.abc import Mapping, Sequence

import msgspec

from numen.ir.nodes import Function, Label, edges

EXIT = ""
"""The virtual block after every return and stop; no label is empty."""


class Loop(msgspec.Struct, frozen=True):
    """A natural loop.

    Attributes:
        header: The block every iteration begins with.
        latches: Blocks that jump back to the header.
        body: All blocks of the loop, header and inner loops included.
    """

    header: Label
    latches: tuple[Label, ...]
    body: frozenset[Label]


def leaves(fn: Function, loop: Loop, label: Label) -> bool:
    """Whether the end of a block may leave a loop by going on elsewhere."""
    return any(edge.to not in loop.body for edge in edges(fn.blocks[label].end))


def successors(fn: Function) -> dict[Label, tuple[Label, ...]]:
    """For each block the blocks its terminator may go to, without repeats, in order."""
    return {
        label: tuple(dict.fromkeys(edge.to for edge in edges(block.end)))
        for label, block in fn.blocks.items()
    }


def predecessors(fn: Function) -> dict[Label, tuple[Label, ...]]:
    """For each block the blocks that may go to it, without repeats, in layout order."""
    found: dict[Label, list[Label]] = {label: [] for label in fn.blocks}
    for label, nexts in successors(fn).items():
        for to in nexts:
            found[to].append(label)
    return {label: tuple(labels) for label, labels in found.items()}


def reverse_postorder(root: Label, nexts: Mapping[Label, Sequence[Label]]) -> tuple[Label, ...]:
    """Order what can be reached so that, but for back edges, every block follows its predecessors.

    Cost: linear. An explicit stack: a hostile program may be one long chain.
    """
    order: list[Label] = []
    seen = {root}
    stack = [(root, iter(nexts[root]))]
    while stack:
        label, pending = stack[-1]
        for to in pending:
            if to not in seen:
                seen.add(to)
                stack.append((to, iter(nexts[to])))
                break
        else:
            order.append(label)
            stack.pop()
    return tuple(reversed(order))


def dominators(fn: Function) -> dict[Label, Label]:
    """Map each reachable block to its immediate dominator; the entry maps to itself.

    Cost: about linear for any graph, for hostile programs have any.
    Source: Lengauer, Tarjan, "A Fast Algorithm for Finding Dominators in a Flowgraph", 1979.
    """
    entry = next(iter(fn.blocks))
    return _immediate_dominators(entry, successors(fn), predecessors(fn))


def post_dominators(fn: Function) -> dict[Label, Label]:
    """Map each block that can reach an end to its immediate post-dominator, or to `EXIT`."""
    nexts: dict[Label, tuple[Label, ...]] = {EXIT: ()}
    nexts |= {label: to or (EXIT,) for label, to in successors(fn).items()}
    backwards: dict[Label, list[Label]] = {label: [] for label in nexts}
    for label, to_labels in nexts.items():
        for to in to_labels:
            backwards[to].append(label)
    found = _immediate_dominators(EXIT, backwards, nexts)
    del found[EXIT]
    return found


def dominates(idom: Mapping[Label, Label], above: Label, below: Label) -> bool:
    """Say whether every way from the root to ``below`` passes ``above``; a block dominates itself.

    Cost: the depth of the dominator tree. `dominance_intervals` answers in constant time.
    """
    while below != above:
        up = idom[below]
        if up == below:
            return False
        below = up
    return True


def dominance_intervals(idom: Mapping[Label, Label]) -> dict[Label, tuple[int, int]]:
    """Number the dominator tree so that ``a`` dominates ``b`` when a's interval holds b's."""
    children: dict[Label, list[Label]] = {label: [] for label in idom}
    root = EXIT
    for label, up in idom.items():
        if label == up:
            root = label
        else:
            children[up].append(label)

    first: dict[Label, int] = {root: 0}
    intervals: dict[Label, tuple[int, int]] = {}
    clock = 0
    stack = [(root, iter(children[root]))]
    while stack:
        label, pending = stack[-1]
        child = next(pending, None)
        clock += 1
        if child is None:
            intervals[label] = (first[label], clock)
            stack.pop()
        else:
            first[child] = clock
            stack.append((child, iter(children[child])))
    return intervals


def loops(fn: Function) -> tuple[Loop, ...]:
    """Find the natural loops, inner ones before outer ones.

    Blocks of an irreducible cycle, which has no single header, belong to no loop.
    """
    idom = dominators(fn)
    span = dominance_intervals(idom)
    before = predecessors(fn)
    latches: dict[Label, list[Label]] = {}
    for label in idom:
        for edge in edges(fn.blocks[label].end):
            if _holds(span[edge.to], span[label]) and label not in latches.get(edge.to, ()):
                latches.setdefault(edge.to, []).append(label)
    found = [
        Loop(header, tuple(ends), _loop_body(header, ends, before, idom))
        for header, ends in latches.items()
    ]
    return tuple(sorted(found, key=lambda loop: len(loop.body)))


def _holds(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _loop_body(
    header: Label,
    latches: Sequence[Label],
    before: Mapping[Label, Sequence[Label]],
    reachable: Mapping[Label, Label],
) -> frozenset[Label]:
    body = {header}
    todo = [label for label in latches if label != header]
    while todo:
        label = todo.pop()
        if label not in body:
            body.add(label)
            todo += [up for up in before[label] if up in reachable]
    return frozenset(body)


def _immediate_dominators(
    root: Label, nexts: Mapping[Label, Sequence[Label]], before: Mapping[Label, Sequence[Label]]
) -> dict[Label, Label]:
    """Find the immediate dominators of what the root leads to, in reverse postorder.

    Blocks are numbered in preorder; ``semi`` is the least number from which a block is reached
    through greater ones.
    """
    vertices, parents = _preorder(root, nexts)
    numbers = {label: number for number, label in enumerate(vertices)}
    forest = _Forest(len(vertices))
    semi, idom = forest.semi, [0] * len(vertices)
    waiting: list[list[int]] = [[] for _ in vertices]
    for block in range(len(vertices) - 1, 0, -1):
        reached = [numbers[up] for up in before[vertices[block]] if up in numbers]
        semi[block] = min(semi[block], *(semi[forest.least(up)] for up in reached))
        waiting[semi[block]].append(block)
        parent = parents[block]
        forest.above[block] = parent
        for below in waiting[parent]:
            least = forest.least(below)
            idom[below] = least if semi[least] < semi[below] else parent
        waiting[parent] = []
    for block in range(1, len(vertices)):
        if idom[block] != semi[block]:
            idom[block] = idom[idom[block]]
    order = reverse_postorder(root, nexts)
    return {label: vertices[idom[numbers[label]]] for label in order}


def _preorder(root: Label, nexts: Mapping[Label, Sequence[Label]]) -> tuple[list[Label], list[int]]:
    """Number what the root leads to, depth first, with the number each was reached from."""
    vertices = [root]
    parents = [0]
    seen = {root}
    stack = [(0, iter(nexts[root]))]
    while stack:
        number, pending = stack[-1]
        label = next((to for to in pending if to not in seen), None)
        if label is None:
            stack.pop()
        else:
            seen.add(label)
            stack.append((len(vertices), iter(nexts[label])))
            vertices.append(label)
            parents.append(number)
    return vertices, parents


class _Forest:
    """Blocks linked to those they were reached from, with the least ``semi`` on the way up.

    Attributes:
        semi: See `_immediate_dominators`.
        above: The block above, or -1; shortened to the top with every question.
    """

    def __init__(self, count: int) -> None:
        self.semi = list(range(count))
        self.above = [-1] * count
        self._best = list(range(count))

    def least(self, block: int) -> int:
        """The block with the least ``semi`` from a block up to below its root."""
        above, best, semi = self.above, self._best, self.semi
        if above[block] < 0:
            return block
        path: list[int] = []
        at = block
        while above[above[at]] >= 0:
            path.append(at)
            at = above[at]
        for at in reversed(path):
            up = above[at]
            if semi[best[up]] < semi[best[at]]:
                best[at] = best[up]
            above[at] = above[up]
        return best[block]
