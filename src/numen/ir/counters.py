"""What counts in a loop: registers that every round moves by a fixed step, and the tests of them.

This is the one place where counted loops are recognised. What must be certain of a loop, and which
of its ways out matter, is for those to say who ask: metering charges all rounds at once and must
know them to the last one, the circuit compiler looks ahead and may be wrong in the loop's favour.
"""

import functools
from collections.abc import Mapping

import msgspec

from numen.base.errors import Place
from numen.ir.flow import Loop, leaves
from numen.ir.nodes import Branch, Function, Instr, Label, Reg, edges
from numen.ir.ops import Op
from numen.ir.passes.registers import Definitions
from numen.ir.types import Type

_SIGNS = {Op.ADD: 1, Op.WRAPPING_ADD: 1, Op.SUB: -1, Op.WRAPPING_SUB: -1}


class Counter(msgspec.Struct, frozen=True):
    """A register that is ``first + round * sign * step``.

    Attributes:
        reg: A parameter of the header.
        place: Which one.
        step: What it is moved by; the loop does not change it.
        sign: 1, or -1 where the step is subtracted.
        move: The instruction that moves it, for the next round.
    """

    reg: Reg
    place: int
    step: Reg
    sign: int
    move: Instr


class LoopTest(msgspec.Struct, frozen=True):
    """The end of a block that goes on in the loop where ``left < right``, and else leaves it.

    Attributes:
        left: A register.
        right: Another.
        word: Their type.
        where: Place in the source.
    """

    left: Reg
    right: Reg
    word: Type | None
    where: Place | None


class Counters:
    """The counters and tests of a loop.

    Attributes:
        loop: The loop.
        defs: Definitions of its function.
    """

    def __init__(self, fn: Function, loop: Loop, defs: Definitions) -> None:
        self.loop = loop
        self.defs = defs
        self._fn = fn

    def is_fixed(self, reg: Reg) -> bool:
        """Whether a register holds the same in every round."""
        return self.defs.homes[reg] not in self.loop.body or self.defs.constant(reg) is not None

    @functools.cached_property
    def counters(self) -> Mapping[Reg, Counter]:
        """The counters by register; none where there is more than one way back."""
        loop, blocks = self.loop, self._fn.blocks
        if len(loop.latches) != 1:
            return {}
        backs = [edge for edge in edges(blocks[loop.latches[0]].end) if edge.to == loop.header]
        found = {}
        for place, param in enumerate(blocks[loop.header].params):
            passed = {edge.args[place] for edge in backs}
            counter = self._counter(param.reg, place, passed.pop()) if len(passed) == 1 else None
            if counter is not None:
                found[param.reg] = counter
        return found

    def _counter(self, reg: Reg, place: int, following: Reg) -> Counter | None:
        move = self.defs.instrs.get(following)
        sign = _SIGNS.get(move.op) if move is not None else None
        if move is None or sign is None or reg not in move.args:
            return None
        left, right = move.args
        if left != reg and sign < 0:
            return None
        step = right if left == reg else left
        return Counter(reg, place, step, sign, move) if self.is_fixed(step) else None

    def test(self, label: Label) -> LoopTest | None:
        """The test at the end of a block of the loop, if there is one."""
        end = self._fn.blocks[label].end
        if not isinstance(end, Branch) or not leaves(self._fn, self.loop, label):
            return None
        made = self.defs.instrs.get(end.cond)
        if made is None or made.op is not Op.LT or end.then.to not in self.loop.body:
            return None
        left, right = made.args
        return LoopTest(left, right, made.type, end.place)
