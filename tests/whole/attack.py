"""A prover that cheats: what of a witness can be changed without breaking a constraint."""

from numen.ir.types import FIELD_ORDER
from numen.proof.circuit import Circuit
from numen.proof.felts import ints_from_felts

Row = dict[int, int]
"""A linear equation over changes of wires, by wire; it sums to zero."""


def loose_wires(circuit: Circuit, values: list[int]) -> list[str]:
    """Names of the wires that can move together from a witness while the inputs stay.

    Changes small enough keep the constraints just where they solve the constraints' derivative,
    ``(A d) * (B z) + (A z) * (B d) = C d``. Every wire that some solution moves is loose; wires
    that move only together with others are found as well as lone ones. What this cannot see is a
    second witness far from the first.
    """
    free = {free.wire for free in circuit.free_wires() if free.wire > circuit.r1cs.output_count}
    fixed = set(_inputs(circuit)) | {0} | free
    rows = _derivative(circuit, values, fixed)
    fixed |= _propagate(rows)
    rest = [{w: k for w, k in row.items() if w not in fixed} for row in rows]
    moved = _eliminate([row for row in rest if row])
    pinned = fixed | moved
    return [circuit.name(wire) for wire in range(circuit.r1cs.wire_count) if wire not in pinned]


def _inputs(circuit: Circuit) -> range:
    r1cs = circuit.r1cs
    return range(1 + r1cs.output_count, 1 + r1cs.statement_count + r1cs.private_count)


def table(circuit: Circuit) -> list[tuple[Row, Row, Row]]:
    """The rows of the three matrices."""
    rows: list[tuple[Row, Row, Row]] = [({}, {}, {}) for _ in range(circuit.constraint_count)]
    for which, matrix in enumerate(circuit.r1cs.matrices):
        coefficients = ints_from_felts(matrix.coefficients)
        starts, wires = matrix.row_starts.tolist(), matrix.wires.tolist()
        for index, row in enumerate(rows):
            for at in range(starts[index], starts[index + 1]):
                row[which][wires[at]] = coefficients[at]
    return rows


def _derivative(circuit: Circuit, values: list[int], fixed: set[int]) -> list[Row]:
    found = []
    for a, b, c in table(circuit):
        x = sum(k * values[w] for w, k in a.items())
        y = sum(k * values[w] for w, k in b.items())
        row: Row = {}
        for part, factor in ((a, y), (b, x), (c, -1)):
            for wire, k in part.items():
                if wire not in fixed:
                    row[wire] = (row.get(wire, 0) + k * factor) % FIELD_ORDER
        found.append({wire: k for wire, k in row.items() if k})
    return found


def _propagate(rows: list[Row]) -> set[int]:
    """Wires that stand alone in a row once those that are pinned are taken away."""
    where: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        for wire in row:
            where.setdefault(wire, []).append(index)
    left = [set(row) for row in rows]
    todo = [index for index, row in enumerate(left) if len(row) == 1]
    pinned: set[int] = set()
    while todo:
        row = left[todo.pop()]
        if len(row) != 1:
            continue
        (wire,) = row
        pinned.add(wire)
        for index in where[wire]:
            left[index].discard(wire)
            if len(left[index]) == 1:
                todo.append(index)
    return pinned


def _eliminate(rows: list[Row]) -> set[int]:
    """Wires that every solution of the equations leaves as they are."""
    pivots: dict[int, Row] = {}
    for given in rows:
        row = dict(given)
        for wire, other in pivots.items():
            if wire in row:
                _subtract(row, other, row[wire])
        if not row:
            continue
        pivot = next(iter(row))
        inverse = pow(row[pivot], -1, FIELD_ORDER)
        row = {wire: k * inverse % FIELD_ORDER for wire, k in row.items()}
        for other in pivots.values():
            if pivot in other:
                _subtract(other, row, other[pivot])
        pivots[pivot] = row
    return {wire for wire, row in pivots.items() if len(row) == 1}


def _subtract(row: Row, other: Row, factor: int) -> None:
    for wire, k in other.items():
        left = (row.get(wire, 0) - k * factor) % FIELD_ORDER
        if left:
            row[wire] = left
        else:
            row.pop(wire, None)
