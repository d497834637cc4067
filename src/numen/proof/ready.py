"""Instructions made ready to be executed many times: what the tables say, looked up once."""

from collections.abc import Callable
from typing import Any

import msgspec

from numen.ir.nodes import BasicBlock, Instr, Reg
from numen.ir.ops import SPECS, Op
from numen.ir.types import Type, Word


class Ready(msgspec.Struct, frozen=True):
    """An instruction.

    Attributes:
        instr: As it stands in the block.
        means: Its meaning over an algebra; None for constants, calls and access to storage.
        word: The word that the meaning takes.
        of: Type of the operands.
        dest: The first register written, or empty.
        args: Registers read.
        is_wide: Whether it has to do with words that no wire holds.
    """

    instr: Instr
    means: Callable[..., Any] | None
    word: Type | None
    of: Type | None
    dest: Reg
    args: tuple[Reg, ...]
    is_wide: bool


def make_ready(block: BasicBlock) -> tuple[Ready, ...]:
    """Look up every instruction of a block; meters, which circuits ignore, are left out."""
    return tuple(_ready(instr) for instr in block.body if instr.op is not Op.METER)


def _ready(instr: Instr) -> Ready:
    return Ready(
        instr=instr,
        means=SPECS[instr.op].means,
        word=instr.to or instr.type,
        of=instr.type,
        dest=instr.dests[0] if instr.dests else "",
        args=instr.args,
        is_wide=any(isinstance(of, Word) and of.bits == 256 for of in (instr.type, instr.to)),
    )
