"""Loop-invariant code motion: what every iteration would compute alike is computed before."""

from collections.abc import Mapping

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
    Reg,
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
    todo = list(flow.loops(fn))
    while todo:
        loop = todo.pop(0)
        blocks = fn.blocks
        fn = _Hoister(fn, loop).run()
        # A block that was put before an inner loop is part of the loops around it.
        added = fn.blocks.keys() - blocks.keys()
        if added:
            todo = [
                replace(outer, body=outer.body | added) if loop.header in outer.body else outer
                for outer in todo
            ]
    return fn


class _Hoister:
    """Empties one loop of what does not belong there."""

    def __init__(self, fn: Function, loop: flow.Loop) -> None:
        self.fn = fn
        self.loop = loop
        self.defs = Definitions(fn)
        self.moved: list[Instr] = []
        self.outside: set[Reg] = set()
        self.is_written = any(
            remaining_effect(instr, self.defs) & Effect.WRITE
            for label in loop.body
            for instr in fn.blocks[label].body
        )

    def run(self) -> Function:
        blocks = dict(self.fn.blocks)
        order = flow.reverse_postorder(next(iter(blocks)), flow.successors(self.fn))
        for label in order:
            if label in self.loop.body:
                blocks[label] = self.block(label, blocks[label])
        if not self.moved:
            return self.fn
        return _before_loop(replace(self.fn, blocks=blocks), self.loop, tuple(self.moved))

    def block(self, label: Label, block: BasicBlock) -> BasicBlock:
        # The header runs whenever the loop is entered: what it begins with happens anyway.
        is_certain = label == self.loop.header
        kept: list[Instr] = []
        for instr in block.body:
            effect = remaining_effect(instr, self.defs)
            if self.is_invariant(instr) and self.may_move(effect, is_certain):
                self.moved.append(instr)
                self.outside.update(instr.dests)
            else:
                kept.append(instr)
                is_certain &= not effect & ~Effect.READ
        return replace(block, body=tuple(kept))

    def is_invariant(self, instr: Instr) -> bool:
        return all(
            arg in self.outside or self.defs.homes[arg] not in self.loop.body for arg in instr.args
        )

    def may_move(self, effect: Effect, is_certain: bool) -> bool:
        if effect & (Effect.WRITE | Effect.CALL):
            return False
        if effect & Effect.READ and self.is_written:
            return False
        return is_certain or not effect & Effect.TRAP


def _before_loop(fn: Function, loop: flow.Loop, body: tuple[Instr, ...]) -> Function:
    """Put instructions where the loop is entered, in a block of their own if need be."""
    entering = [
        label
        for label in fn.blocks
        if label not in loop.body
        and any(edge.to == loop.header for edge in edges(fn.blocks[label].end))
    ]
    first = fn.blocks[entering[0]]
    if len(entering) == 1 and isinstance(first.end, Jump):
        joined = replace(first, body=(*first.body, *body))
        return replace(fn, blocks={**fn.blocks, entering[0]: joined})
    fresh = Fresh(fn)
    label = fresh.reg("before")
    params = tuple(Param(fresh.reg("in"), param.type) for param in fn.blocks[loop.header].params)
    ahead = BasicBlock(params, body, Jump(Edge(loop.header, tuple(p.reg for p in params))))
    blocks: dict[Label, BasicBlock] = {}
    for name, block in fn.blocks.items():
        if name == loop.header:
            blocks[label] = ahead
        led = {loop.header: label} if name in entering else {}
        blocks[name] = replace(block, end=_lead(block.end, led)) if led else block
    return replace(fn, blocks=blocks)


def _lead(end: Terminator, led: Mapping[Label, Label]) -> Terminator:
    match end:
        case Jump(edge):
            return Jump(Edge(led.get(edge.to, edge.to), edge.args))
        case Branch(cond, then, other, place):
            first = Edge(led.get(then.to, then.to), then.args)
            second = Edge(led.get(other.to, other.to), other.args)
            return Branch(cond, first, second, place)
    return end
