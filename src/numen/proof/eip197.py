"""Proofs and verifying keys in the bytes of EIP-197, as contracts take them.

A coordinate is 32 big-endian bytes; an element of Fq2 is its second coefficient, then its first;
infinity is zeros. A proof is A, B, C in 256 bytes.
"""

from numen.base.codec import digest
from numen.proof.bn254 import G1Point, G2Point, Q
from numen.proof.errors import FormatError
from numen.proof.verifier import Proof, VerifyingKey

PROOF_BYTES = 256
"""Size of a proof."""


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
    values = [int.from_bytes(data[i : i + 32], "big") for i in range(0, PROOF_BYTES, 32)]
    for index, value in enumerate(values):
        if value >= Q:
            raise FormatError("proof", "a coordinate is not below the prime", 32 * index)
    ax, ay, bx1, bx0, by1, by0, cx, cy = values
    return Proof(
        (ax, ay) if ax or ay else None,
        ((bx0, bx1), (by0, by1)) if any(values[2:6]) else None,
        (cx, cy) if cx or cy else None,
    )


def key_digest(key: VerifyingKey) -> bytes:
    """Name a verifying key by the hash of its points; 32 bytes."""
    twisted = b"".join(map(encode_g2, (key.beta, key.gamma, key.delta)))
    ic = b"".join(map(encode_g1, key.ic))
    return digest("numen/groth16/key/1", encode_g1(key.alpha) + twisted + ic)
