"""The tracer of instructions, as geth's default one writes them (struct logs).

EvmError
└── TraceTooLongError    a run with more instructions, or words in them, than a trace may have
"""

from typing import Final

import msgspec

from numen.evm.errors import EvmError
from numen.evm.halt import Halt
from numen.evm.opcodes import BY_NAME, OPCODES
from numen.evm.reference.frame import Frame
from numen.evm.trace import ERRORS

STEPS_MAX: Final = 1_000_000
"""Most instructions of a traced run."""

WORDS_MAX: Final = 3_000_000
"""Most words of stacks and memories in a trace."""

_SLOAD, _SSTORE = BY_NAME["SLOAD"].byte, BY_NAME["SSTORE"].byte


class TraceTooLongError(EvmError):
    """A run has more instructions, or words in them, than a trace may have."""

    def __init__(self) -> None:
        super().__init__(
            f"the trace is too long: at most {STEPS_MAX} instructions and {WORDS_MAX} words"
        )


class StepOptions(msgspec.Struct, frozen=True):
    """What each instruction is written with.

    Attributes:
        has_stack: The stack before it.
        has_memory: The memory before it.
        has_storage: The words of the account that it and those before it looked at.
        has_return_data: What the last call gave back.
        limit: Most instructions that are written; 0 for no bound of its own.
    """

    has_stack: bool = True
    has_memory: bool = False
    has_storage: bool = True
    has_return_data: bool = False
    limit: int = 0


class Step(msgspec.Struct, rename="camel", omit_defaults=True):
    """An instruction: what it found, and what it cost."""

    pc: int
    op: str
    gas: int
    gas_cost: int
    depth: int
    stack: list[str] | None = None
    memory: list[str] | None = None
    storage: dict[str, str] | None = None
    return_data: str | None = None
    refund: int = 0
    error: str | None = None


class StepTracer:
    """Watches a `ReferenceMachine`, and writes down every instruction.

    Attributes:
        steps: What it has written.
    """

    def __init__(self, options: StepOptions) -> None:
        self._options = options
        self._seen: dict[bytes, dict[str, str]] = {}
        self._count = self._words = 0
        self._present: Step | None = None
        self.steps: list[Step] = []

    def before(self, frame: Frame, byte: int) -> None:
        """Take down what an instruction finds."""
        options = self._options
        self._count += 1
        self._present = None
        if self._count > STEPS_MAX:
            raise TraceTooLongError
        if options.limit and self._count > options.limit:
            return
        step = Step(frame.pc, _name(byte), frame.gas, 0, frame.scope.depth + 1)
        step.refund = frame.world.journal.refund()
        if options.has_stack:
            step.stack = [hex(word) for word in frame.stack]
            self._words += len(step.stack)
        if options.has_memory:
            digits = frame.memory.hex()
            step.memory = [f"0x{digits[at : at + 64]}" for at in range(0, len(digits), 64)]
            self._words += len(step.memory)
        if options.has_return_data:
            step.return_data = "0x" + frame.return_data.hex()
            self._words += len(frame.return_data) // 32
        if options.has_storage and byte in (_SLOAD, _SSTORE):
            step.storage = self._storage(frame, byte)
        if self._words > WORDS_MAX:
            raise TraceTooLongError
        self._present = step
        self.steps.append(step)

    def _storage(self, frame: Frame, byte: int) -> dict[str, str] | None:
        if len(frame.stack) < 1 + (byte == _SSTORE):
            return None
        address, key = frame.scope.address, frame.stack[-1]
        known = self._seen.setdefault(address, {})
        value = frame.world.journal.storage(address, key) if byte == _SLOAD else frame.stack[-2]
        known[f"0x{key:064x}"] = f"0x{value:064x}"
        self._words += 2 * len(known)
        return dict(known)

    def after(self, frame: Frame, failure: Halt | None) -> None:
        """Write what it cost."""
        if self._present is not None:
            self._present.gas_cost = frame.asked
            if failure is not None:
                self._present.error = ERRORS[failure]

    def enter(self, frame: Frame) -> None:
        """A frame begins; its instructions say so by their depth."""

    def leave(self, frame: Frame) -> None:
        """A frame ends."""


def _name(byte: int) -> str:
    known = OPCODES.get(byte)
    return known.name if known else f"opcode 0x{byte:x} not defined"
