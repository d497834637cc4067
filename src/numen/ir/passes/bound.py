"""The most work that a function can take, where its text says it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from numen.ir import flow
from numen.ir.check import call_order
from numen.ir.nodes import Branch, Function, Instr, Label, Reg, edges
from numen.ir.ops import Op
from numen.ir.types import Array

WorkBound = int | None
"""Work units, or None where nothing bounds them."""


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
    own = {}
    for label in order:
        parts = [_charge(each, bounds, constants, words, tolls) for each in fn.blocks[label].body]
        known_parts = [part for part in parts if part is not None]
        own[label] = sum(known_parts) if len(known_parts) == len(parts) else None
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
