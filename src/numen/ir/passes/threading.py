"""Edge threading: an edge to a block that only passes on leads where that block leads."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from numen.ir import flow
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Jump,
    Label,
    Reg,
    Terminator,
    edges,
    uses,
)
from numen.ir.passes.registers import Definitions

HOPS_MAX: Final = 8
"""Most blocks that one edge skips at a time."""


def thread_edges(fn: Function) -> Function:
    """Lead edges past blocks without instructions, where it is known how they go on.

    They go on as they always do, or as the branch before them did, or as a constant among the
    edge's arguments says.

    Needs: SSA form. Keeps: SSA form; blocks that nothing leads to any more stay.
    Cost: linear.
    """
    hollow = _hollow_blocks(fn)
    if not hollow:
        return fn
    threader = _Threader(fn, hollow)
    blocks = {label: threader.block(block) for label, block in fn.blocks.items()}
    if all(blocks[label] is block for label, block in fn.blocks.items()):
        return fn
    return replace(fn, blocks=blocks)


def _hollow_blocks(fn: Function) -> frozenset[Label]:
    """Blocks without instructions whose parameters nobody but their own end reads."""
    empty = {label for label, block in fn.blocks.items() if not block.body}
    empty.discard(next(iter(fn.blocks)))
    homes = {param.reg: label for label in empty for param in fn.blocks[label].params}
    for label, block in fn.blocks.items():
        read = [arg for instr in block.body for arg in instr.args]
        for reg in (*read, *uses(block.end)):
            if homes.get(reg, label) != label:
                empty.discard(homes[reg])
    return frozenset(label for label in empty if edges(fn.blocks[label].end))


class _Threader:
    def __init__(self, fn: Function, hollow: frozenset[Label]) -> None:
        self.fn = fn
        self.hollow = hollow
        self.defs = Definitions(fn)
        order = flow.reverse_postorder(next(iter(fn.blocks)), flow.successors(fn))
        rank = {label: index for index, label in enumerate(order)}
        self.headers: set[Label] = set()
        self.coming: dict[Label, int] = {}
        for label in order:
            for edge in edges(fn.blocks[label].end):
                self.coming[edge.to] = self.coming.get(edge.to, 0) + 1
                if rank[edge.to] <= rank[label]:
                    self.headers.add(edge.to)

    def block(self, block: BasicBlock) -> BasicBlock:
        end = self.end(block.end)
        return block if end is block.end else replace(block, end=end)

    def end(self, end: Terminator) -> Terminator:
        match end:
            case Jump(edge):
                led = self.lead(edge, {})
                return end if led is edge else Jump(led)
            case Branch(cond, then, other, place):
                ways = self.lead(then, {cond: 1}), self.lead(other, {cond: 0})
                if ways[0] is then and ways[1] is other:
                    return end
                return Branch(cond, *ways, place)
        return end

    def lead(self, edge: Edge, known: Mapping[Reg, int]) -> Edge:
        """Follow an edge as far as it is known to go; ``known`` are truths on this edge."""
        for _ in range(HOPS_MAX):
            following = self.hop(edge, known)
            if following is None:
                return edge
            edge = following
        return edge

    def hop(self, edge: Edge, known: Mapping[Reg, int]) -> Edge | None:
        if edge.to not in self.hollow or edge.to in self.headers:
            return None
        block = self.fn.blocks[edge.to]
        passed = dict(zip((param.reg for param in block.params), edge.args, strict=True))
        following = self.choose(block.end, passed, known)
        if following is None or following.to == edge.to:
            return None
        # Several ways back to a header, or into it, would hide that the loop has one of each.
        if following.to in self.headers and self.coming[edge.to] > 1:
            return None
        return Edge(following.to, tuple(passed.get(arg, arg) for arg in following.args))

    def choose(
        self, end: Terminator, passed: Mapping[Reg, Reg], known: Mapping[Reg, int]
    ) -> Edge | None:
        match end:
            case Jump(edge):
                return edge
            case Branch(cond, then, other):
                cond = passed.get(cond, cond)
                value = known.get(cond, self.defs.constant(cond))
                return None if value is None else then if value else other
        return None
