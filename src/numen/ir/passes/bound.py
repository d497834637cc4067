"""The most work that a function can take, where its text says it."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from numen.ir import flow
from numen.ir.check import call_order
from numen.ir.nodes import Branch, Function, Instr, Label, Reg, edges
from numen.ir.ops import Op
from numen.ir.passes.registers import Definitions
from numen.ir.rounds import most_rounds
from numen.ir.types import Array

WorkBound: TypeAlias = int | None
"""Work units, or None where nothing bounds them."""

Charges: TypeAlias = dict[Label, int]
"""Work units by block."""


ROUNDS_MAX: Final = 1 << 16
"""Rounds of which nobody would say that they bound a loop."""


class Tolls(Protocol):
    """What a contract passes on of its work."""

    def record(self, kind: int, length: int, words: Mapping[int, int]) -> WorkBound:
        """The work that goes with a record of at most some words.

        Args:
            kind: Of the record.
            length: Most words of it.
            words: Those that are known, by index.
        """
        ...


def work_bound(
    functions: Mapping[str, Function],
    entry: str,
    known: Mapping[tuple[str, int], int],
    tolls: Tolls,
) -> WorkBound:
    """The most work that the entry of a metered module takes.

    Args:
        functions: Of the module, with meters.
        entry: The name of the entry.
        known: What elements of the entry's array parameters are known to hold: by the name of the
            parameter and the index. Branches on whether such an element equals a constant go one
            way only, so that one message is bounded without the others.
        tolls: What goes with records.

    Returns:
        The longest way's charges; None where a loop without a known number of rounds is on it.
    """
    bounds: dict[str, WorkBound] = {}
    wanted = _reached(functions, entry, known)
    for name in call_order(functions):
        if name in wanted:
            facts = known if name == entry else {}
            bounds[name] = _bound(functions[name], bounds, facts, tolls)
    return bounds[entry]


def _reached(
    functions: Mapping[str, Function], entry: str, known: Mapping[tuple[str, int], int]
) -> set[str]:
    """The functions that may run; of others nothing is asked, so that a toll meets no other way."""
    found, pending = {entry}, [entry]
    while pending:
        name = pending.pop()
        fn = functions[name]
        nexts = _nexts(fn, _constants(fn, known if name == entry else {}))
        for label in flow.reverse_postorder(next(iter(fn.blocks)), nexts):
            called = {i.symbol for i in fn.blocks[label].body if i.op is Op.CALL}
            pending += called - found
            found |= called
    return found


def _bound(
    fn: Function,
    bounds: Mapping[str, WorkBound],
    known: Mapping[tuple[str, int], int],
    tolls: Tolls,
) -> WorkBound:
    constants = _constants(fn, known)
    words = _words(fn, constants)
    nexts = _nexts(fn, constants)
    order = flow.reverse_postorder(next(iter(fn.blocks)), nexts)
    charges: dict[Label, int] = {}
    for label in order:
        block = fn.blocks[label]
        charge = total([_charge(each, bounds, constants, words, tolls) for each in block.body])
        if charge is None:
            return None
        charges[label] = charge
    if not _gather_loops(fn, order, nexts, charges):
        return None
    return _longest(order, nexts, charges)


def _gather_loops(
    fn: Function, order: Sequence[Label], nexts: Mapping[Label, Sequence[Label]], charges: Charges
) -> bool:
    """Put all that a loop may charge onto its header, the loops within others first.

    Returns:
        Whether every loop that charges has a known number of rounds, below `ROUNDS_MAX`.
    """
    loops = sorted(flow.loops(fn), key=lambda loop: len(loop.body))
    charging = [loop for loop in loops if any(charges.get(label) for label in loop.body)]
    rounds, defs = most_rounds(fn, charging), Definitions(fn)
    rounds |= {loop.header: 1 for loop in charging if _ends_at_once(fn, loop, defs)}
    for loop in charging:
        if rounds.get(loop.header, ROUNDS_MAX) >= ROUNDS_MAX:
            return False
        inside = [label for label in order if label in loop.body]
        way = _longest(inside, nexts, charges)
        charges |= dict.fromkeys(inside, 0)
        # The way back is gone so often, and the way in once more.
        charges[loop.header] = way * (rounds[loop.header] + 1)
    return True


def _ends_at_once(fn: Function, loop: flow.Loop, defs: Definitions) -> bool:
    """Whether what comes back to a loop's header is a constant with which it leaves the loop."""
    header = fn.blocks[loop.header]
    if not isinstance(header.end, Branch) or header.end.other.to in loop.body:
        return False
    test = defs.instrs.get(header.end.cond)
    places = {param.reg: place for place, param in enumerate(header.params)}
    if test is None or test.op is not Op.LT or test.args[0] not in places:
        return False
    place, bound = places[test.args[0]], defs.constant(test.args[1])
    returned = [
        defs.constant(edge.args[place])
        for latch in loop.latches
        for edge in edges(fn.blocks[latch].end)
        if edge.to == loop.header
    ]
    return bound is not None and all(one is not None and one >= bound for one in returned)


def _longest(
    order: Sequence[Label], nexts: Mapping[Label, Sequence[Label]], charges: Charges
) -> int:
    """What the dearest way from the first of some blocks charges, without a way back."""
    found: dict[Label, int] = {}
    for label in reversed(order):
        found[label] = charges[label] + max((found.get(to, 0) for to in nexts[label]), default=0)
    return found[order[0]]


def _nexts(fn: Function, constants: Mapping[Reg, int]) -> dict[Label, tuple[Label, ...]]:
    """Where each block may go, as far as what decides it is not known."""
    return {
        label: (block.end.then.to if constants[block.end.cond] else block.end.other.to,)
        if isinstance(block.end, Branch) and block.end.cond in constants
        else tuple(dict.fromkeys(edge.to for edge in edges(block.end)))
        for label, block in fn.blocks.items()
    }


def total(parts: Sequence[WorkBound]) -> WorkBound:
    """The sum of some bounds; None where one of them is."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _charge(
    instr: Instr,
    bounds: Mapping[str, WorkBound],
    constants: Mapping[Reg, int],
    words: Mapping[Reg, Mapping[int, int]],
    tolls: Tolls,
) -> WorkBound:
    match instr.op:
        case Op.METER:
            assert instr.imm is not None
            rounds = constants.get(instr.args[0]) if instr.args else 1
            return None if rounds is None else instr.imm * rounds
        case Op.CALL:
            return bounds[instr.symbol]
        case Op.EMIT:
            kind, array, _ = instr.args
            assert isinstance(instr.type, Array)
            if kind not in constants:
                return None
            return tolls.record(constants[kind], instr.type.length, words.get(array, {}))
        case _:
            return 0


def _words(fn: Function, constants: Mapping[Reg, int]) -> dict[Reg, dict[int, int]]:
    """What elements of arrays are set to, where that is one constant wherever it is set."""
    found: dict[Reg, dict[int, int | None]] = {}
    for block in fn.blocks.values():
        for instr in block.body:
            if instr.op is Op.SET and instr.args[1] in constants:
                array, index, value = instr.args
                of = found.setdefault(array, {})
                at, word = constants[index], constants.get(value)
                of[at] = word if of.get(at, word) == word else None
    return {
        array: {at: word for at, word in of.items() if word is not None}
        for array, of in found.items()
    }


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
