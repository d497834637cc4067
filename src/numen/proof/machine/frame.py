"""Where the registers of a function live."""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from numen.ir import flow
from numen.ir.nodes import Function, Instr, Label, Reg
from numen.ir.ops import Op
from numen.ir.types import WORDS, Array, Memory, Type, Word
from numen.proof.machine.allocate import share, sink_tests
from numen.proof.machine.assembler import Assembler
from numen.proof.machine.assembler import Label as CodeLabel
from numen.proof.machine.values import Value, cell_count, cells_of


class Direct(msgspec.Struct, frozen=True):
    """An array or memory at an address that is known."""

    base: int


class Pointer(msgspec.Struct, frozen=True):
    """An array or memory at the address that a cell holds."""

    cell: int


Reference: TypeAlias = Direct | Pointer
Home: TypeAlias = Value | Direct | Pointer


class Frame(msgspec.Struct, frozen=True):
    """The cells of a function.

    Attributes:
        fn: The function, its comparisons beside the branches that read them.
        order: Its blocks, each after those that dominate it.
        types: The type of each register, but for results of calls.
        homes: Where each register lives.
        results: Where the words it returns are put.
        back: The cell that holds where to go on after it.
        start: Where its code begins.
    """

    fn: Function
    order: tuple[Label, ...]
    types: Mapping[Reg, Type]
    homes: Mapping[Reg, Home]
    results: tuple[Value, ...]
    back: int
    start: CodeLabel

    @property
    def params(self) -> tuple[Home, ...]:
        """Where its arguments are put."""
        return tuple(self.homes[param.reg] for param in self.fn.params)


def frame(
    asm: Assembler, fn: Function, functions: Mapping[str, Function], *, is_entry: bool
) -> Frame:
    """Reserve the cells of a function; arrays that the entry receives have cells of its own."""
    first = next(iter(fn.blocks))
    order = flow.reverse_postorder(first, flow.successors(fn))
    fn = replace(fn, blocks={label: sink_tests(fn.blocks[label]) for label in order})
    types = register_types(fn)
    homes = _Homes(asm, types, share(fn, types))
    for label in order:
        for param in fn.blocks[label].params:
            homes.param(param.reg, param.type, is_entry=is_entry and label == first)
        for instr in fn.blocks[label].body:
            asm.place = instr.place
            if instr.op is Op.CALL:
                homes.call(instr, functions[instr.symbol].results)
            else:
                homes.dests(instr)
    results = tuple(homes.fresh(word) for word in fn.results)
    return Frame(fn, order, types, homes.found, results, asm.cells(1), CodeLabel())


def register_types(fn: Function) -> dict[Reg, Type]:
    """The type of every register, but for results of calls, which share no cells."""
    found: dict[Reg, Type] = {}
    for block in fn.blocks.values():
        found.update((param.reg, param.type) for param in block.params)
        for instr in block.body:
            of = result_type(instr)
            if of is not None:
                found[instr.dests[0]] = of
    return found


def result_type(instr: Instr) -> Type | None:
    """The type of the register an instruction writes; None where it is a call or writes none."""
    if not instr.dests or instr.op is Op.CALL:
        return None
    match instr.op:
        case Op.EQ | Op.LT:
            return WORDS["bool"]
        case Op.GET:
            assert isinstance(instr.type, Array)
            return instr.type.element
        case _:
            return instr.to or instr.type


def size_cells(of: Type) -> int:
    """Cells that an array or memory takes."""
    match of:
        case Array(element, length):
            return cell_count(element) * length
        case Memory(size_bytes):
            return size_bytes
        case Word():
            return cell_count(of)


class _Homes:
    """Homes given so far."""

    def __init__(
        self, asm: Assembler, types: Mapping[Reg, Type], leaders: Mapping[Reg, Reg]
    ) -> None:
        self._asm = asm
        self._types = types
        self._leaders = leaders
        self._shared: dict[Reg, Value] = {}
        self.found: dict[Reg, Home] = {}

    def fresh(self, word: Word) -> Value:
        first = self._asm.cells(cell_count(word))
        return Value(tuple(range(first, first + cell_count(word))), word.low, word.high)

    def param(self, reg: Reg, of: Type, *, is_entry: bool) -> None:
        if isinstance(of, Word):
            self._word(reg, of)
        elif is_entry:
            self.found[reg] = Direct(self._asm.cells(size_cells(of)))
        else:
            self.found[reg] = Pointer(self._asm.cells(1))

    def dests(self, instr: Instr) -> None:
        of = result_type(instr)
        match instr.op:
            case Op.CONST:
                assert isinstance(instr.type, Word)
                assert instr.imm is not None
                cells = cells_of(instr.imm, cell_count(instr.type))
                homes = tuple(self._asm.constant(cell) for cell in cells)
                self.found[instr.dests[0]] = Value(homes, instr.imm, instr.imm)
            case Op.ARRAY | Op.MEMORY:
                assert instr.type is not None
                self.found[instr.dests[0]] = Direct(self._asm.cells(size_cells(instr.type)))
            case Op.SLICE:
                self.found[instr.dests[0]] = self._slice(instr)
            case _ if isinstance(of, Word):
                self._word(instr.dests[0], of)
            case _:
                assert not instr.dests

    def call(self, instr: Instr, words: tuple[Word, ...]) -> None:
        for dest, word in zip(instr.dests, words, strict=True):
            self.found[dest] = self.fresh(word)

    def _word(self, reg: Reg, word: Word) -> None:
        leader = self._leaders.get(reg, reg)
        if leader not in self._shared:
            self._shared[leader] = self.fresh(word)
        self.found[reg] = replace(self._shared[leader], low=word.low, high=word.high)

    def _slice(self, instr: Instr) -> Reference:
        base, index = (self.found[reg] for reg in instr.args)
        whole, part = instr.type, instr.to
        assert isinstance(whole, Array)
        assert isinstance(part, Array)
        assert isinstance(index, Value)
        at = index.literal
        if isinstance(base, Direct) and at is not None and at <= whole.length - part.length:
            return Direct(base.base + at * cell_count(whole.element))
        return Pointer(self._asm.cells(1))
