"""The control-flow graph of a contract: which blocks there are, and the ways between them.

Jumps go where the stack says, so the stack has to be followed. A block is entered in *contexts*: it
is taken once for each height of the stack and each last few return addresses on it, as if every
caller of an inner function had its own copy. In one context every slot's depth is known, and so is
every jump whose target is a constant there; loops come together again because the stack is as high
on every turn.
"""

from collections import deque
from typing import Protocol, TypeAlias

import msgspec

from numen.evm.lift.cells import Cells
from numen.evm.lift.constants import Known, join, join_cells
from numen.evm.lift.contract import WholeContract
from numen.evm.lift.errors import LiftLimitError, UnresolvedJumpError
from numen.evm.lift.instructions import Block, Bytecode, Instruction
from numen.evm.lift.limits import CONTEXTS_MAX, RETURNS_MAX, STEPS_MAX
from numen.evm.lift.walk import BAD_TARGET, Branch, Domain, Fail, Fall, Jump, Leave, walk

Key: TypeAlias = tuple[int, int, tuple[tuple[int, int], ...]]
"""Offset, height, and the last return addresses with where they lie."""

_SLOTS_PER_STEP = 8


class Explored(Domain[Known], Protocol):
    """What exploration asks of a domain.

    Attributes:
        memory: What memory holds at this point of the walk; None where it is not followed.
        work: Steps done beside those of the walk, which count too.
        computed: Offsets in the code of the stores whose place was not known in this walk.
    """

    memory: Cells[Known] | None
    work: int
    computed: set[int]


class State(msgspec.Struct, frozen=True):
    """What is known where a block is entered.

    Attributes:
        stack: The top is last.
        memory: Or None where it is not followed.
    """

    stack: tuple[Known, ...]
    memory: Cells[Known] | None


class Edge(msgspec.Struct, frozen=True, gc=False):
    """A way out of a context.

    Attributes:
        to: The context it leads to, by its number in `Graph.contexts`.
        kind: "fall", "jump", "then" (the branch is taken) or "else".
    """

    to: int
    kind: str


class Context(msgspec.Struct, frozen=True):
    """A block as it is entered with stacks of one kind.

    Attributes:
        block: The block.
        state: What is known on entry.
        edges: Ways out, each target once for each kind.
        failure: Why the frame fails in it, or empty; a branch may fail on one side only.
        unresolved: The jump whose target is not known, or None.
        computed: Offsets in the code of the stores to where in memory is not known.
    """

    block: Block
    state: State
    edges: tuple[Edge, ...]
    failure: str
    unresolved: Instruction | None
    computed: frozenset[int]


class Graph(msgspec.Struct, frozen=True):
    """What can be reached from the first instruction.

    Attributes:
        bytecode: The code.
        contexts: The first is the entry; every other is reached from it, if every jump is resolved.
        returns: How many return addresses contexts are told apart by.
    """

    bytecode: Bytecode
    contexts: tuple[Context, ...]
    returns: int

    @property
    def unresolved(self) -> tuple[Instruction, ...]:
        """Jumps whose target is not known in some context, each once, in order."""
        found = {c.unresolved.offset: c.unresolved for c in self.contexts if c.unresolved}
        return tuple(found[offset] for offset in sorted(found))

    def require_resolved(self) -> None:
        """Refuse a graph that is not whole.

        Raises:
            UnresolvedJumpError: Some jump's target is not known.
        """
        for instr in self.unresolved:
            raise UnresolvedJumpError(
                f"the target is not known, with {self.returns} return addresses told apart",
                instr.offset,
                instr.name,
            )


def explore(
    bytecode: Bytecode, domain: Explored, returns: int, steps_max: int = STEPS_MAX
) -> Graph:
    """Find the contexts of a contract and the ways between them.

    Args:
        bytecode: The contract.
        domain: What instructions do with what is known. Its memory on entry is the frame's.
        returns: How many return addresses to tell contexts apart by, `limits.RETURNS_MAX` at most.
        steps_max: Most work, as `limits.STEPS_MAX` counts it.

    Raises:
        LiftLimitError: There are more contexts than `limits.CONTEXTS_MAX`, or it takes more steps:
            jumps that are computed, or recursion, as a rule.
        LiftError: The domain refuses an instruction.
    """
    return _Exploration(bytecode, domain, returns, steps_max).run()


def contract_graph(bytecode: Bytecode) -> Graph:
    """The graph of a contract, of whose surroundings nothing is known.

    Contexts are told apart by as many return addresses as the bounds allow; jumps may be left
    unresolved.

    Raises:
        LiftLimitError: The code is over the bounds even where few are told apart.
    """
    try:
        return explore(bytecode, WholeContract(bytecode), RETURNS_MAX)
    except LiftLimitError:
        return explore(bytecode, WholeContract(bytecode), 1)


_Found: TypeAlias = tuple[tuple[Edge, ...], str, Instruction | None, frozenset[int]]
"""Edges, failure, unresolved jump and computed stores of a context."""


class _Exploration:
    """A fixed point in the making: states only come to know less."""

    def __init__(self, bytecode: Bytecode, domain: Explored, returns: int, steps_max: int) -> None:
        self.bytecode = bytecode
        self.domain = domain
        self.returns = returns
        self.keys: dict[Key, int] = {}
        self.blocks: list[Block] = []
        self.stacks: list[list[Known]] = []
        self.memories: list[Cells[Known] | None] = []
        self.found: dict[int, _Found] = {}
        self.waiting: deque[int] = deque()
        self.is_waiting: set[int] = set()
        self.steps = 0
        self.steps_max = steps_max

    def run(self) -> Graph:
        self.enter(0, [], self.domain.memory)
        while self.waiting:
            number = self.waiting.popleft()
            self.is_waiting.discard(number)
            self.visit(number)
        return self.graph()

    def visit(self, number: int) -> None:
        """Walk a context's block from what is known now, and enter what follows."""
        block, stack = self.blocks[number], list(self.stacks[number])
        memory = self.memories[number]
        self.domain.memory = memory.copy() if memory is not None else None
        self.domain.computed = set()
        end = walk(block, stack, self.domain)
        self.count(len(block.body) + (len(memory.pieces) if memory is not None else 0))
        edges: list[Edge] = []
        failure, unresolved = "", None
        match end:
            case Fall(to):
                edges.append(self.edge("fall", to, stack))
            case Jump(instr, target):
                targets = self.targets(target)
                unresolved = instr if targets is None else None
                edges += [self.edge("jump", to, stack) for to in self.good(targets)]
                failure = self.failure(targets)
            case Branch(instr, target, cond, to):
                targets = self.targets(target)
                if cond != 0:
                    unresolved = instr if targets is None else None
                    edges += [self.edge("then", to, stack) for to in self.good(targets)]
                    failure = self.failure(targets)
                if not isinstance(cond, int) or cond == 0:
                    edges.append(self.edge("else", to, stack))
            case Fail(_, reason):
                failure = reason
            case Leave():
                pass
        computed = frozenset(self.domain.computed)
        self.found[number] = (tuple(dict.fromkeys(edges)), failure, unresolved, computed)

    def targets(self, target: Known) -> list[int] | None:
        """Where a jump may go, or None where that is not known."""
        if isinstance(target, int):
            return [target]
        return sorted(target) if isinstance(target, frozenset) else None

    def good(self, targets: list[int] | None) -> list[int]:
        return [to for to in targets or () if to in self.bytecode.targets]

    def failure(self, targets: list[int] | None) -> str:
        return BAD_TARGET if len(self.good(targets)) < len(targets or ()) else ""

    def edge(self, kind: str, to: int, stack: list[Known]) -> Edge:
        return Edge(self.enter(to, stack, self.domain.memory), kind)

    def enter(self, to: int, stack: list[Known], memory: Cells[Known] | None) -> int:
        """Lead a way into the context it belongs to, and visit that again if it learns anything."""
        self.count(1 + len(stack) // _SLOTS_PER_STEP)
        key = (to, len(stack), self.return_addresses(stack))
        number = self.keys.get(key)
        if number is None:
            number = self.keys[key] = len(self.blocks)
            if number >= CONTEXTS_MAX:
                raise LiftLimitError(f"more than {CONTEXTS_MAX} contexts", to)
            self.blocks.append(self.bytecode.blocks[to])
            self.stacks.append(list(stack))
            self.memories.append(memory.copy() if memory is not None else None)
        elif not self.learn(number, stack, memory):
            return number
        if number not in self.is_waiting:
            self.is_waiting.add(number)
            self.waiting.append(number)
        return number

    def learn(self, number: int, stack: list[Known], memory: Cells[Known] | None) -> bool:
        """Join what another way knows into a context; say whether it knows less after that."""
        targets, old = self.bytecode.targets, self.stacks[number]
        is_less = False
        for index, (a, b) in enumerate(zip(old, stack, strict=True)):
            if a is not None and a != b:
                both = join(a, b, targets)
                if both != a:
                    old[index] = both
                    is_less = True
        kept = self.memories[number]
        if kept is not None and memory is not None:
            self.count(len(kept.pieces))
            joined = join_cells(kept, memory, targets)
            if joined is not None:
                self.memories[number] = joined
                is_less = True
        return is_less

    def return_addresses(self, stack: list[Known]) -> tuple[tuple[int, int], ...]:
        found: list[tuple[int, int]] = []
        targets, index = self.bytecode.targets, len(stack)
        for slot in reversed(stack):
            index -= 1
            if slot in targets and slot:
                found.append((index, slot))
                if len(found) == self.returns:
                    break
        return tuple(found)

    def count(self, steps: int) -> None:
        self.steps += steps + self.domain.work
        self.domain.work = 0
        if self.steps > self.steps_max:
            raise LiftLimitError(
                f"more than {self.steps_max} steps to find the ways through the code"
            )

    def graph(self) -> Graph:
        """The contexts that can be reached by what is known at last."""
        numbers = {0: 0}
        order = [0]
        for number in order:
            for edge in self.found[number][0]:
                if edge.to not in numbers:
                    numbers[edge.to] = len(order)
                    order.append(edge.to)
        contexts = []
        for number in order:
            edges, failure, unresolved, computed = self.found[number]
            moved = tuple(Edge(numbers[edge.to], edge.kind) for edge in edges)
            state = State(tuple(self.stacks[number]), self.memories[number])
            block = self.blocks[number]
            contexts.append(Context(block, state, moved, failure, unresolved, computed))
        return Graph(self.bytecode, tuple(contexts), self.returns)
