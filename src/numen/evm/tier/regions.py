"""Regions: which blocks are compiled together, grown from the place that is hot.

A region begins at a *head* and follows every edge that is known before the code runs. The same
block may appear in it several times, as *instances*: at other heights of the stack, or with other
return addresses on it. So an internal function that is called from two places is compiled for each,
and its returns are plain branches. Where the bounds are met the region is left, to another region
or to the interpreter, which is always right and only slower.

Growth costs what the bounds allow, whatever the code.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from typing import Final, TypeAlias

import msgspec

from numen.evm.opcodes import BY_NAME, STACK_MAX
from numen.evm.tier.blocks import Below, Block, End, Program, Symbol
from numen.evm.tier.breath import breathe


class Bounds(msgspec.Struct, frozen=True):
    """How far a region may grow.

    Attributes:
        cost: Sum of what its instructions cost to compile, about one for an instruction of LLVM's.
        instances: Blocks, counted as often as they appear.
        clones: Instances of one block.
        border: A region of this cost is entered by others, and not made part of them.
        small: A region cheaper than this waits for others, which may hold it: the end of a function
            is worth little without what comes after it.
    """

    cost: int = 3000
    instances: int = 96
    clones: int = 4
    border: int = 600
    small: int = 100


USUAL: Final = Bounds()
"""Keeps the compilation of a region within a few hundredths of a second."""


class Inner(msgspec.Struct, frozen=True, gc=False):
    """An edge inside the region.

    Attributes:
        index: Of the instance it leads to.
    """

    index: int


class Outer(msgspec.Struct, frozen=True, gc=False):
    """An edge out of the region.

    Attributes:
        pc: Where it leads.
    """

    pc: int


class Computed(msgspec.Struct, frozen=True, gc=False):
    """A jump to a place that is known only when it is taken."""


class Wrong(msgspec.Struct, frozen=True, gc=False):
    """A jump to what is no JUMPDEST."""


Edge: TypeAlias = Inner | Outer | Computed | Wrong

Constants: TypeAlias = tuple[tuple[int, int], ...]
"""Return addresses that are known to lie on the stack: slot of the region and JUMPDEST, sorted."""


class Instance(msgspec.Struct, frozen=True, gc=False):
    """A block in a region.

    Attributes:
        block: The block.
        height: Words on the stack at its beginning, above the region's stack pointer.
        taken: Where its jump leads; None without one.
        follow: Where it goes on without jumping; None if it never does.
    """

    block: Block
    height: int
    taken: Edge | None
    follow: Edge | None

    def edges(self) -> tuple[Edge, ...]:
        """Both, as far as there are any."""
        return tuple(edge for edge in (self.taken, self.follow) if edge is not None)


class Shape(msgspec.Struct, frozen=True, array_like=True):
    """What is to be known of a region once it is compiled.

    Attributes:
        head: Where it begins.
        cost: As the region's.
        blocks: First instructions of its blocks, sorted.
    """

    head: int
    cost: int
    blocks: tuple[int, ...]


class Region(msgspec.Struct, frozen=True):
    """Blocks that become one function.

    Attributes:
        head: Where it begins.
        instances: The first begins at the head, at height 0.
        cost: What it costs to compile, about one for an instruction of LLVM's.
        need: Most words that any instance wants below the stack pointer.
        grow: Most words above it that any instance reaches.
        escapes: JUMPDESTs that may be on the stack when it is left: where computed jumps elsewhere
            may come back to.

    Stacks are bounded once, at the entry, for the whole region: code from a compiler has the same
    words below at every place, and a stack that is too low or too high is the interpreter's.
    """

    head: int
    instances: tuple[Instance, ...]
    cost: int
    need: int
    grow: int
    escapes: frozenset[int]

    def shape(self) -> Shape:
        """What remains of it when it is compiled."""
        return Shape(self.head, self.cost, tuple(sorted({i.block.pc for i in self.instances})))

    def successors(self) -> list[list[int]]:
        """Of each instance, which instances it leads to."""
        return [
            [edge.index for edge in instance.edges() if isinstance(edge, Inner)]
            for instance in self.instances
        ]

    def exits(self) -> set[int]:
        """Where control goes on when it leaves, as far as that is known."""
        found = set()
        for instance in self.instances:
            found |= {edge.pc for edge in instance.edges() if isinstance(edge, Outer)}
        return found

    def continuations(self, destinations: frozenset[int]) -> set[int]:
        """Exits that no jump reaches: behind calls, and where the region was cut.

        They never become hot by themselves, since only JUMPDESTs are counted.
        """
        follows = {i.follow.pc for i in self.instances if isinstance(i.follow, Outer)}
        return follows - destinations


def name_of(head: int) -> str:
    """Name of the function that the region of a head becomes."""
    return f"region.{head:x}"


# fmt: off
_COSTS: Final = {
    5: "GAS BYTE CALLDATALOAD RETURNDATASIZE",
    12: "DIV MOD ADDMOD MULMOD BLOCKHASH BLOBHASH",
    25: "EXP MLOAD MSTORE MSTORE8 SLOAD TLOAD TSTORE BALANCE EXTCODESIZE EXTCODEHASH",
    40: "MUL SDIV SMOD KECCAK256 CALLDATACOPY CODECOPY RETURNDATACOPY MCOPY LOG0 LOG1",
    60: "EXTCODECOPY LOG2 LOG3 LOG4",
    100: "SSTORE",
}
_COSTS_BY_WORD: Final = {60: "SHL SHR SAR SIGNEXTEND"}
# fmt: on


def _by_byte(costs: dict[int, str]) -> dict[int, int]:
    return {BY_NAME[name].byte: cost for cost, names in costs.items() for name in names.split()}


_COST: Final = _by_byte(_COSTS)
"""Measured: one is about a thirtieth of a millisecond on a core of its own."""
_COST_BY_WORD: Final = _by_byte(_COSTS_BY_WORD)
"""The same where the number of bits or bytes is not known."""

_FREE: Final = frozenset(
    opcode.byte
    for name, opcode in BY_NAME.items()
    if name.startswith(("PUSH", "DUP", "SWAP")) or name in {"POP", "JUMPDEST", "PC"}
)
_PUSHES: Final = frozenset(range(BY_NAME["PUSH0"].byte, BY_NAME["PUSH32"].byte + 1))
_BLOCK_COST: Final = 8
_PLAIN_COST: Final = 3


def cost_of(block: Block) -> int:
    """What a block costs to compile, about one for an instruction of LLVM's."""
    cost = _BLOCK_COST + 2 * len(block.writes)
    before = 0
    for instruction in block.body:
        byte = instruction.byte
        if byte in _COST_BY_WORD and before not in _PUSHES:
            cost += _COST_BY_WORD[byte]
        elif byte not in _FREE:
            cost += _COST.get(byte, _PLAIN_COST)
        before = byte
    return cost


def grow(
    program: Program,
    head: int,
    *,
    bounds: Bounds = USUAL,
    is_wanted: Callable[[int], bool] = lambda _: True,
    borders: Collection[int] = (),
) -> Region:
    """Grow a region.

    Args:
        program: The code.
        head: A JUMPDEST, the first instruction, or any other to begin at.
        bounds: How far.
        is_wanted: Whether a JUMPDEST is worth compiling; those that are not are left to the
            interpreter.
        borders: Where the region ends although it could go on: heads of others.

    Returns:
        At least the block at the head.
    """
    return _Growth(program, bounds, is_wanted, borders).from_head(head)


_Key: TypeAlias = tuple[int, int, Constants]


class _Growth:
    """A region while it grows: instances that are waiting, or have their edges."""

    def __init__(
        self,
        program: Program,
        bounds: Bounds,
        is_wanted: Callable[[int], bool],
        borders: Collection[int],
    ) -> None:
        self._program = program
        self._bounds = bounds
        self._is_wanted = is_wanted
        self._borders = borders
        self._numbers: dict[_Key, int] = {}
        self._clones: Counter[int] = Counter()
        self._waiting: deque[_Key] = deque()
        self._escapes: set[int] = set()
        self._lowest = 0
        self._cost = 0

    def from_head(self, head: int) -> Region:
        self._admit((head, 0, ()))
        instances: list[Instance] = []
        while self._waiting:
            breathe()
            instances.append(self._extend(*self._waiting.popleft()))
        need = max(0, *(i.block.need - i.height for i in instances))
        growth = max(0, *(i.height + i.block.grow for i in instances))
        return Region(head, tuple(instances), self._cost, need, growth, frozenset(self._escapes))

    def _admit(self, key: _Key) -> int:
        number = self._numbers[key] = len(self._numbers)
        pc = key[0]
        self._clones[pc] += 1
        self._cost += cost_of(self._program.block(pc))
        self._waiting.append(key)
        return number

    def _extend(self, pc: int, height: int, constants: Constants) -> Instance:
        """Find where an instance leads, and let what lies there wait for its turn."""
        block = self._program.block(pc)
        after_height = height + block.delta
        self._lowest = min(self._lowest, height, *(height + slot for slot, _ in block.writes))
        known = dict(constants)
        after = self._after(block, height, known)
        taken: Edge | None = None
        follow: Edge | None = None
        if block.next_pc is not None:
            if block.end is End.HAND_OVER:
                # The frame sleeps in between: it goes on in whatever begins there.
                follow = Outer(block.next_pc)
                self._let_go(after)
            else:
                follow = self._lead_to(block.next_pc, after_height, after)
        if block.end in (End.JUMP, End.BRANCH):
            taken = self._jump(_value(block.target, height, known), after_height, after)
        for edge in (taken, follow):
            self._cost += self._cost_of_leaving(edge, after_height)
        return Instance(block, height, taken, follow)

    def _cost_of_leaving(self, edge: Edge | None, top: int) -> int:
        """Each word that may have been written is written back, unless nobody reads it there."""
        if not isinstance(edge, (Outer, Computed)):
            return 0
        read = self._program.reads_below(edge.pc) if isinstance(edge, Outer) else None
        written = max(0, top - self._lowest)
        return written if read is None else min(written, read)

    def _jump(self, target: int | None, height: int, constants: Constants) -> Edge:
        if target is None:
            self._let_go(constants)
            return Computed()
        if target not in self._program.destinations:
            return Wrong()
        return self._lead_to(target, height, constants)

    def _lead_to(self, pc: int, height: int, constants: Constants) -> Edge:
        key = pc, height, constants
        if key not in self._numbers and self._clones[pc] >= self._bounds.clones - 1:
            # The last clone knows nothing of return addresses and does for all others.
            self._let_go(constants)
            key = pc, height, ()
        number = self._numbers.get(key)
        if number is None:
            if not self._has_room_for(pc, height):
                self._let_go(constants)
                return Outer(pc)
            number = self._admit(key)
        return Inner(number)

    def _let_go(self, constants: Constants) -> None:
        self._escapes |= {address for _, address in constants}

    def _has_room_for(self, pc: int, height: int) -> bool:
        bounds, block = self._bounds, self._program.block(pc)
        if pc in self._borders or self._clones[pc] >= bounds.clones:
            return False
        if pc in self._program.destinations and not self._is_wanted(pc):
            return False
        if len(self._numbers) >= bounds.instances or abs(height) + block.grow > STACK_MAX:
            return False
        return self._cost + cost_of(block) <= bounds.cost

    def _after(self, block: Block, height: int, known: dict[int, int]) -> Constants:
        """The return addresses on the stack after a block."""
        after = dict(known)
        for slot, symbol in block.writes:
            value = _value(symbol, height, known)
            if value in self._program.destinations:
                after[height + slot] = value
            else:
                after.pop(height + slot, None)
        top = height + block.delta
        return tuple(sorted((slot, value) for slot, value in after.items() if slot < top))


def _value(symbol: Symbol, height: int, known: dict[int, int]) -> int | None:
    """What a word is, given what is known at the block's beginning."""
    if isinstance(symbol, Below):
        return known.get(height + symbol.slot)
    return symbol


class Coverage:
    """What the regions of a code cover.

    Attributes:
        heads: Where they begin.
        inside: First instructions of the blocks in them.
        borders: Heads of those that are entered by others, and not made part of them.
    """

    def __init__(self) -> None:
        self.heads: set[int] = set()
        self.inside: set[int] = set()
        self.borders: set[int] = set()

    def add(self, shape: Shape, bounds: Bounds) -> None:
        """Take in a region."""
        self.heads.add(shape.head)
        self.inside.update(shape.blocks)
        if shape.cost >= bounds.border:
            self.borders.add(shape.head)


def cover(
    program: Program,
    heads: Sequence[int],
    *,
    bounds: Bounds = USUAL,
    is_wanted: Callable[[int], bool] = lambda _: True,
    covered: Coverage | None = None,
    revisits: bool = True,
    regions_max: int = 64,
    cost_max: int = 1 << 40,
) -> list[Region]:
    """Grow regions from several heads, and from where control comes back behind their calls.

    Args:
        program: The code.
        heads: The most important first. One that lies in the region of an earlier one is left out
            unless a computed jump may come back to it.
        bounds: How far each may grow.
        is_wanted: As for `grow`.
        covered: By regions that there are; those that are grown are added.
        revisits: Whether places are covered again that computed jumps may come back to.
        regions_max: Most regions.
        cost_max: No region is begun when those before cost that much.

    Returns:
        Regions with heads that differ from each other and from those of the regions there are.
    """
    covered = covered or Coverage()
    regions: list[Region] = []
    escaped: set[int] = set()
    postponed: set[int] = set()
    waiting = deque(heads)
    cost = 0
    while waiting and len(regions) < regions_max and cost < cost_max:
        head = waiting.popleft()
        if head in covered.heads or (head in covered.inside and head not in escaped):
            continue
        region = grow(program, head, bounds=bounds, is_wanted=is_wanted, borders=covered.borders)
        if region.cost < bounds.small and waiting and head not in postponed:
            postponed.add(head)
            waiting.append(head)
            continue
        regions.append(region)
        covered.add(region.shape(), bounds)
        cost += region.cost
        if revisits:
            escaped |= region.escapes
        waiting.extend(sorted(region.continuations(program.destinations)))
    return regions
