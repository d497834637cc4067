"""Intel SGX and TDX: DCAP quotes of enclaves and of virtual machines.

The document is a quote of version 3, 4 or 5; the one endorsement is Intel's collateral for it, as
JSON: revocation lists, ratings of firmware (TCB info), the identity of the quoting enclave, and
their certificates. Cryptography and ratings are checked by `dcap-qvl`, which the extra ``tee``
installs; what was launched, what is reported and whether the owner can look in is read here.

What was launched is, of SGX, the enclave (MRENCLAVE), its signer, product, version and attributes;
of TDX, the firmware (MRTD), the registers it extended, and what owner and host configured.
Source: Intel, "SGX ECDSA QuoteGenReference" and "TDX DCAP Quoting Library API", appendices A.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from numen.proof.quote import Launch, Platform, Quote, Quoted, Register, Tcb, Trust
from numen.proof.tee.errors import (
    ExpiredQuoteError,
    ForgedQuoteError,
    MalformedQuoteError,
    NoVerifierError,
    RevokedQuoteError,
    TeeError,
)

ROOTS: Final = frozenset(
    {bytes.fromhex("44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3")}
)
"""SHA-256 of Intel's root certificate for SGX and TDX."""

RATINGS: Final = {
    "UpToDate": Tcb.UP_TO_DATE,
    "SWHardeningNeeded": Tcb.HARDENING_NEEDED,
    "ConfigurationNeeded": Tcb.CONFIGURATION_NEEDED,
    "ConfigurationAndSWHardeningNeeded": Tcb.CONFIGURATION_NEEDED,
    "OutOfDate": Tcb.OUT_OF_DATE,
    "OutOfDateConfigurationNeeded": Tcb.OUT_OF_DATE,
    "Revoked": Tcb.REVOKED,
}
"""Intel's words for the state of firmware."""

HEADER_BYTES: Final = 48
_DESCRIPTOR_BYTES = 6
_SGX_BYTES, _TD10_BYTES, _TD15_BYTES = 384, 584, 648
_SGX_TEE, _TDX_TEE = 0x00, 0x81
_BODIES: Final = frozenset(
    {(1, _SGX_TEE, _SGX_BYTES), (2, _TDX_TEE, _TD10_BYTES), (3, _TDX_TEE, _TD15_BYTES)}
)
"""Kind, technology and size of the bodies of version 5."""

_PCK_CHAIN, _QE_REPORT = 5, 6
_SIGNATURE_BYTES, _SIGNATURE_AND_KEY_BYTES = 64, 128
_SGX_DEBUG = 1 << 1
_TUD_BITS = 0xFF
"""The low bits of a TD's attributes, TUD: any of them set means that its host can look in."""


class Body(msgspec.Struct, frozen=True):
    """What a quote says, before anybody checked it.

    Attributes:
        platform: ``sgx`` or ``tdx``.
        launch: What was launched.
        report: 64 bytes that it reports.
        open_because: Why its owner can look in, or empty.
    """

    platform: Platform
    launch: Launch
    report: bytes
    open_because: str


def examine(quote: Quote, trust: Trust, at: int) -> Quoted:
    """Check a quote with its collateral, and say what is in it.

    Args:
        quote: Bytes from anywhere.
        trust: The trusted roots.
        at: The reader's time, in seconds since 1970, UTC.

    Raises:
        NoVerifierError: The extra ``tee`` is not installed.
        TeeError: The quote is malformed, or no trusted root stands behind it at that time.
    """
    if len(quote.endorsements) != 1:
        raise MalformedQuoteError("Intel quote", "its collateral, and no more, should go with it")
    body = read_body(quote.document)
    if body.platform != quote.platform:
        raise MalformedQuoteError(f"{quote.platform.upper()} quote", f"it is of {body.platform}")
    root, raw_root = _root(quote.endorsements[0], trust.roots)
    verified = _verify(quote, raw_root, at)
    rating = RATINGS.get(verified.status)
    if rating is None:
        raise MalformedQuoteError("Intel quote", f"a state {verified.status!r} of the firmware")
    if rating is Tcb.REVOKED:
        raise RevokedQuoteError("Intel revoked the firmware of this machine")
    advisories = tuple(str(name) for name in verified.advisory_ids)
    return Quoted(body.launch, body.report, rating, root, body.open_because, advisories)


def read_body(document: bytes) -> Body:
    """Read header and body of a quote; nothing is checked but their form.

    Raises:
        MalformedQuoteError: It is no quote.
    """
    version, tee = _number(document, 0, 2), _number(document, 4, 4)
    if version not in (3, 4, 5) or tee not in (_SGX_TEE, _TDX_TEE):
        raise MalformedQuoteError("Intel quote", f"version {version} of technology {tee:#x}")
    start, size = HEADER_BYTES, _TD10_BYTES if tee == _TDX_TEE else _SGX_BYTES
    if version == 5:
        size = _number(document, start + 2, 4)
        if (_number(document, start, 2), tee, size) not in _BODIES:
            raise MalformedQuoteError("Intel quote", "a body of another kind or size")
        start += _DESCRIPTOR_BYTES
    _check_lengths(document, start + size, is_nested=version > 3)
    body = document[start : start + size]
    return _sgx(body) if tee == _SGX_TEE else _tdx(body)


def _check_lengths(document: bytes, position: int, *, is_nested: bool) -> None:
    """Check that what follows the body is as long as it says: nothing is hidden or left over."""
    end = position + 4 + _number(document, position, 4)
    # Some hosts fill quotes up with zeros.
    if end > len(document) or any(document[end:]):
        raise MalformedQuoteError("Intel quote", f"its signature does not end at {end}")
    position += 4 + _SIGNATURE_AND_KEY_BYTES
    if is_nested:
        position = _check_rest(document, position, _QE_REPORT, end)
    position += _SGX_BYTES + _SIGNATURE_BYTES
    position += 2 + _number(document, position, 2)
    _check_rest(document, position, _PCK_CHAIN, end)


def _check_rest(document: bytes, position: int, kind: int, end: int) -> int:
    """Read the head of a part that has to reach the end, and give the place after it."""
    if (
        _number(document, position, 2) != kind
        or _number(document, position + 2, 4) != end - position - 6
    ):
        raise MalformedQuoteError(
            "Intel quote", f"the part at {position} is of another kind or size"
        )
    return position + 6


def _number(document: bytes, position: int, size: int) -> int:
    digits = document[position : position + size]
    if len(digits) != size:
        raise MalformedQuoteError("Intel quote", "it is cut off")
    return int.from_bytes(digits, "little")


def _sgx(body: bytes) -> Body:
    registers = (
        Register("mrenclave", body[64:96]),
        Register("mrsigner", body[128:160]),
        Register("product", body[256:258]),
        Register("svn", body[258:260]),
        Register("attributes", body[48:64]),
        Register("miscselect", body[16:20]),
    )
    is_open = body[48] & _SGX_DEBUG
    reason = "the enclave is in debug mode" if is_open else ""
    return Body("sgx", Launch("sgx", registers), body[320:384], reason)


def _tdx(body: bytes) -> Body:
    registers = [
        Register("attributes", body[120:128]),
        Register("xfam", body[128:136]),
        Register("mrtd", body[136:184]),
        Register("mrconfigid", body[184:232]),
        Register("mrowner", body[232:280]),
        Register("mrownerconfig", body[280:328]),
        *(Register(f"rtmr{i}", body[328 + 48 * i : 376 + 48 * i]) for i in range(4)),
    ]
    if len(body) == _TD15_BYTES:
        registers.append(Register("mrservicetd", body[600:648]))
    is_open = body[120] & _TUD_BITS
    reason = "the machine is in debug mode" if is_open else ""
    return Body("tdx", Launch("tdx", tuple(registers)), body[520:584], reason)


def _root(collateral: bytes, roots: Iterable[bytes]) -> tuple[bytes, bytes]:
    """The trusted root certificate that the collateral carries, and its fingerprint."""
    try:
        chain = msgspec.json.decode(collateral, type=dict[str, str])["tcb_info_issuer_chain"]
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError):
        raise MalformedQuoteError("collateral", "not the JSON of Intel's collateral") from None
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    for part in chain.split(begin)[1:9]:
        try:
            raw = base64.b64decode("".join(part.partition(end)[0].split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        fingerprint = hashlib.sha256(raw).digest()
        if fingerprint in frozenset(roots):
            return fingerprint, raw
    raise ForgedQuoteError("the collateral leads to no root that is trusted")


def _verify(quote: Quote, root: bytes, at: int) -> Any:
    try:
        import dcap_qvl  # noqa: PLC0415
    except ImportError:
        raise NoVerifierError("dcap-qvl") from None
    try:
        collateral = dcap_qvl.QuoteCollateralV3.from_json(quote.endorsements[0].decode())
        return dcap_qvl.verify_with_root_ca(quote.document, collateral, root, at)
    except (ValueError, RuntimeError, OverflowError) as error:
        raise _refusal(str(error)) from None


def _refusal(message: str) -> TeeError:
    words = message.lower()
    if any(sign in words for sign in ("expired", "not yet valid", "in the future")):
        return ExpiredQuoteError(
            "a part of the collateral or a certificate", f"is not valid: {message}"
        )
    if "revoked" in words:
        return RevokedQuoteError(message)
    return ForgedQuoteError(message)
