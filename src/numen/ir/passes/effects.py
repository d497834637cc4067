"""What an instruction can do beside writing its result, given the constants it reads."""

from numen.ir.intervals import Interval, can_trap, full
from numen.ir.nodes import Instr, Reg
from numen.ir.ops import SPECS, Effect, Op, effect
from numen.ir.passes.registers import Definitions
from numen.ir.types import Array, Word


def remaining_effect(instr: Instr, defs: Definitions) -> Effect:
    """The effect of an instruction, without the traps that its types or constants rule out."""
    found = effect(instr.op, instr.type)
    if found & Effect.TRAP and not _may_trap(instr, defs):
        found &= ~Effect.TRAP
    return found


def is_idle(instr: Instr, defs: Definitions) -> bool:
    """Whether an instruction may go when nobody reads its result."""
    # To make an array changes only what its own reference leads to.
    if instr.op in (Op.ARRAY, Op.MEMORY):
        return True
    return not remaining_effect(instr, defs) & ~Effect.READ


def _may_trap(instr: Instr, defs: Definitions) -> bool:
    if SPECS[instr.op].means is not None:
        return can_trap(instr, [_interval(reg, instr.type, defs) for reg in instr.args])
    index = defs.constant(instr.args[1]) if len(instr.args) > 1 else None
    match instr.op, instr.type, instr.to:
        case ((Op.GET | Op.SET), Array(length=length), _):
            return index is None or index >= length
        case Op.SLICE, Array(length=length), Array(length=part):
            return index is None or index > length - part
        case _:
            return True


def _interval(reg: Reg, of: object, defs: Definitions) -> Interval:
    value = defs.constant(reg)
    if value is not None:
        return value, value
    assert isinstance(of, Word)
    return full(of)
