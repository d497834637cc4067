"""Bytecode as instructions in basic blocks."""

from typing import Final

import msgspec

from numen.evm.forks import Fork
from numen.evm.lift.errors import LiftLimitError
from numen.evm.lift.limits import CODE_BYTES_MAX
from numen.evm.opcodes import OPCODES, Opcode

ENDS: Final = frozenset({"STOP", "RETURN", "REVERT", "INVALID", "SELFDESTRUCT", "JUMP", "JUMPI"})
"""Mnemonics after which a block is over; so it is after a byte that is no instruction."""

_JUMPDEST = 0x5B


class Instruction(msgspec.Struct, frozen=True, gc=False):
    """An opcode where it stands.

    Attributes:
        offset: Of its byte in the code.
        opcode: Its facts; for a byte that the fork does not have, an opcode that fails.
        value: The constant of a PUSH, else 0.
        gas: The static part of its price; 0 for what fails.
        ends: Whether control does not pass from it to the next as a matter of course.
    """

    offset: int
    opcode: Opcode
    value: int
    gas: int
    ends: bool

    @property
    def name(self) -> str:
        return self.opcode.name


class Block(msgspec.Struct, frozen=True, gc=False):
    """Instructions that run one after another.

    Attributes:
        start: Offset of the first.
        body: At least one.
        next: Offset of the block that follows in the code, where control may fall into it.
    """

    start: int
    body: tuple[Instruction, ...]
    next: int | None

    @property
    def gas(self) -> int:
        """Sum of the static prices."""
        return sum(instr.gas for instr in self.body)

    @property
    def last(self) -> Instruction:
        return self.body[-1]


class Bytecode(msgspec.Struct, frozen=True):
    """A contract's code, taken apart.

    Attributes:
        code: The bytes.
        blocks: By the offset where they start, in order. The last one is the STOP past the end.
        targets: Offsets of every JUMPDEST.
    """

    code: bytes
    blocks: dict[int, Block]
    targets: frozenset[int]


def disassemble(code: bytes, fork: Fork) -> Bytecode:
    """Take code apart.

    Args:
        code: Any bytes, at most `limits.CODE_BYTES_MAX`.
        fork: Whose opcodes; others fail.

    Raises:
        LiftLimitError: The code is longer.
    """
    if len(code) > CODE_BYTES_MAX:
        raise LiftLimitError(f"{len(code)} bytes of code; at most {CODE_BYTES_MAX} are lifted")
    instrs = _decode(code, fork)
    blocks: dict[int, Block] = {}
    body: list[Instruction] = []
    for instr, following in zip(instrs, [*instrs[1:], None], strict=True):
        body.append(instr)
        is_end = following is None or instr.ends
        if is_end or (following is not None and following.opcode.byte == _JUMPDEST):
            falls = following is not None and (not is_end or instr.name == "JUMPI")
            to = following.offset if following is not None and falls else None
            blocks[body[0].offset] = Block(body[0].offset, tuple(body), to)
            body = []
    targets = frozenset(instr.offset for instr in instrs if instr.opcode.byte == _JUMPDEST)
    return Bytecode(code, blocks, targets)


def _decode(code: bytes, fork: Fork) -> list[Instruction]:
    found: list[Instruction] = []
    at = 0
    while at < len(code):
        byte = code[at]
        gas = fork.base_gas.get(byte)
        if gas is None:
            opcode = OPCODES[0xFE] if byte == 0xFE else _BAD[byte]
            found.append(Instruction(at, opcode, 0, 0, True))
            at += 1
            continue
        opcode = OPCODES[byte]
        width = opcode.immediate
        raw = code[at + 1 : at + 1 + width]
        value = int.from_bytes(raw, "big") << 8 * (width - len(raw))
        found.append(Instruction(at, opcode, value, gas, opcode.name in ENDS))
        at += 1 + width
    # Past the end there are zeros, as far as anybody looks.
    found.append(Instruction(at, OPCODES[0], 0, 0, True))
    return found


_BAD: Final = {
    byte: Opcode(byte, f"BAD_{byte:02X}", 0, 0, 0, "no instruction of this fork")
    for byte in range(256)
}
