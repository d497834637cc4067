"""Arrays and memories of a run, as cells of circuit values.

A reference names an object by the function call and the instruction that made it: what the static
slot is on the machine. Objects belong to the path that is being executed; paths that part share
them until one writes.
"""

from typing import TypeAlias

import msgspec

from numen.ir.types import Type, Word
from numen.proof.number import Number, Value, Wide

Slot: TypeAlias = tuple[int, str]
"""Number of the call, and the register that its instruction writes."""


class Ref(msgspec.Struct, frozen=True):
    """A reference to consecutive words of an object, or to the bytes of a memory.

    Attributes:
        slot: The object.
        offset: The first word.
        length: Number of words or bytes.
    """

    slot: Slot
    offset: Value
    length: int


class Piece(msgspec.Struct, frozen=True):
    """A byte of a memory that was stored as part of a word and has not been looked at.

    Attributes:
        value: The word.
        word: Its type.
        index: Which of its bytes, from the lowest.
    """

    value: Number | Wide
    word: Word
    index: int


Cell: TypeAlias = Value | Wide | Piece


class Store:
    """The objects of a path.

    Attributes:
        objects: Cells that are not zero, by slot and index.
        wide: Slots of arrays of words of 256 bits; the same for all paths.
    """

    __slots__ = ("_shared", "objects", "wide")

    def __init__(self) -> None:
        self.objects: dict[Slot, dict[int, Cell]] = {}
        self.wide: set[Slot] = set()
        self._shared: set[Slot] = set()

    def fork(self) -> "Store":
        """The same objects for another path."""
        twin = Store()
        twin.objects = dict(self.objects)
        twin.wide = self.wide
        self._shared = set(self.objects)
        twin._shared = set(self.objects)
        return twin

    def make(self, slot: Slot, cells: dict[int, Cell], of: Type | None = None) -> None:
        """Put an object, in place of the one that the slot held; an array says of which words."""
        if isinstance(of, Word) and of.bits == 256:
            self.wide.add(slot)
        self.objects[slot] = cells
        self._shared.discard(slot)

    def read(self, slot: Slot, index: int) -> Cell:
        """A cell."""
        return self.objects[slot].get(index, 0)

    def write(self, slot: Slot, index: int, cell: Cell) -> None:
        """Change a cell."""
        self.to_write(slot)[index] = cell

    def to_write(self, slot: Slot) -> dict[int, Cell]:
        """The cells of an object that this path alone holds."""
        cells = self.objects[slot]
        if slot in self._shared:
            cells = self.objects[slot] = dict(cells)
            self._shared.discard(slot)
        return cells

    def drop(self, call: int, keep: set[Slot]) -> None:
        """Forget the objects of a call, but for some."""
        gone = [slot for slot in self.objects if slot[0] == call and slot not in keep]
        for slot in gone:
            del self.objects[slot]

    def compare_cost(self, other: "Store") -> int:
        """How many cells a merge with another path looks at, and objects."""
        return len(self.objects) + sum(
            len(cells) + len(other.objects[slot])
            for slot, cells in self.objects.items()
            if slot in other.objects and cells is not other.objects[slot]
        )
