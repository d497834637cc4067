"""What is said of a run that can be contested down to one step: states, and cells of memory.

A *walk* is a run of the provable machine from an empty memory to the word *true*: constants and
inputs are loaded cell by cell, the machine takes its steps, and the answer that somebody claimed is
compared with the outputs cell by cell. So every step reads and writes a few cells, the first state
is the same for all programs, and the last is `DONE` exactly if the answer is right.

Memory is a Merkle tree of SHA-256: 2**18 leaves of four cells of 64 bits each, cells little-endian.
Cells that nobody wrote are zero.

WalkError     what is shown of a step does not fit together
"""

import hashlib
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, digest
from numen.base.crypto import Hash32
from numen.base.errors import NumenError

CELLS_LOG: Final = 20
"""Cells of the tree, as a power of two: as many as the largest memory has."""

LEAF_CELLS: Final = 4
CELL_BYTES: Final = 8
LEAF_BYTES: Final = LEAF_CELLS * CELL_BYTES

DEPTH: Final = CELLS_LOG - 2
"""Length of a path."""

LEAVES_MAX: Final = 64
"""Most leaves that one step touches."""

STEPS_MAX: Final = 1 << 40
"""Longest walk."""

_STATE_DOMAIN: Final = "numen/walk-state/1"


class WalkError(NumenError):
    """What is shown of a step does not fit together."""


class Phase(IntEnum):
    """What a walk is about."""

    LOAD = 0
    """Constants and inputs are put into memory."""
    RUN = 1
    """The machine takes its steps."""
    TELL = 2
    """The claimed answer is compared with the outputs."""
    DONE = 3
    """The answer is right. Nothing comes after it but `FALSE`."""
    FALSE = 4
    """The answer, or the number of steps, is wrong."""


class State(msgspec.Struct, frozen=True, array_like=True):
    """A walk between two steps.

    Attributes:
        phase: A value of `Phase`.
        index: Steps taken in this phase.
        pc: What the machine does next; 0 outside of `RUN`.
        flag: Its flag; 0 outside of `RUN`.
        memory: Root of the tree of its cells; zeros in `DONE` and `FALSE`.
    """

    phase: Annotated[int, Meta(ge=0, le=4)]
    index: U64
    pc: U64
    flag: Annotated[int, Meta(ge=0, le=1)]
    memory: Hash32

    @property
    def digest(self) -> bytes:
        """Names the state; 32 bytes."""
        return digest(_STATE_DOMAIN, self)


class Leaf(msgspec.Struct, frozen=True, array_like=True):
    """Four cells, and why they are where they are.

    Attributes:
        index: Which leaf.
        data: The cells.
        path: The siblings, from the leaf upwards.
    """

    index: Annotated[int, Meta(ge=0, lt=1 << DEPTH)]
    data: Annotated[bytes, Meta(min_length=LEAF_BYTES, max_length=LEAF_BYTES)]
    path: Annotated[tuple[Hash32, ...], Meta(min_length=DEPTH, max_length=DEPTH)]


class Shown(msgspec.Struct, frozen=True, array_like=True):
    """What it takes to see a step: the state before it, and the cells that it touches.

    Attributes:
        state: Before the step.
        leaves: Where the cells are.
    """

    state: State
    leaves: Annotated[tuple[Leaf, ...], Meta(max_length=LEAVES_MAX)]


def join(left: bytes, right: bytes) -> bytes:
    """Hash two nodes of the tree."""
    return hashlib.sha256(left + right).digest()


def _zeros() -> Iterator[bytes]:
    node = hashlib.sha256(bytes(LEAF_BYTES)).digest()
    for _ in range(DEPTH + 1):
        yield node
        node = join(node, node)


ZEROS: Final = tuple(_zeros())
"""Roots of trees of zeros, by their height."""

START: Final = State(Phase.LOAD, 0, 0, 0, ZEROS[DEPTH])
DONE: Final = State(Phase.DONE, 0, 0, 0, bytes(32))
FALSE: Final = State(Phase.FALSE, 0, 0, 0, bytes(32))


class Cells:
    """The cells that are shown of a memory, which can be read and written.

    Args:
        root: Of the tree.
        leaves: Of it.

    Raises:
        WalkError: A leaf is not under the root.
    """

    def __init__(self, root: bytes, leaves: Iterable[Leaf]) -> None:
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._leaves: dict[int, bytearray] = {}
        self._root = root
        for leaf in leaves:
            self._add(leaf)

    def __getitem__(self, address: int) -> int:
        data, at = self._find(address)
        return int.from_bytes(data[at : at + CELL_BYTES], "little")

    def __setitem__(self, address: int, value: int) -> None:
        data, at = self._find(address)
        data[at : at + CELL_BYTES] = value.to_bytes(CELL_BYTES, "little")

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        level = {index: hashlib.sha256(data).digest() for index, data in self._leaves.items()}
        for height in range(DEPTH):
            self._nodes.update(((height, index), node) for index, node in level.items())
            level = {
                index // 2: join(
                    self._nodes[height, index & ~1], self._nodes[height, index | 1]
                )
                for index in level
            }  # fmt: skip
        return level.get(0, self._root)

    def _add(self, leaf: Leaf) -> None:
        node, index = hashlib.sha256(leaf.data).digest(), leaf.index
        for height, sibling in enumerate(leaf.path):
            self._nodes[height, index] = node
            self._nodes[height, index ^ 1] = sibling
            node = join(sibling, node) if index & 1 else join(node, sibling)
            index //= 2
        if node != self._root:
            raise WalkError(f"leaf {leaf.index} is not under the root of its memory")
        self._leaves[leaf.index] = bytearray(leaf.data)

    def _find(self, address: int) -> tuple[bytearray, int]:
        leaf = self._leaves.get(address // LEAF_CELLS)
        if leaf is None:
            raise WalkError(f"cell {address} is not shown")
        return leaf, address % LEAF_CELLS * CELL_BYTES
