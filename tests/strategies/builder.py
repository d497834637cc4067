"""Build a function block by block: what tests write programs with."""

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
from numen.ir.ops import SPECS, Op
from numen.ir.trap import Reason
from numen.ir.types import Array, Type, Word


class Builder:
    """Writes instructions at the end of the current block.

    Attributes:
        place: Attached to what is written next; the front end moves it.
    """

    def __init__(self, name: str, results: tuple[Word, ...] = ()) -> None:
        self.name = name
        self.results = results
        self.place: Place | None = None
        self._blocks: dict[Label, BasicBlock] = {}
        self._open: dict[Label, tuple[Param, ...]] = {}
        self._label: Label | None = None
        self._body: list[Instr] = []
        self._count = 0
        self._labels = 0

    @property
    def is_open(self) -> bool:
        """Whether a block is being written, that is: whether this point can be reached."""
        return self._label is not None

    def block(self, hint: str, *types: Type) -> tuple[Label, tuple[Reg, ...]]:
        """Announce a block with parameters of these types; write it later with `enter`."""
        label = f"{hint}{self._labels}" if self._labels else hint
        self._labels += 1
        params = tuple(Param(self._fresh("p"), of) for of in types)
        self._open[label] = params
        return label, tuple(param.reg for param in params)

    def enter(self, label: Label) -> None:
        """Begin to write an announced block; the one before must have ended."""
        assert self._label is None, f"block {self._label} has no end"
        self._label, self._body = label, []

    def const(self, value: int, word: Word) -> Reg:
        """Write a constant of a type; ``value`` must be in its range."""
        assert value in word
        return self._write(Op.CONST, (), word, imm=value)

    def op(self, op: Op, suffix: Type | None, *args: Reg, to: Type | None = None) -> Reg:
        """Write an instruction with one result."""
        return self._write(op, args, suffix, to=to)

    def effect(self, op: Op, suffix: Type | None, *args: Reg, symbol: str = "") -> None:
        """Write an instruction without a result."""
        self._append(Instr(op, (), args, suffix, symbol=symbol, place=self.place))

    def get(self, array: Array, ref: Reg, index: Reg) -> Reg:
        """Read an element."""
        return self._write(Op.GET, (ref, index), array)

    def set(self, array: Array, ref: Reg, index: Reg, value: Reg) -> None:
        """Write an element."""
        self.effect(Op.SET, array, ref, index, value)

    def require(self, cond: Reg, message: str) -> None:
        """Trap with `Reason.REQUIREMENT` unless the condition holds."""
        self.effect(Op.REQUIRE, None, cond, symbol=message)

    def call(self, callee: str, results: tuple[Word, ...], *args: Reg) -> tuple[Reg, ...]:
        """Call a function of the module."""
        dests = tuple(self._fresh("r") for _ in results)
        self._append(Instr(Op.CALL, dests, args, symbol=callee, place=self.place))
        return dests

    def jump(self, to: Label, *args: Reg) -> None:
        """End the block by going to another."""
        self._end(Jump(Edge(to, args)))

    def branch(self, cond: Reg, then: Edge, other: Edge) -> None:
        """End the block by going to one of two others."""
        self._end(Branch(cond, then, other, self.place))

    def returns(self, *values: Reg) -> None:
        """End the block and the function."""
        self._end(Return(values))

    def stop(self, reason: Reason, message: str = "") -> None:
        """End the block and the program."""
        self._end(Stop(reason, message, self.place))

    def finish(self) -> Function:
        """The function, without the blocks that no way leads to."""
        assert self._label is None, f"block {self._label} has no end"
        fn = Function(self.name, self.results, self._blocks)
        reached = set(flow.reverse_postorder(next(iter(fn.blocks)), flow.successors(fn)))
        blocks = {label: block for label, block in fn.blocks.items() if label in reached}
        return Function(self.name, self.results, blocks)

    def _fresh(self, hint: str) -> Reg:
        self._count += 1
        return f"{hint}{self._count}"

    def _write(
        self,
        op: Op,
        args: tuple[Reg, ...],
        suffix: Type | None,
        *,
        to: Type | None = None,
        imm: int | None = None,
    ) -> Reg:
        assert len(SPECS[op].results) == 1
        dest = self._fresh("v")
        self._append(Instr(op, (dest,), args, suffix, to, imm, place=self.place))
        return dest

    def _append(self, instr: Instr) -> None:
        assert self._label is not None, "no block is open"
        self._body.append(instr)

    def _end(self, end: Terminator) -> None:
        assert self._label is not None, "no block is open"
        params = self._open.pop(self._label)
        self._blocks[self._label] = BasicBlock(params, tuple(self._body), end)
        self._label = None
