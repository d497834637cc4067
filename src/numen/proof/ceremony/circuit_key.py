"""A circuit's first key, made from powers of tau: where its ceremony begins.

It is the key of `setup`, with gamma and delta one, and equal to snarkjs's to the bit.
"""

from hashlib import blake2b

import numpy as np

from numen.kernels import curve
from numen.proof import felts
from numen.proof.bn254 import G1, G2
from numen.proof.ceremony import ptau
from numen.proof.ceremony.columns import weigh
from numen.proof.ceremony.encoding import whole, whole_of
from numen.proof.ceremony.ptau import Ptau
from numen.proof.ceremony.stream import rows_of
from numen.proof.ceremony.transcript import Transcript, write_transcript
from numen.proof.ceremony.unreduced import difference
from numen.proof.errors import CeremonyError
from numen.proof.keys import ProvingKey
from numen.proof.points import Points
from numen.proof.r1cs import R1CS, check_circuit, domain_log
from numen.proof.setup import in_key_form, with_statement_rows
from numen.proof.verifier import VerifyingKey

_HASHED_POINTS = 1 << 14
"""Points that snarkjs hashes at once."""


def first_key(r1cs: R1CS, file: Ptau) -> ProvingKey:
    """Make the key that a circuit's ceremony begins with. Proofs cannot be checked with it.

    Args:
        r1cs: The circuit.
        file: Prepared powers of tau; who uses the key should have verified them.

    Raises:
        CircuitError: The circuit contradicts itself or is too large.
        CeremonyError: The file is not prepared, or for smaller circuits.
        FormatError: Points that are not in their groups.

    Cost: a multiple of a point for each coefficient but 1 and -1, in each polynomial it is in.
    """
    check_circuit(r1cs)
    log, count = domain_log(r1cs), r1cs.statement_count
    _check_fits(file, log)
    tau_1, alpha, beta = (
        _lagrange(file, number, log) for number in (ptau.TAU_1, ptau.ALPHA_TAU, ptau.BETA_TAU)
    )
    a_matrix = with_statement_rows(r1cs.a, count + 1, 1 << log)
    b_matrix, c_matrix = (with_statement_rows(m, 0, 1 << log) for m in (r1cs.b, r1cs.c))
    wires = r1cs.wire_count
    mixed = weigh(curve.G1, [(a_matrix, beta), (b_matrix, alpha), (c_matrix, tau_1)], wires)
    key = ProvingKey(
        verifying=_verifying_key(file, mixed[: count + 1]),
        beta_1=curve.G1.decode(file.reader.points(ptau.BETA_TAU, curve.G1, 0, 1))[0],
        delta_1=G1.generator,
        wire_count=wires,
        domain_log=log,
        a_matrix=in_key_form(a_matrix),
        b_matrix=in_key_form(b_matrix),
        a=weigh(curve.G1, [(a_matrix, tau_1)], wires),
        b_1=weigh(curve.G1, [(b_matrix, tau_1)], wires),
        b_2=weigh(curve.G2, [(b_matrix, _lagrange(file, ptau.TAU_2, log))], wires),
        c=mixed[count + 1 :],
        h=np.ascontiguousarray(_lagrange(file, ptau.TAU_1, log + 1)[1::2]),
    )
    transcript = Transcript(_circuit_hash(key, file), ())
    return with_ceremony(key, transcript)


def with_ceremony(key: ProvingKey, transcript: Transcript) -> ProvingKey:
    """A key with another transcript."""
    values = {name: getattr(key, name) for name in key.__struct_fields__}
    values["ceremony"] = write_transcript(transcript)
    return ProvingKey(**values)


def _check_fits(file: Ptau, log: int) -> None:
    if log > file.power:
        raise CeremonyError(
            f"the circuit has 2**{log} rows, and these powers of tau serve 2**{file.power}",
            hint="a larger file is needed; there are public ones for up to 2**28",
        )
    if not file.is_prepared:
        raise CeremonyError(
            "these powers of tau are not prepared for circuits",
            hint="run `numen ceremony prepare` first",
        )


def _lagrange(file: Ptau, number: int, log: int) -> Points:
    group, size = ptau.GROUP_OF[number], 1 << log
    return file.reader.points(ptau.LAGRANGE_OF[number], group, size - 1, size)


def _verifying_key(file: Ptau, ic: Points) -> VerifyingKey:
    (alpha,) = curve.G1.decode(file.reader.points(ptau.ALPHA_TAU, curve.G1, 0, 1))
    (beta,) = curve.G2.decode(file.reader.points(ptau.BETA_2, curve.G2, 0, 1))
    return VerifyingKey(alpha, beta, G2.generator, G2.generator, tuple(curve.G1.decode(ic)))


def _circuit_hash(key: ProvingKey, file: Ptau) -> bytes:
    vk = key.verifying
    hasher = blake2b(whole_of(curve.G1, vk.alpha, key.beta_1))
    hasher.update(whole_of(curve.G2, vk.beta, vk.gamma))
    hasher.update(whole_of(curve.G1, key.delta_1) + whole_of(curve.G2, vk.delta))
    hasher.update(len(vk.ic).to_bytes(4, "big") + whole_of(curve.G1, *vk.ic))
    size = 1 << key.domain_log
    hasher.update((size - 1).to_bytes(4, "big"))
    for start in range(0, size - 1, _HASHED_POINTS):
        # Of a domain of several pieces, snarkjs hashes one point more than it counted.
        count = min(size - 1, _HASHED_POINTS)
        low, high = (_powers(file, first, count) for first in (start, start + size))
        points = curve.G1.add(high, curve.G1.neg(low))
        if start + size + count > file.count(ptau.TAU_1):
            rows = [felts.ints_from_felts(part[-1].reshape(-1, 4)) for part in (high, low)]
            (x1, y1), (x2, y2) = rows
            last = felts.felts_from_ints(difference((x1, y1), (x2, y2)))
            points[-1] = last.reshape(-1)
        hasher.update(whole(curve.G1, points))
    for group, points in (
        (curve.G1, key.c),
        (curve.G1, key.a),
        (curve.G1, key.b_1),
        (curve.G2, key.b_2),
    ):
        hasher.update(len(points).to_bytes(4, "big") + whole(group, points))
    return hasher.digest()


def _powers(file: Ptau, first: int, count: int) -> Points:
    """Powers of tau in G1, and the bytes behind the last power as one more.

    That is for the hash only: where points are used, they are checked.
    """
    begin, _ = file.reader.place(ptau.TAU_1)
    size = 8 * curve.G1.columns
    return rows_of(curve.G1, file.reader.at(begin + first * size, count * size))
