"""Rank-1 constraint systems over the scalar field of BN254.

A circuit is three sparse matrices A, B and C with one row a constraint and one column a wire. A
witness w, one field element a wire, satisfies it when ``(A w) * (B w) = C w`` row by row.

Wires are ordered as circom orders them: the constant one, outputs, public inputs, private inputs,
then everything else. The first three kinds are the statement; a verifier sees their values.
"""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.kernels.field import FR
from numen.proof.bn254 import R
from numen.proof.errors import CircuitError, UnsatisfiedError, WitnessError
from numen.proof.felts import Felts, felts_from_ints, first_not_below, ints_from_felts

DOMAIN_LOG_MAX = 24
"""Binary logarithm of the longest transform, and so of the largest circuit."""

WIRE_COUNT_MAX = 1 << 26
"""Far beyond what one machine can prove."""

Terms = Mapping[int, int]
"""A linear combination: wire to coefficient."""


class Matrix(msgspec.Struct, frozen=True, eq=False):
    """A sparse matrix, row by row.

    Attributes:
        row_starts: Shape ``(rows + 1,)``, int64: where each row begins in the other two, and
            their length at the end.
        wires: Shape ``(n,)``, uint32: the column of each entry.
        coefficients: Shape ``(n, 4)``: the value of each entry, in ``[0, R)``.
    """

    row_starts: NDArray[np.int64]
    wires: NDArray[np.uint32]
    coefficients: Felts

    @property
    def row_count(self) -> int:
        """How many rows."""
        return len(self.row_starts) - 1


class R1CS(msgspec.Struct, frozen=True, eq=False):
    """A constraint system.

    Attributes:
        wire_count: All wires, the constant one included.
        output_count: Wires 1 to this are outputs.
        public_count: So many public inputs follow.
        private_count: So many private inputs follow.
        a: First factor of each constraint.
        b: Second factor.
        c: Product.
        labels: Shape ``(wire_count,)``, uint64: circom's label of each wire.
    """

    wire_count: int
    output_count: int
    public_count: int
    private_count: int
    a: Matrix
    b: Matrix
    c: Matrix
    labels: NDArray[np.uint64]

    @property
    def statement_count(self) -> int:
        """How many wires a verifier sees the values of: outputs and public inputs."""
        return self.output_count + self.public_count

    @property
    def constraint_count(self) -> int:
        """How many rows."""
        return self.a.row_count

    @property
    def matrices(self) -> tuple[Matrix, Matrix, Matrix]:
        """A, B and C."""
        return self.a, self.b, self.c

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[tuple[Terms, Terms, Terms]],
        *,
        wire_count: int,
        output_count: int = 0,
        public_count: int = 0,
        private_count: int = 0,
    ) -> "R1CS":
        """Build from constraints written as mappings of wire to coefficient.

        Args:
            rows: One ``(a, b, c)`` a constraint. Coefficients are any integers.
            wire_count: All wires, the constant one included.
            output_count: Outputs.
            public_count: Public inputs.
            private_count: Private inputs.

        Raises:
            CircuitError: A wire is out of range, or there are fewer wires than named ones.
        """
        columns = list(zip(*rows, strict=True)) or [(), (), ()]
        a, b, c = (_matrix_from_rows(column) for column in columns)
        _check_counts(wire_count, output_count, public_count, private_count)
        labels = np.arange(wire_count, dtype=np.uint64)
        r1cs = cls(wire_count, output_count, public_count, private_count, a, b, c, labels)
        check_circuit(r1cs)
        return r1cs


def _matrix_from_rows(rows: Iterable[Terms]) -> Matrix:
    starts, wires, coefficients = [0], [], []
    for terms in rows:
        for wire in sorted(terms):
            value = terms[wire] % R
            if value:
                wires.append(wire)
                coefficients.append(value)
        starts.append(len(wires))
    if wires and not 0 <= min(wires) <= max(wires) < 1 << 32:
        raise CircuitError("a wire is out of range")
    return Matrix(
        np.array(starts, dtype=np.int64),
        np.array(wires, dtype=np.uint32),
        felts_from_ints(coefficients),
    )


def check_circuit(r1cs: R1CS) -> None:
    """Refuse a circuit that contradicts itself or that BN254 cannot prove.

    Raises:
        CircuitError: With the reason.
    """
    _check_counts(r1cs.wire_count, r1cs.output_count, r1cs.public_count, r1cs.private_count)
    if len(r1cs.labels) != r1cs.wire_count:
        raise CircuitError(f"{len(r1cs.labels)} labels for {r1cs.wire_count} wires")
    for matrix in r1cs.matrices:
        if matrix.row_count != r1cs.constraint_count:
            raise CircuitError("the three matrices have different heights")
        if len(matrix.wires) and int(matrix.wires.max()) >= r1cs.wire_count:
            raise CircuitError(f"wire {int(matrix.wires.max())} of {r1cs.wire_count}")
        if first_not_below(matrix.coefficients, R) is not None:
            raise CircuitError("a coefficient is not below the prime")
    if domain_log(r1cs) > DOMAIN_LOG_MAX:
        raise CircuitError(f"{r1cs.constraint_count} constraints are too many")


def _check_counts(wires: int, outputs: int, public: int, private: int) -> None:
    if not 0 < wires <= WIRE_COUNT_MAX:
        raise CircuitError(f"{wires} wires; there can be 1 to {WIRE_COUNT_MAX}")
    if min(outputs, public, private) < 0:
        raise CircuitError("a count is negative")
    named = 1 + outputs + public + private
    if named > wires:
        raise CircuitError(f"{named} named wires, but {wires} in all")


def domain_log(r1cs: R1CS) -> int:
    """Binary logarithm of the evaluation domain: a row a constraint and a statement wire.

    Circom's tools count the same way: each wire of the statement, the constant one included,
    gets a row of its own in A, so that no two of their polynomials can be confused.
    """
    return (r1cs.constraint_count + r1cs.statement_count).bit_length()


def multiply(matrix: Matrix, vector: Felts) -> Felts:
    """Multiply a matrix by a vector: Montgomery products, summed row by row.

    Args:
        matrix: Its columns are below ``len(vector)``.
        vector: Shape ``(n, 4)``.

    Returns:
        One element a row: plain where of coefficients and vector one is plain and the other in
        Montgomery form.
    """
    return FR.csr_matvec(matrix.row_starts, matrix.wires, matrix.coefficients, vector)


def check_witness(r1cs: R1CS, witness: Felts) -> None:
    """Refuse a witness that does not satisfy the circuit.

    Args:
        r1cs: The circuit.
        witness: Shape ``(wire_count, 4)``.

    Raises:
        UnsatisfiedError: Names the first constraint that does not hold.
        WitnessError: Wrong shape, an element not below the prime, or wire 0 is not one.
    """
    check_witness_form(witness, r1cs.wire_count)
    form = FR.to_montgomery(np.ascontiguousarray(witness))
    a, b, c = (multiply(matrix, form) for matrix in r1cs.matrices)
    fails = (FR.mul(FR.to_montgomery(a), b) != c).any(axis=1)
    if fails.any():
        row = int(np.argmax(fails))
        x, y, z = (ints_from_felts(values[row : row + 1])[0] for values in (a, b, c))
        raise UnsatisfiedError(row, x, y, z)


def check_witness_form(witness: Felts, wire_count: int) -> None:
    """Refuse an array that cannot be a witness for so many wires.

    Raises:
        WitnessError: Wrong shape, an element not below the prime, or wire 0 is not one.
    """
    if witness.dtype != np.uint64 or witness.shape != (wire_count, 4):
        raise WitnessError(
            f"a witness of shape {witness.shape} and type {witness.dtype}, "
            f"where ({wire_count}, 4) and uint64 are needed"
        )
    wire = first_not_below(witness, R)
    if wire is not None:
        raise WitnessError(f"the value of wire {wire} is not below the prime")
    if witness[0].tolist() != [1, 0, 0, 0]:
        raise WitnessError("wire 0 is the constant one, and is something else here")
