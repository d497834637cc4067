"""Writes the blocks of one function, with edges whose arguments are settled later.

The lowering knows only at the place where ways meet which registers differ between them, so an edge
is a `Draft` until then. A stretch already written can be cut off into a block of its own: what
looked unconditional turns out to be one arm of a condition without being lowered twice.
"""

import msgspec

from numen.base.errors import Place
from numen.ir import flow
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Label,
    Param,
    Reg,
    Return,
    Stop,
    Terminator,
)
from numen.ir.ops import Effect, Op, effect
from numen.ir.trap import Reason
from numen.ir.types import BOOL, Type, Word


class Draft:
    """An edge whose arguments are not settled."""

    def __init__(self, to: Label) -> None:
        self.to = to
        self.args: list[Reg] = []

    def edge(self) -> Edge:
        """The settled edge."""
        return Edge(self.to, tuple(self.args))


class _Block:
    """A block being written; ``ways`` are its edges, the second one taken where ``cond`` fails."""

    def __init__(self, label: Label, params: tuple[Param, ...]) -> None:
        self.label = label
        self.params = params
        self.body: list[Instr] = []
        self.ways: tuple[Draft, ...] = ()
        self.cond: Reg = ""
        self.end: Terminator | None = None
        self.place: Place | None = None

    def settled(self) -> BasicBlock:
        match self.ways:
            case (way,):
                end: Terminator = Jump(way.edge())
            case (then, other):
                end = Branch(self.cond, then.edge(), other.edge(), self.place)
            case _:
                assert self.end is not None, f"block {self.label} has no end"
                end = self.end
        return BasicBlock(self.params, tuple(self.body), end)


class Mark(msgspec.Struct, frozen=True):
    """A point between two instructions of a block."""

    label: Label
    index: int


class Writer:
    """Writes at the end of the current block.

    Attributes:
        place: Attached to what is written next.
        prologue: Instructions that will stand at the very start of the function.
        count: Instructions written so far.
    """

    def __init__(self) -> None:
        self.place: Place | None = None
        self.prologue: list[Instr] = []
        self.count = 0
        self._blocks: dict[Label, _Block] = {}
        self._current: _Block | None = None
        self._names = 0
        self._labels = 0

    @property
    def is_open(self) -> bool:
        """Whether this point can be reached."""
        return self._current is not None

    def fresh(self, hint: str = "v") -> Reg:
        """A register name that nobody has."""
        self._names += 1
        return f"{hint}${self._names}"

    def announce(self, hint: str) -> Label:
        """A label that nobody has."""
        self._labels += 1
        return f"{hint}${self._labels}"

    def enter(self, label: Label, params: tuple[Param, ...] = ()) -> None:
        """Begin a block; the one before has ended."""
        assert self._current is None
        self._current = self._blocks[label] = _Block(label, params)

    def const(self, value: int, word: Word) -> Reg:
        """Write a constant."""
        assert value in word
        return self._result(Instr(Op.CONST, (), (), word, imm=value, place=self.place))

    def op(
        self,
        op: Op,
        suffix: Type | None,
        *args: Reg,
        to: Type | None = None,
        data: tuple[int, ...] = (),
    ) -> Reg:
        """Write an instruction with one result."""
        return self._result(Instr(op, (), args, suffix, to, place=self.place, data=data))

    def effect(self, op: Op, suffix: Type | None, *args: Reg, symbol: str = "") -> None:
        """Write an instruction without a result."""
        self._append(Instr(op, (), args, suffix, symbol=symbol, place=self.place))

    def call(self, callee: str, results: tuple[Word, ...], args: tuple[Reg, ...]) -> list[Reg]:
        """Write a call."""
        dests = [self.fresh() for _ in results]
        self._append(Instr(Op.CALL, tuple(dests), args, symbol=callee, place=self.place))
        return dests

    def invert(self, cond: Reg) -> Reg:
        """Write ``not cond``."""
        return self.op(Op.NOT, BOOL, cond)

    def early(self, instr: Instr) -> None:
        """Write an instruction at the very start of the function."""
        self.count += 1
        self.prologue.append(instr)

    def jump(self, to: Label) -> Draft:
        """End the block by going to another."""
        draft = Draft(to)
        self._leave().ways = (draft,)
        return draft

    def branch(self, cond: Reg, then: Label, other: Label) -> tuple[Draft, Draft]:
        """End the block by going to one of two others."""
        return _choose(self._leave(), cond, then, other, self.place)

    def returns(self, values: tuple[Reg, ...]) -> None:
        """End the block and the function."""
        self._leave().end = Return(values)

    def stop(self, reason: Reason, message: str) -> None:
        """End the block and the program."""
        self._leave().end = Stop(reason, message, self.place)

    def mark(self) -> Mark:
        """This point."""
        assert self._current is not None
        return Mark(self._current.label, len(self._current.body))

    def is_cheap_since(self, mark: Mark, instructions_max: int = 16) -> bool:
        """Whether all since a mark is a short stretch that only computes."""
        block = self._current
        if block is None or block.label != mark.label:
            return False
        since = block.body[mark.index :]
        return len(since) <= instructions_max and all(
            effect(instr.op, instr.type) is Effect.NONE for instr in since
        )

    def cut(self, mark: Mark, cond: Reg, other: Label, *, when: bool) -> Draft:
        """Make all since a mark the way taken where ``cond`` equals ``when``.

        Returns:
            The edge of the way around it, to ``other``.
        """
        head, label = self._part(mark)
        ways = (label, other) if when else (other, label)
        drafts = _choose(head, cond, *ways, self.place)
        return drafts[1] if when else drafts[0]

    def split(self, mark: Mark) -> tuple[Draft, Label]:
        """Make all since a mark a block that nothing leads to, and leave the part before it open.

        Returns:
            An edge from the part before, whose target is to be set, and the later part's label.
        """
        head, label = self._part(mark)
        head.ways = (Draft(""),)
        return head.ways[0], label

    def finish(self, name: str, params: tuple[Param, ...], results: tuple[Word, ...]) -> Function:
        """The function, its blocks in reverse postorder, those that no way leads to left out."""
        assert self._current is None
        blocks = {label: block.settled() for label, block in self._blocks.items()}
        entry = next(iter(blocks))
        body = (*self.prologue, *blocks[entry].body)
        blocks[entry] = BasicBlock(params, body, blocks[entry].end)
        order = flow.reverse_postorder(entry, flow.successors(Function(name, results, blocks)))
        return Function(name, results, {label: blocks[label] for label in order})

    def _part(self, mark: Mark) -> tuple[_Block, Label]:
        """Move all since a mark, and the way out, into a block of its own."""
        head, label = self._blocks[mark.label], self.announce("arm")
        tail = self._blocks[label] = _Block(label, ())
        tail.body, head.body = head.body[mark.index :], head.body[: mark.index]
        tail.ways, tail.cond, tail.end, tail.place = head.ways, head.cond, head.end, head.place
        head.end = None
        if self._current is head:
            self._current = tail
        return head, label

    def _result(self, instr: Instr) -> Reg:
        dest = self.fresh()
        self._append(msgspec.structs.replace(instr, dests=(dest,)))
        return dest

    def _append(self, instr: Instr) -> None:
        assert self._current is not None
        self.count += 1
        self._current.body.append(instr)

    def _leave(self) -> _Block:
        assert self._current is not None
        block, self._current = self._current, None
        return block


def _choose(
    block: _Block, cond: Reg, then: Label, other: Label, place: Place | None
) -> tuple[Draft, Draft]:
    drafts = Draft(then), Draft(other)
    block.ways, block.cond, block.place = drafts, cond, place
    return drafts
