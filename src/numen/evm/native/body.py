"""Between an opcode's emitter and the place where its operands live.

An emitter writes what an opcode does, once, over a `Body`. The interpreter's body keeps operands
in the stack's memory; a region's keeps them in registers of the machine. An emitter is
``def emit(body: Body) -> None``; `opcodes.EMIT` has them by byte. Its driver has already charged
the opcode's static price (`Fork.base_gas`) and checked that the stack has what it takes and room
for what it leaves.

The order inside an emitter is: pop, fail or grow memory, charge, then write and push. Nothing may
be written before the last `memory`, `charge` or `fail_if`, because a body may run the whole opcode
again after memory has grown.
"""

from collections.abc import Callable
from typing import Final, Protocol

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native.convention import Registers
from numen.kernels.llvm import Function, Value

MEMORY: Final = "memory"
"""Alias class of the memory of frames; `STACK` and the records are others."""

STACK: Final = "stack"
"""Alias class of the words on a frame's stack."""


class Body(Protocol):
    """Where an opcode is being written.

    Attributes:
        f: The function.
        fork: The rules.
        frame: The Frame, a pointer.
    """

    f: Function
    fork: Fork
    frame: Value

    def world(self) -> Value:
        """The World, a pointer."""

    def field(self, name: str) -> Value:
        """A field of the Frame that is fixed while it lives, or else the World's.

        Of the World, block and transaction only: what the run itself changes is loaded by hand.
        """

    def pop(self) -> Value:
        """The operand on top, an i256."""

    def pop_truth(self) -> Value:
        """Whether the operand on top is not zero, an i1."""

    def drop(self) -> None:
        """Take the top, unread."""

    def push(self, value: Value) -> None:
        """A result: an i256, or an i1, i64 or i160 to be extended with zeros."""

    def duplicate(self, depth: int) -> None:
        """Copy word ``depth``, 1 for the top, to the top."""

    def exchange(self, depth: int) -> None:
        """Exchange the top with the word ``depth`` below it."""

    def immediate(self, size: int) -> Value:
        """The ``size`` bytes, 1 to 32, after the opcode, as an i256."""

    def pc(self) -> Value:
        """Offset of the opcode in the code, an i64."""

    def gas(self) -> Value:
        """Gas left after the opcode's own static price and what was charged so far, an i64."""

    def msize(self) -> Value:
        """Bytes of memory in use, an i64."""

    def charge(self, amount: Value | int) -> None:
        """Take dynamic gas, an i64 below 2**62; where there is not enough, OUT_OF_GAS."""

    def fail_if(self, cond: Value, halt: Halt) -> None:
        """Fail where the i1 is set."""

    def memory(self, offset: Value, length: Value | int) -> tuple[Value, Value]:
        """Make sure that memory holds some bytes, and pay for that.

        Args:
            offset: Of the first byte, an i256.
            length: How many: an i256, or a number known beforehand. Of none, nothing is needed.

        Returns:
            A pointer to the first byte, and the length as an i64. With length 0 the pointer is
            valid but means nothing. An earlier pointer stays valid: memory never moves.
        """

    def call(self, name: str, *args: Value) -> Value:
        """Call a routine of `runtime_types.ROUTINES`."""

    def jump(self, target: Value) -> None:
        """Go on at the JUMPDEST at ``target``, an i256, or fail. Ends the opcode."""

    def jump_if(self, target: Value, cond: Value) -> None:
        """Jump where the i1 is set, else go on after the opcode. Ends the opcode."""

    def finish(self, halt: Halt, output: Value, length: Value) -> None:
        """End the frame: STOP, RETURN, REVERT, SELFDESTRUCT. Ends the opcode.

        Args:
            halt: How.
            output: Pointer to the first byte of the output.
            length: Its bytes, an i64.
        """

    def registers(self) -> Registers:
        """The registers as they are after the opcode: operands popped, pc at the next one.

        What was pushed is on the stack, and counts.
        Only opcodes that end a region may ask (`opcodes.LEAVING`); they end with a terminator of
        `convention`, such as `leave`.
        """


Emitter = Callable[[Body], None]
"""Writes one opcode into a body."""


def constant_of(value: Value) -> int | None:
    """The number, where a value is a constant: regions know many operands."""
    if value.type == "i1":
        return {"true": 1, "false": 0}.get(value.name)
    return int(value.name) if value.name.isdigit() else None
