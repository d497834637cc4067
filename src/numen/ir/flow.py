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

    Source: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001.
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
    order = reverse_postorder(root, nexts)
    rank = {label: position for position, label in enumerate(order)}
    idom = {root: root}
    changed = True
    while changed:
        changed = False
        for label in order[1:]:
            known = [up for up in before[label] if up in idom]
            best = known[0]
            for up in known[1:]:
                best = _meet(best, up, idom, rank)
            if idom.get(label) != best:
                idom[label] = best
                changed = True
    return idom


def _meet(a: Label, b: Label, idom: Mapping[Label, Label], rank: Mapping[Label, int]) -> Label:
    while a != b:
        while rank[a] > rank[b]:
            a = idom[a]
        while rank[b] > rank[a]:
            b = idom[b]
    return a
