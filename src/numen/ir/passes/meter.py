"""Metering: put in the instructions that charge for work.

Every block costs the work of its instructions and a unit for its end, so every cycle costs
something. Three steps make the charging cheap, and none changes what a run that comes to its end
is charged:

- Blocks that always run equally often are charged together, in the first of them.
- A counted loop is charged once, before it begins, for all its iterations.
- What is left is charged at the start of its block.

A run that traps has been charged what was due by then. That is the only place where the steps show;
engines agree because all of them run the metered module.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from numen.ir import flow, ops
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Label,
    Module,
    Reg,
    edges,
)
from numen.ir.ops import Op
from numen.ir.passes.counted import TripWriter, counted
from numen.ir.passes.registers import Definitions, Fresh

MOVES_PER_UNIT = 16
"""Parameters of a block, or operands of a call, that are passed for one work unit."""

GROUP_BLOCKS_MAX = 2048
"""Most blocks of a function whose blocks are charged together: finding out costs the square."""


LOOPS_MAX = 50_000
"""Most blocks of all loops of such a function, counted once for each loop that they are in."""

CHARGE_MAX = (1 << 63) - 1
"""Largest charge of one instruction: no limit of a run that ends allows as much."""


def meter(module: Module) -> Module:
    """Put meters into every function.

    Needs: a checked module without meters. Keeps: everything but the work charged.
    Cost: linear, but for `GROUP_BLOCKS_MAX` squared.
    """
    functions = {name: _meter(fn) for name, fn in module.functions.items()}
    return replace(module, functions=functions)


def meter_blocks(module: Module) -> Module:
    """Charge every block by itself, at its start: what `meter` must agree with."""
    functions = {name: _insert(fn, _costs(fn), {}) for name, fn in module.functions.items()}
    return replace(module, functions=functions)


def work_of(instr: Instr) -> int:
    """Work units of one execution of an instruction."""
    units = ops.work(instr.op, instr.type)
    if instr.op is Op.CALL:
        units += (len(instr.args) + len(instr.dests)) // MOVES_PER_UNIT
    return units


def _costs(fn: Function) -> dict[Label, int]:
    return {
        label: 1 + len(block.params) // MOVES_PER_UNIT + sum(work_of(instr) for instr in block.body)
        for label, block in fn.blocks.items()
    }


class _Hoisted(msgspec.Struct, frozen=True):
    """What is charged for all iterations of a counted loop, where it is entered.

    Attributes:
        each: Charged for each iteration.
        trips: Holds their number.
        body: Computes it.
    """

    each: int
    trips: Reg
    body: tuple[Instr, ...]


def _meter(fn: Function) -> Function:
    idom = flow.dominators(fn)
    if len(fn.blocks) > GROUP_BLOCKS_MAX or not _is_reducible(fn, idom):
        return _insert(fn, _costs(fn), {})
    costs = _costs(fn)
    loops = flow.loops(fn)
    if sum(len(loop.body) for loop in loops) > LOOPS_MAX:
        return _insert(fn, costs, {})
    fn = _with_own_ways(fn, loops)
    loops = flow.loops(fn)
    first = _first_of_equals(fn, flow.dominators(fn), loops)
    charges = dict.fromkeys(fn.blocks, 0)
    for label, cost in costs.items():
        charges[first[label]] += cost
    hoisted = _hoist(fn, loops, first, charges)
    _spread(fn, loops, charges)
    return _insert(fn, charges, hoisted)


def _with_own_ways(fn: Function, loops: Iterable[flow.Loop]) -> Function:
    """Give loops a block on the way in, and one on the way out, that no other way leads through.

    Such a block runs once each time the loop does, which says where to charge for it.
    """
    before, fresh = flow.predecessors(fn), Fresh(fn)
    blocks = dict(fn.blocks)
    for loop in loops:
        entering = [label for label in before[loop.header] if label not in loop.body]
        if len(entering) == 1:
            _split(blocks, entering[0], loop.header, fresh)
        leaving = [edge.to for edge in edges(blocks[loop.header].end) if edge.to not in loop.body]
        if len(leaving) == 1 and len(before.get(leaving[0], ())) > 1:
            _split(blocks, loop.header, leaving[0], fresh)
    return replace(fn, blocks=blocks)


def _split(blocks: dict[Label, BasicBlock], label: Label, to: Label, fresh: Fresh) -> None:
    """Put a block on the one edge of a branch from a block to another."""
    end = blocks[label].end
    if not isinstance(end, Branch) or [end.then.to, end.other.to].count(to) != 1:
        return
    way = fresh.reg("way")
    edge = end.then if end.then.to == to else end.other
    end = replace(end, then=Edge(way)) if edge is end.then else replace(end, other=Edge(way))
    blocks[label] = replace(blocks[label], end=end)
    blocks[way] = BasicBlock((), (), Jump(edge))


def _is_reducible(fn: Function, idom: Mapping[Label, Label]) -> bool:
    """Whether every cycle has a header that dominates it, so that `flow.loops` shows them all."""
    order = flow.reverse_postorder(next(iter(fn.blocks)), flow.successors(fn))
    rank = {label: index for index, label in enumerate(order)}
    span = flow.dominance_intervals(idom)
    return all(
        rank[edge.to] > rank[label] or _holds(span[edge.to], span[label])
        for label, block in fn.blocks.items()
        for edge in edges(block.end)
    )


def _first_of_equals(
    fn: Function, idom: Mapping[Label, Label], loops: Iterable[flow.Loop]
) -> dict[Label, Label]:
    """For each block the first of those that run exactly as often.

    A block runs as often as one that dominates it and that it post-dominates, unless one of them
    is in a loop that the other is not in.
    """
    innermost: dict[Label, Label] = {}
    for loop in loops:
        for label in loop.body:
            innermost.setdefault(label, loop.header)
    inside = {(loop.header, label) for loop in loops for label in loop.body}
    after = flow.post_dominators(fn)
    span = flow.dominance_intervals(after | {flow.EXIT: flow.EXIT})
    first: dict[Label, Label] = {}
    for label in flow.reverse_postorder(next(iter(fn.blocks)), flow.successors(fn)):
        first[label] = label
        up, home = label, innermost.get(label)
        while up != idom[up] and label in after:
            up = idom[up]
            if up not in after or not _holds(span[label], span[up]):
                break
            if innermost.get(up) == home:
                first[label] = first[up]
                break
            if home is not None and (home, up) not in inside:
                break
    return first


def _holds(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _hoist(
    fn: Function,
    loops: Iterable[flow.Loop],
    first: Mapping[Label, Label],
    charges: dict[Label, int],
) -> dict[Label, list[_Hoisted]]:
    """Move the charges of counted loops in front of them, inner loops first.

    Returns:
        By the block that enters a loop what is charged for iterations that are not known yet.
    """
    before, defs, fresh = flow.predecessors(fn), Definitions(fn), Fresh(fn)
    hoisted: dict[Label, list[_Hoisted]] = {}
    for loop in loops:
        found = None if _may_leave_early(fn, loop) else counted(fn, loop, before, defs)
        if found is None or first[found.latch] != first[found.body]:
            continue
        if not isinstance(fn.blocks[found.outside].end, Jump):
            continue
        # The header runs once more than the rest, if there is a rest.
        once, charges[found.header] = charges[found.header], 0
        rest, charges[first[found.latch]] = charges[first[found.latch]], 0
        writer = TripWriter(fresh, defs)
        trips = writer.write(found)
        if isinstance(trips, int):
            once += min((once + rest) * trips, CHARGE_MAX)
        else:
            total = _Hoisted(once + rest, trips, tuple(writer.body))
            hoisted.setdefault(found.outside, []).append(total)
        ahead = first[found.outside]
        charges[ahead] = min(charges[ahead] + once, CHARGE_MAX)
    return hoisted


def _may_leave_early(fn: Function, loop: flow.Loop) -> bool:
    """Whether the author can leave a loop otherwise than by its edges."""
    return any(
        instr.op in (Op.CALL, Op.REQUIRE) for label in loop.body for instr in fn.blocks[label].body
    )


def _spread(fn: Function, loops: Iterable[flow.Loop], charges: dict[Label, int]) -> None:
    """Move the charge of a loop's header to the blocks before it, if they lead nowhere else.

    An iteration that comes back is then charged at its end for the next one: by one meter, not two.
    """
    before = flow.predecessors(fn)
    for loop in loops:
        ways = before[loop.header]
        if loop.header in ways or not charges[loop.header]:
            continue
        if all(isinstance(fn.blocks[way].end, Jump) for way in ways):
            for way in ways:
                charges[way] += charges[loop.header]
            charges[loop.header] = 0


def _insert(
    fn: Function, charges: Mapping[Label, int], hoisted: Mapping[Label, list[_Hoisted]]
) -> Function:
    blocks: dict[Label, BasicBlock] = {}
    for label, block in fn.blocks.items():
        body = block.body
        if charges[label]:
            body = (Instr(Op.METER, imm=charges[label]), *body)
        for loop in hoisted.get(label, ()):
            body = (*body, *loop.body, Instr(Op.METER, args=(loop.trips,), imm=loop.each))
        blocks[label] = BasicBlock(block.params, body, block.end)
    return replace(fn, blocks=blocks)
