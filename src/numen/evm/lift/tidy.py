"""Two passes over a lifted function: what is left of memory that a circuit would pay for.

Compilers put results into memory to return them, at an offset that depends on what came before.
The lifter has taken the words out of the registers by then, and nobody reads the memory again.
"""

from typing import Final

from msgspec.structs import replace

from numen.ir import flow
from numen.ir.nodes import BasicBlock, Function, Instr, Label
from numen.ir.ops import Op
from numen.ir.passes.registers import Definitions, Fresh
from numen.ir.types import U256

_READERS: Final = frozenset({Op.LOAD, Op.CALL})


def drop_dead_stores(fn: Function, memory: str) -> Function:
    """Drop the stores to a memory of the function's own that nothing reads afterwards.

    Needs: the memory is made here, so that nobody outside sees it, and no store is outside of it:
    the lifter requires that before. Keeps: everything else.
    Cost: linear for each loop that the blocks are nested in.
    """
    is_read: dict[Label, bool] = dict.fromkeys(fn.blocks, False)
    before = flow.predecessors(fn)
    waiting = [label for label, block in fn.blocks.items() if _reads(block, memory)]
    while waiting:
        for up in before[waiting.pop()]:
            if not is_read[up]:
                is_read[up] = True
                waiting.append(up)
    blocks = {
        label: _without_dead(block, memory, is_read=is_read[label])
        for label, block in fn.blocks.items()
    }
    return replace(fn, blocks=blocks)


def add_constants_once(fn: Function) -> Function:
    """Make ``(x + 1) + 2`` modulo 2**256 one addition, however far apart the two are.

    Needs: SSA form. Keeps: SSA form; the first sum stays for its other readers.
    Cost: linear.
    """
    defs, fresh = Definitions(fn), Fresh(fn)
    sums: dict[str, tuple[str, int]] = {}
    consts: dict[int, str] = {}
    blocks = dict(fn.blocks)
    for label in flow.reverse_postorder(next(iter(fn.blocks)), flow.successors(fn)):
        body = []
        for instr in fn.blocks[label].body:
            found = _sum(instr, defs, sums)
            if found is None:
                body.append(instr)
                continue
            base, amount = sums[instr.dests[0]] = found
            if base not in instr.args:
                reg = consts.setdefault(amount, fresh.reg("k"))
                body.append(replace(instr, args=(base, reg)))
            else:
                body.append(instr)
        blocks[label] = replace(fn.blocks[label], body=tuple(body))
    entry, first = next(iter(blocks.items()))
    made = (Instr(Op.CONST, (reg,), (), U256, imm=amount) for amount, reg in consts.items())
    blocks[entry] = replace(first, body=(*made, *first.body))
    return replace(fn, blocks=blocks)


def _sum(
    instr: Instr, defs: Definitions, sums: dict[str, tuple[str, int]]
) -> tuple[str, int] | None:
    """A sum of a register and a constant as one step from the register it began with."""
    if instr.op is not Op.WRAPPING_ADD or instr.type != U256:
        return None
    for reg, other in (instr.args, instr.args[::-1]):
        amount = defs.constant(other)
        if amount is not None and defs.constant(reg) is None:
            base, before = sums.get(reg, (reg, 0))
            return base, (before + amount) % (1 << 256)
    return None


def _reads(block: BasicBlock, memory: str) -> bool:
    return any(instr.op in _READERS and memory in instr.args for instr in block.body)


def _without_dead(block: BasicBlock, memory: str, *, is_read: bool) -> BasicBlock:
    kept: list[Instr] = []
    for instr in reversed(block.body):
        is_store = instr.op is Op.STORE and instr.args[0] == memory
        if is_store and not is_read:
            continue
        is_read = is_read or (instr.op in _READERS and memory in instr.args)
        kept.append(instr)
    return replace(block, body=tuple(reversed(kept)))
