"""Node keys: Ed25519, by which nodes know each other.

A node's name on the network is its public key. An account (secp256k1, `base/crypto.py`) owns coins;
a node key owns nothing and only speaks. `net/possession.py` shows that one belongs to the other.

Source: RFC 8032.
"""

import secrets
from typing import Annotated, Final, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from numen.base.crypto import BadKeyError, BadSignatureError, keccak256

NODE_ID_BYTES: Final = 32

NodeId = Annotated[bytes, Meta(min_length=NODE_ID_BYTES, max_length=NODE_ID_BYTES)]
"""A node: its Ed25519 public key."""


class NodeKey:
    """An Ed25519 secret that signs and never shows itself.

    Args:
        secret: 32 bytes, any.

    Raises:
        BadKeyError: Another number of bytes.
    """

    __slots__ = ("_key", "id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise BadKeyError
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.id: bytes = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> "NodeKey":
        """Make a new key from the machine's chance."""
        return cls(secrets.token_bytes(32))

    @classmethod
    def from_seed(cls, seed: bytes) -> "NodeKey":
        """Derive a key from a seed of any length: for simulations and tests, which replay."""
        return cls(keccak256(b"numen/node-key/1", seed))

    def sign(self, digest: bytes) -> bytes:
        """Sign a digest of 32 bytes; 64 bytes, the same every time."""
        assert len(digest) == 32, "sign digests, not messages"
        return self._key.sign(digest)

    def private_key(self) -> Ed25519PrivateKey:
        """The key as TLS needs it, for `net/certificate.py`."""
        return self._key

    def __repr__(self) -> str:
        return f"NodeKey(id={self.id.hex()})"

    def __reduce__(self) -> NoReturn:
        msg = "a node key is not written anywhere but in a key store"
        raise TypeError(msg)


def verify_node(node: bytes, digest: bytes, signature: bytes) -> None:
    """Check that a node made a signature.

    Raises:
        BadSignatureError: It did not, or ``node`` is no public key.

    Cost: about 120 microseconds.
    """
    try:
        Ed25519PublicKey.from_public_bytes(node).verify(signature, digest)
    except (InvalidSignature, ValueError) as error:
        raise BadSignatureError("not this node's") from error
