"""Proofs and verifying keys in the bytes of EIP-197, as contracts take them.

A coordinate is 32 big-endian bytes; an element of Fq2 is its second coefficient, then its first;
infinity is zeros. A proof is A, B, C in 256 bytes.
"""

from numen.base.codec import digest
from numen.proof.bn254 import G1, G2, G1Point, G2Point, Q, is_in_g2
from numen.proof.errors import FormatError
from numen.proof.verifier import Proof, VerifyingKey

PROOF_BYTES = 256
"""Size of a proof."""

_G1_BYTES = 64
_KEY_HEAD_BYTES = 64 + 3 * 128


def encode_g1(point: G1Point) -> bytes:
    """Write a point; 64 bytes."""
    return b"".join(c.to_bytes(32, "big") for c in point or (0, 0))


def encode_g2(point: G2Point) -> bytes:
    """Write a point; 128 bytes."""
    pairs = point or ((0, 0), (0, 0))
    return b"".join(c.to_bytes(32, "big") for pair in pairs for c in reversed(pair))


def encode_proof(proof: Proof) -> bytes:
    """Write a proof; 256 bytes."""
    return encode_g1(proof.a) + encode_g2(proof.b) + encode_g1(proof.c)


def decode_proof(data: bytes) -> Proof:
    """Read a proof.

    Raises:
        FormatError: Another size, or a coordinate not below the prime. Whether the points lie
            on their curves is for `verify` to say.
    """
    if len(data) != PROOF_BYTES:
        raise FormatError("proof", f"{len(data)} bytes, not {PROOF_BYTES}")
    values = _coordinates("proof", data)
    return Proof(_g1(values[:2]), _g2(values[2:6]), _g1(values[6:]))


def encode_key(key: VerifyingKey) -> bytes:
    """Write a verifying key: alpha, beta, gamma, delta, then the points of the statement."""
    twisted = b"".join(map(encode_g2, (key.beta, key.gamma, key.delta)))
    return encode_g1(key.alpha) + twisted + b"".join(map(encode_g1, key.ic))


def decode_key(data: bytes) -> VerifyingKey:
    """Read a verifying key from anyone; what it is worth depends on the setup that it is from.

    Raises:
        FormatError: Another size, a coordinate not below the prime, or a point off its group.
    """
    size, rest = _KEY_HEAD_BYTES, len(data) - _KEY_HEAD_BYTES
    if rest <= 0 or rest % _G1_BYTES:
        raise FormatError("verifying key", f"{len(data)} bytes")
    values = _coordinates("verifying key", data)
    alpha = _g1(values[:2])
    beta, gamma, delta = (_g2(values[at : at + 4]) for at in (2, 6, 10))
    ic = tuple(_g1(values[at : at + 2]) for at in range(size // 32, len(values), 2))
    for point in (alpha, *ic):
        if not G1.contains(point):
            raise FormatError("verifying key", "a point is not of the curve")
    for twist in (beta, gamma, delta):
        if not G2.contains(twist) or not is_in_g2(twist):
            raise FormatError("verifying key", "a point is not of the subgroup of prime order")
    return VerifyingKey(alpha, beta, gamma, delta, ic)


def key_digest(key: VerifyingKey) -> bytes:
    """Name a verifying key by the hash of its points; 32 bytes."""
    return digest("numen/groth16/key/1", encode_key(key))


def _coordinates(what: str, data: bytes) -> list[int]:
    values = [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]
    for index, value in enumerate(values):
        if value >= Q:
            raise FormatError(what, "a coordinate is not below the prime", 32 * index)
    return values


def _g1(values: list[int]) -> G1Point:
    x, y = values
    return (x, y) if x or y else None


def _g2(values: list[int]) -> G2Point:
    x1, x0, y1, y0 = values
    return ((x0, x1), (y0, y1)) if any(values) else None
