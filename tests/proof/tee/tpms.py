"""A TPM of our own, as far as its quotes go: the structures, and a key on P-256."""

import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from numen.proof.quote import Quote

KEY = ec.derive_private_key(0x7E57, ec.SECP256R1())
ATTRIBUTES = 0x50072  # fixed, restricted, signing


def public(attributes: int = ATTRIBUTES, scheme: int = 0x0018) -> bytes:
    numbers = KEY.public_key().public_numbers()
    head = struct.pack(">HHIH", 0x0023, 0x000B, attributes, 0)
    kinds = struct.pack(">HHHHH", 0x0010, scheme, 0x000B, 0x0003, 0x0010)
    return head + kinds + b"".join(_sized(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))


def attest(
    report: bytes, digest: bytes, *, register: int = 13, magic: int = 0xFF544347, kind: int = 0x8018
) -> bytes:
    selection = (1 << register).to_bytes(3, "little")
    return b"".join((
        struct.pack(">IH", magic, kind), _sized(b"\0\x0b" + bytes(32)), _sized(report),
        bytes(25), struct.pack(">IHB", 1, 0x000B, 3), selection, _sized(digest),
    ))  # fmt: skip


def quote(document: bytes, key: bytes | None = None) -> Quote:
    r, s = utils.decode_dss_signature(KEY.sign(document, ec.ECDSA(hashes.SHA256())))
    raw = struct.pack(">HH", 0x0018, 0x000B) + b"".join(
        _sized(n.to_bytes(32, "big")) for n in (r, s)
    )
    return Quote("tpm", document, (raw, public() if key is None else key))


def _sized(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data
