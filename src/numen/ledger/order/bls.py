"""BLS signatures on BLS12-381, of which any number over one message become one.

    BlsError    no key, no signature, or one that is not the key's

The scheme is the proof-of-possession one with keys in G1, as Ethereum's validators use it. A key
counts only with a proof that somebody knows its secret: else a key made from those of others could
sign for them. Infinity is nobody's key and nobody's signature, and a point has one encoding.

Source: draft-irtf-cfrg-bls-signature-05; RFC 9380 for the hash.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Annotated, Final, NoReturn, TypeAlias, TypeVar

from msgspec import Meta
from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from numen.ledger.order.sequencer import OrderError

KEY_BYTES: Final = 48
SIGNATURE_BYTES: Final = 96

PublicKey = Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
"""A compressed point of G1."""

BlsSignature = Annotated[bytes, Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]
"""A compressed point of G2."""

KeyPoint: TypeAlias = G1Point
"""A key that was read and checked."""

ORDER: Final = 0x73EDA753_299D7D48_3339D808_09A1D805_53BDA402_FFFE5BFE_FFFFFFFF_00000001
"""Order of the groups."""

_SIGN: Final = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
_PROVE: Final = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
_SALT: Final = b"BLS-SIG-KEYGEN-SALT-"
_SEED_BYTES_MIN: Final = 32

_Point = TypeVar("_Point", G1Point, G2Point)


class BlsError(OrderError):
    """A key or a signature is refused.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class VotingKey:
    """A secret that signs and never shows itself.

    Args:
        seed: At least 32 bytes, as secret as the key shall be.

    Attributes:
        public: What others know it by, 48 bytes.

    Raises:
        BlsError: The seed is too short.

    The library's arithmetic takes a time that depends on the secret: keep a key on a machine where
    no stranger runs.
    """

    __slots__ = ("_secret", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) < _SEED_BYTES_MIN:
            raise BlsError(f"a seed has at least {_SEED_BYTES_MIN} bytes, found {len(seed)}")
        self._secret = Scalar.from_be_bytes(_scalar(seed).to_bytes(32, "big"))
        self.public: bytes = bytes((G1Point() * self._secret).to_compressed_bytes())

    def sign(self, message: bytes) -> bytes:
        """Sign a message; 96 bytes, the same every time."""
        return self._sign(message, _SIGN)

    def prove_possession(self) -> bytes:
        """Prove that the secret is known; 96 bytes."""
        return self._sign(self.public, _PROVE)

    def _sign(self, message: bytes, domain: bytes) -> bytes:
        point = G2Point.hash_to_curve(message, domain) * self._secret
        return bytes(point.to_compressed_bytes())

    def __repr__(self) -> str:
        return f"VotingKey(public=0x{self.public.hex()})"

    def __reduce__(self) -> NoReturn:
        msg = "a voting key is not written anywhere"
        raise TypeError(msg)


def read_key(raw: bytes) -> KeyPoint:
    """Read a public key from anyone, without a proof of possession.

    Raises:
        BlsError: It is no point of the group, infinity, or another encoding of a point.
    """
    return _read(G1Point, raw, KEY_BYTES, "key")


def check_possession(raw: bytes, proof: bytes) -> KeyPoint:
    """Read a public key whose owner proves to know the secret.

    Raises:
        BlsError: It is no key, or the proof is none.
    """
    key = read_key(raw)
    if not _is_signed(key, raw, _PROVE, proof):
        raise BlsError("the proof of possession is not the key's")
    return key


def verify(key: KeyPoint, message: bytes, signature: bytes) -> None:
    """Check that a key, or all keys of a sum, signed a message.

    Raises:
        BlsError: They did not, or the signature is none.

    Cost: two pairings and a hash to the curve, about 2.4 milliseconds.
    """
    if not _is_signed(key, message, _SIGN, signature):
        raise BlsError("the signature is not the key's")


def add_keys(keys: Iterable[KeyPoint]) -> KeyPoint:
    """Add up keys that were proven to be possessed.

    Raises:
        BlsError: There is none, or they cancel each other.
    """
    points = list(keys)
    if not points:
        raise BlsError("no keys to add")
    total = reduce(add, points)
    if total == G1Point.identity():
        raise BlsError("the keys cancel each other")
    return total


def add_signatures(signatures: Sequence[bytes]) -> bytes:
    """Make one signature of several over one message; 96 bytes.

    Raises:
        BlsError: There is none, one of them is no signature, or they cancel each other.
    """
    if not signatures:
        raise BlsError("no signatures to add")
    points = [_read(G2Point, raw, SIGNATURE_BYTES, "signature") for raw in signatures]
    total = reduce(add, points)
    if total == G2Point.identity():
        raise BlsError("the signatures cancel each other")
    return bytes(total.to_compressed_bytes())


def _is_signed(key: KeyPoint, message: bytes, domain: bytes, signature: bytes) -> bool:
    point = _read(G2Point, signature, SIGNATURE_BYTES, "signature")
    hashed = G2Point.hash_to_curve(message, domain)
    return bool(GT.pairing_check([key, -G1Point()], [hashed, point]))


def _read(group: type[_Point], raw: bytes, size: int, what: str) -> _Point:
    if len(raw) != size:
        raise BlsError(f"a {what} has {size} bytes, found {len(raw)}")
    try:
        point = group.from_compressed_bytes(raw)
    except ValueError as error:
        raise BlsError(f"no {what}: not a point of the group") from error
    if point == group.identity():
        raise BlsError(f"no {what}: the point at infinity")
    if bytes(point.to_compressed_bytes()) != raw:
        raise BlsError(f"no {what}: another encoding of a point")
    return point


def _scalar(seed: bytes) -> int:
    """Derive a secret from a seed. Source: the draft, section 2.3, KeyGen."""
    salt, scalar = _SALT, 0
    while scalar == 0:
        salt = hashlib.sha256(salt).digest()
        extracted = hmac.digest(salt, seed + b"\0", hashlib.sha256)
        info = (48).to_bytes(2, "big")
        first = hmac.digest(extracted, info + b"\1", hashlib.sha256)
        second = hmac.digest(extracted, first + info + b"\2", hashlib.sha256)
        scalar = int.from_bytes((first + second)[:48], "big") % ORDER
    return scalar
