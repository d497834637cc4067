"""Registers of a function: where they are defined, fresh ones, one in the place of another."""

from collections.abc import Mapping

from msgspec.structs import replace

from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Label,
    Reg,
    Return,
    Stop,
    Terminator,
)
from numen.ir.ops import Op


class Definitions:
    """Where each register of a function is defined, and by what."""

    def __init__(self, fn: Function) -> None:
        self.instrs: dict[Reg, Instr] = {}
        self.homes: dict[Reg, Label] = {}
        for label, block in fn.blocks.items():
            for param in block.params:
                self.homes[param.reg] = label
            for instr in block.body:
                for dest in instr.dests:
                    self.homes[dest] = label
                    self.instrs[dest] = instr

    def constant(self, reg: Reg) -> int | None:
        """The value of a register that a `CONST` defines."""
        instr = self.instrs.get(reg)
        return instr.imm if instr is not None and instr.op is Op.CONST else None


class Fresh:
    """Names that a function does not have yet."""

    def __init__(self, fn: Function) -> None:
        self._taken = {*fn.blocks}
        for block in fn.blocks.values():
            self._taken.update(param.reg for param in block.params)
            self._taken.update(dest for instr in block.body for dest in instr.dests)
        self._count = 0

    def reg(self, hint: str) -> str:
        """A register or label like ``hint$3``."""
        while True:
            name = f"{hint}${self._count}"
            self._count += 1
            if name not in self._taken:
                return name


def with_args(instr: Instr, args: tuple[Reg, ...]) -> Instr:
    """An instruction that reads other registers."""
    return Instr(
        instr.op, instr.dests, args, instr.type, instr.to, instr.imm, instr.symbol, instr.place
    )


def resolve(names: Mapping[Reg, Reg], reg: Reg) -> Reg:
    """Follow replacements to the register that stays."""
    while reg in names:
        reg = names[reg]
    return reg


def rename_end(end: Terminator, names: Mapping[Reg, Reg]) -> Terminator:
    """A terminator that reads what takes the place of its registers."""
    match end:
        case Jump(edge):
            return Jump(_rename_edge(edge, names))
        case Branch(cond, then, other, place):
            return Branch(
                resolve(names, cond), _rename_edge(then, names), _rename_edge(other, names), place
            )
        case Return(values):
            return Return(tuple(resolve(names, reg) for reg in values))
        case Stop():
            return end


def substitute(fn: Function, names: Mapping[Reg, Reg]) -> Function:
    """Read the second of each pair wherever the first was read.

    Cost: linear in the function; chains of replacements are followed.
    """
    if not names:
        return fn
    blocks = {
        label: BasicBlock(
            block.params,
            tuple(_rename(instr, names) for instr in block.body),
            rename_end(block.end, names),
        )
        for label, block in fn.blocks.items()
    }
    return replace(fn, blocks=blocks)


def _rename(instr: Instr, names: Mapping[Reg, Reg]) -> Instr:
    for reg in instr.args:
        if reg in names:
            return with_args(instr, tuple(resolve(names, arg) for arg in instr.args))
    return instr


def _rename_edge(edge: Edge, names: Mapping[Reg, Reg]) -> Edge:
    for reg in edge.args:
        if reg in names:
            return Edge(edge.to, tuple(resolve(names, arg) for arg in edge.args))
    return edge
