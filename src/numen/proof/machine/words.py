"""Inputs and outputs of a program as cells, and back."""

from collections.abc import Iterable, Sequence

from numen.proof.machine.isa import CELL_MASK
from numen.proof.machine.lower import Lowered, Slot
from numen.proof.machine.values import cell_count, cells_of, join


def split_inputs(
    lowered: Lowered, args: Sequence[int | list[int]]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Public and private inputs, one integer a cell, of one argument for each leaf."""
    public: list[int] = []
    private: list[int] = []
    for slot, arg in zip(lowered.inputs, args, strict=True):
        (private if slot.is_private else public).extend(_cells(slot, arg))
    return tuple(public), tuple(private)


def join_outputs(lowered: Lowered, cells: Iterable[int]) -> tuple[int | list[int], ...]:
    """One integer, or list of integers, for each leaf of the result."""
    return _join(lowered.outputs, cells)


def join_public(lowered: Lowered, cells: Iterable[int]) -> tuple[int | list[int], ...]:
    """One integer, or list of integers, for each leaf of the public inputs."""
    return _join(tuple(slot for slot in lowered.inputs if not slot.is_private), cells)


def are_words(slots: Iterable[Slot], cells: Iterable[int]) -> bool:
    """Whether cells hold words of the types of the slots: in range, and in the only way."""
    given = iter(cells)
    for slot in slots:
        size = cell_count(slot.word)
        for _ in range(slot.count or 1):
            word = [next(given, -1) for _ in range(size)]
            if (
                not all(0 <= cell <= CELL_MASK for cell in word)
                or join(word, slot.word) not in slot.word
            ):
                return False
    return next(given, None) is None


def _cells(slot: Slot, arg: int | list[int]) -> list[int]:
    values = [arg] if isinstance(arg, int) else arg
    assert len(values) == (slot.count or 1)
    size = cell_count(slot.word)
    return [cell for value in values for cell in cells_of(value, size)]


def _join(slots: tuple[Slot, ...], cells: Iterable[int]) -> tuple[int | list[int], ...]:
    given = iter(cells)
    out: list[int | list[int]] = []
    for slot in slots:
        size = cell_count(slot.word)
        values = [
            join([next(given) for _ in range(size)], slot.word) for _ in range(slot.count or 1)
        ]
        out.append(values[0] if slot.count is None else values)
    return tuple(out)
