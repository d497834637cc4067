"""Loops that count: how long they run is known before the first round.

A loop whose rounds cannot fit the limits is refused at once, and not after they have been used up.
This is an estimate in the program's favour: a loop that is not recognised is simply begun.
"""

from collections.abc import Callable, Mapping

import msgspec

from numen.base.errors import Place
from numen.ir.flow import Loop
from numen.ir.nodes import Branch, Function, Instr, Label, Reg, edges
from numen.ir.ops import Op
from numen.proof.routes import leaves

ROUNDS_MAX = 1 << 256
"""The longest count that is told; no word counts further."""

_STEPS = {Op.ADD: 1, Op.WRAPPING_ADD: 1, Op.SUB: -1, Op.WRAPPING_SUB: -1}


class Rounds(msgspec.Struct, frozen=True):
    """How long a loop is.

    Attributes:
        rounds: How often it runs.
        size: Instructions of its shortest round.
        place: Its condition.
    """

    rounds: int
    size: int
    place: Place | None


def count_rounds(fn: Function, loop: Loop, regs: Mapping[Reg, object]) -> Rounds | None:
    """Say how often a loop that is about to begin will run, if that is known.

    Args:
        fn: The function.
        loop: A loop of it.
        regs: Registers at the first entry to the header.
    """
    defined = {
        reg: instr for label in loop.body for instr in fn.blocks[label].body for reg in instr.dests
    }
    known = {reg: value for reg, value in regs.items() if isinstance(value, int)}
    known |= {reg: i.imm for reg, i in defined.items() if i.op is Op.CONST and i.imm is not None}
    strides = _strides(fn, loop, defined, known)
    # The header and the only latch are part of every round.
    always = {loop.header, *(loop.latches if len(loop.latches) == 1 else ())}
    size = sum(len(fn.blocks[label].body) + 1 for label in always)
    counts = [_count(fn, loop, label, defined, known, strides) for label in always]
    found = [count for count in counts if count is not None]
    if len(found) != len([label for label in loop.body if leaves(fn, loop, label)]):
        return None
    rounds, place = min(found, default=(0, None), key=lambda count: count[0])
    return Rounds(rounds, size, place)


def _strides(
    fn: Function, loop: Loop, defined: Mapping[Reg, Instr], known: Mapping[Reg, int]
) -> dict[Reg, tuple[int, int]]:
    """Registers that are ``first + round * stride``: parameters of the header, and what is next."""
    if len(loop.latches) != 1:
        return {}
    backs = [edge for edge in edges(fn.blocks[loop.latches[0]].end) if edge.to == loop.header]
    found: dict[Reg, tuple[int, int]] = {}
    for position, param in enumerate(fn.blocks[loop.header].params):
        passed = {edge.args[position] for edge in backs}
        instr = defined.get(next(iter(passed)))
        if len(passed) != 1 or instr is None or instr.op not in _STEPS or param.reg not in known:
            continue
        left, right = instr.args
        if right == param.reg and instr.op in {Op.ADD, Op.WRAPPING_ADD}:
            left, right = right, left
        if left == param.reg and right in known and right not in found:
            stride = known[right] * _STEPS[instr.op]
            found[param.reg] = (known[param.reg], stride)
            found[instr.dests[0]] = (known[param.reg] + stride, stride)
    return found


def _count(
    fn: Function,
    loop: Loop,
    label: Label,
    defined: Mapping[Reg, Instr],
    known: Mapping[Reg, int],
    strides: Mapping[Reg, tuple[int, int]],
) -> tuple[int, Place | None] | None:
    """How many rounds go by before the branch at the end of a block leaves, if it is a count."""
    end = fn.blocks[label].end
    if not isinstance(end, Branch) or not leaves(fn, loop, label):
        return None
    test = defined.get(end.cond)
    if test is None or test.op is not Op.LT or end.then.to not in loop.body:
        return None
    left, right = test.args
    stays = _test(left, right, known, strides)
    if stays is None or not stays(0):
        return None
    # The condition turns false once: find when, by doubling and halving.
    low, high = 0, 1
    while high < ROUNDS_MAX and stays(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if stays(middle) else (low, middle)
    return high, end.place


def _test(
    left: Reg, right: Reg, known: Mapping[Reg, int], strides: Mapping[Reg, tuple[int, int]]
) -> Callable[[int], bool] | None:
    """Whether ``left < right`` in a round, where one side counts and the other is constant."""
    if left in strides and right not in strides and right in known:
        first, stride = strides[left]
        return lambda turn: first + turn * stride < known[right]
    if right in strides and left not in strides and left in known:
        first, stride = strides[right]
        return lambda turn: known[left] < first + turn * stride
    return None
