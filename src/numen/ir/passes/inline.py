"""Inlining: the body of a small function, or of one that is called once, in the place of a call."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from numen.ir.check import call_order, frame_bytes
from numen.ir.limits import STORAGE_BYTES_MAX
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Label,
    Module,
    Param,
    Reg,
    Return,
    Stop,
    Terminator,
)
from numen.ir.ops import Op
from numen.ir.passes.registers import Fresh
from numen.ir.passes.simplify_cfg import drop_unreachable
from numen.ir.types import Word

SMALL: Final = 24
"""Instructions of a function that is inlined wherever it is called."""

SMALL_FRAME_BYTES: Final = 1024
"""Most bytes of arrays that a function inlined in several places makes."""

CALLER_MAX: Final = 4000
"""Instructions above which nothing more is inlined into a function."""

WHOLE: Final = frozenset(
    {"numen$std$keccak$permute", "numen$std$poseidon2$permute", "numen$std$sha256$compress"}
)
"""Functions of the standard modules that stay functions: a prover may know them by their code."""


def inline_calls(module: Module) -> Module:
    """Put callees in the place of calls, and drop functions that nothing calls any more.

    Needs: a checked module. Keeps: SSA form, every trap with its place, the limit on storage.
    Cost: linear in the result, which `CALLER_MAX` bounds.
    """
    order = call_order(module.functions)
    calls = Counter(instr.symbol for fn in module.functions.values() for instr in _calls(fn))
    functions: dict[str, Function] = {}
    for name in order:
        functions[name] = _inline(module.functions[name], functions, calls)
    used = _used(functions, module.entry)
    after = replace(module, functions={name: functions[name] for name in order if name in used})
    if all(module.functions.get(name) is fn for name, fn in after.functions.items()):
        return module if len(after.functions) == len(module.functions) else after
    # Frames that shared storage, one after another, lie side by side in the caller's.
    return after if _fits(after) else module


def _calls(fn: Function) -> list[Instr]:
    return [instr for block in fn.blocks.values() for instr in block.body if instr.op is Op.CALL]


def _size(fn: Function) -> int:
    return sum(len(block.body) + 1 for block in fn.blocks.values())


def _used(functions: Mapping[str, Function], entry: str) -> set[str]:
    used: set[str] = set()
    todo = [entry]
    while todo:
        name = todo.pop()
        if name not in used:
            used.add(name)
            todo += [instr.symbol for instr in _calls(functions[name])]
    return used


def _fits(module: Module) -> bool:
    frames = sum(frame_bytes(fn) for fn in module.functions.values())
    params = [param.type for param in module.functions[module.entry].params]
    outside = sum(of.size_bytes for of in params if not isinstance(of, Word))
    return frames + outside <= STORAGE_BYTES_MAX


def _inline(fn: Function, done: Mapping[str, Function], calls: Mapping[str, int]) -> Function:
    """Inline into one function, of whose callees all are done."""
    size = _size(fn)
    chosen: set[int] = set()
    for instr in _calls(fn):
        callee = done[instr.symbol]
        more = _size(callee)
        is_small = more <= SMALL and frame_bytes(callee) <= SMALL_FRAME_BYTES
        is_worth_it = is_small or calls[callee.name] == 1
        if is_worth_it and callee.name not in WHOLE and size + more <= CALLER_MAX:
            chosen.add(id(instr))
            size += more
    if not chosen:
        return fn
    return drop_unreachable(_Splicer(fn, done, chosen).run())


class _Splicer:
    """Writes a function again with the chosen calls opened up.

    Attributes:
        chosen: The calls, by identity: equal calls may stand in several places.
    """

    def __init__(self, fn: Function, done: Mapping[str, Function], chosen: set[int]) -> None:
        self.fn = fn
        self.done = done
        self.chosen = chosen
        self.fresh = Fresh(fn)
        self.blocks: dict[Label, BasicBlock] = {}

    def run(self) -> Function:
        for label, block in self.fn.blocks.items():
            self.block(label, block)
        return replace(self.fn, blocks=self.blocks)

    def block(self, label: Label, block: BasicBlock) -> None:
        params, body = block.params, list[Instr]()
        for instr in block.body:
            if instr.op is not Op.CALL or id(instr) not in self.chosen:
                body.append(instr)
                continue
            callee = self.done[instr.symbol]
            after = self.fresh.reg("after")
            copy = _Copy(callee, instr.args, after, self.fresh)
            first = copy.blocks()
            self.blocks[label] = BasicBlock(params, (*body, *first.body), first.end)
            self.blocks |= copy.others
            label, body = after, []
            params = tuple(map(Param, instr.dests, callee.results))
        self.blocks[label] = BasicBlock(params, tuple(body), block.end)


class _Copy:
    """A callee's blocks with registers and labels of the caller, returning to a block of it.

    Attributes:
        others: All blocks but the first.
    """

    def __init__(self, callee: Function, args: tuple[Reg, ...], after: Label, fresh: Fresh) -> None:
        self.callee = callee
        self.after = after
        self.others: dict[Label, BasicBlock] = {}
        self.labels = {label: fresh.reg(_hint(label)) for label in callee.blocks}
        self.names = dict(zip((param.reg for param in callee.params), args, strict=True))
        for block in list(callee.blocks.values())[1:]:
            self.names |= {param.reg: fresh.reg(_hint(param.reg)) for param in block.params}
        for block in callee.blocks.values():
            for instr in block.body:
                self.names |= {dest: fresh.reg(_hint(dest)) for dest in instr.dests}

    def blocks(self) -> BasicBlock:
        """Copy the blocks; the first is returned, for the caller's block to end with."""
        copied = {self.labels[k]: self.block(block) for k, block in self.callee.blocks.items()}
        first = copied.pop(next(iter(copied)))
        self.others = copied
        return first

    def block(self, block: BasicBlock) -> BasicBlock:
        params = tuple(Param(self.names[param.reg], param.type) for param in block.params)
        body = tuple(
            replace(instr, dests=self.regs(instr.dests), args=self.regs(instr.args))
            for instr in block.body
        )
        return BasicBlock(params, body, self.end(block.end))

    def end(self, end: Terminator) -> Terminator:
        match end:
            case Jump(edge):
                return Jump(self.edge(edge))
            case Branch(cond, then, other, place):
                return Branch(self.names[cond], self.edge(then), self.edge(other), place)
            case Return(values):
                return Jump(Edge(self.after, self.regs(values)))
            case Stop():
                return end

    def edge(self, edge: Edge) -> Edge:
        return Edge(self.labels[edge.to], self.regs(edge.args))

    def regs(self, regs: tuple[Reg, ...]) -> tuple[Reg, ...]:
        return tuple(self.names[reg] for reg in regs)


def _hint(name: str) -> str:
    return name.partition("$")[0] or "v"
