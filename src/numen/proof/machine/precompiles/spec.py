"""What a precompile is, and what a call of one did."""

from collections.abc import Callable, MutableSequence, Sequence

import msgspec

Words = Sequence[int]


class Precompile(msgspec.Struct, frozen=True):
    """A function of arrays in memory, one word a cell.

    Attributes:
        name: As the standard module is called.
        function: Its number among the values of `isa.Table`.
        state_cells: Cells that it reads and writes, from the address in A on.
        block_cells: Cells that it only reads, from the address in B on; 0 if there is no B.
        raw: What its tables compute of the words of state and block: the integers of a result,
            from which `finish` makes the new state.
        finish: The new state, of the old one and the result.
        contents: Digests of the code that is this function; see `recognise.content`.
    """

    name: str
    function: int
    state_cells: int
    block_cells: int
    raw: Callable[[Words, Words], list[int]]
    finish: Callable[[Words, Words], list[int]]
    contents: frozenset[str]

    def __call__(self, state: Words, block: Words) -> list[int]:
        """The new state."""
        return self.finish(state, self.raw(state, block))


class Call(msgspec.Struct, frozen=True):
    """A call that a step made.

    Attributes:
        precompile: What was called.
        a: Address of the state.
        b: What B held: the address of the block, if there is one.
        state: The state before it.
        block: The block.
    """

    precompile: Precompile
    a: int
    b: int
    state: tuple[int, ...]
    block: tuple[int, ...]

    @property
    def reads(self) -> range:
        """Addresses that are only read, which happens first."""
        return range(self.b, self.b + self.precompile.block_cells)

    @property
    def writes(self) -> range:
        """Addresses that are written, after all are read."""
        return range(self.a, self.a + self.precompile.state_cells)


def call(precompile: Precompile, a: int, b: int, memory: MutableSequence[int]) -> Call:
    """Call a precompile with the cells at two addresses of a memory."""
    state = tuple(int(memory[a + i]) for i in range(precompile.state_cells))
    block = tuple(int(memory[b + i]) for i in range(precompile.block_cells))
    for index, word in enumerate(precompile(state, block)):
        memory[a + index] = word
    return Call(precompile, a, b, state, block)
