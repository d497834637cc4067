"""Which registers share cells: a value that is passed to a block parameter becomes that parameter.

Two registers share cells where neither is wanted while the other is written. Most loops then move
nothing: ``i2 = add i, 1; jump loop(i2)`` is one step.
"""

from collections.abc import Mapping
from typing import Final

from numen.ir import flow
from numen.ir.nodes import BasicBlock, Edge, Function, Instr, Label, Reg, edges, uses
from numen.ir.ops import Op
from numen.ir.types import Type, Word

WORK_MAX: Final = 4_000_000
"""Pairs of registers wanted at once, summed over all writes, above which nothing is shared."""

_TESTS: Final = frozenset({Op.EQ, Op.LT})


def sink_tests(block: BasicBlock) -> BasicBlock:
    """Move comparisons to the end of a block where only its branch or its end reads them."""
    end_uses = uses(block.end)
    counts: dict[Reg, int] = {}
    for instr in block.body:
        for reg in instr.args:
            counts[reg] = counts.get(reg, 0) + 1
    sunk = [
        instr
        for instr in block.body
        if instr.op in _TESTS and instr.dests[0] in end_uses and not counts.get(instr.dests[0])
    ]
    if not sunk:
        return block
    body = [instr for instr in block.body if instr not in sunk]
    return BasicBlock(block.params, (*body, *sunk), block.end)


def share(fn: Function, types: Mapping[Reg, Type]) -> dict[Reg, Reg]:
    """Map registers to the one that stands for all that share its cells."""
    live_in = _live_in(fn)
    neighbours = _neighbours(fn, live_in)
    classes = _Classes(neighbours)
    if neighbours is not None:
        for edge, block in _inner_first(fn):
            for arg, param in zip(edge.args, block.params, strict=True):
                if isinstance(param.type, Word) and types.get(arg) == param.type:
                    classes.join(arg, param.reg)
    return classes.leaders()


def _inner_first(fn: Function) -> list[tuple[Edge, BasicBlock]]:
    """Edges with the blocks they lead to, those of the innermost loops first."""
    depth = dict.fromkeys(fn.blocks, 0)
    for loop in flow.loops(fn):
        for label in loop.body:
            depth[label] += 1
    found = [
        (min(depth[label], depth[edge.to]), edge, fn.blocks[edge.to])
        for label, block in fn.blocks.items()
        for edge in edges(block.end)
    ]
    return [(edge, block) for _, edge, block in sorted(found, key=lambda one: -one[0])]


def _live_in(fn: Function) -> dict[Label, set[Reg]]:
    """Registers that are wanted at the beginning of each block, its parameters aside."""
    reads: dict[Label, set[Reg]] = {}
    writes: dict[Label, set[Reg]] = {}
    for label, block in fn.blocks.items():
        written = {param.reg for param in block.params}
        read: set[Reg] = set()
        for instr in block.body:
            read.update(reg for reg in instr.args if reg not in written)
            written.update(instr.dests)
        read.update(reg for reg in uses(block.end) if reg not in written)
        reads[label], writes[label] = read, written
    nexts, before = flow.successors(fn), flow.predecessors(fn)
    live = {label: set(read) for label, read in reads.items()}
    waiting = list(fn.blocks)
    while waiting:
        label = waiting.pop()
        wanted = reads[label].union(*(live[to] for to in nexts[label])) - writes[label]
        if wanted - live[label]:
            live[label] |= wanted
            waiting += before[label]
    return live


def _neighbours(fn: Function, live_in: Mapping[Label, set[Reg]]) -> dict[Reg, set[Reg]] | None:
    """For each register those that are wanted when it is written; None where that is too much."""
    found: dict[Reg, set[Reg]] = {}
    work = 0
    for block in fn.blocks.values():
        live = set(uses(block.end))
        for edge in edges(block.end):
            live |= live_in[edge.to]
        for instr in reversed(block.body):
            work += _write(found, instr.dests, live)
            _read(live, instr)
        work += _write(found, tuple(param.reg for param in block.params), live)
        if work > WORK_MAX:
            return None
    return found


def _write(found: dict[Reg, set[Reg]], dests: tuple[Reg, ...], live: set[Reg]) -> int:
    # What is written at once is wanted at once, be it ever read or not.
    others = live.union(dests)
    for dest in dests:
        found.setdefault(dest, set()).update(others)
        for reg in others:
            found.setdefault(reg, set()).add(dest)
        found[dest].discard(dest)
    live.difference_update(dests)
    return len(others) * len(dests)


def _read(live: set[Reg], instr: Instr) -> None:
    live.update(instr.args)


class _Classes:
    """Registers joined so far, and what each class must be kept apart from."""

    def __init__(self, neighbours: dict[Reg, set[Reg]] | None) -> None:
        self._leader: dict[Reg, Reg] = {}
        self._members: dict[Reg, set[Reg]] = {}
        self._apart = neighbours or {}

    def leaders(self) -> dict[Reg, Reg]:
        return self._leader

    def join(self, a: Reg, b: Reg) -> None:
        """Let two registers share, if they can."""
        one, other = self._leader.get(a, a), self._leader.get(b, b)
        if one == other:
            return
        of, by = self._members.get(one, {one}), self._members.get(other, {other})
        if len(of) > len(by):
            of, by, one, other = by, of, other, one
        if any(self._apart.get(reg, set()) & by for reg in of):
            return
        members = of | by
        self._members[other] = members
        for reg in members:
            self._leader[reg] = other
