"""Strength reduction: division by a power of two is a shift, its remainder a mask."""

from msgspec.structs import replace

from numen.ir.nodes import BasicBlock, Function, Instr
from numen.ir.ops import Op
from numen.ir.passes.registers import Definitions, Fresh
from numen.ir.types import Kind, Word


def reduce_strength(fn: Function) -> Function:
    """Divide by powers of two without dividing.

    Quotients are rounded down, and remainders have the sign of the divisor, so this is as true of
    signed words as of unsigned ones.

    Needs: SSA form. Keeps: SSA form, block order, every trap.
    Cost: linear.
    """
    reducer = _Reducer(fn)
    blocks = {label: reducer.block(block) for label, block in fn.blocks.items()}
    return replace(fn, blocks=blocks) if reducer.changed else fn


class _Reducer:
    def __init__(self, fn: Function) -> None:
        self.defs = Definitions(fn)
        self.fresh = Fresh(fn)
        self.changed = False

    def block(self, block: BasicBlock) -> BasicBlock:
        body = tuple(after for instr in block.body for after in self.instr(instr))
        return replace(block, body=body)

    def instr(self, instr: Instr) -> tuple[Instr, ...]:
        word = instr.type
        if instr.op not in (Op.DIV, Op.REM) or not isinstance(word, Word):
            return (instr,)
        divisor = self.defs.constant(instr.args[1])
        is_power = divisor is not None and divisor > 0 and divisor & (divisor - 1) == 0
        if divisor is None or not is_power or word.kind is Kind.FIELD:
            return (instr,)
        self.changed = True
        op, value = Op.SHR, divisor.bit_length() - 1
        if instr.op is Op.REM:
            op, value = Op.AND, divisor - 1
        by = self.fresh.reg("by")
        const = Instr(Op.CONST, (by,), (), word, imm=value, place=instr.place)
        return const, replace(instr, op=op, args=(instr.args[0], by))
