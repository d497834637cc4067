"""Instructions made ready to be executed many times: what the tables say, looked up once."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from numen.base.errors import Place
from numen.ir.interp import INTEGERS
from numen.ir.nodes import BasicBlock, Function, Instr, Reg, Terminator
from numen.ir.ops import SPECS, Op
from numen.ir.types import FELT, Array, Kind, Type, Word
from numen.proof.lane import LANES, Lane


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
        steps: What it takes beside its own step where an operand depends on the inputs.
        fold: Its meaning where nothing is unknown, over integers.
        lane: A short way to what it means, if it has one.
        place: Where it stands in the source.
    """

    instr: Instr
    means: Callable[..., Any] | None
    word: Type | None
    of: Type | None
    dest: Reg
    args: tuple[Reg, ...]
    is_wide: bool
    steps: int
    fold: Callable[..., int] | None
    lane: Lane | None
    place: Place | None


class ReadyBlock(msgspec.Struct, frozen=True):
    """A block.

    Attributes:
        body: Its instructions; meters, which circuits ignore, are left out.
        params: Registers that an edge to it fills.
        end: How it ends.
    """

    body: tuple[Ready, ...]
    params: tuple[Reg, ...]
    end: Terminator


def make_ready(block: BasicBlock) -> ReadyBlock:
    """Look up every instruction of a block."""
    body = tuple(_ready(instr) for instr in block.body if instr.op is not Op.METER)
    return ReadyBlock(body, tuple(param.reg for param in block.params), block.end)


def wide_registers(fn: Function, functions: Mapping[str, Function]) -> frozenset[Reg]:
    """List the registers of a function that hold words of 256 bits, and their constants too."""
    found = {
        param.reg for block in fn.blocks.values() for param in block.params if _is_wide(param.type)
    }
    for block in fn.blocks.values():
        for instr in block.body:
            if instr.op is Op.CALL:
                types: tuple[Type | None, ...] = functions[instr.symbol].results
            else:
                types = tuple(_result(letter, instr) for letter in SPECS[instr.op].results)
            found.update(reg for reg, of in zip(instr.dests, types, strict=True) if _is_wide(of))
    return frozenset(found)


def _result(letter: str, instr: Instr) -> Type | None:
    match letter:
        case "t":
            return instr.type
        case "s":
            return instr.to
        case "e":
            assert isinstance(instr.type, Array)
            return instr.type.element
        case _:
            return None


def _steps(of: Type | None) -> int:
    """Integers are worked on bit by bit, 8 to a step, even where that costs no constraint."""
    return of.bits // 8 if isinstance(of, Word) and of.kind is not Kind.FIELD else 0


def _is_wide(of: Type | None) -> bool:
    return isinstance(of, Word) and of.bits == 256


def _ready(instr: Instr) -> Ready:
    means, word = SPECS[instr.op].means, instr.to or instr.type
    return Ready(
        instr=instr,
        means=means,
        word=word,
        of=instr.type,
        dest=instr.dests[0] if instr.dests else "",
        args=instr.args,
        is_wide=_is_wide(instr.type) or _is_wide(instr.to),
        steps=_steps(instr.type),
        fold=functools.partial(means, INTEGERS, word) if means else None,
        lane=LANES.get(instr.op) if instr.type == FELT else None,
        place=instr.place,
    )
