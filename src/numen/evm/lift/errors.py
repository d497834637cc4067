"""Why bytecode was not lifted.

EvmError
└── LiftError                  carries the offset in the code, where there is one
    ├── BytecodeError          a file or text that is no bytecode
    ├── SignatureError         not the signature of a function
    ├── UnresolvedJumpError    a jump whose target is not known before the run
    ├── ImpureError            an instruction that sees or changes more than its arguments
    ├── DynamicMemoryError     memory at an offset that is not known before the run
    ├── ShapeError             results that are not a fixed number of words
    └── LiftLimitError         more contexts, steps or bytes than the stated bounds
"""

from numen.evm.errors import EvmError


class LiftError(EvmError):
    """Bytecode that cannot be lifted.

    Attributes:
        reason: Why.
        offset: Of the instruction in the code, in bytes; None where it is not about one.
        opcode: Its mnemonic, or empty.
    """

    def __init__(self, reason: str, offset: int | None = None, opcode: str = "") -> None:
        where = "" if offset is None else f"at 0x{offset:04x}"
        head = " ".join(part for part in (opcode, where) if part)
        super().__init__(f"{head}: {reason}" if head else reason)
        self.reason = reason
        self.offset = offset
        self.opcode = opcode


class BytecodeError(LiftError):
    """A file or a text that is no bytecode."""


class SignatureError(LiftError):
    """A text that is not the signature of a function with parameters of fixed size."""


class UnresolvedJumpError(LiftError):
    """A jump whose target is not known before the run."""


class ImpureError(LiftError):
    """An instruction that sees or changes more than the arguments of the call."""


class DynamicMemoryError(LiftError):
    """An access to memory at an offset, or of a length, that is not known before the run."""


class ShapeError(LiftError):
    """A function whose result is not a fixed number of words."""


class LiftLimitError(LiftError):
    """Code that is over one of the bounds of `limits`."""
