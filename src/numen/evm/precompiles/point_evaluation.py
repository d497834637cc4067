"""Precompile 10: a committed polynomial has a value at a point.

A KZG commitment to p is ``[p(tau)]G1`` for a tau that nobody knows, and the proof that p(z) = y is
a commitment to ``(p(X) - y) / (X - z)``. What is checked is

    e(commitment - [y]G1, G2) = e(proof, [tau]G2 - [z]G2)

Source: EIP-4844, with the trusted setup of the public ceremony for it (2023).
"""

import hashlib
from typing import Final

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from numen.evm.forks import Fork
from numen.evm.precompiles.contract import Contract

INPUT_BYTES: Final = 192

FIELD_MODULUS: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""Order of the groups of BLS12-381."""

FIELD_ELEMENTS_PER_BLOB: Final = 4096

TAU_G2: Final = bytes.fromhex(
    "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d"
    "2914e5870cb452d2afaaab24f3499f72185cbfee53492714734429b7b38608e2"
    "3926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2"
)
"""``[tau]G2`` of the ceremony, compressed."""

_VERSION: Final = b"\1"
"""First byte of the hash of a KZG commitment."""

_ANSWER: Final = FIELD_ELEMENTS_PER_BLOB.to_bytes(32, "big") + FIELD_MODULUS.to_bytes(32, "big")

_G1: Final = G1Point()
_MINUS_G2: Final = -G2Point()
_TAU_POINT: Final = G2Point.from_compressed_bytes(TAU_G2)


def verify(commitment: bytes, z: int, y: int, proof: bytes) -> bool:
    """Tell whether the polynomial committed to has the value y at z.

    Args:
        commitment: A point of G1, compressed to 48 bytes.
        z: Where it is evaluated, below `FIELD_MODULUS`.
        y: The value claimed, below `FIELD_MODULUS`.
        proof: A point of G1, compressed to 48 bytes.

    Raises:
        ValueError: The commitment or the proof is no point of the subgroup.

    Cost: about two milliseconds.
    """
    shifted = _point(commitment) - _G1 * Scalar(y)
    quotient = _point(proof)
    divisor = _TAU_POINT + _MINUS_G2 * Scalar(z)
    return GT.pairing_check([shifted, quotient], [_MINUS_G2, divisor])


def _point(data: bytes) -> G1Point:
    point = G1Point.from_compressed_bytes(data)
    # The library takes any bytes after the mark of infinity.
    if point.to_compressed_bytes() != data:
        raise ValueError("not the one encoding of a point")
    return point


def _price(_: bytes, fork: Fork) -> int:
    return fork.gas.point_evaluation


def _answer(data: bytes, _: Fork) -> bytes | None:
    """Check ``hash of commitment ‖ z ‖ y ‖ commitment ‖ proof``."""
    if len(data) != INPUT_BYTES:
        return None
    z, y = int.from_bytes(data[32:64], "big"), int.from_bytes(data[64:96], "big")
    commitment, proof = data[96:144], data[144:]
    if data[:32] != _VERSION + hashlib.sha256(commitment).digest()[1:]:
        return None
    if max(z, y) >= FIELD_MODULUS:
        return None
    try:
        return _ANSWER if verify(commitment, z, y, proof) else None
    except ValueError:
        return None


CONTRACTS: Final = {10: Contract(_price, _answer)}
