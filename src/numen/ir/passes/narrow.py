"""Narrowing: what is proven to stay in range needs neither checks nor wide words."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from numen.ir import flow
from numen.ir.intervals import (
    Interval,
    can_trap,
    exact,
    full,
    result,
    result_interval,
    within,
)
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
    Terminator,
    edges,
)
from numen.ir.ops import SPECS, Op
from numen.ir.passes.registers import Definitions, Fresh
from numen.ir.passes.simplify_cfg import drop_unreachable
from numen.ir.ranges import analyse
from numen.ir.types import I64, I128, U64, U128, WORDS, Kind, Word

WRAPPING: Final = {
    Op.ADD: Op.WRAPPING_ADD,
    Op.SUB: Op.WRAPPING_SUB,
    Op.MUL: Op.WRAPPING_MUL,
}
"""Checked instructions, and those that do the same where the result is in range."""

_UNWRAPPED: Final = {wrapping: op for op, wrapping in WRAPPING.items()}

NARROWER: Final = (
    *WRAPPING,
    *_UNWRAPPED,
    *(Op.DIV, Op.REM, Op.ADD_MOD, Op.SUB_MOD, Op.MUL_MOD, Op.DIV_MOD),
)
"""Arithmetic that means the same in every word that holds operands and result."""

BITWISE: Final = (Op.AND, Op.OR, Op.XOR, Op.SHL, Op.SHR, Op.EQ, Op.LT, Op.SELECT)
"""And what is not arithmetic."""

BLOCKS_MAX: Final = 2048
"""Most blocks: what is known at the end of each is handed down to those below it."""

UNSIGNED_WORDS: Final = (U64, U128)
SIGNED_WORDS: Final = (I64, I128)
"""What wide words are narrowed to, the narrowest first: machines have no use for less."""


def narrow(fn: Function) -> Function:
    """Use what the range analysis proves.

    - A result that is always the same becomes a constant, a decided branch a jump, a requirement
      that always holds nothing.
    - Checked arithmetic that cannot leave its type becomes wrapping, a cast that cannot fail a
      truncation: they are free to move and to be dropped.
    - Words of 128 and 256 bits become words of 64 or 128, parameters of blocks too.
    - Signed division of what is never negative becomes unsigned.

    The checked step of a loop's counter stays, unless it is one: it is what proves to the metering
    pass that the loop is counted.

    Needs: SSA form. Keeps: SSA form, every trap with its place.
    Cost: that of the range analysis; functions of more than `BLOCKS_MAX` blocks stay as they are.
    """
    return fn if len(fn.blocks) > BLOCKS_MAX else _Narrower(fn).run()


class _Narrower:
    """One walk over a function with the facts of the analysis."""

    def __init__(self, fn: Function) -> None:
        self.fn = fn
        self.facts, self.params = analyse(fn)
        self.fresh = Fresh(fn)
        self.defs = Definitions(fn)
        self.steps = _steps(fn)
        self.changed = False

    def run(self) -> Function:
        wider = self.narrow_params()
        blocks = {label: self.block(label, block, wider) for label, block in self.fn.blocks.items()}
        if not self.changed:
            return self.fn
        return drop_unreachable(replace(self.fn, blocks=blocks))

    def narrow_params(self) -> dict[Label, dict[int, Word]]:
        """Choose narrower types for parameters: by block and index."""
        found: dict[Label, dict[int, Word]] = {}
        for label, block in list(self.fn.blocks.items())[1:]:
            for index, param in enumerate(block.params):
                assert isinstance(param.type, Word)
                word = _narrowest(param.type, (self.params[param.reg],))
                if word is not None:
                    found.setdefault(label, {})[index] = word
        self.changed |= bool(found)
        return found

    def block(
        self, label: Label, block: BasicBlock, wider: Mapping[Label, Mapping[int, Word]]
    ) -> BasicBlock:
        params = list(block.params)
        body: list[Instr] = []
        for index, word in wider.get(label, {}).items():
            old = params[index]
            assert isinstance(old.type, Word)
            params[index] = Param(self.fresh.reg("narrow"), word)
            args = (params[index].reg,)
            body.append(Instr(Op.TRUNCATE, (old.reg,), args, word, old.type))
        facts = self.facts[label]
        for instr, operands in zip(block.body, facts, strict=False):
            after = self.instr(instr, operands)
            self.changed |= after != [instr]
            body += after
        end = self.end(block.end, facts[-1] if facts else ())
        end = self.pass_narrower(end, wider, body)
        return BasicBlock(tuple(params), tuple(body), end)

    def end(self, end: Terminator, fact: tuple[Interval, ...]) -> Terminator:
        if not isinstance(end, Branch) or fact[0] not in ((0, 0), (1, 1)):
            return end
        self.changed = True
        return Jump(end.then if fact[0] == (1, 1) else end.other)

    def pass_narrower(
        self, end: Terminator, wider: Mapping[Label, Mapping[int, Word]], body: list[Instr]
    ) -> Terminator:
        """Convert the arguments of edges to the narrower types of parameters."""
        if not any(edge.to in wider for edge in edges(end)):
            return end
        match end:
            case Jump(edge):
                return Jump(self.edge(edge, wider, body))
            case Branch(cond, then, other, place):
                ways = self.edge(then, wider, body), self.edge(other, wider, body)
                return Branch(cond, *ways, place)
        return end

    def edge(
        self, edge: Edge, wider: Mapping[Label, Mapping[int, Word]], body: list[Instr]
    ) -> Edge:
        args = list(edge.args)
        for index, word in wider.get(edge.to, {}).items():
            old = self.fn.blocks[edge.to].params[index].type
            assert isinstance(old, Word)
            value = self.defs.constant(args[index])
            among = full(old) if value is None else (value, value)
            args[index] = self.convert(args[index], among, old, word, body)
        return Edge(edge.to, tuple(args))

    def convert(self, reg: Reg, among: Interval, old: Word, word: Word, body: list[Instr]) -> Reg:
        """Write the conversion of a register to a narrower word that holds its value."""
        dest = self.fresh.reg("narrow")
        if among[0] == among[1]:
            body.append(Instr(Op.CONST, (dest,), (), word, imm=among[0]))
        else:
            body.append(Instr(Op.TRUNCATE, (dest,), (reg,), old, word))
        return dest

    # --- instructions ---------------------------------------------------------------------------

    def instr(self, instr: Instr, operands: tuple[Interval, ...]) -> list[Instr]:
        """What an instruction becomes: itself, something cheaper, nothing."""
        if instr.op is Op.REQUIRE:
            return [] if operands[0] == (1, 1) else [instr]
        if SPECS[instr.op].means is None:
            return [instr]
        found = result_interval(instr, operands)
        if found[0] == found[1] and not can_trap(instr, operands):
            return [Instr(Op.CONST, instr.dests, (), result(instr), imm=found[0])]
        narrower = self.narrower(instr, operands, found)
        if narrower is not None:
            return narrower
        if instr.op is Op.CAST and _is_conversion(instr) and not can_trap(instr, operands):
            return [replace(instr, op=Op.TRUNCATE)]
        if self.is_unchecked(instr, operands):
            return [replace(instr, op=WRAPPING[instr.op])]
        return [instr]

    def is_unchecked(self, instr: Instr, operands: Sequence[Interval]) -> bool:
        if instr.op not in WRAPPING or instr.dests[0] in self.steps:
            return False
        word = result(instr)
        return word.kind is not Kind.FIELD and not can_trap(instr, operands)

    def narrower(
        self, instr: Instr, operands: Sequence[Interval], found: Interval
    ) -> list[Instr] | None:
        """The same on narrower words, between conversions."""
        old = instr.type
        if not isinstance(old, Word) or instr.op not in (*NARROWER, *BITWISE):
            return None
        words = list(operands[1:] if instr.op is Op.SELECT else operands)
        if instr.op in NARROWER and instr.op in (*WRAPPING, *_UNWRAPPED):
            words.append(exact(instr.op, *operands))
        elif SPECS[instr.op].results == "t":
            words.append(found)
        word = _division_word(instr, old, words) or _narrowest(old, words)
        if word is None or not _is_count(instr, operands, word):
            return None
        return self.rewrite(instr, operands, old, word)

    def rewrite(
        self, instr: Instr, operands: Sequence[Interval], old: Word, word: Word
    ) -> list[Instr]:
        body: list[Instr] = []
        letters = SPECS[instr.op].operands
        args = tuple(
            self.convert(arg, among, old, word, body) if letter == "t" else arg
            for arg, among, letter in zip(instr.args, operands, letters, strict=True)
        )
        op = instr.op if instr.dests[0] in self.steps else WRAPPING.get(instr.op, instr.op)
        if SPECS[op].results == "b":
            return [*body, replace(instr, args=args, type=word)]
        dest = self.fresh.reg("narrow")
        body.append(Instr(op, (dest,), args, word, place=instr.place))
        body.append(Instr(Op.TRUNCATE, instr.dests, (dest,), word, old))
        return body


def _narrowest(old: Word, intervals: list[Interval] | tuple[Interval, ...]) -> Word | None:
    """The narrowest word, narrower than one, that holds intervals."""
    if old.bits <= U64.bits or old.kind not in (Kind.UNSIGNED, Kind.SIGNED):
        return None
    words = UNSIGNED_WORDS if old.kind is Kind.UNSIGNED else SIGNED_WORDS
    for word in words:
        if word.bits < old.bits and all(within(one, full(word)) for one in intervals):
            return word
    return None


def _division_word(instr: Instr, old: Word, intervals: list[Interval]) -> Word | None:
    """The unsigned word for the division of signed words that are never negative."""
    if instr.op not in (Op.DIV, Op.REM) or old.kind is not Kind.SIGNED:
        return None
    for word in (*UNSIGNED_WORDS, WORDS[f"u{old.bits}"]):
        if word.bits <= old.bits and all(within(one, full(word)) for one in intervals):
            return word
    return None


def _is_count(instr: Instr, operands: Sequence[Interval], word: Word) -> bool:
    """Whether a shift's count is one that a word allows."""
    if instr.op not in (Op.SHL, Op.SHR):
        return True
    return within(operands[1], (0, word.bits - 1))


def _is_conversion(instr: Instr) -> bool:
    """Whether a cast is between types that a truncation is between."""
    kinds = (Kind.UNSIGNED, Kind.SIGNED)
    source = instr.type
    return (
        result(instr).kind in kinds
        and isinstance(source, Word)
        and source.kind in (*kinds, Kind.BOOL)
    )


def _steps(fn: Function) -> frozenset[Reg]:
    """Results of checked additions, other than of one, that a loop's counter takes next."""
    order = flow.reverse_postorder(next(iter(fn.blocks)), flow.successors(fn))
    rank = {label: index for index, label in enumerate(order)}
    defs = Definitions(fn)
    found: set[Reg] = set()
    for label in order:
        for edge in edges(fn.blocks[label].end):
            if rank[edge.to] > rank[label]:
                continue
            for param, arg in zip(fn.blocks[edge.to].params, edge.args, strict=True):
                instr = defs.instrs.get(arg)
                is_step = instr is not None and instr.op is Op.ADD and param.reg in instr.args
                if is_step and 1 not in map(defs.constant, defs.instrs[arg].args):
                    found.add(arg)
    return frozenset(found)
