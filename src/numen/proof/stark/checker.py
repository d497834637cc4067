"""The debug checker: does a trace satisfy its machine, and if not, where?

It reads the constraints over the rows themselves and counts messages one by one, so that it needs
no commitment, no challenge and no luck. Nothing that it accepts is proven; what it refuses cannot
be proven.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.proof.stark.air import Chip, Machine, Op, operands
from numen.proof.stark.errors import BusError, ConstraintError, TraceError
from numen.proof.stark.evaluate import Algebra, Row, evaluate
from numen.proof.stark.field import Felts, P
from numen.proof.stark.statement import PublicMessage, check_statement, check_table

Rows = NDArray[np.int64]
"""One value a row, in ``[0, P)``."""

_CHUNK = 1 << 13
"""Rows that are evaluated at once, which bounds memory."""

_PLACES_MAX = 8
"""Senders and receivers that an error names."""

_PUBLIC = -1

_ROWS: Algebra[Rows] = Algebra(
    const=lambda value: np.array([value], dtype=np.int64),
    add=lambda a, b: (a + b) % P,
    subtract=lambda a, b: (a - b) % P,
    multiply=lambda a, b: a * b % P,
    negate=lambda a: -a % P,
)


class _Sent(msgspec.Struct, frozen=True):
    """What one interaction of one chip says in some rows, where it says anything."""

    chip: int
    rows: Rows
    values: Rows
    times: Rows


def check(
    machine: Machine,
    traces: Mapping[str, Felts],
    preprocessed: Mapping[str, Felts],
    publics: Sequence[int] = (),
    messages: Sequence[PublicMessage] = (),
) -> None:
    """Check that tables satisfy every constraint, and that every message balances.

    Args:
        machine: What to check against.
        traces: By chip, ``(rows, width)`` elements; a chip without rows may be missing.
        preprocessed: By chip, for those that have preprocessed columns.
        publics: The machine's public values.
        messages: What the statement sends and receives.

    Raises:
        StatementError: The public values or messages do not fit the machine.
        ConstraintError: A constraint fails; the first in order of chips and rows.
        BusError: A message is not received as often as it is sent.
        TraceError: A table has not the shape of its chip.

    Cost: two passes over the tables in numpy, and a sort of all messages.
    """
    check_statement(machine, publics, messages)
    unknown = sorted((traces.keys() | preprocessed.keys()) - {c.name for c in machine.chips})
    if unknown:
        raise TraceError(unknown[0], "the machine has no such chip")
    sent: dict[str, list[_Sent]] = {name: [] for name in machine.buses}
    for number, chip in enumerate(machine.chips):
        main, fixed = tables_of(chip, traces, preprocessed)
        for start in range(0, len(main), _CHUNK):
            values = _evaluate(chip, main, fixed, machine.publics_of(chip, publics), start)
            _check_constraints(chip, main, fixed, values, start)
            for bus, said in _said(chip, number, values, start):
                sent[bus].append(said)
    for message in messages:
        content, times = np.array([message.values]), np.array([message.multiplicity % P])
        sent[message.bus].append(_Sent(_PUBLIC, np.array([-1]), content, times))
    _check_buses(machine, sent)


def tables_of(
    chip: Chip, traces: Mapping[str, Felts], preprocessed: Mapping[str, Felts]
) -> tuple[Felts, Felts]:
    """The two tables of a chip, of one height, which is 0 where it is absent.

    Raises:
        TraceError: They are not of the shape of the chip.
    """
    main = traces.get(chip.name, np.zeros((0, chip.width), dtype=np.uint32))
    check_table(chip, main, chip.width, "the trace")
    width = len(chip.preprocessed)
    fixed = preprocessed.get(chip.name, np.zeros((0, width), dtype=np.uint32))
    check_table(chip, fixed, width, "the preprocessed trace")
    if width and len(main) != len(fixed):
        raise TraceError(chip.name, f"{len(main)} rows, but {len(fixed)} of preprocessed columns")
    return main, fixed


def _evaluate(
    chip: Chip, main: Felts, fixed: Felts, publics: Sequence[int], start: int
) -> list[Rows]:
    """Evaluate every node in a chunk of rows."""
    rows = len(main)
    at = np.arange(start, min(start + _CHUNK, rows))
    following = (at + 1) % rows

    def window(table: Felts) -> tuple[list[Rows], list[Rows]]:
        if not table.shape[1]:
            return [], []
        here, there = table[at].astype(np.int64), table[following].astype(np.int64)
        return list(here.T), list(there.T)

    last = (at == rows - 1).astype(np.int64)
    row = Row(
        main=window(main),
        preprocessed=window(fixed),
        publics=[_ROWS.const(value) for value in publics],
        first=(at == 0).astype(np.int64),
        last=last,
        transition=1 - last,
    )
    return [np.broadcast_to(v, at.shape) for v in evaluate(chip, row, _ROWS)]


def _check_constraints(
    chip: Chip, main: Felts, fixed: Felts, values: list[Rows], start: int
) -> None:
    failing = [
        (int(np.argmax(values[c.node] != 0)), place)
        for place, c in enumerate(chip.constraints)
        if values[c.node].any()
    ]
    if not failing:
        return
    row, place = min(failing)
    constraint = chip.constraints[place]
    cells = dict(_cells(chip, main, fixed, constraint.node, start + row))
    value = int(values[constraint.node][row])
    raise ConstraintError(chip.name, start + row, constraint.name, value, cells)


def _cells(chip: Chip, main: Felts, fixed: Felts, root: int, row: int) -> Iterator[tuple[str, int]]:
    """Name the cells that an expression reads, in the order of the columns."""
    seen, todo = {root}, [root]
    while todo:
        for operand in operands(chip.nodes[todo.pop()]):
            if operand not in seen:
                seen.add(operand)
                todo.append(operand)
    for index in sorted(seen):
        node = chip.nodes[index]
        if node.op not in (Op.MAIN, Op.PREPROCESSED):
            continue
        table = main if node.op is Op.MAIN else fixed
        name = chip.columns[node.a].name if node.op is Op.MAIN else chip.preprocessed[node.a]
        yield f"{name}.next" if node.b else name, int(table[(row + node.b) % len(table), node.a])


def _said(chip: Chip, number: int, values: list[Rows], start: int) -> Iterator[tuple[str, _Sent]]:
    """What each interaction says in a chunk of rows."""
    for interaction in chip.interactions:
        times = values[interaction.multiplicity]
        rows = np.flatnonzero(times)
        if len(rows):
            message = np.stack([values[node][rows] for node in interaction.values], axis=1)
            signed = times[rows] * interaction.sign % P
            yield interaction.bus, _Sent(number, rows + start, message, signed)


def _check_buses(machine: Machine, sent: dict[str, list[_Sent]]) -> None:
    found: list[tuple[str, tuple[int, ...], int, tuple[tuple[str, int, int], ...]]] = []
    total = 0
    for bus, parts in sent.items():
        if not parts:
            continue
        values = np.concatenate([part.values for part in parts])
        times = np.concatenate([part.times for part in parts])
        distinct, which = np.unique(values, axis=0, return_inverse=True)
        which = which.reshape(-1)
        # Sums of 2**31 summands below 2**31 would fit; there are never as many messages.
        sums = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(sums, which, times)
        wrong = np.flatnonzero(sums % P)
        total += len(wrong)
        if len(wrong) and not found:
            first = int(which[np.argmax(np.isin(which, wrong))])
            places = tuple(_places(machine, parts, np.flatnonzero(which == first)))
            message = tuple(distinct[first].tolist())
            found.append((bus, message, _signed(int(sums[first])), places))
    if found:
        raise BusError(*found[0], total)


def _places(
    machine: Machine, parts: list[_Sent], indices: NDArray[np.intp]
) -> Iterator[tuple[str, int, int]]:
    """Say who sends or receives the messages of some indices."""
    starts = np.cumsum([0, *(len(part.rows) for part in parts)])
    if len(indices) > _PLACES_MAX:
        indices = np.concatenate([indices[: _PLACES_MAX // 2], indices[-_PLACES_MAX // 2 :]])
    for index in indices.tolist():
        part = int(np.searchsorted(starts, index, side="right")) - 1
        said, row = parts[part], index - int(starts[part])
        chip = "public" if said.chip == _PUBLIC else machine.chips[said.chip].name
        yield chip, int(said.rows[row]), _signed(int(said.times[row]))


def _signed(times: int) -> int:
    times %= P
    return times - P if times > P // 2 else times
