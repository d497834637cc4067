"""The order in which a function's blocks are executed symbolically, and what is alive in each.

Every block stands after the blocks that lead to it, and a loop stands in one piece: when a block is
reached, all ways to it have been executed, also those through every round of the loops before it.
"""

from collections.abc import Iterable, Iterator

import msgspec

from numen.ir import flow, rounds
from numen.ir.nodes import Function, Label, Reg, Stop, edges, uses
from numen.ir.passes.registers import Definitions
from numen.proof.circuit_errors import TooLargeError, UnsupportedError
from numen.proof.counted import CountedLoop, counted_loop

_ALIVE_BITS_MAX = 1 << 30
"""Most blocks times registers of a function: liveness takes a bit for each pair."""

_NESTING_MAX = 64
"""Deepest nest of loops."""

_ROUNDS_MAX = 1 << 12
"""Most rounds of a loop that only the ranges of words bound; more are for somebody to ask for."""


class Route(msgspec.Struct, frozen=True):
    """What is known of a function before it is executed.

    Attributes:
        position: Where each block stands in the order; even numbers.
        turn: Loop header to the place in the order where its next round stands: after every block
            of the loop, before all others.
        loops: Loop by header.
        exits: Headers of the loops that the branch at the end of a block may leave.
        counting: Those of them that it may leave otherwise than by a trap.
        counted: Loop by header, where it may have a count.
        most: Most rounds of a loop by header, where the ranges of words say so.
        alive: Registers read in a block or after it and written before, as bits of a number.
        registers: Register of each bit.
    """

    position: dict[Label, int]
    turn: dict[Label, int]
    loops: dict[Label, flow.Loop]
    exits: dict[Label, tuple[Label, ...]]
    counting: dict[Label, tuple[Label, ...]]
    counted: dict[Label, CountedLoop]
    most: dict[Label, int]
    alive: dict[Label, int]
    registers: tuple[Reg, ...]

    def alive_in(self, label: Label) -> Iterator[Reg]:
        """Registers that a block needs from before it, its own parameters not among them."""
        rest = self.alive[label]
        while rest:
            lowest = rest & -rest
            yield self.registers[lowest.bit_length() - 1]
            rest ^= lowest


def plan_route(fn: Function) -> Route:
    """Order the blocks of a function.

    Raises:
        UnsupportedError: A cycle has no single header, or loops nest too deeply.
        TooLargeError: Too many registers for so many blocks.
    """
    loops = {loop.header: loop for loop in flow.loops(fn)}
    around = _loops_around(fn, loops)
    order = _contiguous(fn, around)
    position = {label: 2 * index for index, label in enumerate(order)}
    turn = {
        header: max(position[label] for label in loop.body) + 1 for header, loop in loops.items()
    }
    for label in order:
        for edge in edges(fn.blocks[label].end):
            is_back = edge.to in loops and label in loops[edge.to].body
            if position[edge.to] <= position[label] and not is_back:
                raise UnsupportedError("jumps into the middle of a loop")
    exits = {
        label: tuple(header for header in around[label] if flow.leaves(fn, loops[header], label))
        for label in order
    }
    counting = {
        label: tuple(header for header in headers if _goes_on(fn, loops[header], label))
        for label, headers in exits.items()
    }
    alive, registers = _liveness(fn, order)
    counted, most = _counted(fn, loops), _most_rounds(fn, loops)
    return Route(position, turn, loops, exits, counting, counted, most, alive, registers)


def _goes_on(fn: Function, loop: flow.Loop, label: Label) -> bool:
    """Whether the end of a block leaves a loop otherwise than by a trap."""
    outside = [edge.to for edge in edges(fn.blocks[label].end) if edge.to not in loop.body]
    return not all(isinstance(fn.blocks[to].end, Stop) for to in outside)


def _counted(fn: Function, loops: dict[Label, flow.Loop]) -> dict[Label, CountedLoop]:
    """The loops that may have a count."""
    defs = Definitions(fn)
    found = {header: counted_loop(fn, loop, defs) for header, loop in loops.items()}
    return {header: loop for header, loop in found.items() if loop is not None}


def _most_rounds(fn: Function, loops: dict[Label, flow.Loop]) -> dict[Label, int]:
    """Bounds that are worth to be taken without being asked for."""
    found = rounds.most_rounds(fn, loops.values())
    return {header: most for header, most in found.items() if most <= _ROUNDS_MAX}


def _loops_around(fn: Function, loops: dict[Label, flow.Loop]) -> dict[Label, tuple[Label, ...]]:
    """Headers of the loops around each block, innermost first; a header is in its own."""
    around: dict[Label, tuple[Label, ...]] = dict.fromkeys(fn.blocks, ())
    for header, loop in loops.items():  # inner ones first
        for label in loop.body:
            around[label] += (header,)
            if len(around[label]) > _NESTING_MAX:
                raise UnsupportedError(f"loops nested deeper than {_NESTING_MAX}")
    return around


def _contiguous(fn: Function, around: dict[Label, tuple[Label, ...]]) -> list[Label]:
    """Reverse postorder with the blocks of each loop moved up to its header."""
    entry = next(iter(fn.blocks))
    order = flow.reverse_postorder(entry, flow.successors(fn))
    rank = {label: index for index, label in enumerate(order)}

    def key(label: Label) -> tuple[int, ...]:
        # The ranks of the headers around a block, outermost first, then its own: blocks of one
        # loop share a prefix, and a header is least in its loop.
        return (*(rank[header] for header in reversed(around[label])), rank[label])

    return sorted(rank, key=key)


def _liveness(fn: Function, order: list[Label]) -> tuple[dict[Label, int], tuple[Reg, ...]]:
    exposed = {label: _exposed_and_written(fn, label) for label in order}
    registers = tuple(dict.fromkeys(reg for reads, _ in exposed.values() for reg in reads))
    if len(registers) * len(order) > _ALIVE_BITS_MAX:
        raise TooLargeError("blocks times registers", len(registers) * len(order), _ALIVE_BITS_MAX)
    number = {reg: index for index, reg in enumerate(registers)}
    alive = {label: _mask(reads, number) for label, (reads, _) in exposed.items()}
    writes = {label: _mask(written, number) for label, (_, written) in exposed.items()}

    before = flow.predecessors(fn)
    todo = list(order)
    waiting = set(todo)
    while todo:
        label = todo.pop()
        waiting.discard(label)
        for up in before[label]:
            if up not in alive:  # no way leads to it
                continue
            missing = alive[label] & ~writes[up] & ~alive[up]
            if missing:
                alive[up] |= missing
                if up not in waiting:
                    waiting.add(up)
                    todo.append(up)
    return alive, registers


def _exposed_and_written(fn: Function, label: Label) -> tuple[dict[Reg, None], set[Reg]]:
    """What a block reads before it writes it, in order, and what it writes."""
    block = fn.blocks[label]
    reads: dict[Reg, None] = {}
    writes = {param.reg for param in block.params}
    for instr in block.body:
        reads.update((reg, None) for reg in instr.args if reg not in writes)
        writes.update(instr.dests)
    reads.update((reg, None) for reg in uses(block.end) if reg not in writes)
    return reads, writes


def _mask(registers: Iterable[Reg], number: dict[Reg, int]) -> int:
    """Registers as bits of a number."""
    raw = bytearray(len(number) + 7 >> 3)
    for reg in registers:
        index = number.get(reg)
        if index is not None:
            raw[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(raw, "little")
