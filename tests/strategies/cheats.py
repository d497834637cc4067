"""Provers that cheat: they go past the checks of a plan, and change what they like."""

from numen.ir.interface import Leaf
from numen.ir.types import FIELD_ORDER
from numen.proof import witness
from numen.proof.circuit import Circuit, wire_values
from numen.proof.errors import UnsatisfiedError
from numen.proof.felts import felts_from_ints, ints_from_felts
from numen.proof.r1cs import check_witness

CHECKS = frozenset({witness.check_range, witness.check_truth, witness.check_unit})


class Rows:
    """A constraint system that is asked one wire at a time."""

    def __init__(self, circuit: Circuit) -> None:
        self.of: dict[int, list[tuple[int, int, int]]] = {}
        for which, matrix in enumerate(circuit.r1cs.matrices):
            coefficients = ints_from_felts(matrix.coefficients)
            starts = matrix.row_starts.tolist()
            wires = matrix.wires.tolist()
            for row in range(matrix.row_count):
                for at in range(starts[row], starts[row + 1]):
                    self.of.setdefault(wires[at], []).append((which, row, coefficients[at]))
        self.height = circuit.constraint_count

    def sums(self, values: list[int]) -> list[list[int]]:
        sums = [[0] * self.height for _ in range(3)]
        for wire, entries in self.of.items():
            for which, row, k in entries:
                sums[which][row] += k * values[wire]
        return sums

    def reject(self, sums: list[list[int]], wire: int, delta: int) -> bool:
        """Whether adding to one wire breaks a constraint."""
        changed: dict[int, list[int]] = {}
        for which, row, k in self.of.get(wire, ()):
            changed.setdefault(row, [sums[i][row] for i in range(3)])[which] += k * delta
        return any((a * b - c) % FIELD_ORDER for a, b, c in changed.values())


def inputs_of(circuit: Circuit) -> range:
    r1cs = circuit.r1cs
    return range(1 + r1cs.output_count, 1 + r1cs.statement_count + r1cs.private_count)


def holds(circuit: Circuit, values: list[int]) -> bool:
    try:
        check_witness(circuit.r1cs, felts_from_ints(values))
    except UnsatisfiedError:
        return False
    return True


def input_values(leaves: tuple[Leaf, ...], args: list[int | list[int]]) -> list[int]:
    return [
        value
        for leaf, arg in zip(leaves, args, strict=True)
        for word in ([arg] if isinstance(arg, int) else arg)
        for value in wire_values(leaf.word, word)
    ]


def follow(circuit: Circuit, args: list[int | list[int]], lie_at: int, delta: int) -> list[int]:
    """Follow the plan as a cheat does: past every check, with one value of one hint changed."""
    values = [0] * len(circuit.wires.roles)
    values[0] = 1
    given = input_values(circuit.inputs, args)
    for wire, value in zip(circuit.input_wires, given, strict=True):
        values[circuit.order[wire]] = value
    for index, (hint, first, rest) in enumerate(circuit.wires.plan):
        if hint in CHECKS:
            continue
        try:
            hint(values, first, rest)
        except (ValueError, ZeroDivisionError):
            values[first] = 0  # no inverse: the cheat makes something up
        if index == lie_at:
            values[first] = (values[first] + delta) % FIELD_ORDER
    return [values[inner] for inner in circuit.order]
