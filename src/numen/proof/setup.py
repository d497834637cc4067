"""Groth16 setup by a single party, for development and tests.

The setup draws secrets, makes a key from them, and forgets them. Whoever knows them can prove
false statements, so a key for production comes from a ceremony of many parties of whom one is
honest; its `.zkey` file is read by `zkey.read_zkey`. Keys made here say so (`ProvingKey.warning`).
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from numen.base.codec import digest
from numen.proof import bulk
from numen.proof.bn254 import G1, G2, ROOT, ROOT_LOG, R
from numen.proof.errors import CircuitError
from numen.proof.felts import felts_from_ints, ints_from_felts
from numen.proof.keys import ProvingKey
from numen.proof.points import unpack_g1
from numen.proof.r1cs import R1CS, Matrix, check_circuit, domain_log
from numen.proof.verifier import VerifyingKey

ENTROPY_MIN_BYTES = 32
"""What a caller must bring of unguessable bytes, at least."""


class Secrets(msgspec.Struct, frozen=True):
    """What the party of a setup must forget. All are drawn from `[1, R)`."""

    tau: int
    alpha: int
    beta: int
    gamma: int
    delta: int


def draw(label: str, entropy: bytes) -> int:
    """Derive a scalar of `[1, R)` from entropy, so that each label has its own.

    Its distance from uniform is below ``2**-250``: 512 bits are reduced to 254.
    """
    halves = (digest(f"numen/groth16/{label}/{half}/1", entropy) for half in ("low", "high"))
    return int.from_bytes(b"".join(halves), "big") % (R - 1) + 1


def draw_secrets(entropy: bytes) -> Secrets:
    """Derive the secrets of a setup.

    Raises:
        CircuitError: Fewer than `ENTROPY_MIN_BYTES` bytes.
    """
    if len(entropy) < ENTROPY_MIN_BYTES:
        raise CircuitError(f"a setup needs {ENTROPY_MIN_BYTES} bytes of entropy at least")
    return Secrets(*(draw(f"setup/{name}", entropy) for name in Secrets.__struct_fields__))


def setup(r1cs: R1CS, *, entropy: bytes) -> ProvingKey:
    """Make a proving key, and in it a verifying key, for a circuit.

    **Unsafe for production**: whoever knows the entropy can prove false statements.

    Args:
        r1cs: The circuit.
        entropy: At least 32 bytes from the operating system's generator, used for nothing else
            and kept nowhere. The same entropy gives the same key.

    Raises:
        CircuitError: The circuit contradicts itself or is too large; too little entropy.
    """
    check_circuit(r1cs)
    secrets = draw_secrets(entropy)
    log, count = domain_log(r1cs), r1cs.statement_count
    a_matrix = _with_statement_rows(r1cs.a, count, 1 << log)
    b_matrix = _with_statement_rows(r1cs.b, -1, 1 << log)
    rows = lagrange_at(secrets.tau, log)
    u, v, w = (_columns(m, rows, r1cs.wire_count) for m in (a_matrix, b_matrix, r1cs.c))
    mixed = [
        (secrets.beta * x + secrets.alpha * y + z) % R for x, y, z in zip(u, v, w, strict=True)
    ]
    by_gamma, by_delta = pow(secrets.gamma, -1, R), pow(secrets.delta, -1, R)
    odd = lagrange_at(secrets.tau, log + 1)[1::2]
    return ProvingKey(
        verifying=_verifying_key(secrets, [x * by_gamma % R for x in mixed[: count + 1]]),
        beta_1=G1.multiply(G1.generator, secrets.beta),
        delta_1=G1.multiply(G1.generator, secrets.delta),
        wire_count=r1cs.wire_count,
        domain_log=log,
        a_matrix=a_matrix,
        b_matrix=b_matrix,
        a=bulk.g1_multiples(u),
        b_1=bulk.g1_multiples(v),
        b_2=bulk.g2_multiples(v),
        c=bulk.g1_multiples([x * by_delta % R for x in mixed[count + 1 :]]),
        h=bulk.g1_multiples([x * by_delta % R for x in odd]),
    )


def _verifying_key(secrets: Secrets, ic: Sequence[int]) -> VerifyingKey:
    return VerifyingKey(
        alpha=G1.multiply(G1.generator, secrets.alpha),
        beta=G2.multiply(G2.generator, secrets.beta),
        gamma=G2.multiply(G2.generator, secrets.gamma),
        delta=G2.multiply(G2.generator, secrets.delta),
        ic=tuple(unpack_g1(bulk.g1_multiples(ic))),
    )


def _with_statement_rows(matrix: Matrix, last: int, height: int) -> Matrix:
    """Add a row ``1 * wire`` for each wire up to the last, and empty rows up to a height."""
    extra = last + 1
    starts = np.full(height + 1, matrix.row_starts[-1] + extra, dtype=np.int64)
    starts[: matrix.row_count] = matrix.row_starts[:-1]
    starts[matrix.row_count : matrix.row_count + extra] = matrix.row_starts[-1] + np.arange(extra)
    wires = np.concatenate([matrix.wires, np.arange(extra, dtype=np.uint32)])
    ones = felts_from_ints([1] * extra)
    return Matrix(starts, wires, np.concatenate([matrix.coefficients, ones]))


def lagrange_at(point: int, log: int) -> list[int]:
    """The Lagrange polynomials of a domain, at a point outside of it.

    The i-th is ``(point**n - 1) * root**i / (n * (point - root**i))``.

    Args:
        point: In `[1, R)`.
        log: Binary logarithm of the size n of the domain.
    """
    size, root = 1 << log, pow(ROOT, 1 << (ROOT_LOG - log), R)
    vanishing = (pow(point, size, R) - 1) * pow(size, -1, R) % R
    # A point drawn from 2**254 meets one of 2**28 roots of unity with chance 2**-226.
    assert vanishing
    powers, power, product, products = [], 1, 1, []
    for _ in range(size):
        powers.append(power)
        products.append(product)
        product = product * (point - power) % R
        power = power * root % R
    inverse, values = pow(product, -1, R), []
    for power, before in zip(reversed(powers), reversed(products), strict=True):
        values.append(vanishing * power % R * (inverse * before % R) % R)
        inverse = inverse * (point - power) % R
    return values[::-1]


def _columns(matrix: Matrix, rows: list[int], wire_count: int) -> list[int]:
    """Weigh each row, and add up the columns."""
    totals = [0] * wire_count
    coefficients, wires = ints_from_felts(matrix.coefficients), matrix.wires.tolist()
    heights = np.repeat(np.arange(matrix.row_count), np.diff(matrix.row_starts)).tolist()
    for wire, row, value in zip(wires, heights, coefficients, strict=True):
        totals[wire] += value * rows[row]
    return [total % R for total in totals]
