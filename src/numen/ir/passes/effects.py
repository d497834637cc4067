"""What an instruction can do beside writing its result, given the constants it reads."""

from typing import Final

from numen.ir.intervals import Interval, can_trap, full
from numen.ir.nodes import Instr, Reg
from numen.ir.ops import SPECS, Effect, Op, effect
from numen.ir.passes.registers import Definitions
from numen.ir.types import Array, Word

_ALWAYS: Final = frozenset(op for op in Op if SPECS[op].effect & (Effect.WRITE | Effect.CALL))
_NEVER: Final = frozenset(op for op in Op if not SPECS[op].effect)
_MAKES: Final = frozenset({Op.ARRAY, Op.MEMORY})


def remaining_effect(instr: Instr, defs: Definitions) -> Effect:
    """The effect of an instruction, without the traps that its types or constants rule out."""
    if instr.op in _NEVER:
        return Effect.NONE
    found = effect(instr.op, instr.type)
    return found if _may_trap(instr, defs) else found & ~Effect.TRAP


def is_idle(instr: Instr, defs: Definitions) -> bool:
    """Whether an instruction may go when nobody reads its result."""
    # To make an array changes only what its own reference leads to.
    if instr.op in _NEVER or instr.op in _MAKES:
        return True
    return instr.op not in _ALWAYS and not _may_trap(instr, defs)


def _may_trap(instr: Instr, defs: Definitions) -> bool:
    if not effect(instr.op, instr.type) & Effect.TRAP:
        return False
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
