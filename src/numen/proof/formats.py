"""Circom's `.r1cs` and `.wtns` files: a circuit and a witness.

    .r1cs 1:  section 1  header: field, counts of wires, outputs, inputs, labels, constraints
              section 2  constraints: A, B, C of each, as lists of (wire u32, coefficient)
              section 3  the label (u64) of each wire
    .wtns 2:  section 1  header: field, count of wires
              section 2  the value of each wire

Sources: https://github.com/iden3/r1csfile and https://github.com/iden3/snarkjs (wtns_utils).
"""

import numpy as np
from numpy.typing import NDArray

from numen.proof.binfile import Cursor, read_sections, require, write_sections
from numen.proof.bn254 import R
from numen.proof.errors import CircuitError, FormatError, WitnessError
from numen.proof.felts import SIZE_BYTES, Felts, first_not_below
from numen.proof.r1cs import R1CS, Matrix, check_circuit, check_witness_form

_TERM_BYTES = 4 + SIZE_BYTES
_HEADER, _CONSTRAINTS, _LABELS = 1, 2, 3
_CUSTOM_GATES = (4, 5)
_FIELD = SIZE_BYTES.to_bytes(4, "little") + R.to_bytes(SIZE_BYTES, "little")


def read_r1cs(data: bytes) -> R1CS:
    """Read a circuit from the bytes of an `.r1cs` file.

    Raises:
        FormatError: Not a well-formed file, or a circuit that contradicts itself.
    """
    sections = read_sections("r1cs", data, 1)
    for number in _CUSTOM_GATES:
        if number in sections and sections[number].left > 4:
            raise sections[number].wrong("custom gates are not a part of Groth16")
    header, body, map_ = require("r1cs", sections, (_HEADER, _CONSTRAINTS, _LABELS))
    header.prime(R)
    wire_count, output_count, public_count, private_count = (header.unsigned(4) for _ in range(4))
    label_count, constraint_count = header.unsigned(8), header.unsigned(4)
    header.finish()
    if map_.left != 8 * wire_count:
        raise map_.wrong(f"{map_.left} bytes of labels for {wire_count} wires")
    labels = np.frombuffer(map_.take(8 * wire_count), dtype="<u8").astype(np.uint64)
    if label_count < int(labels.max(initial=0)):
        raise header.wrong(f"{label_count} labels, but a wire has label {labels.max()}")
    a, b, c = _read_matrices(body, constraint_count)
    r1cs = R1CS(wire_count, output_count, public_count, private_count, a, b, c, labels)
    try:
        check_circuit(r1cs)
    except CircuitError as error:
        raise FormatError("r1cs", error.reason) from error
    return r1cs


def _read_matrices(body: Cursor, constraint_count: int) -> list[Matrix]:
    if body.left < 12 * constraint_count:
        raise body.wrong(f"{constraint_count} constraints do not fit in {body.left} bytes")
    start = body.offset
    sizes, offsets = _scan(body, 3 * constraint_count)
    body.finish()
    content = np.frombuffer(body.data, dtype=np.uint8, count=body.end - start, offset=start)
    return [_gather(body, content, sizes[k::3], offsets[k::3] - start, start) for k in range(3)]


def _scan(body: Cursor, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find how many terms each linear combination has, and where they begin."""
    sizes, offsets = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    data, offset = body.data, body.offset
    for i in range(count):
        size = int.from_bytes(data[offset : offset + 4], "little")
        sizes[i], offsets[i] = size, offset + 4
        after = offset + 4 + size * _TERM_BYTES
        if after > body.end:
            raise body.wrong(f"{size} terms do not fit in {body.end - offset} bytes", offset)
        offset = after
    body.offset = offset
    return sizes, offsets


def _gather(
    body: Cursor,
    content: NDArray[np.uint8],
    sizes: NDArray[np.int64],
    offsets: NDArray[np.int64],
    start: int,
) -> Matrix:
    """Collect the terms of one matrix, which lie scattered among those of the others."""
    row_starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    within = np.arange(row_starts[-1]) - np.repeat(row_starts[:-1], sizes)
    places = np.repeat(offsets, sizes) + within * _TERM_BYTES
    terms = content[places[:, None] + np.arange(_TERM_BYTES)]
    wires = np.ascontiguousarray(terms[:, :4]).view("<u4").reshape(-1).astype(np.uint32)
    raw = np.ascontiguousarray(terms[:, 4:]).view("<u8").reshape(-1, 4)
    coefficients = raw.astype(np.uint64)
    index = first_not_below(coefficients, R)
    if index is not None:
        at = start + int(places[index]) + 4
        raise body.wrong("a coefficient is not below the prime", at)
    return Matrix(row_starts, wires, coefficients)


def write_r1cs(r1cs: R1CS) -> bytes:
    """Write a circuit as the bytes of an `.r1cs` file, sections in circom's order."""
    counts = r1cs.wire_count, r1cs.output_count, r1cs.public_count, r1cs.private_count
    # Circom counts the labels it gave out, those of wires it removed included.
    label_count = int(r1cs.labels.max(initial=0)) + 1
    header = b"".join(
        [
            _FIELD,
            *(count.to_bytes(4, "little") for count in counts),
            label_count.to_bytes(8, "little"),
            r1cs.constraint_count.to_bytes(4, "little"),
        ]
    )
    labels = r1cs.labels.astype("<u8").tobytes()
    return write_sections(
        "r1cs", 1, [(_CONSTRAINTS, _constraints(r1cs)), (_HEADER, header), (_LABELS, labels)]
    )


def _constraints(r1cs: R1CS) -> bytes:
    terms = [_terms(matrix) for matrix in r1cs.matrices]
    starts = [(matrix.row_starts * _TERM_BYTES).tolist() for matrix in r1cs.matrices]
    parts = []
    for row in range(r1cs.constraint_count):
        for data, where in zip(terms, starts, strict=True):
            begin, end = where[row], where[row + 1]
            parts += [((end - begin) // _TERM_BYTES).to_bytes(4, "little"), data[begin:end]]
    return b"".join(parts)


def _terms(matrix: Matrix) -> bytes:
    """All terms of a matrix, each a wire and a coefficient."""
    count = len(matrix.wires)
    wires = matrix.wires.astype("<u4").view(np.uint8).reshape(count, 4)
    values = matrix.coefficients.astype("<u8").view(np.uint8).reshape(count, SIZE_BYTES)
    return np.concatenate([wires, values], axis=1).tobytes()


def read_wtns(data: bytes) -> Felts:
    """Read a witness from the bytes of a `.wtns` file.

    Returns:
        The value of each wire, shape ``(n, 4)``, canonical; wire 0 is one.

    Raises:
        FormatError: Not a well-formed file.
    """
    header, body = require("wtns", read_sections("wtns", data, 2), (1, 2))
    header.prime(R)
    count = header.unsigned(4)
    header.finish()
    if body.left != count * SIZE_BYTES:
        raise body.wrong(f"{body.left} bytes for {count} wires")
    at = body.offset
    witness = body.felts(count, R)
    if not count or witness[0].tolist() != [1, 0, 0, 0]:
        raise body.wrong("wire 0 is the constant one, and is something else here", at)
    return witness


def write_wtns(witness: Felts) -> bytes:
    """Write a witness as the bytes of a `.wtns` file.

    Raises:
        WitnessError: It is not a witness of any circuit.
    """
    if not len(witness):
        raise WitnessError("a witness without wires")
    check_witness_form(witness, len(witness))
    header = _FIELD + len(witness).to_bytes(4, "little")
    return write_sections("wtns", 2, [(1, header), (2, witness.astype("<u8").tobytes())])
