"""Hash once what two ways hash alike.

A Merkle proof hashes a pair in one of two orders, and compilers write a hash into both arms of that
choice. A machine takes one of them, a circuit both: so the ends that two arms share are moved
behind them, with what differs as parameters.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from numen.evm.lift.sponge import HASH
from numen.evm.lift.values import MEMORY
from numen.ir import flow
from numen.ir.nodes import BasicBlock, Edge, Function, Instr, Jump, Label, Param, Reg
from numen.ir.ops import SPECS, Effect, Op
from numen.ir.passes.registers import Fresh
from numen.ir.types import BOOL, Array, Type

_INSIDE: Final = frozenset({Op.LOAD, Op.STORE})
"""Accesses to memory; the lifter has required before that they are inside."""


def merge_hashing_tails(fn: Function, functions: Mapping[str, Function]) -> Function:
    """Move the hashes that both ways into a block end with into a block of their own.

    Needs: SSA form. Keeps: SSA form, every result and trap; of two places it keeps the first.

    Args:
        fn: The function.
        functions: Those that it calls.

    Cost: linear.
    """
    fresh, blocks, types = Fresh(fn), dict(fn.blocks), _types(fn, functions)
    for label, before in flow.predecessors(fn).items():
        if len(before) != 2 or before[0] == before[1]:
            continue
        one, two = (blocks[up] for up in before)
        if not (isinstance(one.end, Jump) and isinstance(two.end, Jump)):
            continue
        count = _common(one.body, two.body)
        while count and not _is_hash(one.body[-count]):
            count -= 1
        if count:
            tail = _Tail(fresh, types, one, two, count)
            middle = fresh.reg("t")
            blocks[middle] = tail.block(label)
            blocks[before[0]] = tail.before(one, middle, tail.ones)
            blocks[before[1]] = tail.before(two, middle, tail.twos)
    return replace(fn, blocks=blocks) if len(blocks) > len(fn.blocks) else fn


class _Tail:
    """The end of two blocks as one: what differs between them is a parameter."""

    def __init__(
        self, fresh: Fresh, types: dict[Reg, Type], one: BasicBlock, two: BasicBlock, count: int
    ) -> None:
        self.fresh, self.types, self.count = fresh, types, count
        self.params: list[Param] = []
        self.ones: list[Reg] = []
        self.twos: list[Reg] = []
        self.known: dict[tuple[Reg, Reg], Reg] = {}
        self.body: list[Instr] = []
        for a, b in zip(one.body[-count:], two.body[-count:], strict=True):
            args = self.both(a.args, b.args)
            dests = tuple(fresh.reg("t") for _ in a.dests)
            for dest, x, y in zip(dests, a.dests, b.dests, strict=True):
                self.known[x, y] = dest
                types[dest] = types[x]
            self.body.append(replace(a, args=args, dests=dests))
        assert isinstance(one.end, Jump)
        assert isinstance(two.end, Jump)
        self.passed = self.both(one.end.edge.args, two.end.edge.args)

    def both(self, ones: Sequence[Reg], twos: Sequence[Reg]) -> tuple[Reg, ...]:
        return tuple(self.either(x, y) for x, y in zip(ones, twos, strict=True))

    def either(self, x: Reg, y: Reg) -> Reg:
        if x == y:
            return x
        if (x, y) not in self.known:
            self.known[x, y] = self.fresh.reg("t")
            self.params.append(Param(self.known[x, y], self.types[x]))
            self.ones.append(x)
            self.twos.append(y)
        return self.known[x, y]

    def block(self, to: Label) -> BasicBlock:
        return BasicBlock(tuple(self.params), tuple(self.body), Jump(Edge(to, self.passed)))

    def before(self, block: BasicBlock, to: Label, args: list[Reg]) -> BasicBlock:
        return replace(block, body=block.body[: -self.count], end=Jump(Edge(to, tuple(args))))


def _common(one: Sequence[Instr], two: Sequence[Instr]) -> int:
    """How many instructions at the end of two blocks do the same with whatever operands."""
    count = 0
    for a, b in zip(reversed(one), reversed(two), strict=False):
        if _form(a) != _form(b) or not _moves(a):
            break
        count += 1
    return count


def _form(instr: Instr) -> Instr:
    """What an instruction does, and to what memory."""
    held = tuple(arg if arg == MEMORY else "" for arg in instr.args)
    return replace(instr, args=held, dests=("",) * len(instr.dests), place=None)


def _moves(instr: Instr) -> bool:
    """Whether an instruction never traps."""
    if instr.op in _INSIDE:
        return instr.args[0] == MEMORY
    return _is_hash(instr) or SPECS[instr.op].effect is Effect.NONE


def _is_hash(instr: Instr) -> bool:
    return instr.op is Op.CALL and instr.symbol.startswith(HASH)


def _types(fn: Function, functions: Mapping[str, Function]) -> dict[Reg, Type]:
    """Types of the words of a function."""
    found = {param.reg: param.type for block in fn.blocks.values() for param in block.params}
    for block in fn.blocks.values():
        for instr in block.body:
            results = (
                functions[instr.symbol].results
                if instr.op is Op.CALL
                else tuple(_result(letter, instr) for letter in SPECS[instr.op].results)
            )
            found.update(zip(instr.dests, results, strict=True))
    return found


def _result(letter: str, instr: Instr) -> Type:
    of = instr.to if letter == "s" else instr.type
    match letter, of:
        case "b", _:
            return BOOL
        case "e", Array(element=element):
            return element
        case _:
            assert of is not None
            return of
