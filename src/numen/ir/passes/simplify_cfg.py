"""Simplify control flow: fewer blocks, fewer edges, fewer parameters."""

from collections.abc import Mapping, Sequence
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
    Reg,
    Stop,
    edges,
)
from numen.ir.ops import Op
from numen.ir.passes.registers import Definitions, Fresh, substitute
from numen.ir.passes.threading import thread_edges
from numen.ir.trap import Reason

ROUNDS_MAX: Final = 100
"""Most rounds; programs that people write are simple after three."""

SELECTS_MAX: Final = 2
"""Most arguments that differ where two edges to one block become one."""


def simplify_cfg(fn: Function) -> Function:
    """Decide branches, skip blocks that only pass on, join blocks, drop parameters.

    Loops keep their headers: an edge is never led past the header of a loop into it, nor into the
    header from more blocks than before.

    Needs: SSA form, every block reachable. Keeps: these, every trap with its place.
    Cost: linear, a few times; `ROUNDS_MAX` times at most.
    """
    for _ in range(ROUNDS_MAX):
        step = fn
        for part in (_decide_branches, thread_edges, drop_unreachable, _join, _drop_params):
            step = part(step)
        if step is fn:
            break
        fn = step
    return fn


def _decide_branches(fn: Function) -> Function:
    defs, fresh = Definitions(fn), Fresh(fn)
    blocks = {
        label: _decide(_cut(block, defs), fn, defs, fresh) for label, block in fn.blocks.items()
    }
    return _with_blocks(fn, blocks)


def _with_blocks(fn: Function, blocks: dict[Label, BasicBlock]) -> Function:
    """A function with other blocks, or the same one if they are the same."""
    if len(blocks) == len(fn.blocks) and all(
        blocks[label] is block for label, block in fn.blocks.items()
    ):
        return fn
    return replace(fn, blocks=blocks)


def _cut(block: BasicBlock, defs: Definitions) -> BasicBlock:
    """End a block at a requirement that is never met."""
    for index, instr in enumerate(block.body):
        if instr.op is Op.REQUIRE and defs.constant(instr.args[0]) == 0:
            end = Stop(Reason.REQUIREMENT, instr.symbol, instr.place)
            return BasicBlock(block.params, block.body[:index], end)
    return block


def _decide(block: BasicBlock, fn: Function, defs: Definitions, fresh: Fresh) -> BasicBlock:
    match block.end:
        case Branch(cond, then, other, place):
            value = defs.constant(cond)
            inner = defs.instrs.get(cond)
            if value is not None:
                return replace(block, end=Jump(then if value else other))
            if then == other:
                return replace(block, end=Jump(then))
            if then.to == other.to:
                return _select(block, block.end, fn.blocks[then.to].params, fresh)
            if inner is not None and inner.op is Op.NOT:
                return replace(block, end=Branch(inner.args[0], other, then, place))
    return block


def _select(block: BasicBlock, end: Branch, params: Sequence[Param], fresh: Fresh) -> BasicBlock:
    """Go one way and choose the arguments, where two edges lead to one block."""
    pairs = list(zip(end.then.args, end.other.args, strict=True))
    if sum(a != b for a, b in pairs) > SELECTS_MAX:
        return block
    body = list(block.body)
    args: list[Reg] = []
    for (a, b), param in zip(pairs, params, strict=True):
        if a == b:
            args.append(a)
            continue
        dest = fresh.reg("either")
        body.append(Instr(Op.SELECT, (dest,), (end.cond, a, b), param.type, place=end.place))
        args.append(dest)
    return BasicBlock(block.params, tuple(body), Jump(Edge(end.then.to, tuple(args))))


def drop_unreachable(fn: Function) -> Function:
    """Drop blocks that no way leads to."""
    reached = set(flow.reverse_postorder(next(iter(fn.blocks)), flow.successors(fn)))
    if len(reached) == len(fn.blocks):
        return fn
    return replace(fn, blocks={k: block for k, block in fn.blocks.items() if k in reached})


def _join(fn: Function) -> Function:
    """Append to each block the one that only it goes to, always."""
    coming: dict[Label, int] = {}
    for block in fn.blocks.values():
        for edge in edges(block.end):
            coming[edge.to] = coming.get(edge.to, 0) + 1
    names: dict[Reg, Reg] = {}
    blocks: dict[Label, BasicBlock] = {}
    joined = {
        block.end.edge.to
        for block in fn.blocks.values()
        if isinstance(block.end, Jump) and coming[block.end.edge.to] == 1
    }
    for label, block in fn.blocks.items():
        if label in joined:
            continue
        bodies, end = [block.body], block.end
        while isinstance(end, Jump) and coming[end.edge.to] == 1:
            following = fn.blocks[end.edge.to]
            regs = (param.reg for param in following.params)
            names.update(zip(regs, end.edge.args, strict=True))
            bodies.append(following.body)
            end = following.end
        body = tuple(instr for part in bodies for instr in part) if len(bodies) > 1 else block.body
        blocks[label] = block if len(bodies) == 1 else BasicBlock(block.params, body, end)
    return substitute(replace(fn, blocks=blocks), names) if joined else fn


def _drop_params(fn: Function) -> Function:
    """Drop parameters that are always the same register, constant, or as another parameter."""
    columns = _arguments(fn)
    defs = Definitions(fn)
    names: dict[Reg, Reg] = {}
    constants: dict[Label, list[Instr]] = {}
    dropped: dict[Label, set[int]] = {}
    for label, rows in columns.items():
        seen: dict[tuple[Reg, ...], Reg] = {}
        for index, param in enumerate(fn.blocks[label].params):
            column = rows[index]
            passed = {reg for reg in column if reg != param.reg}
            values = {defs.constant(reg) for reg in passed}
            if len(passed) == 1:
                names[param.reg] = passed.pop()
            elif column in seen:
                names[param.reg] = seen[column]
            elif len(values) == 1 and None not in values:
                instr = Instr(Op.CONST, (param.reg,), (), param.type, imm=values.pop())
                constants.setdefault(label, []).append(instr)
            else:
                seen[column] = param.reg
                continue
            dropped.setdefault(label, set()).add(index)
    if not dropped:
        return fn
    blocks = {
        label: _without(block, dropped.get(label, set()), constants.get(label, []), dropped)
        for label, block in fn.blocks.items()
    }
    return substitute(replace(fn, blocks=blocks), names)


def _arguments(fn: Function) -> dict[Label, list[tuple[Reg, ...]]]:
    """For each block with parameters, what the edges pass for each of them."""
    rows: dict[Label, list[tuple[Reg, ...]]] = {}
    for block in fn.blocks.values():
        for edge in edges(block.end):
            if edge.args:
                rows.setdefault(edge.to, []).append(edge.args)
    return {label: list(zip(*passed, strict=True)) for label, passed in rows.items()}


def _without(
    block: BasicBlock,
    indices: set[int],
    constants: list[Instr],
    dropped: Mapping[Label, set[int]],
) -> BasicBlock:
    """A block without some of its parameters, whose edges pass none to those of others."""
    params = tuple(param for i, param in enumerate(block.params) if i not in indices)
    end = block.end
    match end:
        case Jump(edge):
            end = Jump(_shorten(edge, dropped))
        case Branch(cond, then, other, place):
            end = Branch(cond, _shorten(then, dropped), _shorten(other, dropped), place)
    return BasicBlock(params, (*constants, *block.body), end)


def _shorten(edge: Edge, dropped: Mapping[Label, set[int]]) -> Edge:
    gone = dropped.get(edge.to, set())
    return Edge(edge.to, tuple(arg for i, arg in enumerate(edge.args) if i not in gone))
