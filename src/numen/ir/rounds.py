"""How often a loop can run, as the ranges of its counter and of its bound say.

A counter holds another integer in every round, each of them in the interval that it has where it is
moved: that is a bound of any loop, however it is left. A loop that is left where its counter equals
something ends, if at all, when the counter has come to the greatest that it can equal.
"""

from collections.abc import Iterable
from typing import Final

from numen.ir import flow
from numen.ir.counters import Counter, Counters
from numen.ir.intervals import Interval, hull
from numen.ir.nodes import Branch, Function, Label, Reg, edges
from numen.ir.ops import Op
from numen.ir.passes.registers import Definitions
from numen.ir.ranges import Facts, analyse
from numen.ir.types import Word

BLOCKS_MAX: Final = 2_000
"""Functions of more blocks are not looked at: their ranges would take long."""


def most_rounds(fn: Function, loops: Iterable[flow.Loop]) -> dict[Label, int]:
    """Bound the rounds of loops.

    Args:
        fn: A checked function.
        loops: Loops of it.

    Returns:
        By header, how often at most the way back is gone, or a run that goes it more often does not
        end for as long as its counter takes to wrap. Loops of which nothing is known are left out.

    Cost: that of `ranges.analyse`.
    """
    loops = tuple(loops)
    if not loops or len(fn.blocks) > BLOCKS_MAX:
        return {}
    facts, known = analyse(fn)
    finder = _Finder(fn, facts, known)
    found = {loop.header: finder.bounds(loop) for loop in loops}
    return {header: min(bounds) for header, bounds in found.items() if bounds}


class _Finder:
    """What is known of a function."""

    def __init__(self, fn: Function, facts: Facts, known: dict[Reg, Interval]) -> None:
        self.fn = fn
        self.facts = facts
        self.known = known
        self.defs = Definitions(fn)
        self.before = flow.predecessors(fn)

    def bounds(self, loop: flow.Loop) -> list[int]:
        """Bounds of the rounds of a loop, each true by itself."""
        counters = Counters(self.fn, loop, self.defs)
        found: list[int | None] = []
        for counter in counters.counters.values():
            found.append(self._by_counter(loop, counter))
            found += [
                self._by_end(label, counters, counter) for label in {loop.header, *loop.latches}
            ]
        return [bound for bound in found if bound is not None]

    def _by_counter(self, loop: flow.Loop, counter: Counter) -> int | None:
        """As many integers as a counter can hold where it is moved."""
        step, word = self.defs.constant(counter.step), counter.move.type
        if step is None or step <= 0:
            return None
        assert isinstance(word, Word)
        low, high = self._operand(counter.move.dests[0], counter.reg)
        is_wrapping = counter.move.op in (Op.WRAPPING_ADD, Op.WRAPPING_SUB)
        is_inside = high + step <= word.high if counter.sign > 0 else low - step >= word.low
        if is_wrapping and not is_inside:
            return None
        # Between the way in and the move there may be a way out, of a round that is not moved on.
        ends = {loop.header, *loop.latches}
        is_cut = any(flow.leaves(self.fn, loop, label) for label in loop.body - ends)
        return max(0, high - low) // step + 1 + is_cut

    def _by_end(self, label: Label, counters: Counters, counter: Counter) -> int | None:
        """What is left to the bound of a loop that is left where its counter equals one."""
        end, loop = self.fn.blocks[label].end, counters.loop
        step = self.defs.constant(counter.step)
        if not isinstance(end, Branch) or end.then.to in loop.body or step != 1:
            return None
        test = self.defs.instrs.get(end.cond)
        if test is None or test.op is not Op.EQ:
            return None
        for moving, bound in (test.args, test.args[::-1]):
            is_moved = moving == counter.move.dests[0]
            if (is_moved or moving == counter.reg) and counters.is_fixed(bound):
                low, high = self._operand(test.dests[0], bound)
                start = self._start(loop, counter)
                left = high - start[0] if counter.sign > 0 else start[1] - low
                return max(0, left) + (not is_moved and label != loop.header)
        return None

    def _operand(self, dest: Reg, operand: Reg) -> Interval:
        """The interval of an operand of the instruction that defines a register."""
        label, instr = self.defs.homes[dest], self.defs.instrs[dest]
        place = next(index for index, one in enumerate(self.fn.blocks[label].body) if one is instr)
        return self.facts[label][place][instr.args.index(operand)]

    def _start(self, loop: flow.Loop, counter: Counter) -> Interval:
        """Between what integers a counter begins."""
        word = counter.move.type
        assert isinstance(word, Word)
        passed = [
            self.known.get(edge.args[counter.place], (word.low, word.high))
            for up in self.before[loop.header]
            if up not in loop.body
            for edge in edges(self.fn.blocks[up].end)
            if edge.to == loop.header
        ]
        first, *rest = passed
        for one in rest:
            first = hull(first, one)
        return first
