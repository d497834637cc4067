"""Snarkjs's `.zkey` files, version 1, for Groth16: a proving key.

    section 1   protocol, 1 for Groth16
    section 2   header: fields, counts, the points alpha, beta, gamma, delta
    section 3   IC, in G1                 section 7   B, in G2
    section 4   entries of A and B        section 8   C, in G1
    section 5   A, in G1                  section 9   H, in G1
    section 6   B, in G1                  section 10  contributions

Points are affine in Montgomery form. Entries of matrices are ``(matrix u32, row u32, wire u32,
value)``, the value times ``2**512``.

Source: https://github.com/iden3/snarkjs (zkey_utils, zkey_new).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from numen.kernels import curve
from numen.proof.binfile import Cursor, read_sections, require, write_sections
from numen.proof.bn254 import Q, R
from numen.proof.ceremony.transcript import take_transcript
from numen.proof.felts import SIZE_BYTES, Felts, first_not_below
from numen.proof.keys import ProvingKey
from numen.proof.points import Points, are_in_g2, first_off_curve
from numen.proof.r1cs import DOMAIN_LOG_MAX, Matrix
from numen.proof.snarkjs import check_verifying_key
from numen.proof.verifier import VerifyingKey

_GROTH16 = 1
_ENTRY = np.dtype([("matrix", "<u4"), ("row", "<u4"), ("wire", "<u4"), ("value", "<u8", (4,))])


def read_zkey(data: bytes) -> ProvingKey:
    """Read a proving key from the bytes of a `.zkey` file.

    Raises:
        FormatError: Not a well-formed file, a count or index that contradicts another, a field
            element that is not canonical, or a point that is not in its group.
    """
    sections = read_sections("zkey", data, 1)
    protocol, header = require("zkey", sections, (1, 2))
    if protocol.unsigned(4) != _GROTH16:
        raise protocol.wrong("not a key for Groth16", protocol.offset - 4)
    protocol.finish()
    header.prime(Q)
    header.prime(R)
    wire_count, statement_count, domain = (header.unsigned(4) for _ in range(3))
    if not statement_count < wire_count:
        raise header.wrong(f"{statement_count} values of a statement, {wire_count} wires")
    if domain.bit_count() != 1 or domain.bit_length() > DOMAIN_LOG_MAX + 1:
        raise header.wrong(f"a domain of {domain} rows")
    alpha, beta_1 = _take_one(header, curve.G1), _take_one(header, curve.G1)
    beta, gamma = _take_one(header, curve.G2), _take_one(header, curve.G2)
    delta_1, delta = _take_one(header, curve.G1), _take_one(header, curve.G2)
    header.finish()
    ic, entries, a, b_1, b_2, c, h, ceremony = require("zkey", sections, range(3, 11))
    ic_points = tuple(curve.G1.decode(_take_points(ic, statement_count + 1, curve.G1)))
    verifying = VerifyingKey(alpha, beta, gamma, delta, ic_points)
    check_verifying_key("zkey", verifying)
    # Points first: they show that the counts of wires and rows are no larger than the file.
    a_points, b_1_points = (_take_points(x, wire_count, curve.G1) for x in (a, b_1))
    b_2_points = _take_points(b_2, wire_count, curve.G2)
    c_points = _take_points(c, wire_count - statement_count - 1, curve.G1)
    h_points = _take_points(h, domain, curve.G1)
    a_matrix, b_matrix = _take_matrices(entries, wire_count, domain)
    return ProvingKey(
        verifying=verifying,
        beta_1=beta_1,
        delta_1=delta_1,
        wire_count=wire_count,
        domain_log=domain.bit_length() - 1,
        a_matrix=a_matrix,
        b_matrix=b_matrix,
        a=a_points,
        b_1=b_1_points,
        b_2=b_2_points,
        c=c_points,
        h=h_points,
        ceremony=_take_ceremony(ceremony),
    )


def _take_points(cursor: Cursor, count: int, group: curve.Group) -> Points:
    """Take a whole section of points."""
    if cursor.left != count * group.columns * 8:
        raise cursor.wrong(f"{cursor.left} bytes for {count} points")
    start, points = cursor.offset, _take_few(cursor, count, group)
    cursor.finish()
    if group is curve.G2 and not are_in_g2(points):
        raise cursor.wrong("a point is on the curve of G2, but not in its subgroup", start)
    return points


def _take_few(cursor: Cursor, count: int, group: curve.Group) -> Points:
    start = cursor.offset
    points = cursor.felts(count * group.columns // 4, Q).reshape(count, group.columns)
    index = first_off_curve(group, points)
    if index is not None:
        raise cursor.wrong("a point is not on the curve", start + 8 * group.columns * index)
    return points


def _take_one(cursor: Cursor, group: curve.Group) -> Any:
    start = cursor.offset
    (point,) = group.decode(_take_few(cursor, 1, group))
    if point is None:
        raise cursor.wrong("a point of the header is infinity", start)
    return point


def _take_matrices(cursor: Cursor, wire_count: int, domain: int) -> tuple[Matrix, Matrix]:
    count, start = cursor.unsigned(4), cursor.offset
    if cursor.left != count * _ENTRY.itemsize:
        raise cursor.wrong(f"{cursor.left} bytes for {count} entries of matrices")
    entries = cursor.records(_ENTRY, count)
    limits = {"matrix": 2, "row": domain, "wire": wire_count}
    for field, limit in limits.items():
        beyond = entries[field] >= limit
        if beyond.any():
            at = start + _ENTRY.itemsize * int(np.argmax(beyond))
            raise cursor.wrong(f"an entry whose {field} is not below {limit}", at)
    values = entries["value"].astype(np.uint64)
    index = first_not_below(values, R)
    if index is not None:
        at = start + _ENTRY.itemsize * index
        raise cursor.wrong("an entry whose value is not below the prime", at)
    a, b = (_select(entries, values, number, domain) for number in range(2))
    return a, b


def _select(entries: NDArray[np.void], values: Felts, number: int, domain: int) -> Matrix:
    """One of the two matrices, its entries sorted by row."""
    (where,) = np.nonzero(entries["matrix"] == number)
    order = where[np.argsort(entries["row"][where], kind="stable")]
    heights = np.bincount(entries["row"][order], minlength=domain)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(heights, dtype=np.int64)])
    return Matrix(starts, entries["wire"][order].astype(np.uint32), values[order])


def _take_ceremony(cursor: Cursor) -> bytes:
    """Check the form of the record of contributions, and keep its bytes."""
    data = cursor.data[cursor.offset : cursor.end]
    take_transcript(cursor)
    return data


def write_zkey(key: ProvingKey) -> bytes:
    """Write a proving key as the bytes of a `.zkey` file, sections in snarkjs's order."""
    vk = key.verifying
    header = b"".join(
        [
            *(SIZE_BYTES.to_bytes(4, "little") + p.to_bytes(SIZE_BYTES, "little") for p in (Q, R)),
            key.wire_count.to_bytes(4, "little"),
            key.statement_count.to_bytes(4, "little"),
            (1 << key.domain_log).to_bytes(4, "little"),
            _bytes(curve.G1.encode([vk.alpha, key.beta_1])),
            _bytes(curve.G2.encode([vk.beta, vk.gamma])),
            _bytes(curve.G1.encode([key.delta_1])),
            _bytes(curve.G2.encode([vk.delta])),
        ]
    )
    sections = [
        (1, _GROTH16.to_bytes(4, "little")),
        (2, header),
        (4, _entries(key)),
        (3, _bytes(curve.G1.encode(vk.ic))),
        (9, _bytes(key.h)),
        (8, _bytes(key.c)),
        (5, _bytes(key.a)),
        (6, _bytes(key.b_1)),
        (7, _bytes(key.b_2)),
        (10, key.ceremony),
    ]
    return write_sections("zkey", 1, sections)


def _bytes(array: NDArray[np.uint64]) -> bytes:
    return array.astype("<u8", copy=False).tobytes()


def _entries(key: ProvingKey) -> bytes:
    """The entries of A and B, row by row, those of A first."""
    parts = []
    for number, matrix in enumerate((key.a_matrix, key.b_matrix)):
        part = np.empty(len(matrix.wires), dtype=_ENTRY)
        part["matrix"] = number
        part["row"] = np.repeat(np.arange(matrix.row_count), np.diff(matrix.row_starts))
        part["wire"] = matrix.wires
        part["value"] = matrix.coefficients
        parts.append(part)
    entries = np.concatenate(parts)
    ordered = entries[np.argsort(entries["row"], kind="stable")]
    return len(entries).to_bytes(4, "little") + ordered.tobytes()
