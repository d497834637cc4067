"""Precompile 0x100: signatures on the curve P-256 (secp256r1).

Source: EIP-7951; FIPS 186-4, section D.1.2.3, for the curve.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from numen.evm.forks import Fork
from numen.evm.precompiles.contract import Contract

INPUT_BYTES: Final = 160

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the group."""

_TRUE: Final = (1).to_bytes(32, "big")
_CURVE: Final = ec.SECP256R1()
_DIGEST: Final = ec.ECDSA(utils.Prehashed(SHA256()))
_UNCOMPRESSED: Final = b"\4"


def _price(_: bytes, fork: Fork) -> int:
    return fork.gas.p256_verify


def _answer(data: bytes, _: Fork) -> bytes:
    """Check ``digest ‖ r ‖ s ‖ x ‖ y``; nothing is answered to what does not verify."""
    if len(data) != INPUT_BYTES:
        return b""
    r, s = int.from_bytes(data[32:64], "big"), int.from_bytes(data[64:96], "big")
    if not 0 < r < ORDER or not 0 < s < ORDER:
        return b""
    try:
        # Refuses coordinates that are not below the prime, and points off the curve.
        key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, _UNCOMPRESSED + data[96:])
        key.verify(utils.encode_dss_signature(r, s), data[:32], _DIGEST)
    except (ValueError, InvalidSignature):
        return b""
    return _TRUE


CONTRACTS: Final = {0x100: Contract(_price, _answer)}
