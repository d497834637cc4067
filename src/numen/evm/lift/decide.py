"""Decide again what a branch above has decided.

Compilers check before they compute, and the EVM's own meaning checks once more (division by zero
gives zero): below a branch the condition is known, and what depends on it falls away.
"""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from numen.ir import flow
from numen.ir.nodes import BasicBlock, Branch, Function, Instr, Label, Reg
from numen.ir.ops import Op
from numen.ir.passes.registers import Definitions, Fresh, rename_end, with_args
from numen.ir.types import BOOL


def decide_again(fn: Function) -> Function:
    """Replace conditions by what the branches above say of them.

    Needs: SSA form. Keeps: SSA form, block order, every trap with its place.
    Cost: linear.
    """
    defs, fresh = Definitions(fn), Fresh(fn)
    truths = (fresh.reg("false"), fresh.reg("true"))
    blocks = dict(fn.blocks)
    for label, known in _facts(fn, defs):
        names = {reg: truths[value] for reg, value in known.items()}
        blocks[label] = _rename(blocks[label], names)
    if all(blocks[label] is block for label, block in fn.blocks.items()):
        return fn
    entry, first = next(iter(blocks.items()))
    constants = tuple(
        Instr(Op.CONST, (reg,), (), BOOL, imm=value) for value, reg in enumerate(truths)
    )
    blocks[entry] = replace(first, body=(*constants, *first.body))
    return replace(fn, blocks=blocks)


def _facts(fn: Function, defs: Definitions) -> Iterator[tuple[Label, Mapping[Reg, int]]]:
    """Each block with what is known in it; the mapping changes between blocks."""
    idom, before = flow.dominators(fn), flow.predecessors(fn)
    below: dict[Label, list[Label]] = {label: [] for label in fn.blocks}
    entry = next(iter(fn.blocks))
    for label, above in idom.items():
        if label != entry:
            below[above].append(label)
    known: dict[Reg, int] = {}
    stack: list[tuple[Label, list[Reg] | None]] = [(entry, None)]
    while stack:
        label, learnt = stack.pop()
        if learnt is not None:
            for reg in learnt:
                del known[reg]
            continue
        learnt = []
        for reg, value in _learn(fn, defs, before[label], label):
            if reg not in known:
                known[reg] = value
                learnt.append(reg)
        if known:
            yield label, known
        stack.append((label, learnt))
        stack += [(child, None) for child in below[label]]


def _learn(
    fn: Function, defs: Definitions, before: tuple[Label, ...], label: Label
) -> Iterator[tuple[Reg, int]]:
    """What the one way into a block says."""
    if len(before) != 1:
        return
    end = fn.blocks[before[0]].end
    if isinstance(end, Branch) and end.then.to != end.other.to:
        reg, value = end.cond, int(end.then.to == label)
        yield reg, value
        inner = defs.instrs.get(reg)
        if inner is not None and inner.op is Op.NOT:
            yield inner.args[0], 1 - value


def _rename(block: BasicBlock, names: Mapping[Reg, Reg]) -> BasicBlock:
    body = [
        with_args(instr, tuple(names.get(arg, arg) for arg in instr.args))
        if any(arg in names for arg in instr.args)
        else instr
        for instr in block.body
    ]
    end = rename_end(block.end, dict(names))
    if end == block.end and all(a is b for a, b in zip(body, block.body, strict=True)):
        return block
    return BasicBlock(block.params, tuple(body), end)
