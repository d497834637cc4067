"""The most work that a function can take, where its text says it."""

from collections.abc import Mapping

from numen.ir import flow
from numen.ir.check import call_order
from numen.ir.nodes import Branch, Function, Label, Reg, edges
from numen.ir.ops import Op

WorkBound = int | None
"""Work units, or None where nothing bounds them."""


def work_bound(
    functions: Mapping[str, Function], entry: str, known: Mapping[tuple[str, int], int]
) -> WorkBound:
    """The most work that the entry of a metered module takes.

    Args:
        functions: Of the module, with meters.
        entry: The name of the entry.
        known: What elements of the entry's array parameters are known to hold: by the name of the
            parameter and the index. Branches on whether such an element equals a constant go one
            way only, so that one message is bounded without the others.

    Returns:
        The longest way's charges; None where a loop without a known number of rounds is on it.
    """
    bounds: dict[str, WorkBound] = {}
    for name in call_order(functions):
        facts = known if name == entry else {}
        bounds[name] = _bound(functions[name], bounds, facts)
    return bounds[entry]


def _bound(
    fn: Function, bounds: Mapping[str, WorkBound], known: Mapping[tuple[str, int], int]
) -> WorkBound:
    constants = _constants(fn, known)
    nexts = {
        label: (block.end.then.to if constants[block.end.cond] else block.end.other.to,)
        if isinstance(block.end, Branch) and block.end.cond in constants
        else tuple(dict.fromkeys(edge.to for edge in edges(block.end)))
        for label, block in fn.blocks.items()
    }
    order = flow.reverse_postorder(next(iter(fn.blocks)), nexts)
    own = {label: _charges(fn, label, bounds, constants) for label in order}
    if any(own.get(label, 0) != 0 for loop in flow.loops(fn) for label in loop.body):
        return None
    longest: dict[Label, int] = {}
    for label in reversed(order):
        charge = own[label]
        if charge is None:
            return None
        # The way back to the head of a loop that charges nothing adds nothing.
        longest[label] = charge + max((longest.get(to, 0) for to in nexts[label]), default=0)
    return longest[order[0]]


def _charges(
    fn: Function, label: Label, bounds: Mapping[str, WorkBound], constants: Mapping[Reg, int]
) -> WorkBound:
    total = 0
    for instr in fn.blocks[label].body:
        if instr.op is Op.METER:
            assert instr.imm is not None
            rounds = constants.get(instr.args[0]) if instr.args else 1
            if rounds is None:
                return None
            total += instr.imm * rounds
        elif instr.op is Op.CALL:
            below = bounds[instr.symbol]
            if below is None:
                return None
            total += below
    return total


def _constants(fn: Function, known: Mapping[tuple[str, int], int]) -> dict[Reg, int]:
    """What registers are known to hold: constants, elements that are known, and comparisons."""
    found: dict[Reg, int] = {}
    for label in flow.reverse_postorder(next(iter(fn.blocks)), flow.successors(fn)):
        for instr in fn.blocks[label].body:
            match instr.op, instr.args:
                case Op.CONST, _:
                    assert instr.imm is not None
                    found[instr.dests[0]] = instr.imm
                case Op.GET, (array, index) if (array, found.get(index, -1)) in known:
                    found[instr.dests[0]] = known[array, found[index]]
                case Op.EQ, (a, b) if a in found and b in found:
                    found[instr.dests[0]] = int(found[a] == found[b])
    return found
