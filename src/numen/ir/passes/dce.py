"""Dead code elimination."""

from msgspec.structs import replace

from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Jump,
    Label,
    Reg,
    Return,
    Stop,
    Terminator,
    edges,
)
from numen.ir.passes.effects import is_idle
from numen.ir.passes.registers import Definitions


def eliminate_dead_code(fn: Function) -> Function:
    """Drop instructions without effect, and block parameters, whose result nobody reads.

    Parameters that only feed each other around a loop go too.

    Needs: SSA form. Keeps: SSA form, block order, the entry's parameters, every effect.
    Cost: linear in the number of operands.
    """
    live, idle = _live_and_idle(fn)
    dead = {
        label: frozenset(i for i, param in enumerate(block.params) if param.reg not in live)
        for label, block in list(fn.blocks.items())[1:]
    }
    unread = idle - live
    blocks = {label: _sweep(label, block, unread, dead) for label, block in fn.blocks.items()}
    if all(blocks[label] is block for label, block in fn.blocks.items()):
        return fn
    return replace(fn, blocks=blocks)


def _live_and_idle(fn: Function) -> tuple[set[Reg], set[Reg]]:
    """Mark from the effects and ends back through the definitions.

    Returns:
        The registers that are read for a reason, and those that may go where they are not.
    """
    defs = Definitions(fn)
    reads: dict[Reg, tuple[Reg, ...]] = {}
    feeds: dict[Reg, list[Reg]] = {}
    roots: list[Reg] = []
    for block in fn.blocks.values():
        for instr in block.body:
            if not is_idle(instr, defs):
                roots += instr.args
            else:
                reads[instr.dests[0]] = instr.args
        match block.end:
            case Branch(cond):
                roots.append(cond)
            case Return(values):
                roots += values
        for edge in edges(block.end):
            for param, arg in zip(fn.blocks[edge.to].params, edge.args, strict=True):
                feeds.setdefault(param.reg, []).append(arg)
    live: set[Reg] = set()
    while roots:
        reg = roots.pop()
        if reg not in live:
            live.add(reg)
            roots += reads.get(reg, ())
            roots += feeds.get(reg, ())
    return live, set(reads)


def _sweep(
    label: Label, block: BasicBlock, unread: set[Reg], dead: dict[Label, frozenset[int]]
) -> BasicBlock:
    body = tuple(instr for instr in block.body if unread.isdisjoint(instr.dests))
    params = block.params
    if dead.get(label):
        params = tuple(param for i, param in enumerate(params) if i not in dead[label])
    end = _trim(block.end, dead)
    if len(body) == len(block.body) and params is block.params and end is block.end:
        return block
    return BasicBlock(params, body, end)


def _trim(end: Terminator, dead: dict[Label, frozenset[int]]) -> Terminator:
    if not any(dead[edge.to] for edge in edges(end)):
        return end
    match end:
        case Jump(edge):
            return Jump(_trim_edge(edge, dead))
        case Branch(cond, then, other, place):
            return Branch(cond, _trim_edge(then, dead), _trim_edge(other, dead), place)
        case Return() | Stop():
            return end


def _trim_edge(edge: Edge, dead: dict[Label, frozenset[int]]) -> Edge:
    gone = dead[edge.to]
    return Edge(edge.to, tuple(arg for i, arg in enumerate(edge.args) if i not in gone))
