"""Signatures as transactions carry them: parity, r and s apart, and s of either half."""

from numen.base.crypto import CURVE_ORDER, BadSignatureError, SigningKey, recover_checked

_PARITY_OFFSET = 27


def recover(digest: bytes, y_parity: int, r: int, s: int) -> bytes:
    """Find the address that signed a digest.

    Args:
        digest: 32 bytes.
        y_parity: 0 or 1.
        r: From 1 to below the order of the curve.
        s: The same; the upper half is for the caller to refuse, where EIP-2 holds.

    Raises:
        BadSignatureError: A number is out of range, or no point has this r.

    Cost: about 50 microseconds.
    """
    if y_parity not in (0, 1) or not 0 < r < CURVE_ORDER or not 0 < s < CURVE_ORDER:
        raise BadSignatureError("a number is out of range")
    return recover_checked(digest, r, s, y_parity)


def sign(digest: bytes, key: SigningKey) -> tuple[int, int, int]:
    """Sign a digest of 32 bytes; gives parity, r and s, with s in the lower half."""
    raw = key.sign(digest)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
    return raw[64] - _PARITY_OFFSET, r, s
