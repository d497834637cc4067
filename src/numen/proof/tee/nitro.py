"""AWS Nitro Enclaves: attestation documents, signed by the hypervisor's security module.

The document is a COSE_Sign1 structure of CBOR and carries its certificates; no endorsements go
with it. What was launched is PCR0 to PCR4 and PCR8: image, kernel, application, role and instance
of the parent, and who signed the image. The enclave reports 32 bytes as its user data. A document
whose PCR0 is zero comes from an enclave in debug mode.

AWS keeps the firmware and publishes no rating of it.
Source: AWS, "Nitro Enclaves NSM API", attestation_process.md; RFC 9052, section 4.4.
"""

from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, utils

from numen.proof.quote import Launch, Quote, Quoted, Register, Tcb, Trust
from numen.proof.tee import cbor
from numen.proof.tee.certificates import (
    CHAIN_MAX,
    Certificate,
    follow,
    load_key,
    read_certificate,
    verify,
)
from numen.proof.tee.errors import ExpiredQuoteError, ForgedQuoteError, MalformedQuoteError

ROOTS: Final = frozenset(
    {bytes.fromhex("641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b")}
)
"""SHA-256 of AWS's root certificate for enclaves."""

LAUNCH_PCRS: Final = (0, 1, 2, 3, 4, 8)

_ES384: Final = b"\xa1\x01\x38\x22"
"""The protected header: algorithm -35."""

_ALGORITHM = bytes.fromhex("300a06082a8648ce3d040303")
_SIGNATURE_BYTES, _PCR_BYTES = 96, 48
_FIELDS: Final = frozenset(
    ("module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key",
     "user_data", "nonce")
)  # fmt: skip


def examine(quote: Quote, trust: Trust, at: int) -> Quoted:
    """Check a document, and say what is in it.

    Args:
        quote: Bytes from anywhere.
        trust: The trusted roots.
        at: The reader's time, in seconds since 1970, UTC.

    Raises:
        TeeError: The document is malformed, or no trusted root stands behind it at that time.
    """
    if quote.endorsements:
        raise MalformedQuoteError("Nitro quote", "endorsements, where none are needed")
    payload, signature = _unwrap(quote.document)
    found = _read(payload)
    chain = _chain(found)
    # The cheap check first: whose key it is comes after.
    _check_signature(payload, signature, chain[0])
    root = follow(chain, roots=trust.roots, at=at)
    if found["timestamp"] >= (at + 1) * 1000:
        raise ExpiredQuoteError("the document", "is from the future")
    pcrs = found["pcrs"]
    is_open = not any(pcrs[0])
    return Quoted(
        Launch("nitro", tuple(Register(f"pcr{i}", pcrs[i]) for i in LAUNCH_PCRS)),
        found["user_data"] or b"",
        Tcb.UNRATED,
        root,
        "the enclave is in debug mode: PCR0 is zero" if is_open else "",
    )


def _unwrap(document: bytes) -> tuple[bytes, bytes]:
    parts = cbor.loads(document)
    if not isinstance(parts, list) or len(parts) != 4 or parts[:2] != [_ES384, {}]:
        raise MalformedQuoteError("Nitro document", "not a COSE_Sign1 by ES384")
    payload, signature = parts[2:]
    if not isinstance(payload, bytes) or not isinstance(signature, bytes):
        raise MalformedQuoteError("Nitro document", "payload or signature is missing")
    if len(signature) != _SIGNATURE_BYTES:
        raise MalformedQuoteError("Nitro document", f"a signature of {len(signature)} bytes")
    return payload, signature


def _read(payload: bytes) -> dict[str, Any]:
    found = cbor.loads(payload)
    if not isinstance(found, dict) or found.keys() != _FIELDS:
        raise MalformedQuoteError("Nitro document", "its fields are others")
    pcrs, bundle, data = found["pcrs"], found["cabundle"], found["user_data"]
    if found["digest"] != "SHA384" or not isinstance(found["timestamp"], int):
        raise MalformedQuoteError("Nitro document", "its digest or time is another")
    if not isinstance(pcrs, dict) or not all(
        isinstance(pcrs.get(i), bytes) and len(pcrs[i]) == _PCR_BYTES for i in LAUNCH_PCRS
    ):
        raise MalformedQuoteError("Nitro document", "a register is missing")
    if not isinstance(bundle, list) or not all(
        isinstance(raw, bytes) for raw in (*bundle, found["certificate"])
    ):
        raise MalformedQuoteError("Nitro document", "a certificate is missing")
    if data is not None and not isinstance(data, bytes):
        raise MalformedQuoteError("Nitro document", "its user data is no bytes")
    return found


def _chain(found: dict[str, Any]) -> list[Certificate]:
    bundle = found["cabundle"]
    if not 1 <= len(bundle) < CHAIN_MAX:
        raise MalformedQuoteError("Nitro document", f"a bundle of {len(bundle)} certificates")
    # The bundle begins with the root.
    return [read_certificate(raw) for raw in (found["certificate"], *reversed(bundle))]


def _check_signature(payload: bytes, signature: bytes, signer: Certificate) -> None:
    key = load_key(signer.key)
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp384r1":
        raise ForgedQuoteError("the module's key is not on P-384")
    half = _SIGNATURE_BYTES // 2
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    verify(
        signer.key, _ALGORITHM, signed(payload), utils.encode_dss_signature(r, s), "the document"
    )


def signed(payload: bytes) -> bytes:
    """Give what the signature of a payload is of: COSE's Sig_structure."""
    parts = (
        cbor.text_string("Signature1"),
        cbor.byte_string(_ES384),
        cbor.byte_string(b""),
        cbor.byte_string(payload),
    )
    return cbor.head(4, len(parts)) + b"".join(parts)
