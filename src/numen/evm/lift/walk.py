"""One walk along a block: the stack machine over values of any kind.

What a stack slot holds is a domain's business: constants and unknowns while the ways are explored,
registers while they are written down. So both see one stack machine.
"""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar, cast

import msgspec

from numen.evm.lift.instructions import Block, Instruction
from numen.evm.meaning import PURE
from numen.evm.opcodes import STACK_MAX

V = TypeVar("V")


class Domain(Protocol[V]):
    """What a stack slot can hold, and what instructions do with it."""

    def const(self, value: int) -> V:
        """A known word."""

    def pure(self, instr: Instruction, args: Sequence[V]) -> V:
        """The result of an opcode of `meaning.PURE`, its operands in the order popped."""

    def effect(self, instr: Instruction, args: Sequence[V]) -> V | None:
        """What any other opcode pushes, if it does; it may also change the domain's own state."""


class Fall(msgspec.Struct, frozen=True, gc=False):
    """Go on in the block that follows in the code."""

    to: int


class Jump(msgspec.Struct, Generic[V], frozen=True, gc=False):
    """JUMP."""

    instr: Instruction
    target: V


class Branch(msgspec.Struct, Generic[V], frozen=True, gc=False):
    """JUMPI; ``to`` is where it falls."""

    instr: Instruction
    target: V
    cond: V
    to: int


class Leave(msgspec.Struct, Generic[V], frozen=True, gc=False):
    """The frame ends: STOP, RETURN, REVERT, SELFDESTRUCT, with their operands."""

    instr: Instruction
    args: tuple[V, ...]


class Fail(msgspec.Struct, frozen=True, gc=False):
    """The frame fails, with all its gas: why."""

    instr: Instruction
    reason: str


End: TypeAlias = Fall | Jump[V] | Branch[V] | Leave[V] | Fail

BAD_TARGET = "jump to no JUMPDEST"
"""Why a jump fails whose target is known and wrong."""


def walk(block: Block, stack: list[V], domain: Domain[V]) -> End[V]:
    """Run a block, and say how it ends; ``stack`` becomes what is left, the top last.

    A stack that is too short or too high ends the walk as it ends the frame.
    """
    for instr in block.body:
        opcode = instr.opcode
        if len(stack) < opcode.pops:
            return Fail(instr, "stack underflow")
        if len(stack) + opcode.pushes - opcode.pops > STACK_MAX:
            return Fail(instr, "stack overflow")
        if instr.ends:
            return _end(block, instr, stack)
        byte = opcode.byte
        if 0x5F <= byte <= 0x7F:
            stack.append(domain.const(instr.value))
        elif 0x80 <= byte <= 0x8F:
            stack.append(stack[-opcode.pops])
        elif 0x90 <= byte <= 0x9F:
            stack[-1], stack[-opcode.pops] = stack[-opcode.pops], stack[-1]
        elif byte == 0x50:
            stack.pop()
        elif byte != 0x5B:
            args = _pop(stack, opcode.pops)
            result = domain.pure(instr, args) if byte in PURE else domain.effect(instr, args)
            if opcode.pushes:
                # None can be a value of the domain, so that it is not asked for here.
                stack.append(cast("V", result))
    assert block.next is not None, "a block that ends without an end falls through"
    return Fall(block.next)


def _pop(stack: list[V], count: int) -> list[V]:
    if not count:
        return []
    args = stack[: -count - 1 : -1]
    del stack[-count:]
    return args


def _end(block: Block, instr: Instruction, stack: list[V]) -> End[V]:
    args = _pop(stack, instr.opcode.pops)
    match instr.name:
        case "JUMP":
            return Jump(instr, args[0])
        case "JUMPI":
            assert block.next is not None
            return Branch(instr, args[0], args[1], block.next)
        case "STOP" | "RETURN" | "REVERT" | "SELFDESTRUCT":
            return Leave(instr, tuple(args))
        case _:
            return Fail(instr, "invalid instruction")
