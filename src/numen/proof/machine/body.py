"""Writes the code of a function, block by block."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from numen.ir import flow
from numen.ir.nodes import Branch, Edge, Function, Instr, Jump, Label, Reg, Return, Stop, uses
from numen.ir.ops import SPECS, Op
from numen.ir.ranges import proven_indices
from numen.ir.trap import Reason, Trap
from numen.ir.types import Array, Memory, Word
from numen.proof.machine import storage, truths
from numen.proof.machine.algebra import MachineAlgebra
from numen.proof.machine.assembler import ADD, Assembler
from numen.proof.machine.assembler import Label as CodeLabel
from numen.proof.machine.frame import Direct, Frame, Pointer, Reference, size_cells
from numen.proof.machine.isa import JUNK_CELL, ZERO_CELL, Switch
from numen.proof.machine.precompiles.spec import Precompile
from numen.proof.machine.values import Operand, Truth, Value, cell_count, cells_of

REPEAT_MAX: Final = 6
"""Instructions of a loop's header that are written again where the loop jumps back to it."""


class BodyWriter:
    """Writes one function at the end of an assembler's code."""

    def __init__(
        self,
        asm: Assembler,
        own: Frame,
        frames: Mapping[str, Frame],
        precompiles: Mapping[str, Precompile],
        *,
        is_once: bool,
    ) -> None:
        self._asm = asm
        self._own = own
        self._frames = frames
        self._precompiles = precompiles
        self._fn = own.fn
        self._algebra = MachineAlgebra(asm)
        self._labels = {label: CodeLabel() for label in own.order}
        self._lazy: dict[Reg, Operand] = {}
        self._reads = _reads(own.fn)
        self._proven = proven_indices(own.fn)
        self._next: Label | None = None
        self._once = _acyclic(own.fn) if is_once else frozenset()

    def write(self) -> None:
        """Write all blocks."""
        self._asm.set(self._own.start)
        for index, label in enumerate(self._own.order):
            self._next = self._own.order[index + 1] if index + 1 < len(self._own.order) else None
            self._asm.set(self._labels[label])
            self._block(label, is_again=False)

    def _block(self, label: Label, *, is_again: bool) -> None:
        block = self._fn.blocks[label]
        for place, instr in enumerate(block.body):
            follower = block.body[place + 1].args if place + 1 < len(block.body) else None
            waits = self._may_wait(instr, follower, block.end)
            self._asm.release()
            self._at(instr)
            self._instr(instr, is_proven=(label, place) in self._proven, may_wait=waits, at=label)
        self._asm.place = getattr(block.end, "place", None)
        self._end(block.end, is_again=is_again)
        self._lazy.clear()
        self._asm.release()

    def _at(self, instr: Instr) -> None:
        self._asm.place = self._algebra.place = instr.place

    def _may_wait(self, instr: Instr, follower: tuple[Reg, ...] | None, end: object) -> bool:
        """Whether only what comes right after an instruction reads the truth it finds."""
        if len(instr.dests) != 1 or self._reads[instr.dests[0]] != 1:
            return False
        if follower is not None:
            return instr.dests[0] in follower
        return isinstance(end, Branch) and end.cond == instr.dests[0]

    # --- instructions ---------------------------------------------------------------------------

    def _instr(self, instr: Instr, *, is_proven: bool, may_wait: bool, at: Label) -> None:
        means = SPECS[instr.op].means
        if means is not None:
            word = instr.to or instr.type
            result = means(self._algebra, word, *(self._operand(reg) for reg in instr.args))
            if may_wait and isinstance(result, Truth):
                self._lazy[instr.dests[0]] = result
            else:
                self._put(instr.dests[0], result)
            return
        match instr.op:
            case Op.CONST | Op.METER:
                pass
            case Op.REQUIRE:
                trap = Trap(Reason.REQUIREMENT, instr.symbol, instr.place)
                self._algebra.require_truth(self._operand(instr.args[0]), trap)
            case Op.ARRAY | Op.MEMORY:
                self._make(instr, is_once=at in self._once)
            case Op.CALL:
                self._call(instr)
            case _:
                self._access(instr, is_proven=is_proven)

    def _operand(self, reg: Reg) -> Operand:
        lazy = self._lazy.pop(reg, None)
        return lazy if lazy is not None else self._value(reg)

    def _value(self, reg: Reg) -> Value:
        home = self._own.homes[reg]
        assert isinstance(home, Value)
        return home

    def _reference(self, reg: Reg) -> Reference:
        home = self._own.homes[reg]
        assert not isinstance(home, Value)
        return home

    def _put(self, dest: Reg, operand: Operand) -> None:
        value, home = self._algebra.value(operand), self._value(dest)
        assert len(value.cells) == len(home.cells), (dest, value, home)
        self._asm.redirect(value.cells, home.cells)

    def _make(self, instr: Instr, *, is_once: bool) -> None:
        of, home = instr.type, self._own.homes[instr.dests[0]]
        assert isinstance(home, Direct)
        assert isinstance(of, Array | Memory)
        words = cell_count(of.element) if isinstance(of, Array) else 1
        cells = [cell for value in instr.data for cell in cells_of(value, words)]
        if is_once:
            for index, cell in enumerate(cells):
                self._asm.preset(home.base + index, cell)
        elif not any(cells):
            storage.clear(self._asm, home.base, size_cells(of))
        else:
            master = self._asm.cells(len(cells))
            for index, cell in enumerate(cells):
                self._asm.preset(master + index, cell)
            storage.copy(self._asm, home, Direct(master), len(cells))

    def _call(self, instr: Instr) -> None:
        precompile = self._precompiles.get(instr.symbol)
        if precompile is not None:
            count = 2 if precompile.block_cells else 1
            at = [storage.address(self._asm, self._reference(reg)) for reg in instr.args[:count]]
            self._asm.call(precompile.function, *at)
            return
        asm, callee = self._asm, self._frames[instr.symbol]
        for reg, param in zip(instr.args, callee.params, strict=True):
            home = self._own.homes[reg]
            match home, param:
                case Value(), Value():
                    asm.move_all(list(zip(param.cells, home.cells, strict=True)))
                case _, Pointer(cell):
                    assert not isinstance(home, Value)
                    asm.move(cell, storage.address(asm, home))
                case _:
                    raise AssertionError(param)
        back = CodeLabel()
        asm.move(callee.back, asm.return_address(back))
        asm.jump(callee.start)
        asm.set(back)
        for dest, result in zip(instr.dests, callee.results, strict=True):
            asm.move_all(list(zip(self._value(dest).cells, result.cells, strict=True)))

    def _access(self, instr: Instr, *, is_proven: bool) -> None:
        asm, of = self._asm, instr.type
        trap = Trap(Reason.INDEX, place=instr.place)
        base = self._reference(instr.args[0])
        if instr.op is Op.COPY:
            assert isinstance(of, Array)
            storage.copy(asm, base, self._reference(instr.args[1]), size_cells(of))
            return
        index = self._value(instr.args[1])
        if isinstance(of, Word):
            memory = self._memory_bytes(instr.args[0])
            if memory < of.size_bytes:
                asm.stop(trap)
                return
            storage.require_index(asm, index, memory - of.size_bytes, trap)
            if index.literal is not None and index.literal > memory - of.size_bytes:
                return
            at = storage.element(asm, base, index, 1)
            if instr.op is Op.LOAD:
                self._put(instr.dests[0], storage.load_bytes(self._algebra, asm, at, of))
            else:
                storage.store_bytes(asm, at, of, self._value(instr.args[2]))
            return
        assert isinstance(of, Array)
        part = instr.to.length if isinstance(instr.to, Array) else 1
        if not is_proven:
            storage.require_index(asm, index, of.length - part, trap)
        if index.literal is not None and index.literal > of.length - part:
            # The step before has no next; addresses beyond would be refused.
            return
        at = storage.element(asm, base, index, cell_count(of.element))
        match instr.op:
            case Op.GET:
                cells = storage.read(asm, at, cell_count(of.element))
                asm.redirect(cells, self._value(instr.dests[0]).cells)
            case Op.SET:
                storage.write(asm, at, self._value(instr.args[2]).cells)
            case Op.SLICE:
                self._slice(instr.dests[0], at)
            case _:
                raise AssertionError(instr)

    def _slice(self, dest: Reg, at: tuple[int, int | None]) -> None:
        home, (base, index) = self._reference(dest), at
        if isinstance(home, Direct):
            return
        moving = ZERO_CELL if index is None else index
        self._asm.emit(ADD, self._asm.constant(base), moving, home.cell)

    def _memory_bytes(self, reg: Reg) -> int:
        of = self._own.types[reg]
        assert isinstance(of, Memory)
        return of.size_bytes

    # --- the ways out ---------------------------------------------------------------------------

    def _end(self, end: object, *, is_again: bool) -> None:
        match end:
            case Jump(edge):
                self._follow(edge, is_again=is_again)
            case Branch(cond, then, other):
                self._branch(truths.as_truth(self._operand(cond)), then, other, is_again=is_again)
            case Return(values):
                moves = [
                    pair
                    for reg, result in zip(values, self._own.results, strict=True)
                    for pair in zip(result.cells, self._value(reg).cells, strict=True)
                ]
                self._asm.move_all(moves)
                self._asm.emit(ADD | Switch.RETURN, self._own.back, ZERO_CELL, JUNK_CELL)
            case Stop(reason, message, place):
                self._asm.stop(Trap(reason, message, place))

    def _branch(self, truth: Truth, then: Edge, other: Edge, *, is_again: bool) -> None:
        if (then.to == self._next and not self._is_written(then.to)) or (
            self._moves(then) and not self._moves(other) and not is_again
        ):
            truth = Truth(truth.kind, truth.a, truth.b, not truth.is_turned)
            then, other = other, then
        if not self._moves(then):
            truths.branch(self._asm, truth, self._labels[then.to])
            self._follow(other, is_again=is_again)
            return
        aside = CodeLabel()
        truths.branch(self._asm, truth, aside)
        self._asm.move_all(self._moves(other))
        self._asm.jump(self._labels[other.to])
        self._asm.set(aside)
        self._follow(then, is_again=is_again)

    def _follow(self, edge: Edge, *, is_again: bool) -> None:
        self._asm.move_all(self._moves(edge))
        if edge.to == self._next and not self._is_written(edge.to):
            return
        block = self._fn.blocks[edge.to]
        is_small = len(block.body) <= REPEAT_MAX and isinstance(block.end, Branch)
        if is_small and self._is_written(edge.to) and not is_again:
            # The loop's test stands at its end too: one jump less a round.
            self._lazy.clear()
            self._block(edge.to, is_again=True)
            return
        self._asm.jump(self._labels[edge.to])

    def _is_written(self, label: Label) -> bool:
        return self._labels[label].pc is not None

    def _moves(self, edge: Edge) -> list[tuple[int, int]]:
        moves: list[tuple[int, int]] = []
        for arg, param in zip(edge.args, self._fn.blocks[edge.to].params, strict=True):
            to, source = self._value(param.reg).cells, self._value(arg).cells
            moves += [pair for pair in zip(to, source, strict=True) if pair[0] != pair[1]]
        return moves


def _reads(fn: Function) -> Counter[Reg]:
    found: Counter[Reg] = Counter()
    for block in fn.blocks.values():
        for instr in block.body:
            found.update(instr.args)
        found.update(uses(block.end))
    return found


def _acyclic(fn: Function) -> frozenset[Label]:
    """Blocks that a call of the function enters at most once."""
    nexts = flow.successors(fn)
    found = set()
    for label, block in fn.blocks.items():
        if not any(instr.op in (Op.ARRAY, Op.MEMORY) for instr in block.body):
            continue
        after: set[Label] = set()
        for to in nexts[label]:
            if to not in after:
                after.update(flow.reverse_postorder(to, nexts))
        if label not in after:
            found.add(label)
    return frozenset(found)
