"""Symbolic execution: every path of a bounded program at once, as one circuit.

Calls are entered, loops with constant bounds run round by round, and a branch on constants follows
one way. A branch that depends on the inputs parts the path in two; each part carries the truth that
it is the one taken. Where parts meet again, what differs between them is chosen by that truth.
Blocks are executed in the order of `routes`, so all parts that can meet have arrived before their
block is entered, and the work is linear in the blocks executed.
"""

import heapq
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from numen.base.errors import Place
from numen.ir.nodes import (
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Label,
    Module,
    Reg,
    Return,
    Stop,
    Terminator,
)
from numen.ir.ops import Op
from numen.ir.trap import Reason, Trap, TrapError
from numen.ir.types import Word
from numen.proof import access, forecast, gadgets, lc, wide, witness
from numen.proof.algebra import R1csAlgebra
from numen.proof.circuit_errors import (
    AlwaysTrapsError,
    TooLargeError,
    UnboundedLoopError,
    rounds_spent,
)
from numen.proof.number import Number, Product, Value, Wide, to_lc, value_from_lc
from numen.proof.ready import Ready, ReadyBlock, make_ready, wide_registers
from numen.proof.routes import Route, plan_route
from numen.proof.storage import Ref, Store
from numen.proof.wires import Wires

Held: TypeAlias = Value | Wide | Ref
"""What a register holds."""

Code: TypeAlias = dict[Label, ReadyBlock]
"""Blocks of a function."""


class Path:
    """One part of the execution, at the beginning of a block or at the end of a function.

    Attributes:
        truth: Whether this is the part that is taken: 1, or a truth that depends on the inputs.
        regs: Registers, or results by position.
        store: Arrays and memories.
    """

    __slots__ = ("regs", "store", "truth")

    def __init__(self, truth: Value, regs: dict[Reg, Held], store: Store) -> None:
        self.truth = truth
        self.regs = regs
        self.store = store


class Call:
    """A function being executed.

    Attributes:
        number: Tells the objects of this call from those of others.
        fn: The function.
        route: The order of its blocks.
        code: The blocks, ready.
        wide: Registers that hold words of 256 bits.
        truth: Of the path that called.
        place: Of the instruction that called, for those that have none of their own.
        path: The part that is running, or None between blocks.
        label: Its block.
        index: The next instruction.
        parked: Parts that wait for their block's turn.
        queue: Places in the order, and blocks, of those; a heap.
        ended: The parts that returned, merged.
        decided: Headers of loops that a constant condition could have left this round.
        counting: Those of them that it could have left otherwise than by a trap.
        undecided: Headers of loops that a condition on the inputs may leave, with the branch.
        forecasts: Headers of counted loops, with what their first rounds promise.
        rounds: Headers of loops that go on as the inputs say, with how often they have been gone
            back to.
    """

    def __init__(
        self,
        number: int,
        fn: Function,
        truth: Value,
        route: Route,
        code: Code,
        wide_regs: frozenset[Reg],
    ) -> None:
        self.number = number
        self.fn = fn
        self.route = route
        self.code = code
        self.wide = wide_regs
        self.truth = truth
        self.place: Place | None = None
        self.path: Path | None = None
        self.label: Label = next(iter(fn.blocks))
        self.index = 0
        self.parked: dict[Label, Path] = {}
        self.queue: list[tuple[int, Label]] = []
        self.ended: Path | None = None
        self.decided: set[Label] = set()
        self.counting: set[Label] = set()
        self.undecided: dict[Label, Branch] = {}
        self.forecasts: dict[Label, forecast.Forecast] = {}
        self.rounds: dict[Label, int] = {}


class Unroller:
    """Executes a module symbolically."""

    def __init__(self, module: Module, wires: Wires) -> None:
        self.module = module
        self.wires = wires
        self.algebra = R1csAlgebra(wires)
        self.wide = wide.WideAlgebra(self.algebra)
        self.access = access.Access(self.algebra)
        self.steps = 0
        self._planned: dict[str, tuple[Route, Code, frozenset[Reg]]] = {}
        self._calls: list[Call] = []
        self._call_count = 0
        self._trap: Trap | None = None

    def run(self, args: list[Held], store: Store) -> Path:
        """Execute the entry.

        Args:
            args: Its arguments.
            store: The objects they refer to.

        Returns:
            The end: results by position, and the objects.

        Raises:
            CircuitRefusalError: The program has no circuit within the limits.
        """
        self._enter(self.module.entry, args, 1, store)
        while True:
            call = self._calls[-1]
            if call.path is not None or self._next(call):
                self._run(call)
            else:
                self._calls.pop()
                ended = self._leave(call)
                if ended is not None:
                    return ended

    def spend(self, steps: int) -> None:
        """Count steps.

        Raises:
            TooLargeError: There were too many.
        """
        self.steps += steps
        if self.steps > self.wires.limits.steps:
            raise TooLargeError("steps", self.steps, self.wires.limits.steps, self.wires.place)

    def _enter(self, name: str, args: list[Held], truth: Value, store: Store) -> None:
        fn = self.module.functions[name]
        if name not in self._planned:
            code = {label: make_ready(block) for label, block in fn.blocks.items()}
            wide_regs = wide_registers(fn, self.module.functions)
            self._planned[name] = (plan_route(fn), code, wide_regs)
        call = Call(self._call_count, fn, truth, *self._planned[name])
        call.place = self.wires.place
        self._call_count += 1
        regs = dict(zip((param.reg for param in fn.params), args, strict=True))
        call.parked[call.label] = Path(truth, regs, store)
        call.queue.append((0, call.label))
        self._calls.append(call)

    def _leave(self, call: Call) -> Path | None:
        """Go back to the caller; the end of the program, if there is none."""
        if not self._calls:
            if call.ended is None:
                assert self._trap is not None
                raise AlwaysTrapsError(self._trap)
            return call.ended
        caller = self._calls[-1]
        path = caller.path
        assert path is not None
        if call.ended is None:
            caller.path = None  # every part trapped
            return None
        instr = caller.code[caller.label].body[caller.index - 1].instr
        path.regs.update(zip(instr.dests, call.ended.regs.values(), strict=True))
        path.store = call.ended.store
        path.store.drop(call.number, set())
        return None

    def _next(self, call: Call) -> bool:
        """Take up the first of the parts that wait, if any."""
        if not call.queue:
            return False
        position, label = heapq.heappop(call.queue)
        path = call.parked.pop(label)
        self._begin(call, label, path, is_first=position == call.route.position[label])
        return True

    def _begin(self, call: Call, label: Label, path: Path, *, is_first: bool) -> None:
        """Begin a block, if it heads a loop, its first round or another."""
        if not call.queue and call.ended is None:
            # It is the only part left; those that trapped are proven not to be taken.
            path.truth = call.truth
        call.path, call.label, call.index = path, label, 0
        self.spend(len(call.code[label].body) + 1)
        if label in call.route.loops:
            self._begin_round(call, path, is_first=is_first)

    def _begin_round(self, call: Call, path: Path, *, is_first: bool) -> None:
        label = call.label
        if is_first:
            call.undecided.pop(label, None)
            call.rounds.pop(label, None)
        elif call.undecided or call.rounds:
            self._count_round(call)
        call.decided.discard(label)
        call.counting.discard(label)
        if is_first:
            self._foresee(call, path)
            return
        begun = call.forecasts.get(label)
        if begun is not None:
            limit = self.wires.limits.constraints
            needed = begun.needed(self.wires.constraint_count, self.wires.decisions)
            if needed > limit:
                raise TooLargeError("constraints", needed, limit, self.wires.place)

    def _count_round(self, call: Call) -> None:
        """Count a round that a condition on the inputs decides, and refuse it without a bound."""
        label = call.label
        branch = call.undecided.pop(label, None)
        is_bounded = label in call.decided or self._most_rounds(call, label) is not None
        if branch is not None and not is_bounded:
            raise UnboundedLoopError(branch.place)
        is_open = branch is not None and label not in call.counting
        if is_open or label in call.rounds:
            call.rounds[label] = call.rounds.get(label, 0) + 1

    def _foresee(self, call: Call, path: Path) -> None:
        """Look at a loop that is about to begin, and refuse it if it is too long."""
        call.forecasts.pop(call.label, None)
        loop = call.route.counted.get(call.label)
        found = None if loop is None else loop.rounds(path.regs)
        if loop is None or found is None:
            return
        needed = self.steps + found.rounds * loop.size
        if needed > self.wires.limits.steps:
            raise TooLargeError("steps", needed, self.wires.limits.steps, found.place)
        if found.rounds > forecast.ROUNDS_MIN:
            begun = forecast.Forecast(found.rounds, self.wires.decisions)
            begun.needed(self.wires.constraint_count, self.wires.decisions)
            call.forecasts[call.label] = begun

    def _run(self, call: Call) -> None:
        """Execute the running part to the end of its block, or up to a call."""
        path = call.path
        assert path is not None
        self.algebra.path = path.truth
        block = call.code[call.label]
        wires, regs = self.wires, path.regs
        try:
            for after, ready in itertools.islice(enumerate(block.body, 1), call.index, None):
                wires.place = ready.place or call.place
                if ready.fold is not None:
                    args = [regs[reg] for reg in ready.args]
                    for arg in args:
                        if type(arg) is not int:
                            regs[ready.dest] = self._compute(ready, args)
                            break
                    else:
                        regs[ready.dest] = ready.fold(*args)
                elif ready.instr.op is Op.CALL:
                    call.index = after
                    args = [regs[reg] for reg in ready.args]
                    self._enter(ready.instr.symbol, args, path.truth, path.store)
                    return
                else:
                    self._effect(call, ready.instr, path)
            call.path = None
            end = block.end
            if type(end) is Branch:
                self._branch(call, end, path)
            elif type(end) is Jump:
                self._go_on(call, end.edge, path)
            else:
                self._end(call, end, path)
        except TrapError as error:
            self._die(call, path, error.trap)

    def _compute(self, ready: Ready, args: Sequence[Any]) -> Value | Wide:
        """Execute a pure instruction, of whose operands one depends on the inputs."""
        if ready.lane is not None:
            first, second = args
            # What is worked out late has no lane: it may never have to be.
            if (type(first) is int or first.late is None) and (
                type(second) is int or second.late is None
            ):
                return ready.lane(self.wires, first, second)
        assert ready.means is not None
        assert isinstance(ready.of, Word)
        self.spend(ready.steps)
        self.algebra.word = ready.of
        result = ready.means(self.wide if ready.is_wide else self.algebra, ready.word, *args)
        assert not isinstance(result, Product)
        return result if isinstance(result, Wide) else gadgets.compact(self.wires, result)

    def _effect(self, call: Call, instr: Instr, path: Path) -> None:
        if instr.op is Op.CONST:
            assert instr.imm is not None
            path.regs[instr.dests[0]] = instr.imm
            return
        args = [path.regs[reg] for reg in instr.args]
        self.spend(access.cost(instr, args, path.store))
        result = self.access.execute(instr, call.number, args, path.store)
        if result is not None:
            path.regs[instr.dests[0]] = result

    def _die(self, call: Call, path: Path, trap: Trap) -> None:
        """End a part that traps: a proof is that it is not taken."""
        if trap.place is None:
            trap = msgspec.structs.replace(trap, place=self.wires.place)
        if path.truth == 1:
            raise AlwaysTrapsError(trap) from None
        self._trap = trap
        truth = to_lc(path.truth)
        self.wires.check(witness.check_truth, (truth, {}, trap))
        self.wires.demand(truth)
        call.path = None

    def _end(self, call: Call, end: Terminator, path: Path) -> None:
        match end:
            case Return(values):
                results = {str(index): path.regs[reg] for index, reg in enumerate(values)}
                path.regs = results
                if call.ended is None:
                    call.ended = path
                else:
                    words = enumerate(call.fn.results)
                    is_wide = {str(index): word.bits == 256 for index, word in words}
                    self._merge(call, call.ended, path, is_wide)
            case Stop(reason, message, place):
                self._die(call, path, Trap(reason, message, place))

    def _branch(self, call: Call, branch: Branch, path: Path) -> None:
        cond = path.regs[branch.cond]
        self.wires.place = branch.place or self.wires.place
        exits = call.route.exits[call.label]
        if isinstance(cond, int):
            call.decided.update(exits)
            call.counting.update(call.route.counting[call.label])
            edge = branch.then if cond else branch.other
            stop = self._spent(call, branch, edge)
            if stop is not None:
                raise TrapError(Trap(stop.reason, stop.message, stop.place))
            self.wires.decisions += not exits
            self._go_on(call, edge, path)
            return
        assert isinstance(cond, Number)
        for header in exits:
            call.undecided[header] = branch
        truth: Value = cond
        if path.truth != 1:
            truth = Number(gadgets.multiply(self.wires, to_lc(path.truth), cond.lc, "path"), 0, 1)
        rest = value_from_lc(lc.sub(to_lc(path.truth), to_lc(truth)), 0, 1)
        taken, left = branch.then, branch.other
        if self._stops(call, branch, left) is not None:
            taken, left, truth, rest = left, taken, rest, truth
        stop = self._stops(call, branch, taken)
        if stop is not None:
            # Proven not to be taken, it leaves the other part as true as the whole.
            self._stop(stop, truth)
            self._go(call, left, path)
            return
        alive = {reg: path.regs[reg] for reg in call.route.alive_in(taken.to)}
        alive.update((reg, path.regs[reg]) for reg in taken.args)
        self.spend((len(alive) + len(path.store.objects)) // 16)
        self._go(call, taken, Path(truth, alive, path.store.fork()))
        path.truth = rest
        self._go(call, left, path)

    def _stops(self, call: Call, branch: Branch, edge: Edge) -> Stop | None:
        """How a run that takes an edge ends at once, if it does."""
        block = call.fn.blocks[edge.to]
        if not block.body and isinstance(block.end, Stop):
            return block.end
        return self._spent(call, branch, edge)

    def _spent(self, call: Call, branch: Branch, edge: Edge) -> Stop | None:
        """How a run ends that goes on with a loop whose rounds are over, if this edge does."""
        for header in call.route.exits[call.label]:
            most = self._most_rounds(call, header)
            # A loop that tests at the end of its rounds has gone through one when it tests.
            over = call.rounds.get(header, 0) + (edge.to == header)
            is_inside = edge.to in call.route.loops[header].body
            if is_inside and most is not None and over >= most:
                return Stop(Reason.WORK_LIMIT, rounds_spent(most), branch.place)
        return None

    def _most_rounds(self, call: Call, header: Label) -> int | None:
        """Most rounds of a loop that the inputs end: as asked for, or less if less is known."""
        asked, known = self.wires.limits.rounds, call.route.most.get(header)
        return asked if known is None else known if asked is None else min(asked, known)

    def _stop(self, end: Stop, truth: Value) -> None:
        trap = Trap(end.reason, end.message, end.place)
        self.wires.check(witness.check_truth, (to_lc(truth), {}, trap))
        self.wires.demand(to_lc(truth))

    def _go_on(self, call: Call, edge: Edge, path: Path) -> None:
        """Follow the only way a part can go: at once, where no other part waits."""
        if call.queue:
            self._go(call, edge, path)
            return
        self._pass(call, edge, path)
        is_back = edge.to in call.route.loops and call.label in call.route.loops[edge.to].body
        self._begin(call, edge.to, path, is_first=not is_back)

    def _pass(self, call: Call, edge: Edge, path: Path) -> None:
        """Fill the parameters of the block that an edge leads to."""
        if edge.args:
            passed = [path.regs[reg] for reg in edge.args]
            path.regs.update(zip(call.code[edge.to].params, passed, strict=True))

    def _go(self, call: Call, edge: Edge, path: Path) -> None:
        """Park a part at the block it goes to."""
        target = edge.to
        self._pass(call, edge, path)
        if target in call.parked:
            names = [*call.route.alive_in(target), *call.code[target].params]
            is_wide = {name: name in call.wide for name in names}
            self._merge(call, call.parked[target], path, is_wide)
            return
        call.parked[target] = path
        route = call.route
        is_back = target in route.loops and call.label in route.loops[target].body
        position = route.turn[target] if is_back else route.position[target]
        heapq.heappush(call.queue, (position, target))

    def _merge(self, call: Call, into: Path, path: Path, is_wide: Mapping[Reg, bool]) -> None:
        """Make one part of two of which at most one is taken.

        Args:
            call: The function they are parts of.
            into: The one that becomes both.
            path: The other.
            is_wide: Registers that go on, and whether they hold words of 256 bits.
        """
        truth = to_lc(path.truth)
        regs = {
            name: self._choose(truth, path.regs[name], into.regs[name], is_wide=wide_one)
            for name, wide_one in is_wide.items()
        }
        slots = {held.slot for held in regs.values() if isinstance(held, Ref)}
        self.spend((len(regs) + into.store.compare_cost(path.store)) // 16)
        for store in (into.store, path.store):
            store.drop(call.number, slots)
        self.access.merge(truth, path.store, into.store)
        into.regs = regs
        both = value_from_lc(lc.add(to_lc(into.truth), truth), 0, 1)
        into.truth = gadgets.compact(self.wires, both)

    def _choose(self, truth: lc.LC, then: Held, other: Held, *, is_wide: bool) -> Held:
        if then is other:
            return other
        if isinstance(then, Ref):
            assert isinstance(other, Ref)
            assert then.slot == other.slot
            offset = gadgets.choose(self.wires, truth, then.offset, other.offset)
            return msgspec.structs.replace(other, offset=offset)
        assert not isinstance(other, Ref)
        return wide.choose(self.wires, truth, then, other, is_wide=is_wide)
