"""Envelopes: bytes for one reader, sealed under a key agreed on with X25519.

    sender's key of this envelope ‖ ChaCha20-Poly1305(content)                  32 + … + 16

The sender makes a key pair for each envelope, so its nonce is used once. Who sealed it is not said:
that is for whoever signs what is around it.

Source: RFC 7748, RFC 5869, RFC 8439.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from numen.ledger.sealed.errors import UnsealError

KEY_BYTES = 32

_NONCE = bytes(12)


def public_key(secret: bytes) -> bytes:
    """The reader's public key; 32 bytes."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def enclose(content: bytes, reader: bytes, about: bytes, fresh: bytes) -> bytes:
    """Seal bytes for a reader.

    Args:
        content: What is sealed.
        reader: Its public key.
        about: What the reader must know to open it.
        fresh: 32 bytes of randomness, not used for anything else.

    Raises:
        UnsealError: The reader's key is none.
    """
    ours = X25519PrivateKey.from_private_bytes(fresh)
    sender = ours.public_key().public_bytes_raw()
    key = _agreed(ours, reader, sender, reader)
    return sender + ChaCha20Poly1305(key).encrypt(_NONCE, content, about)


def disclose(envelope: bytes, secret: bytes, about: bytes) -> bytes:
    """Open an envelope, from anyone.

    Args:
        envelope: The bytes.
        secret: The reader's secret key.
        about: As it was sealed.

    Raises:
        UnsealError: It is for another reader or about something else, or was altered.
    """
    ours = X25519PrivateKey.from_private_bytes(secret)
    sender, sealed = envelope[:KEY_BYTES], envelope[KEY_BYTES:]
    key = _agreed(ours, sender, sender, ours.public_key().public_bytes_raw())
    try:
        return ChaCha20Poly1305(key).decrypt(_NONCE, sealed, about)
    except InvalidTag as error:
        raise UnsealError("the envelope is for another reader, or was altered") from error


def _agreed(ours: X25519PrivateKey, theirs: bytes, sender: bytes, reader: bytes) -> bytes:
    try:
        agreed = ours.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError as error:
        raise UnsealError(f"a public key is none: {error}") from error
    info = b"numen/sealed/envelope/1" + sender + reader
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(agreed)
