"""Loops that count: how long they run is known before the first round.

A loop whose rounds cannot fit the limits is refused at once, and not after they have been used up.
This is an estimate in the program's favour: a loop that is not recognised is simply begun.
"""

from collections.abc import Callable, Mapping

import msgspec

from numen.base.errors import Place
from numen.ir import flow
from numen.ir.counters import Counters, LoopTest
from numen.ir.nodes import Function, Reg
from numen.ir.passes.registers import Definitions

ROUNDS_MAX = 1 << 256
"""The longest count that is told; no word counts further."""


class Rounds(msgspec.Struct, frozen=True):
    """How long a loop is.

    Attributes:
        rounds: How often it runs.
        place: Its condition.
    """

    rounds: int
    place: Place | None


class CountedLoop:
    """A loop that is left by tests alone, each of which every round comes to.

    Attributes:
        size: Instructions of its shortest round.
    """

    def __init__(self, counters: Counters, tests: list[LoopTest], size: int) -> None:
        self.size = size
        self._counters = counters
        self._tests = tests

    def rounds(self, regs: Mapping[Reg, object]) -> Rounds | None:
        """Say how often it will run, if that is known.

        Args:
            regs: Registers at the first entry to the header.
        """
        found = [
            Rounds(count, test.where) for test in self._tests if (count := self._count(test, regs))
        ]
        if len(found) != len(self._tests):
            return None
        return min(found, default=Rounds(0, None), key=lambda each: each.rounds)

    def _count(self, test: LoopTest, regs: Mapping[Reg, object]) -> int | None:
        """How many rounds go by before a test leaves; None where it is not known or at once."""
        left, right = self._side(test.left, regs), self._side(test.right, regs)
        if left is None or right is None or left(0) >= right(0):
            return None
        if left(0) == left(1) and right(0) == right(1):
            return None
        # The condition turns false once: find when, by doubling and halving.
        low, high = 0, 1
        while high < ROUNDS_MAX and left(high) < right(high):
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if left(middle) < right(middle) else (low, middle)
        return high

    def _side(self, reg: Reg, regs: Mapping[Reg, object]) -> Callable[[int], int] | None:
        """What a register holds at a test, by round."""
        for counter in self._counters.counters.values():
            if reg in (counter.reg, counter.move.dests[0]):
                first, step = regs.get(counter.reg), self._known(counter.step, regs)
                if not isinstance(first, int) or step is None:
                    return None
                stride = counter.sign * step
                ahead = int(reg != counter.reg)
                return lambda turn: first + (turn + ahead) * stride
        fixed = self._known(reg, regs)
        return None if fixed is None else lambda _: fixed

    def _known(self, reg: Reg, regs: Mapping[Reg, object]) -> int | None:
        """What a register holds in every round."""
        if not self._counters.is_fixed(reg):
            return None
        constant = self._counters.defs.constant(reg)
        value = regs.get(reg) if constant is None else constant
        return value if isinstance(value, int) else None


def counted_loop(fn: Function, loop: flow.Loop, defs: Definitions) -> CountedLoop | None:
    """Recognise a loop that may have a count.

    Args:
        fn: The function.
        loop: A loop of it.
        defs: Definitions of the function.
    """
    counters = Counters(fn, loop, defs)
    # The header and the only latch are part of every round.
    always = {loop.header, *(loop.latches if len(loop.latches) == 1 else ())}
    tests = []
    for label in loop.body:
        if flow.leaves(fn, loop, label):
            test = counters.test(label) if label in always else None
            if test is None:
                return None
            tests.append(test)
    return CountedLoop(counters, tests, sum(len(fn.blocks[label].body) + 1 for label in always))
