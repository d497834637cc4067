"""Cutting a method where it waits: what follows becomes a function of its own.

A wait is a call of a function that does not exist (`host.mark_of`). The block is cut behind it.
Its first part saves what is still needed, as a `FRAME` record, and ends the run; its second part
begins a *continuation*, which takes the saved words, whether an answer came, and the answer. A
method that waits in a loop comes back to the cut, and saves again.

What a continuation is given and also computes again, as the counter of a loop, would be defined
twice; each block then takes it as a parameter.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

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
    Terminator,
    edges,
    uses,
)
from numen.ir.ops import SPECS, Op
from numen.ir.types import BOOL, U64, U256, Array, Kind, Type, Word
from numen.lang.contracts import records
from numen.lang.contracts.host import mark_of
from numen.lang.contracts.model import CONTEXT, Context
from numen.lang.errors import LangError, TypesError

SAVED_WORDS_MAX: Final = 256
"""Most words that live across one wait."""


class Cut(msgspec.Struct, frozen=True):
    """A wait in a method.

    Attributes:
        number: Which of the contract's.
        reply: The words of the answer, and whether there is one before them.
        place: Where it stands.
    """

    number: int
    reply: tuple[Word, ...]
    place: Place


class Continuation(msgspec.Struct, frozen=True):
    """What goes on after a wait.

    Attributes:
        function: Its parameters are the saved words, the reply, then what every run makes anew.
        saved: The types of the saved words.
    """

    function: Function
    saved: tuple[Word, ...]


def split(
    fn: Function, cuts: Iterable[Cut], shared: tuple[Param, ...], functions: Mapping[str, Function]
) -> tuple[Function, dict[int, Continuation]]:
    """Cut a method at its waits.

    Args:
        fn: The method, as lowered.
        cuts: Its waits.
        shared: Its parameters that every run makes anew; the context is the last.
        functions: What it calls.

    Returns:
        The part up to the first wait on every way, and the continuation of each wait.

    Raises:
        LangError: Something that cannot be saved is needed after a wait.
    """
    return _Split(fn, {cut.number: cut for cut in cuts}, shared, functions).run()


class _Split:
    def __init__(
        self,
        fn: Function,
        cuts: dict[int, Cut],
        shared: tuple[Param, ...],
        functions: Mapping[str, Function],
    ) -> None:
        self.fn = fn
        self.cuts = cuts
        self.shared = shared
        self.types = _types(fn, cuts, functions)
        self.made = {
            instr.dests[0]: instr
            for block in fn.blocks.values()
            for instr in block.body
            if instr.op in (Op.CONST, Op.ARRAY)
        }
        self.blocks: dict[Label, BasicBlock] = {}
        self.tails: dict[int, Label] = {}
        self.heads: dict[Label, int] = {}
        self.replies: dict[int, tuple[Reg, ...]] = {}

    def run(self) -> tuple[Function, dict[int, Continuation]]:
        marks = {mark_of(number): number for number in self.cuts}
        for label, block in self.fn.blocks.items():
            self._cut(label, block, marks)
        self.live = self._liveness()
        needed = {number: self._needed(number) for number in self.tails}
        for label, number in self.heads.items():
            block = self.blocks[label]
            body = (*block.body, *self._save(number, needed[number]))
            self.blocks[label] = BasicBlock(block.params, body, Return(()))
        first = next(iter(self.fn.blocks))
        start = self._reachable(first)
        begun = Function(self.fn.name, (), {label: self.blocks[label] for label in start})
        return begun, {number: self._continuation(number, needed[number]) for number in self.tails}

    def _cut(self, label: Label, block: BasicBlock, marks: Mapping[str, int]) -> None:
        """Cut a block behind each of its waits."""
        params, body = block.params, list(block.body)
        while True:
            at = next((i for i, instr in enumerate(body) if instr.symbol in marks), None)
            if at is None:
                self.blocks[label] = BasicBlock(params, tuple(body), block.end)
                return
            number = marks[body[at].symbol]
            self.replies[number] = body[at].dests
            self.blocks[label] = BasicBlock(params, tuple(body[:at]), Return(()))
            self.heads[label] = number
            label, params, body = f"resume${number}", (), body[at + 1 :]
            self.tails[number] = label

    def _liveness(self) -> dict[Label, set[Reg]]:
        """The registers that are needed at the start of each block, across waits too."""
        live: dict[Label, set[Reg]] = {label: set() for label in self.blocks}
        grew = True
        while grew:
            grew = False
            for label in reversed(self.blocks):
                found = self._live_before(label, live)
                if found != live[label]:
                    live[label], grew = found, True
        return live

    def _live_before(self, label: Label, live: Mapping[Label, set[Reg]]) -> set[Reg]:
        block = self.blocks[label]
        needed = set(uses(block.end))
        for edge in edges(block.end):
            needed |= live[edge.to]
        if label in self.heads:
            number = self.heads[label]
            needed |= live[self.tails[number]] - set(self.replies[number])
        for instr in reversed(block.body):
            needed -= set(instr.dests)
            needed |= set(instr.args)
        return needed - {param.reg for param in block.params}

    def _needed(self, number: int) -> tuple[Reg, ...]:
        """What a continuation must be given, or must make again."""
        found = self.live[self.tails[number]] - set(self.replies[number])
        return tuple(sorted(found - {param.reg for param in self.shared}))

    def _is_constant(self, reg: Reg) -> bool:
        return reg in self.made and self.made[reg].op is Op.CONST

    def _words(self, number: int, needed: tuple[Reg, ...]) -> list[tuple[Reg, int | None, Word]]:
        """The words to save: of which register, which element of it, and their type."""
        found: list[tuple[Reg, int | None, Word]] = []
        for reg in needed:
            of = self.types[reg]
            if isinstance(of, Word):
                if not self._is_constant(reg):
                    found.append((reg, None, of))
            elif isinstance(of, Array) and self._is_whole(reg):
                found += [(reg, index, of.element) for index in range(of.length)]
            else:
                raise self._refuse(number, reg, "a part of a list or a memory cannot be kept")
            if len(found) > SAVED_WORDS_MAX:
                raise self._refuse(number, reg, f"more than {SAVED_WORDS_MAX} words would be kept")
        return found

    def _is_whole(self, reg: Reg) -> bool:
        return reg in self.made or any(param.reg == reg for param in self.fn.params)

    def _refuse(self, number: int, reg: Reg, message: str) -> LangError:
        name = reg.split("$")[0]
        return TypesError(
            f"{message} while the method waits ({name})",
            place=self.cuts[number].place,
            hint="read what is needed into variables before it",
        )

    def _save(self, number: int, needed: tuple[Reg, ...]) -> list[Instr]:
        """Emit the frame of a wait."""
        writer = _Instrs(f"frame{number}", self.cuts[number].place)
        context = self.shared[-1].reg
        words = self._words(number, needed)
        of = Array(U256, 3 + len(words))
        array = writer.op(Op.ARRAY, of)
        saved = [writer.const(number, U256)]
        saved += [
            writer.op(Op.GET, CONTEXT, context, writer.const(index, U64))
            for index in (Context.SENDER, Context.VALUE)
        ]
        for reg, element, word in words:
            found = reg
            if element is not None:
                found = writer.op(Op.GET, self.types[reg], reg, writer.const(element, U64))
            saved.append(writer.to_word(found, word))
        for index, reg in enumerate(saved):
            writer.effect(Op.SET, of, array, writer.const(index, U64), reg)
        kind, count = writer.const(records.FRAME, U64), writer.const(len(saved), U64)
        writer.effect(Op.EMIT, of, kind, array, count)
        return writer.body

    def _continuation(self, number: int, needed: tuple[Reg, ...]) -> Continuation:
        start = self.tails[number]
        order = self._reachable(start)
        twice = self._defined_twice(number, needed, order)
        words = self._words(number, needed)
        writer = _Instrs(f"given{number}", self.cuts[number].place)
        given = [(f"given${number}${i}", word) for i, (_, _, word) in enumerate(words)]
        names = self._restore(writer, needed, words, [reg for reg, _ in given], twice)
        reply = zip(self.replies[number], self.cuts[number].reply, strict=True)
        params = [Param(reg, of) for reg, of in (*given, *reply)]
        blocks = {label: self._renamed(label, twice, names, start) for label in order}
        first = blocks[start]
        blocks[start] = BasicBlock((*params, *self.shared), (*writer.body, *first.body), first.end)
        name = f"{self.fn.name}$resume{number}"
        return Continuation(Function(name, (), blocks), tuple(word for _, _, word in words))

    def _defined_twice(
        self, number: int, needed: tuple[Reg, ...], order: tuple[Label, ...]
    ) -> tuple[Reg, ...]:
        """What a continuation is given and may also define again, in a loop."""
        defined = {
            reg
            for label in order
            for reg in (
                *(param.reg for param in self.blocks[label].params),
                *(dest for instr in self.blocks[label].body for dest in instr.dests),
            )
        }
        twice = tuple(reg for reg in needed if reg in defined)
        for reg in twice:
            if not isinstance(self.types[reg], Word):
                raise self._refuse(number, reg, "a list that a loop makes cannot be kept")
        return twice

    def _restore(
        self,
        writer: "_Instrs",
        needed: tuple[Reg, ...],
        words: list[tuple[Reg, int | None, Word]],
        given: list[Reg],
        twice: tuple[Reg, ...],
    ) -> dict[Reg, Reg]:
        """Make what was saved again; the registers that hold it."""
        names: dict[Reg, Reg] = {}
        for reg in needed:
            made = self.made.get(reg)
            of = self.types[reg]
            if made is not None and made.op is Op.CONST:
                names[reg] = f"{reg}$again" if reg in twice else reg
                writer.body.append(replace(made, dests=(names[reg],)))
            elif isinstance(of, Array):
                writer.body.append(Instr(Op.ARRAY, (reg,), (), of, place=writer.place))
        for (reg, element, _), source in zip(words, given, strict=True):
            if element is None:
                names[reg] = source
            else:
                writer.effect(Op.SET, self.types[reg], reg, writer.const(element, U64), source)
        return names

    def _renamed(
        self, label: Label, twice: tuple[Reg, ...], names: Mapping[Reg, Reg], start: Label
    ) -> BasicBlock:
        """A block as it stands in a continuation."""
        block = self.blocks[label]
        again = [reg for reg in twice if label != start and reg in self.live[label]]
        here = {reg: name for reg, name in names.items() if label == start or reg not in twice}
        here |= {reg: f"{reg}${label}" for reg in again}
        own = [Param(here[reg], self.types[reg]) for reg in again]
        params = (*block.params, *own)
        for param in block.params:
            here.pop(param.reg, None)
        body = []
        for instr in block.body:
            args = tuple(here.get(arg, arg) for arg in instr.args)
            body.append(replace(instr, args=args) if args != instr.args else instr)
            for dest in instr.dests:
                here.pop(dest, None)
        return BasicBlock(params, tuple(body), self._end(block.end, here, twice))

    def _end(self, end: Terminator, here: Mapping[Reg, Reg], twice: tuple[Reg, ...]) -> Terminator:
        def edge(old: Edge) -> Edge:
            more = (here.get(reg, reg) for reg in twice if reg in self.live[old.to])
            return Edge(old.to, (*(here.get(arg, arg) for arg in old.args), *more))

        match end:
            case Jump(to):
                return Jump(edge(to))
            case Branch(cond, then, other, place):
                return Branch(here.get(cond, cond), edge(then), edge(other), place)
            case Return(values):
                return Return(tuple(here.get(value, value) for value in values))
            case _:
                return end

    def _reachable(self, start: Label) -> tuple[Label, ...]:
        nexts = flow.successors(Function("", (), self.blocks))
        return flow.reverse_postorder(start, nexts)


class _Instrs:
    """Writes instructions one after another."""

    def __init__(self, prefix: str, place: Place) -> None:
        self.body: list[Instr] = []
        self.place = place
        self._prefix = prefix

    def op(self, op: Op, of: Type, *args: Reg, to: Type | None = None) -> Reg:
        reg = f"{self._prefix}${len(self.body)}"
        self.body.append(Instr(op, (reg,), args, of, to, place=self.place))
        return reg

    def const(self, value: int, word: Word) -> Reg:
        reg = f"{self._prefix}${len(self.body)}"
        self.body.append(Instr(Op.CONST, (reg,), (), word, imm=value, place=self.place))
        return reg

    def effect(self, op: Op, of: Type, *args: Reg) -> None:
        self.body.append(Instr(op, (), args, of, place=self.place))

    def to_word(self, reg: Reg, word: Word) -> Reg:
        if word == U256:
            return reg
        op = Op.TRUNCATE if word.kind is Kind.SIGNED else Op.CAST
        return self.op(op, word, reg, to=U256)


def _types(
    fn: Function, cuts: Mapping[int, Cut], functions: Mapping[str, Function]
) -> dict[Reg, Type]:
    """The type of every register."""
    marks = {mark_of(number): cut.reply for number, cut in cuts.items()}
    types: dict[Reg, Type] = {}
    for block in fn.blocks.values():
        types |= {param.reg: param.type for param in block.params}
        for instr in block.body:
            if instr.op is Op.CALL:
                known = marks.get(instr.symbol)
                results = functions[instr.symbol].results if known is None else known
                types |= dict(zip(instr.dests, results, strict=True))
            elif instr.dests:
                types[instr.dests[0]] = _result(instr)
    return types


def _result(instr: Instr) -> Type:
    of: Type | None = None
    match SPECS[instr.op].results:
        case "b":
            of = BOOL
        case "k":
            of = U256
        case "s":
            of = instr.to
        case "e":
            of = instr.type.element if isinstance(instr.type, Array) else None
        case _:
            of = instr.type
    assert of is not None
    return of
