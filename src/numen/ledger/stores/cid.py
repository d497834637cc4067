"""Content identifiers, version 1: what bytes are called, wherever they lie.

Those of IPFS with SHA-256, in base32: ``b`` and the lower-case letters of ``1 ‖ codec ‖ 0x12 ‖ 32 ‖
digest``. The codec says how the bytes are read: as they are, or as a node that links to others.

Source: multiformats' CID specification; RFC 4648, section 6.
"""

import base64
import hashlib
import re
from typing import Final

import msgspec

from numen.ledger.stores.errors import CidError, TamperedError

RAW: Final = 0x55
"""The bytes are what they are."""

DAG_PB: Final = 0x70
"""The bytes are a node with links; see `numen.ledger.stores.unixfs`."""

CID_BYTES: Final = 36

_MULTIHASH: Final = bytes((0x12, 32))
_TEXT: Final = re.compile("b[a-z2-7]{58}")


class Cid(msgspec.Struct, frozen=True, order=True):
    """The name of some bytes.

    Attributes:
        codec: `RAW` or `DAG_PB`.
        digest: SHA-256 of the bytes.
    """

    codec: int
    digest: bytes

    def __bytes__(self) -> bytes:
        return bytes((1, self.codec)) + _MULTIHASH + self.digest

    def __str__(self) -> str:
        return "b" + base64.b32encode(bytes(self)).decode("ascii").rstrip("=").lower()


def name(codec: int, data: bytes) -> Cid:
    """Name some bytes."""
    return Cid(codec, hashlib.sha256(data).digest())


def check(cid: Cid, data: bytes) -> bytes:
    """See that bytes are those that are named; give them.

    Raises:
        TamperedError: They are not.
    """
    if hashlib.sha256(data).digest() != cid.digest:
        raise TamperedError(str(cid))
    return data


def decode(raw: bytes) -> Cid:
    """Read a name from bytes.

    Raises:
        CidError: It is none of version 1 with SHA-256 and a codec that is read here.
    """
    if len(raw) != CID_BYTES or raw[0] != 1:
        raise CidError(f"{len(raw)} bytes that are no CIDv1 with SHA-256")
    if raw[1] not in {RAW, DAG_PB} or raw[2:4] != _MULTIHASH:
        raise CidError("neither raw bytes nor dag-pb, or another hash than SHA-256")
    return Cid(raw[1], raw[4:])


def parse(text: str) -> Cid:
    """Read a name from text.

    Raises:
        CidError: It is none, or not in its one spelling in base32.
    """
    if not _TEXT.fullmatch(text):
        raise CidError(f"{text[:80]!r} is no CIDv1 in base32")
    cid = decode(base64.b32decode(text[1:].upper() + "=" * 6))
    if str(cid) != text:
        raise CidError(f"{text!r} has bits set after its end")
    return cid
