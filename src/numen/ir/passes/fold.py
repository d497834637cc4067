"""Constant folding and the algebra of single instructions.

Constants are computed by the interpreter's own integers, so a fold cannot mean anything else than
a run; what would trap is left to do so.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec.structs import replace

from numen.ir import flow
from numen.ir.interp import INTEGERS
from numen.ir.intervals import result
from numen.ir.nodes import BasicBlock, Function, Instr, Reg
from numen.ir.ops import SPECS, Op
from numen.ir.passes.registers import rename_end, resolve, with_args
from numen.ir.trap import TrapError
from numen.ir.types import BOOL, Kind, Word


class _Drop:
    """What an instruction without effect becomes."""


DROP: Final = _Drop()

Folded: TypeAlias = Instr | Reg | int | _Drop | None
"""Another instruction, a register that holds the result, its value, nothing; None: no change."""


def fold(fn: Function) -> Function:
    """Compute what is known and drop what changes nothing.

    Needs: SSA form. Keeps: SSA form, block order, every trap with its place.
    Cost: linear.
    """
    folder = Folder()
    blocks = dict(fn.blocks)
    for label in flow.reverse_postorder(next(iter(blocks)), flow.successors(fn)):
        blocks[label] = folder.block(blocks[label])
    return replace(fn, blocks=blocks) if folder.changed else fn


class Folder:
    """What is known of the registers defined so far.

    Attributes:
        defs: Instructions by the register they write, as they are after folding.
        names: Registers that take the place of others.
        changed: Whether anything became something else.
    """

    def __init__(self) -> None:
        self.defs: dict[Reg, Instr] = {}
        self.names: dict[Reg, Reg] = {}
        self.changed = False

    def block(self, block: BasicBlock) -> BasicBlock:
        body: list[Instr] = []
        for instr in block.body:
            kept = self.instr(instr)
            if kept is not None:
                body.append(kept)
                for dest in kept.dests:
                    self.defs[dest] = kept
        end = rename_end(block.end, self.names) if self.names else block.end
        return BasicBlock(block.params, tuple(body), end)

    def instr(self, instr: Instr) -> Instr | None:
        """Fold an instruction until it stays as it is."""
        if any(arg in self.names for arg in instr.args):
            instr = with_args(instr, tuple(resolve(self.names, arg) for arg in instr.args))
        while True:
            folded = self.step(instr)
            if folded is None:
                return instr
            self.changed = True
            match folded:
                case Instr():
                    instr = folded
                case int():
                    return Instr(Op.CONST, instr.dests, (), result(instr), imm=folded)
                case str():
                    self.names[instr.dests[0]] = folded
                    return None
                case _Drop():
                    return None

    def step(self, instr: Instr) -> Folded:
        rule = _RULES.get(instr.op)
        if rule is None:
            return None
        values = [self.value(arg) for arg in instr.args]
        known = [value for value in values if value is not None]
        means = SPECS[instr.op].means
        if means is not None and len(known) == len(values):
            try:
                value: int = means(INTEGERS, instr.to or instr.type, *known)
            except TrapError:
                return None
            return value
        # One order of operands, so that the rules need to look in one place.
        if instr.op in COMMUTATIVE and values[0] is not None:
            return with_args(instr, (instr.args[1], instr.args[0]))
        return rule(self, instr, values)

    def value(self, reg: Reg) -> int | None:
        """The value of a register, where it is a constant."""
        instr = self.defs.get(reg)
        return instr.imm if instr is not None and instr.op is Op.CONST else None


COMMUTATIVE: Final = frozenset(
    {Op.ADD, Op.MUL, Op.WRAPPING_ADD, Op.WRAPPING_MUL, Op.AND, Op.OR, Op.XOR, Op.EQ}
)
"""Instructions whose two operands may change places."""


def ones(word: Word) -> int:
    """The word of which every bit is set."""
    return -1 if word.kind is Kind.SIGNED else word.high


def holds(outer: Word, inner: Word) -> bool:
    """Whether every value of a word is one of another."""
    return outer.low <= inner.low and inner.high <= outer.high


Rule: TypeAlias = Callable[[Folder, Instr, list[int | None]], Folded]


def _only_constants(_folder: Folder, _instr: Instr, _values: list[int | None]) -> Folded:
    return None


def _add(_folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    return instr.args[0] if values[1] == 0 else None


def _sub(_folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    if values[1] == 0:
        return instr.args[0]
    return 0 if instr.args[0] == instr.args[1] else None


def _mul(_folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    if values[1] == 0:
        return 0
    return instr.args[0] if values[1] == 1 else None


def _div(_folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    return instr.args[0] if values[1] == 1 else None


def _rem(_folder: Folder, _instr: Instr, values: list[int | None]) -> Folded:
    return 0 if values[1] in (1, -1) else None


def _and(_folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    if values[1] == 0:
        return 0
    same = instr.args[0] == instr.args[1]
    return instr.args[0] if same or values[1] == ones(result(instr)) else None


def _or(_folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    if values[1] == ones(result(instr)):
        return values[1]
    return instr.args[0] if values[1] == 0 or instr.args[0] == instr.args[1] else None


def _xor(_folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    if instr.args[0] == instr.args[1]:
        return 0
    if values[1] == ones(result(instr)):
        return Instr(Op.NOT, instr.dests, instr.args[:1], instr.type, place=instr.place)
    return instr.args[0] if values[1] == 0 else None


def _not(folder: Folder, instr: Instr, _values: list[int | None]) -> Folded:
    inner = folder.defs.get(instr.args[0])
    return inner.args[0] if inner is not None and inner.op is Op.NOT else None


def _shift(_folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    return instr.args[0] if values[1] == 0 else None


def _eq(folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    if instr.args[0] == instr.args[1]:
        return 1
    made = folder.defs.get(instr.args[0])
    if values[1] == 0 and made is not None and made.op in _DIFFERENCES:
        return with_args(instr, made.args)
    if instr.type == BOOL and values[1] is not None:
        if values[1] == 1:
            return instr.args[0]
        return Instr(Op.NOT, instr.dests, instr.args[:1], BOOL, place=instr.place)
    return None


_DIFFERENCES: Final = frozenset({Op.SUB, Op.WRAPPING_SUB, Op.XOR})
"""Instructions whose result is zero where their operands are equal, and only there."""


def _lt(_folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    assert isinstance(instr.type, Word)
    if instr.args[0] == instr.args[1]:
        return 0
    is_never = values[1] == instr.type.low or values[0] == instr.type.high
    return 0 if is_never else None


def _select(folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    cond, then, other = instr.args
    if values[0] is not None:
        return then if values[0] else other
    if then == other or (values[1] is not None and values[1] == values[2]):
        return then
    turned = folder.defs.get(cond)
    if turned is not None and turned.op is Op.NOT:
        return with_args(instr, (turned.args[0], other, then))
    if instr.type == BOOL and values[1] is not None and values[2] is not None:
        if values[1]:
            return cond
        return Instr(Op.NOT, instr.dests, (cond,), BOOL, place=instr.place)
    return None


def _cast(folder: Folder, instr: Instr, _values: list[int | None]) -> Folded:
    if instr.type == instr.to:
        return instr.args[0]
    inner = _conversion(folder, instr.args[0])
    if inner is not None and holds(result(inner), _source(inner)):
        return replace(instr, args=inner.args, type=inner.type)
    return None


def _truncate(folder: Folder, instr: Instr, _values: list[int | None]) -> Folded:
    if instr.type == instr.to:
        return instr.args[0]
    inner = _conversion(folder, instr.args[0])
    if inner is None or _source(inner).kind is Kind.FIELD:
        return None
    # What was cut off by the first is cut off by the second, or there was nothing to cut.
    is_cut = inner.op is Op.TRUNCATE and result(instr).bits <= result(inner).bits
    if is_cut or holds(result(inner), _source(inner)):
        return replace(instr, args=inner.args, type=inner.type)
    return None


def _conversion(folder: Folder, reg: Reg) -> Instr | None:
    inner = folder.defs.get(reg)
    if inner is None or inner.op not in (Op.CAST, Op.TRUNCATE):
        return None
    # Into the field a cast is a remainder, which is not the same integer.
    return None if result(inner).kind is Kind.FIELD else inner


def _source(instr: Instr) -> Word:
    assert isinstance(instr.type, Word)
    return instr.type


def _require(_folder: Folder, _instr: Instr, values: list[int | None]) -> Folded:
    return DROP if values[0] == 1 else None


def _slice(_folder: Folder, instr: Instr, values: list[int | None]) -> Folded:
    return instr.args[0] if values[1] == 0 and instr.type == instr.to else None


def _copy(_folder: Folder, instr: Instr, _values: list[int | None]) -> Folded:
    return DROP if instr.args[0] == instr.args[1] else None


# fmt: off
_RULES: Final[dict[Op, Rule]] = {
    Op.ADD:          _add,
    Op.SUB:          _sub,
    Op.MUL:          _mul,
    Op.WRAPPING_ADD: _add,
    Op.WRAPPING_SUB: _sub,
    Op.WRAPPING_MUL: _mul,
    Op.DIV:          _div,
    Op.REM:          _rem,
    Op.ADD_MOD:      _only_constants,
    Op.SUB_MOD:      _only_constants,
    Op.MUL_MOD:      _only_constants,
    Op.DIV_MOD:      _only_constants,
    Op.AND:          _and,
    Op.OR:           _or,
    Op.XOR:          _xor,
    Op.NOT:          _not,
    Op.SHL:          _shift,
    Op.SHR:          _shift,
    Op.EQ:           _eq,
    Op.LT:           _lt,
    Op.SELECT:       _select,
    Op.CAST:         _cast,
    Op.TRUNCATE:     _truncate,
    Op.REQUIRE:      _require,
    Op.SLICE:        _slice,
    Op.COPY:         _copy,
}
# fmt: on
