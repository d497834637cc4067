"""The last step: outputs bound, what nobody reads left out, wires in the order of circom."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.ir.types import FIELD_ORDER
from numen.proof import lc, witness
from numen.proof.felts import felts_from_ints
from numen.proof.lc import LC
from numen.proof.r1cs import R1CS, Matrix, check_circuit
from numen.proof.wires import Rows, Wires


class Layout(msgspec.Struct, frozen=True, eq=False):
    """A finished constraint system.

    Attributes:
        r1cs: With its wires in their final order.
        order: The wire of the construction that each final wire is.
        rows: The constraint of the construction that each final row is.
    """

    r1cs: R1CS
    order: list[int]
    rows: list[int]


def lay_out(
    w: Wires, outputs: Sequence[LC], public: Sequence[int], private: Sequence[int]
) -> Layout:
    """Bind the outputs and number the wires.

    An output that is a wire is that wire. One that is a sum with a product that nothing else reads
    takes the place of that product. Neither costs anything; others cost a constraint.

    Args:
        w: The construction; finished.
        outputs: What the output wires are to hold.
        public: Wires of public inputs.
        private: Wires of private inputs.
    """
    names = _output_wires(w, outputs, {0, *public, *private})
    counts = _occurrences(w, outputs)
    unneeded, rewritten_b, rewritten = _settle(w, counts)
    for name, combination in zip(names, outputs, strict=True):
        if name in combination:
            continue
        taken = _replaceable(w, combination, counts)
        if taken is None:
            w.constrain(combination, lc.ONE, {name: 1})
        else:
            row = w.defined[taken]
            rewritten[row] = _replace(w.c.row(row), taken, name, combination)
            counts[taken] = -1
    dead = _dead_rows(w, counts) | unneeded
    rows = [row for row in range(w.constraint_count) if row not in dead]
    keep = np.ones(w.constraint_count, dtype=bool)
    keep[list(dead)] = False
    parts = [
        _entries(w.a, keep, {}),
        _entries(w.b, keep, rewritten_b),
        _entries(w.c, keep, rewritten),
    ]
    order = _order(w, parts, [*names, *public, *private])
    final = np.zeros(len(w.roles), dtype=np.uint32)
    final[order] = np.arange(len(order), dtype=np.uint32)
    a, b, c = (_matrix(part, final, len(rows)) for part in parts)
    labels = np.arange(len(order), dtype=np.uint64)
    r1cs = R1CS(len(order), len(names), len(public), len(private), a, b, c, labels)
    check_circuit(r1cs)
    return Layout(r1cs, order, rows)


def _output_wires(w: Wires, outputs: Sequence[LC], taken: set[int]) -> list[int]:
    """A wire for each output: its own one, if it is a single wire that has no name yet."""
    names = []
    for combination in outputs:
        wire = next(iter(combination), 0)
        if len(combination) > 1 or wire in taken or combination.get(wire) != 1:
            wire = w.hint("output", 1, witness.linear, combination)
        taken.add(wire)
        names.append(wire)
    return names


def _occurrences(w: Wires, outputs: Sequence[LC]) -> Counter[int]:
    """In how many rows and outputs each wire stands."""
    counts: Counter[int] = Counter()
    for rows in (w.a, w.b, w.c):
        counts.update(rows.wires)
    for combination in outputs:
        counts.update(combination.keys())
    return counts


def _settle(w: Wires, counts: Counter[int]) -> tuple[set[int], dict[int, LC], dict[int, LC]]:
    """Put demands in the place of tests that nothing else reads.

    Formula: of ``x * inverse = 1 - out`` and ``x * out = 0``, ``out = 0`` leaves
    ``x * inverse = 1``, and ``out = 1`` leaves ``x * 1 = 0``.

    Returns:
        Rows that are not needed, and rows of B and of C as they are to be.
    """
    unneeded: set[int] = set()
    b: dict[int, LC] = {}
    c: dict[int, LC] = {}
    for wire, answer in w.settled.items():
        row = w.tests[wire]
        if counts[wire] > 2:
            w.place = w.places[row]
            w.constrain(lc.shift({wire: 1}, -answer), lc.ONE, {})
            if not answer:
                w.roles[wire - 1] = "inverse"
        elif answer:
            unneeded.add(row)
            b[row + 1] = lc.ONE
        else:
            unneeded.add(row + 1)
            c[row] = lc.ONE
            w.roles[wire - 1] = "inverse"
    return unneeded, b, c


def _replaceable(w: Wires, combination: LC, counts: Counter[int]) -> int | None:
    """A wire that only its definition and this output mention."""
    for wire in reversed(combination):
        # A coefficient may be a multiple of the order: then the output does not contain the wire.
        if wire in w.defined and counts[wire] == 2 and combination[wire] % FIELD_ORDER:
            if wire not in w.c.row(w.defined[wire]):
                continue  # it is a factor there
            return wire
    return None


def _replace(row: LC, taken: int, name: int, combination: LC) -> LC:
    """Write a row without a wire, which is what the output leaves of its other terms."""
    inverse = pow(combination[taken], -1, FIELD_ORDER)
    share = row[taken] * (inverse if inverse != FIELD_ORDER - 1 else -1)
    total = {wire: k for wire, k in row.items() if wire != taken}
    lc.accumulate(total, {name: 1}, share)
    others = {wire: k for wire, k in combination.items() if wire != taken}
    lc.accumulate(total, others, -share)
    return total


def _dead_rows(w: Wires, counts: Counter[int]) -> set[int]:
    """Definitions of wires that nothing reads, and of wires that only those read."""
    dead: set[int] = set()
    todo = [wire for wire in w.defined if counts[wire] == 1]
    while todo:
        row = w.defined[todo.pop()]
        dead.add(row)
        for rows in (w.a, w.b, w.c):
            for wire in rows.row(row):
                counts[wire] -= 1
                if counts[wire] == 1 and wire in w.defined and w.defined[wire] not in dead:
                    todo.append(wire)
    return dead


_Entries = tuple[NDArray[np.int64], NDArray[np.int64], list[int]]
"""Row and wire of each entry, and its coefficient."""


def _entries(rows: Rows, keep: NDArray[np.bool_], rewritten: dict[int, LC]) -> _Entries:
    """The entries of the rows that stay, numbered anew."""
    lengths = rows.lengths()
    changed = np.zeros(len(keep), dtype=bool)
    changed[list(rewritten)] = True
    number = np.cumsum(keep) - 1
    stays = np.repeat(keep & ~changed, lengths)
    row_of = np.repeat(number, lengths)[stays]
    wires = np.array(rows.wires, dtype=np.int64)[stays]
    chosen = np.flatnonzero(stays).tolist()
    coefficients = [rows.coefficients[index] for index in chosen]
    extra = [
        (int(number[row]), wire, k)
        for row, combination in rewritten.items()
        for wire, k in combination.items()
    ]
    extra_rows = np.array([row for row, _, _ in extra], dtype=np.int64)
    extra_wires = np.array([wire for _, wire, _ in extra], dtype=np.int64)
    return (
        np.concatenate([row_of, extra_rows]),
        np.concatenate([wires, extra_wires]),
        coefficients + [k for _, _, k in extra],
    )


def _order(w: Wires, parts: Sequence[_Entries], named: list[int]) -> list[int]:
    """The one, what has a name, and every other wire that a constraint mentions."""
    used = np.zeros(len(w.roles), dtype=bool)
    for _, wires, _ in parts:
        used[wires] = True
    used[[0, *named]] = False
    return [0, *named, *np.flatnonzero(used).tolist()]


def _matrix(entries: _Entries, final: NDArray[np.uint32], height: int) -> Matrix:
    rows, wires, coefficients = entries
    distinct = list(dict.fromkeys(coefficients))
    reduced = [k % FIELD_ORDER for k in distinct]
    number = {k: index for index, k in enumerate(distinct)}
    chosen = np.fromiter((number[k] for k in coefficients), dtype=np.int64, count=len(coefficients))
    columns = final[wires]
    order = np.lexsort((columns, rows))
    not_zero = np.array([k != 0 for k in reduced], dtype=bool)
    order = order[not_zero[chosen[order]]] if len(order) else order
    starts = np.zeros(height + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows[order], minlength=height), out=starts[1:])
    return Matrix(starts, columns[order], felts_from_ints(reduced)[chosen[order]])
