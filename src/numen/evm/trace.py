"""Traces of runs, one JSON object an instruction, as geth writes them (EIP-3155).

    {"pc":0,"op":96,"gas":"0x5208","gasCost":"0x3","memSize":0,"stack":[],"depth":1,"refund":0,
     "opName":"PUSH1"}

A line says what was there *before* its instruction, and what it cost: a call with the gas that it
gave to its callee, a creation without. One that fails has an ``error`` besides, and the price that
it asked for.
"""

from collections.abc import Callable

import msgspec

from numen.evm.halt import Halt
from numen.evm.message import Result
from numen.evm.opcodes import OPCODES
from numen.evm.reference.frame import Frame

ERRORS = {
    Halt.OUT_OF_GAS: "out of gas",
    Halt.STACK_UNDERFLOW: "stack underflow",
    Halt.STACK_OVERFLOW: "stack limit reached",
    Halt.BAD_JUMP: "invalid jump destination",
    Halt.BAD_INSTRUCTION: "invalid opcode",
    Halt.STATIC_WRITE: "write protection",
    Halt.RETURN_DATA_BOUNDS: "return data out of bounds",
    Halt.CALL_DEPTH: "max call depth exceeded",
    Halt.BALANCE: "insufficient balance for transfer",
    Halt.NONCE_OVERFLOW: "nonce uint64 overflow",
    Halt.COLLISION: "contract address collision",
    Halt.CODE_SIZE: "max code size exceeded",
    Halt.CODE_PREFIX: "invalid code: must not begin with 0xef",
    Halt.INITCODE_SIZE: "max initcode size exceeded",
    Halt.PRECOMPILE_FAILURE: "precompile failed",
    Halt.REVERT: "execution reverted",
}
"""What geth calls the ends that are no success."""


class Line(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """One instruction. Numbers of gas are hexadecimal texts, as in geth."""

    pc: int
    op: int
    gas: str
    gas_cost: str
    memory: str | msgspec.UnsetType = msgspec.UNSET
    mem_size: int
    stack: list[str]
    depth: int
    refund: int
    op_name: str
    error: str = ""


class Summary(msgspec.Struct, rename="camel", omit_defaults=True):
    """The end of a run: output in hexadecimal without 0x, gas used, and why it failed."""

    output: str
    gas_used: str
    error: str = ""


class Tracer:
    """Watches a `ReferenceMachine`, and writes a line for every instruction.

    Args:
        write: Takes each line, without its end.
        with_memory: Whether a line has all the memory; it can be long.
        with_stack: Whether a line has the stack.
    """

    def __init__(
        self, write: Callable[[str], object], *, with_memory: bool = False, with_stack: bool = True
    ) -> None:
        self._write = write
        self._with_memory = with_memory
        self._with_stack = with_stack
        self._line: Line | None = None

    def before(self, frame: Frame, byte: int) -> None:
        """Take down what an instruction finds."""
        self._line = Line(
            pc=frame.pc,
            op=byte,
            gas=hex(frame.gas),
            gas_cost="0x0",
            memory="0x" + frame.memory.hex() if self._with_memory else msgspec.UNSET,
            mem_size=len(frame.memory),
            stack=[hex(word) for word in frame.stack] if self._with_stack else [],
            depth=frame.scope.depth + 1,
            refund=frame.world.journal.refund(),
            op_name=_name(frame, byte),
        )

    def after(self, frame: Frame, failure: Halt | None) -> None:
        """Write its line."""
        assert self._line is not None
        self._line.gas_cost = hex(frame.asked)
        self._line.error = "" if failure is None else ERRORS[failure]
        self._write(msgspec.json.encode(self._line).decode())

    def enter(self, frame: Frame) -> None:
        """A frame begins; its lines say so by their depth."""

    def leave(self, frame: Frame) -> None:
        """A frame ends."""

    def end(self, result: Result, gas_used: int) -> None:
        """Write the last line.

        Args:
            result: What the run came to.
            gas_used: What it is to say was used.
        """
        error = "" if result.success else ERRORS[result.halt]
        summary = Summary(result.output.hex(), hex(gas_used), error)
        self._write(msgspec.json.encode(summary).decode())


def _name(frame: Frame, byte: int) -> str:
    if byte == 0x44 and not frame.world.fork.has_prev_randao:
        return "DIFFICULTY"
    known = OPCODES.get(byte)
    return known.name if known else f"opcode 0x{byte:x} not defined"
