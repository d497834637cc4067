"""Counted loops: those whose number of iterations is known, to the last one, before the first.

Such a loop has one way in, one way out, from its header, and one way back; its header asks whether
a counter is below a bound that the loop does not change, and the way back adds a step to it.
`counters` recognises counters and tests.
"""

from collections.abc import Mapping

import msgspec

from numen.ir.counters import Counter, Counters
from numen.ir.flow import Loop
from numen.ir.nodes import Branch, Edge, Function, Instr, Label, Reg, edges
from numen.ir.ops import Op
from numen.ir.passes.fold import Folder
from numen.ir.passes.registers import Definitions, Fresh
from numen.ir.types import U64, Kind, Type, Word


class Counted(msgspec.Struct, frozen=True):
    """A loop that runs ``ceil((bound - start) / step)`` times, or not at all.

    Attributes:
        header: Where each iteration begins, and where the last one leaves.
        body: The block that the header goes on to.
        latch: The block that jumps back.
        outside: The block that enters the loop, by one edge.
        start: The counter's first value, where the loop is entered.
        bound: What the counter stays below.
        step: What is added each time: a register that the loop does not change, or an integer.
        word: Type of the counter.
    """

    header: Label
    body: Label
    latch: Label
    outside: Label
    start: Reg
    bound: Reg
    step: Reg | int
    word: Word


def counted(
    fn: Function, loop: Loop, before: Mapping[Label, tuple[Label, ...]], defs: Definitions
) -> Counted | None:
    """Find out whether a loop is counted.

    Args:
        fn: A checked function.
        loop: One of its loops.
        before: Its predecessors.
        defs: Its definitions.
    """
    entering = [label for label in before[loop.header] if label not in loop.body]
    if len(loop.latches) != 1 or len(entering) != 1 or not _leaves_by_header(fn, loop):
        return None
    way_in = _edges_to(fn, entering[0], loop.header)
    way_back = _edges_to(fn, loop.latches[0], loop.header)
    counting = Counters(fn, loop, defs)
    test, end = counting.test(loop.header), fn.blocks[loop.header].end
    if len(way_in) != 1 or len(way_back) != 1 or test is None or not isinstance(end, Branch):
        return None
    counter = counting.counters.get(test.left)
    if counter is None or not counting.is_fixed(test.right) or not _is_narrow(test.word):
        return None
    assert isinstance(test.word, Word)
    step = _step(counter, test.right, test.word, defs)
    if step is None:
        return None
    return Counted(
        loop.header,
        end.then.to,
        loop.latches[0],
        entering[0],
        way_in[0].args[counter.place],
        test.right,
        step,
        test.word,
    )


def _edges_to(fn: Function, label: Label, to: Label) -> list[Edge]:
    return [edge for edge in edges(fn.blocks[label].end) if edge.to == to]


def _leaves_by_header(fn: Function, loop: Loop) -> bool:
    """Whether the header has one edge out of the loop, and no other block has any."""
    for label in loop.body:
        inside = [edge.to in loop.body for edge in edges(fn.blocks[label].end)]
        if label == loop.header:
            if inside.count(False) != 1:
                return False
        elif not inside or not all(inside):
            return False
    return True


def _is_narrow(of: Type | None) -> bool:
    # The count is a u64: the difference of two wider words need not fit.
    return isinstance(of, Word) and of.bits <= U64.bits


def _step(counter: Counter, bound: Reg, word: Word, defs: Definitions) -> Reg | int | None:
    """What each iteration adds to the counter, if it then cannot pass the bound by wrapping."""
    units = defs.constant(counter.step)
    if counter.sign < 0 or (units is not None and units < 1):
        return None
    # A counter below the bound can be stepped by one; by more only where a wrap would trap.
    if units != 1 and counter.move.op is Op.WRAPPING_ADD:
        limit = defs.constant(bound)
        if units is None or limit is None or limit - 1 + units > word.high:
            return None
    if units is None and word.kind is not Kind.UNSIGNED:
        return None
    return counter.step if units is None else units


class TripWriter:
    """Writes instructions that compute how often a counted loop runs.

    Attributes:
        body: The instructions.
    """

    def __init__(self, fresh: Fresh, defs: Definitions) -> None:
        self.fresh = fresh
        self.defs = defs
        self.body: list[Instr] = []
        self._folder = Folder()

    def write(self, loop: Counted) -> Reg | int:
        """Write the count, a u64; or give it, where it is known.

        A loop that would never end counts to the largest u64.
        """
        trips = self._trips(loop)
        value = self._folder.value(trips)
        self.body = _read_by(trips, self.body) if value is None else []
        return trips if value is None else value

    def _trips(self, loop: Counted) -> Reg:
        word = loop.word
        start, bound = self._outside(loop.start, word), self._outside(loop.bound, word)
        if word.kind is Kind.UNSIGNED and self._folder.value(start) == 0 and loop.step == 1:
            return self._convert(bound, word)
        runs = self._op(Op.LT, word, start, bound)
        # Modulo 2**bits, so that signed differences come out right where the loop runs.
        distance = self._convert(self._op(Op.WRAPPING_SUB, word, bound, start), word)
        if loop.step != 1:
            distance = self._divide(distance, loop.step, word)
        return self._op(Op.SELECT, U64, runs, distance, self._const(0, U64))

    def _divide(self, distance: Reg, step: Reg | int, word: Word) -> Reg:
        """``ceil(distance / step)`` of a distance of at least one."""
        one = self._const(1, U64)
        before = self._op(Op.WRAPPING_SUB, U64, distance, one)
        if isinstance(step, int):
            quotient = self._op(Op.DIV, U64, before, self._const(step, U64))
            return self._op(Op.WRAPPING_ADD, U64, quotient, one)
        step = self._convert(step, word)
        stuck = self._op(Op.EQ, U64, step, self._const(0, U64))
        divisor = self._op(Op.SELECT, U64, stuck, one, step)
        quotient = self._op(Op.DIV, U64, before, divisor)
        count = self._op(Op.WRAPPING_ADD, U64, quotient, one)
        return self._op(Op.SELECT, U64, stuck, self._const(U64.high, U64), count)

    def _outside(self, reg: Reg, word: Word) -> Reg:
        """A register that can be read before the loop; constants inside are written anew."""
        value = self.defs.constant(reg)
        return reg if value is None else self._const(value, word)

    def _convert(self, reg: Reg, word: Word) -> Reg:
        return self._op(Op.TRUNCATE, word, reg, to=U64)

    def _const(self, value: int, word: Word) -> Reg:
        return self._op(Op.CONST, word, imm=value)

    def _op(
        self, op: Op, word: Word, *args: Reg, to: Word | None = None, imm: int | None = None
    ) -> Reg:
        dest = self.fresh.reg("trips")
        instr = self._folder.instr(Instr(op, (dest,), args, word, to, imm))
        if instr is None:
            return self._folder.names[dest]
        self._folder.defs[dest] = instr
        self.body.append(instr)
        return dest


def _read_by(reg: Reg, body: list[Instr]) -> list[Instr]:
    """The instructions of a straight line that a register depends on."""
    read = {reg}
    kept: list[Instr] = []
    for instr in reversed(body):
        if instr.dests[0] in read:
            read.update(instr.args)
            kept.append(instr)
    return kept[::-1]
