"""The domain of a whole contract, of whose surroundings nothing is known.

Beside constants it follows what little of memory jump tables go through: Vyper reads the place of a
function out of its own code, at an offset made of some bits of the selector, into the first word.
"""

from collections.abc import Sequence
from itertools import product
from typing import Final

from numen.evm.lift.cells import WORD_BYTES, Cells
from numen.evm.lift.constants import KNOWN, Head, Known, compute
from numen.evm.lift.instructions import Bytecode, Instruction
from numen.evm.lift.limits import TARGETS_MAX
from numen.evm.opcodes import BY_NAME

SCRATCH_BYTES: Final = 64
"""Memory that is followed: where the compilers keep what does not last."""

_AND, _MOD = BY_NAME["AND"].byte, BY_NAME["MOD"].byte
_COPIES: Final = frozenset({"CODECOPY", "CALLDATACOPY", "RETURNDATACOPY", "MCOPY"})
_WRITES: Final = frozenset(
    {"MSTORE8", "EXTCODECOPY", "CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"}
)


class WholeContract:
    """What instructions do with what is known.

    Attributes:
        memory: The first `SCRATCH_BYTES` bytes at this point of the walk.
        work: Steps done beside those of the walk.
        computed: Nothing: no other walk follows.
    """

    def __init__(self, bytecode: Bytecode) -> None:
        self.memory: Cells[Known] | None = Cells()
        self.work = 0
        self.computed: set[int] = set()
        self._code = bytecode.code

    def const(self, value: int) -> Known:
        """A known word."""
        return value

    def pure(self, instr: Instruction, args: Sequence[Known]) -> Known:
        """Compute with constants, and with a few words of which it is one."""
        byte = instr.opcode.byte
        if any(isinstance(arg, frozenset) for arg in args):
            return self._each(byte, args)
        if byte == _AND and isinstance(args[0], int) != isinstance(args[1], int):
            mask = args[0] if isinstance(args[0], int) else args[1]
            assert isinstance(mask, int)
            if mask < TARGETS_MAX and not mask & (mask + 1):
                return frozenset(range(mask + 1))
        if byte == _MOD and isinstance(args[1], int) and 0 < args[1] <= TARGETS_MAX:
            return (
                frozenset(range(args[1])) if not isinstance(args[0], int) else (args[0] % args[1])
            )
        return KNOWN.pure(byte, args)

    def effect(self, instr: Instruction, args: Sequence[Known]) -> Known:
        """What the code itself says is known, and what goes through scratch memory."""
        name = instr.name
        match name:
            case "PC":
                return instr.offset
            case "CODESIZE":
                return len(self._code)
            case "MLOAD":
                at = args[0]
                is_followed = isinstance(at, int) and at + WORD_BYTES <= SCRATCH_BYTES
                return self._cells().read(KNOWN, at, WORD_BYTES) if is_followed else None  # type: ignore[arg-type]
            case "MSTORE":
                self._write(args[0], WORD_BYTES, args[1])
        if name in _COPIES and args[2] != 0:
            is_table = name == "CODECOPY" and isinstance(args[2], int) and args[2] <= WORD_BYTES
            size = args[2] if is_table and isinstance(args[2], int) else None
            self._write(args[0], size, self._table(args[1], size) if size else None)
        elif name in _WRITES:
            self._write(args[0] if name == "MSTORE8" else None, None, None)
        return None

    def _each(self, byte: int, args: Sequence[Known]) -> Known:
        """The results of an opcode on every choice of its operands, where they are few."""
        choices: list[Sequence[int]] = []
        count = 1
        for arg in args:
            if arg is None or isinstance(arg, Head):
                return None
            choices.append([arg] if isinstance(arg, int) else sorted(arg))
            count *= len(choices[-1])
        if count > TARGETS_MAX:
            return None
        self.work += count
        return _one_of({compute(byte, chosen) for chosen in product(*choices)})

    def _table(self, offset: Known, size: int) -> Known:
        """What stands in the code at one of some offsets, as a number of so many bytes."""
        offsets = [offset] if isinstance(offset, int) else offset
        if not isinstance(offsets, list | frozenset):
            return None
        rows = (self._code[at : at + size].ljust(size, b"\0") for at in offsets)
        return _one_of({int.from_bytes(row, "big") for row in rows})

    def _write(self, at: Known, size: int | None, value: Known) -> None:
        """Put a number into memory; what is written to where is not known is not known after."""
        if isinstance(at, int) and at >= SCRATCH_BYTES:
            return
        cells = self._cells()
        if isinstance(at, int) and size is not None and at + size <= SCRATCH_BYTES:
            cells.write(KNOWN, at, size, value)
            return
        for start in range(0, SCRATCH_BYTES, WORD_BYTES):
            cells.write(KNOWN, start, WORD_BYTES, None)

    def _cells(self) -> Cells[Known]:
        assert self.memory is not None
        return self.memory


def _one_of(values: set[int]) -> Known:
    return values.pop() if len(values) == 1 else frozenset(values)
