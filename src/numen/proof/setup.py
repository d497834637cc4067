"""Groth16 setup by a single party, for development and tests.

The setup draws secrets, makes a key from them, and forgets them. Whoever knows them can prove
false statements, so a key for production comes from a ceremony of many parties of whom one is
honest; its `.zkey` file is read by `zkey.read_zkey`. Keys made here say so (`ProvingKey.warning`).
"""

import msgspec
import numpy as np

from numen.base.codec import digest
from numen.kernels import curve, fixed_base
from numen.kernels.field import FR
from numen.proof.bn254 import G1, G2, ROOT, ROOT_LOG, R
from numen.proof.errors import CircuitError
from numen.proof.felts import Felts, felts_from_ints
from numen.proof.keys import ProvingKey
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
    a_matrix = with_statement_rows(r1cs.a, count + 1, 1 << log)
    b_matrix, c_matrix = (with_statement_rows(m, 0, 1 << log) for m in (r1cs.b, r1cs.c))
    rows = lagrange_at(secrets.tau, log)
    u, v, w = (_columns(m, rows, r1cs.wire_count) for m in (a_matrix, b_matrix, c_matrix))
    mixed = FR.add(FR.add(FR.scale(u, secrets.beta), FR.scale(v, secrets.alpha)), w)
    odd = FR.from_montgomery(lagrange_at(secrets.tau, log + 1, odd=True))
    by_gamma, by_delta = pow(secrets.gamma, -1, R), pow(secrets.delta, -1, R)
    return ProvingKey(
        verifying=_verifying_key(secrets, FR.scale(mixed[: count + 1], by_gamma)),
        beta_1=G1.multiply(G1.generator, secrets.beta),
        delta_1=G1.multiply(G1.generator, secrets.delta),
        wire_count=r1cs.wire_count,
        domain_log=log,
        a_matrix=in_key_form(a_matrix),
        b_matrix=in_key_form(b_matrix),
        a=fixed_base.g1(u),
        b_1=fixed_base.g1(v),
        b_2=fixed_base.g2(v),
        c=fixed_base.g1(FR.scale(mixed[count + 1 :], by_delta)),
        h=fixed_base.g1(FR.scale(odd, by_delta)),
    )


def _verifying_key(secrets: Secrets, ic: Felts) -> VerifyingKey:
    return VerifyingKey(
        alpha=G1.multiply(G1.generator, secrets.alpha),
        beta=G2.multiply(G2.generator, secrets.beta),
        gamma=G2.multiply(G2.generator, secrets.gamma),
        delta=G2.multiply(G2.generator, secrets.delta),
        ic=tuple(curve.G1.decode(fixed_base.g1(ic))),
    )


def with_statement_rows(matrix: Matrix, extra: int, height: int) -> Matrix:
    """Add rows ``1 * wire`` for the first wires, then empty ones up to a height."""
    starts = np.full(height + 1, matrix.row_starts[-1] + extra, dtype=np.int64)
    starts[: matrix.row_count] = matrix.row_starts[:-1]
    starts[matrix.row_count : matrix.row_count + extra] = matrix.row_starts[-1] + np.arange(extra)
    wires = np.concatenate([matrix.wires, np.arange(extra, dtype=np.uint32)])
    ones = felts_from_ints([1] * extra)
    return Matrix(starts, wires, np.concatenate([matrix.coefficients, ones]))


def in_key_form(matrix: Matrix) -> Matrix:
    """Multiply the coefficients by ``2**512``."""
    form = FR.to_montgomery(FR.to_montgomery(matrix.coefficients))
    return Matrix(matrix.row_starts, matrix.wires, form)


def lagrange_at(point: int, log: int, *, odd: bool = False) -> Felts:
    """The Lagrange polynomials of a domain, at a point outside of it.

    The i-th is ``(point**n - 1) * root**i / (n * (point - root**i))``.

    Args:
        point: In `[1, R)`.
        log: Binary logarithm of the size n of the domain.
        odd: Whether to give every second only, those of odd i.

    Returns:
        Their Montgomery forms.
    """
    size, root = 1 << log, pow(ROOT, 1 << (ROOT_LOG - log), R)
    vanishing = (pow(point, size, R) - 1) * pow(size, -1, R) % R
    # A point drawn from 2**254 meets one of 2**28 roots of unity with chance 2**-226.
    assert vanishing
    powers = FR.powers(root * root, size >> 1, root) if odd else FR.powers(root, size)
    distances = FR.sub(FR.powers(1, len(powers), point), powers)
    return FR.scale(FR.mul(powers, FR.inverse(distances)), vanishing)


def _columns(matrix: Matrix, rows: Felts, wire_count: int) -> Felts:
    """Weigh each row, given in Montgomery form, and add up the columns; plain."""
    return FR.csr_vecmat(matrix.row_starts, matrix.wires, matrix.coefficients, rows, wire_count)
