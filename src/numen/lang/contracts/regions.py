"""What a decision decides: the blocks between a branch and where its ways meet again.

A way that can only end in a failure is no way here: that a run fails, everybody sees anyway.
"""

from collections.abc import Mapping
from functools import cached_property

from msgspec.structs import replace

from numen.ir import flow
from numen.ir.nodes import Branch, Function, Jump, Label, Reg, Return, Terminator, edges


class Regions:
    """The decisions of a function.

    Args:
        fn: The function.

    Attributes:
        branches: The conditions of its branches of which both ways may end well, by block.
    """

    def __init__(self, fn: Function) -> None:
        self._fn = _without_failures(fn)
        self._nexts = flow.successors(self._fn)
        self.branches: dict[Label, Reg] = {
            label: block.end.cond
            for label, block in self._fn.blocks.items()
            if isinstance(block.end, Branch) and block.end.then.to != block.end.other.to
        }

    @cached_property
    def _meets(self) -> Mapping[Label, Label]:
        return flow.post_dominators(self._fn)

    def of(self, label: Label) -> set[Label]:
        """The blocks that may be passed because of how a block's branch went."""
        meets = self._meets[label]
        found: set[Label] = set()
        pending = [to for to in self._nexts[label] if to != meets]
        while pending:
            inner = pending.pop()
            if inner not in found:
                found.add(inner)
                pending += [to for to in self._nexts[inner] if to != meets]
        return found

    def chosen(self, label: Label, region: set[Label]) -> set[Reg]:
        """The parameters of blocks that are one or another value because of a block's branch.

        Args:
            label: Of the block.
            region: What `of` gives for it.
        """
        found: set[Reg] = set()
        for inner in (*region, self._meets[label]):
            if inner not in self._fn.blocks:
                continue
            for at, param in enumerate(self._fn.blocks[inner].params):
                given = {args[at] for args in self._given(inner)}
                if len(given) > 1:
                    found.add(param.reg)
        return found

    def _given(self, label: Label) -> list[tuple[Reg, ...]]:
        """What is handed to a block, on each way to it."""
        return self._arguments.get(label, [])

    @cached_property
    def _arguments(self) -> Mapping[Label, list[tuple[Reg, ...]]]:
        found: dict[Label, list[tuple[Reg, ...]]] = {}
        for block in self._fn.blocks.values():
            for edge in edges(block.end):
                found.setdefault(edge.to, []).append(edge.args)
        return found


def _without_failures(fn: Function) -> Function:
    """The blocks from which a function may return, and the ways between them."""
    before = flow.predecessors(fn)
    pending = [label for label, block in fn.blocks.items() if isinstance(block.end, Return)]
    live: set[Label] = set()
    while pending:
        label = pending.pop()
        if label not in live:
            live.add(label)
            pending += before[label]
    kept = {label: block for label, block in fn.blocks.items() if label in live}
    blocks = {label: replace(block, end=_end(block.end, live)) for label, block in kept.items()}
    return Function(fn.name, fn.results, blocks)


def _end(end: Terminator, live: set[Label]) -> Terminator:
    match end:
        case Branch(_, then, other) if then.to not in live or other.to not in live:
            return Jump(then if then.to in live else other)
        case _:
            return end
