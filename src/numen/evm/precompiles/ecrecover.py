"""Precompile 1: the account that signed a digest with secp256k1.

Source: yellow paper, appendices E.1 and F.
"""

from typing import Final

import coincurve

from numen.base.crypto import CURVE_ORDER, address_of
from numen.evm.forks import Fork
from numen.evm.precompiles.contract import Contract, padded

_FIRST_V: Final = 27


def recover(digest: bytes, signature: bytes, parity: int) -> bytes | None:
    """Find the address that signed a digest.

    Unlike `numen.base.crypto.recover`, this takes a signature whose s lies in the upper half of
    the order: the precompile does, and so did transactions before EIP-2.

    Args:
        digest: 32 bytes.
        signature: ``r ‖ s``, 64 bytes.
        parity: Whether the y of the signature's point is odd, 0 or 1.

    Returns:
        20 bytes, or None where r or s is out of range, or no point has this r.

    Cost: about 60 microseconds.
    """
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not 0 < r < CURVE_ORDER or not 0 < s < CURVE_ORDER:
        return None
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            signature + bytes((parity,)), digest, hasher=None
        )
    except Exception:  # coincurve raises bare Exception when no point has this r
        return None
    return address_of(key.format(compressed=False))


def _price(_: bytes, fork: Fork) -> int:
    return fork.gas.ecrecover


def _answer(data: bytes, _: Fork) -> bytes:
    """Recover from ``digest ‖ v ‖ r ‖ s``; nothing is answered to what is no signature."""
    data = padded(data, 0, 128)
    parity = int.from_bytes(data[32:64], "big") - _FIRST_V
    signer = recover(data[:32], data[64:], parity) if parity in (0, 1) else None
    return bytes(12) + signer if signer else b""


CONTRACTS: Final = {1: Contract(_price, _answer)}
