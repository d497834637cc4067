"""Loop-invariant code motion: what every iteration would compute alike is computed before."""

from typing import Final

from msgspec.structs import replace

from numen.ir import flow
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Label,
    Param,
    Terminator,
    edges,
)
from numen.ir.ops import Effect
from numen.ir.passes.effects import remaining_effect
from numen.ir.passes.registers import Definitions, Fresh

BLOCKS_MAX = 2048
"""Most blocks of a function whose loops are looked for: bodies of nested ones add up."""


def hoist_invariants(fn: Function) -> Function:
    """Move what does not change in a loop in front of it.

    Moved are instructions without effect; of those that may trap, and of reads, the ones with which
    every loop begins, before anything else that can be noticed; of these reads, those of storage
    that the loop does not write.

    Needs: SSA form. Keeps: SSA form, every trap with its place.
    Cost: the sizes of all loops.
    """
    if len(fn.blocks) > BLOCKS_MAX:
        return fn
    hoister = _Hoister(fn)
    for loop in flow.loops(fn):
        hoister.empty(loop)
    return replace(fn, blocks=hoister.layout()) if hoister.changed else fn


class _Hoister:
    """The blocks of a function while its loops are emptied of what does not belong there.

    Attributes:
        blocks: As they are by now.
        ahead: Blocks put before a header, by its label.
        changed: Whether anything moved.
    """

    def __init__(self, fn: Function) -> None:
        self.blocks = dict(fn.blocks)
        self.defs = Definitions(fn)
        self.before = flow.predecessors(fn)
        self.fresh = Fresh(fn)
        order = flow.reverse_postorder(next(iter(fn.blocks)), flow.successors(fn))
        self.rank = {label: index for index, label in enumerate(order)}
        self.ahead: dict[Label, Label] = {}
        self.changed = False

    def layout(self) -> dict[Label, BasicBlock]:
        """The blocks, each put before a header standing before it."""
        placed: dict[Label, BasicBlock] = {}
        for label, block in self.blocks.items():
            if label in self.ahead:
                placed[self.ahead[label]] = self.blocks[self.ahead[label]]
            placed.setdefault(label, block)
        return placed

    def empty(self, loop: flow.Loop) -> None:
        """Move out of a loop what does not change in it; inner loops come first."""
        body = {*loop.body, *(self.ahead[inner] for inner in loop.body & self.ahead.keys())}
        is_written = any(
            remaining_effect(instr, self.defs) & Effect.WRITE
            for label in body
            for instr in self.blocks[label].body
        )
        moved: list[Instr] = []
        for label in sorted(body, key=self.place):
            block = self.blocks[label]
            kept: list[Instr] = []
            # The header runs whenever the loop is entered: what it begins with happens anyway.
            is_certain = label == loop.header
            for instr in block.body:
                effect = remaining_effect(instr, self.defs)
                is_fixed = all(self.defs.homes[arg] not in body for arg in instr.args)
                if is_fixed and _may_move(effect, is_certain, is_written):
                    moved.append(instr)
                    self.defs.homes |= dict.fromkeys(instr.dests, OUTSIDE)
                else:
                    kept.append(instr)
                    is_certain &= not effect & ~Effect.READ
            self.blocks[label] = replace(block, body=tuple(kept))
        if moved:
            self.changed = True
            self.put_before(loop, tuple(moved))

    def place(self, label: Label) -> tuple[int, int]:
        """Where a block stands among those of a loop, so that definitions come before uses."""
        if label in self.rank:
            return self.rank[label], 1
        return self.rank[edges(self.blocks[label].end)[0].to], 0

    def put_before(self, loop: flow.Loop, body: tuple[Instr, ...]) -> None:
        """Put instructions where a loop is entered, in a block of their own if need be."""
        entering = [label for label in self.before[loop.header] if label not in loop.body]
        label = entering[0]
        if len(entering) > 1 or not isinstance(self.blocks[label].end, Jump):
            label = self.block_ahead(loop, entering)
        block = self.blocks[label]
        self.blocks[label] = replace(block, body=(*block.body, *body))
        for instr in body:
            self.defs.homes |= dict.fromkeys(instr.dests, label)

    def block_ahead(self, loop: flow.Loop, entering: list[Label]) -> Label:
        label = self.ahead[loop.header] = self.fresh.reg("before")
        header = self.blocks[loop.header]
        params = tuple(Param(self.fresh.reg("in"), param.type) for param in header.params)
        self.defs.homes |= dict.fromkeys((param.reg for param in params), label)
        way = Jump(Edge(loop.header, tuple(param.reg for param in params)))
        self.blocks[label] = BasicBlock(params, (), way)
        for name in entering:
            block = self.blocks[name]
            self.blocks[name] = replace(block, end=_lead(block.end, loop.header, label))
        return label


OUTSIDE: Final = ""
"""Stands for the block that something moves to while it is not known yet."""


def _may_move(effect: Effect, is_certain: bool, is_written: bool) -> bool:
    if effect & (Effect.WRITE | Effect.CALL) or (effect & Effect.READ and is_written):
        return False
    return is_certain or not effect & Effect.TRAP


def _lead(end: Terminator, old: Label, to: Label) -> Terminator:
    """Lead every edge to a block to another, with the same arguments."""

    def led(edge: Edge) -> Edge:
        return Edge(to, edge.args) if edge.to == old else edge

    match end:
        case Jump(edge):
            return Jump(led(edge))
        case Branch(cond, then, other, place):
            return Branch(cond, led(then), led(other), place)
    return end
