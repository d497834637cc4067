"""Groth16 proving: from a key and a witness to three points.

With u, v, w the polynomials of the wires at the secret tau, and z the witness:

    A = alpha + sum(z u) + r delta            in G1
    B = beta + sum(z v) + s delta             in G2, and in G1 for C
    C = (sum over wires not of the statement of z (beta u + alpha v + w) + h) / delta
        + s A + r B - r s delta               in G1

The quotient h is ``sum(z u) * sum(z v) - sum(z w)``. That polynomial is zero on the domain, so
its values on the odd points of the doubled domain determine it, and the key has the Lagrange
polynomials of these points.
"""

from typing import Any

import numpy as np

from numen.base.codec import digest
from numen.kernels import curve, msm, ntt
from numen.kernels.field import FR
from numen.proof.bn254 import R
from numen.proof.errors import KeyMismatchError, ProofRejectedError, WitnessError, WrongKeyError
from numen.proof.felts import Felts, felts_from_ints, ints_from_felts
from numen.proof.keys import ProvingKey
from numen.proof.native_verifier import verify_natively
from numen.proof.points import Points
from numen.proof.r1cs import R1CS, check_witness, check_witness_form, domain_log, multiply
from numen.proof.setup import ENTROPY_MIN_BYTES, draw
from numen.proof.verifier import Proof


def statement_of(key: ProvingKey, witness: Felts) -> list[int]:
    """The values of a witness that a verifier sees, in order."""
    return ints_from_felts(witness[1 : key.statement_count + 1])


def prove(key: ProvingKey, witness: Felts, *, entropy: bytes, r1cs: R1CS | None = None) -> Proof:
    """Prove that a witness exists for the statement that it makes.

    Args:
        key: The circuit's key.
        witness: Value of each wire, shape ``(wire_count, 4)``.
        entropy: At least 32 bytes from the operating system's generator; they hide the witness.
        r1cs: The circuit. When given, a witness that fails is refused with the row that fails.
            A key holds too little of the circuit to say which.

    Returns:
        A proof that has been verified.

    Raises:
        WitnessError: The witness has not the form of one; too little entropy.
        UnsatisfiedError: The statement is false; names the first constraint that fails.
        KeyMismatchError: Key, circuit and witness are not of the same shape.
        ProofRejectedError: Without ``r1cs``: the statement is false, or the key damaged.
        WrongKeyError: With ``r1cs``: the key is of another circuit, or damaged.
    """
    if len(entropy) < ENTROPY_MIN_BYTES:
        raise WitnessError(f"a proof needs {ENTROPY_MIN_BYTES} bytes of entropy at least")
    if len(witness) != key.wire_count:
        raise KeyMismatchError("wires", key.wire_count, len(witness))
    check_witness_form(witness, key.wire_count)
    if r1cs is not None:
        _check_same_shape(key, r1cs)
        check_witness(r1cs, witness)
    proof = _prove(key, witness, *blinding(witness, entropy))
    try:
        verify_natively(key.verifying, proof, statement_of(key, witness))
    except ProofRejectedError:
        if r1cs is None:
            raise
        raise WrongKeyError from None
    return proof


def blinding(witness: Felts, entropy: bytes) -> tuple[int, int]:
    """Draw the scalars r and s that hide a witness in its proof.

    They depend on the witness, so that entropy used twice does not blind two witnesses alike.
    """
    committed = digest("numen/groth16/witness/1", witness.astype("<u8", copy=False).tobytes())
    seed = digest("numen/groth16/blinding/1", entropy + committed)
    return draw("prove/r", seed), draw("prove/s", seed)


def _prove(key: ProvingKey, witness: Felts, r: int, s: int) -> Proof:
    vk, h = key.verifying, _quotient(key, witness)
    a = _total(curve.G1, msm.g1(key.a, witness), (vk.alpha, 1), (key.delta_1, r))
    b = _total(curve.G2, msm.g2(key.b_2, witness), (vk.beta, 1), (vk.delta, s))
    b_1 = _total(curve.G1, msm.g1(key.b_1, witness), (key.beta_1, 1), (key.delta_1, s))
    own = msm.g1(key.c, witness[key.statement_count + 1 :])
    c = curve.G1.add(own, msm.g1(key.h, h))
    return Proof(a, b, _total(curve.G1, c, (a, s), (b_1, r), (key.delta_1, -r * s % R)))


def _total(group: curve.Group, row: Points, *terms: tuple[Any, int]) -> Any:
    """A point, and some multiples of others."""
    points, scalars = zip(*terms, strict=True)
    rows = np.concatenate([row, group.encode(points)])
    total = (msm.g1 if group is curve.G1 else msm.g2)(rows, felts_from_ints([1, *scalars]))
    return group.decode(total)[0]


def _quotient(key: ProvingKey, witness: Felts) -> Felts:
    """Values of ``A * B - C`` on the odd points, where ``C = A * B`` on the domain itself."""
    a, b = (multiply(matrix, witness) for matrix in (key.a_matrix, key.b_matrix))
    x, y, z = (_on_odd_points(values) for values in (a, b, FR.mul(a, b)))
    return FR.from_montgomery(FR.sub(FR.mul(x, y), z))


def _on_odd_points(values: Felts) -> Felts:
    """From values on the domain to values on the odd points of the doubled domain."""
    return ntt.forward(ntt.inverse(values), shift=ntt.root(2 * len(values)))


def _check_same_shape(key: ProvingKey, r1cs: R1CS) -> None:
    for what, ours, theirs in (
        ("wires", key.wire_count, r1cs.wire_count),
        ("values of the statement", key.statement_count, r1cs.statement_count),
        ("rows", 1 << key.domain_log, 1 << domain_log(r1cs)),
    ):
        if ours != theirs:
            raise KeyMismatchError(what, ours, theirs)
