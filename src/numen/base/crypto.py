"""Keccak-256 and secp256k1 signatures: the one hash and the one signature of Numen.

    CryptoError
    ├── BadKeyError             a secret that is no secp256k1 scalar
    └── BadSignatureError       malformed, malleable, or made by somebody else

Signatures are 65 bytes, ``r ‖ s ‖ v`` with v 27 or 28, as Ethereum's contracts recover them.
"""

import hashlib
import hmac
from typing import Annotated, NoReturn

import coincurve
import sha3
from msgspec import Meta

from numen.base.errors import NumenError

Address = Annotated[bytes, Meta(min_length=20, max_length=20)]
"""An account: the last 20 bytes of keccak256 of its public key."""

Hash32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""A digest of 32 bytes."""

Signature = Annotated[bytes, Meta(min_length=65, max_length=65)]
"""``r ‖ s ‖ v``, 32 + 32 + 1 bytes, big-endian, s in the lower half, v 27 or 28."""

CURVE_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Order of the secp256k1 group. Source: SEC 2, section 2.4.1."""

HALF_ORDER = CURVE_ORDER // 2
"""The highest s of a signature that has no second form (EIP-2)."""

_ZERO, _HALF, _ORDER = (number.to_bytes(32, "big") for number in (0, HALF_ORDER, CURVE_ORDER))
"""As bytes of one length, which compare as the numbers do."""

_PARITY_OFFSET = 27


class CryptoError(NumenError):
    """Root of what keys and signatures from outside can be wrong about."""


class BadKeyError(CryptoError):
    """The secret is not 32 bytes that encode a scalar in ``[1, CURVE_ORDER)``."""

    def __init__(self) -> None:
        super().__init__("a secret key is 32 bytes between 1 and the order of secp256k1")


class BadSignatureError(CryptoError):
    """A signature is refused.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"bad signature: {reason}")
        self.reason = reason


def keccak256(*parts: bytes) -> bytes:
    """Hash the concatenation of the parts with Ethereum's Keccak-256; 32 bytes.

    Two splits of the same bytes hash alike. What needs a domain goes through
    `numen.base.codec.digest`.
    """
    return bytes(sha3.keccak_256(b"".join(parts)).digest())


def hmac_sha256(secret: bytes, message: bytes) -> bytes:
    """Authenticate a message with a shared secret; 32 bytes. Source: RFC 2104."""
    return hmac.digest(secret, message, hashlib.sha256)


class SigningKey:
    """A secp256k1 secret that signs and never shows itself.

    Args:
        secret: 32 bytes, big-endian, in ``[1, CURVE_ORDER)``.

    Raises:
        BadKeyError: The secret is out of range.
    """

    __slots__ = ("_key", "address")

    def __init__(self, secret: bytes) -> None:
        scalar = int.from_bytes(secret, "big")
        if len(secret) != 32 or not 0 < scalar < CURVE_ORDER:
            raise BadKeyError
        self._key = coincurve.PrivateKey(secret)
        self.address: bytes = address_of(self._key.public_key.format(compressed=False))

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """Derive a key from a seed of any length, the same key every time.

        For simulations and tests, where a seed has to replay; it is as strong as the seed.
        """
        counter = 0
        while True:
            secret = keccak256(b"numen/key/1", counter.to_bytes(4, "big"), seed)
            # Fewer than one digest in 2**127 falls outside the group.
            if 0 < int.from_bytes(secret, "big") < CURVE_ORDER:
                return cls(secret)
            counter += 1

    def sign(self, digest: bytes) -> bytes:
        """Sign a digest of 32 bytes; the same digest always gives the same signature.

        Deterministic (RFC 6979) and low-s, so that a signer has exactly one honest signature
        for each message and none to choose from.
        """
        assert len(digest) == 32, "sign digests, not messages"
        raw = self._key.sign_recoverable(digest, hasher=None)
        return bytes(raw[:64]) + bytes([raw[64] + _PARITY_OFFSET])

    def __repr__(self) -> str:
        return f"SigningKey(address=0x{self.address.hex()})"

    def __reduce__(self) -> NoReturn:
        msg = "a signing key is not written anywhere"
        raise TypeError(msg)


def address_of(public_key: bytes) -> bytes:
    """Give the address of an uncompressed public key (65 bytes, leading 4)."""
    assert len(public_key) == 65
    assert public_key[0] == 4
    return keccak256(public_key[1:])[12:]


def recover(digest: bytes, signature: bytes) -> bytes:
    """Find the address that signed a digest.

    Args:
        digest: 32 bytes.
        signature: ``r ‖ s ‖ v``.

    Returns:
        The signer's address. Any well-formed signature recovers to some address: compare it.

    Raises:
        BadSignatureError: Wrong length, r or s out of range, s in the upper half (a second form of
            somebody's signature), v not 27 or 28, or no such point.

    Cost: about 45 microseconds.
    """
    if len(digest) != 32:
        raise BadSignatureError("the digest is not 32 bytes")
    if len(signature) != 65:
        raise BadSignatureError(f"{len(signature)} bytes instead of 65")
    r, s, v = signature[:32], signature[32:64], signature[64]
    if not _ZERO < r < _ORDER:
        raise BadSignatureError("r is out of range")
    if not _ZERO < s < _ORDER:
        raise BadSignatureError("s is out of range")
    if s > _HALF:
        raise BadSignatureError("s is in the upper half (malleable)")
    if v not in (27, 28):
        raise BadSignatureError("v is neither 27 nor 28")
    return _recover(digest, b"%b%c" % (signature[:64], v - _PARITY_OFFSET))


def recover_checked(digest: bytes, r: int, s: int, y_parity: int) -> bytes:
    """Find the address that signed a digest, where all numbers are known to be in range.

    Args:
        digest: 32 bytes.
        r: From 1 to below `CURVE_ORDER`.
        s: The same, of either half.
        y_parity: 0 or 1, of the point that r comes from.

    Raises:
        BadSignatureError: No point has this r.
    """
    raw = b"%b%b%c" % (r.to_bytes(32, "big"), s.to_bytes(32, "big"), y_parity)
    return _recover(digest, raw)


def _recover(digest: bytes, raw: bytes) -> bytes:
    try:
        key = coincurve.PublicKey.from_signature_and_message(raw, digest, hasher=None)
    except Exception as error:  # coincurve raises bare Exception when no point has this r
        raise BadSignatureError("no public key fits") from error
    return address_of(key.format(compressed=False))


def verify_signer(signer: bytes, digest: bytes, signature: bytes) -> None:
    """Check that ``signer`` made the signature.

    Raises:
        BadSignatureError: It is malformed, or another account made it.
    """
    found = recover(digest, signature)
    if found != signer:
        raise BadSignatureError(f"made by 0x{found.hex()}, not by 0x{signer.hex()}")
