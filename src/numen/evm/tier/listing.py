"""What a code becomes, for people: LLVM's text and assembly, with the bytecode beside it."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from numen.evm.forks import Fork
from numen.evm.opcodes import OPCODES
from numen.evm.tier.blocks import Block, End, Program
from numen.evm.tier.policy import HOT, WHOLE
from numen.evm.tier.regions import cover
from numen.evm.tier.store import text_of
from numen.kernels import compiler

REGIONS_MAX: Final = 256
"""Most regions that are shown."""

_LABEL: Final = re.compile(r"(?:^|# %)(pc|ok|to)_([0-9a-f]+)\.", re.MULTILINE)
_CHAIN_MAX: Final = 64
_OPTIONS: Final = msgspec.structs.replace(
    HOT.options, untrusted=False, cap_text_bytes=64 << 20, cap_functions=REGIONS_MAX
)


def listing(code: bytes, fork: Fork) -> tuple[str, str]:
    """Compile a whole code as the tier would, and show it.

    Args:
        code: EVM bytecode.
        fork: Whose rules hold.

    Returns:
        LLVM's text after its passes, and the assembly of this machine. Labels name offsets in the
        bytecode, and what stands there follows as a comment.

    Raises:
        CompileError: The code is beyond the limits of the compiler.

    Cost: seconds for a code of the greatest size that the chain allows.
    """
    program = Program(code, fork)
    heads = [0, *sorted(program.destinations)]
    # Each place once: what is read by people need not be quick.
    regions = cover(program, heads, bounds=WHOLE.bounds, revisits=False, regions_max=REGIONS_MAX)
    llvm, asm = compiler.listings(text_of(program, regions), options=_OPTIONS)
    return _annotated(llvm, program, ";"), _annotated(asm, program, "#")


def _annotated(text: str, program: Program, mark: str) -> str:
    labelled = {int(pc, 16) for kind, pc in _LABEL.findall(text) if kind == "pc"}
    lines = []
    for line in text.splitlines():
        lines.append(line)
        found = _LABEL.search(line)
        if found:
            pc = int(found[2], 16)
            lines += [f"{mark} {said}" for said in _said(found[1], pc, program, labelled)]
    return "\n".join(lines) + "\n"


def _said(kind: str, pc: int, program: Program, labelled: set[int]) -> Iterator[str]:
    """What stands at a label: a chain of blocks, or one instruction."""
    if kind == "to":
        yield f"leave to {pc:#06x}"
        return
    if kind == "ok":
        yield f"{pc:#06x} {name_of(program.code[pc])}, once it is known to be allowed"
        return
    for _ in range(_CHAIN_MAX):
        block = program.block(pc)
        yield from _block(block, program)
        following = block.target if block.end is End.JUMP else block.next_pc
        is_known = block.end in (End.JUMP, End.FALL) and isinstance(following, int)
        if not is_known or following in labelled or following not in program.destinations:
            return
        pc = following


def _block(block: Block, program: Program) -> Iterator[str]:
    for instruction in block.body:
        size = OPCODES[instruction.byte].immediate
        value = f" {instruction.immediate:#x}" if size else ""
        yield f"{instruction.pc:#06x} {name_of(instruction.byte)}{value}"
    if block.end is End.HAND_OVER:
        byte = program.code[block.end_pc] if block.end_pc < len(program.code) else 0
        yield f"{block.end_pc:#06x} {name_of(byte)}, by the interpreter"


def name_of(byte: int) -> str:
    """Mnemonic of an opcode, or its byte where there is none."""
    return OPCODES[byte].name if byte in OPCODES else f"0x{byte:02x}"
