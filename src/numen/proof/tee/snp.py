"""AMD SEV-SNP: attestation reports of virtual machines, signed by the processor.

The document is the report, 1,184 bytes. Endorsements: the certificates of the chip's key (VCEK),
of AMD's signing key (ASK) and of its root (ARK), in DER, and after them, if the reader wants
revocation checked, the ARK's revocation list. What was launched is the measurement of the
machine's memory, its policy, the data its host gave it, its privilege level and its version.

AMD rates no firmware: a reader names a floor, and what is below it is out of date.
Source: AMD, "SEV Secure Nested Paging Firmware ABI Specification" 1.55, table 23; "Versioned Chip
Endorsement Key Certificate and KDS Interface Specification" 0.51, table 8.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, utils

from numen.proof.quote import Launch, Quote, Quoted, Register, Tcb, Trust
from numen.proof.tee import der
from numen.proof.tee.certificates import (
    Certificate,
    check_not_revoked,
    follow,
    load_key,
    read_certificate,
    verify,
)
from numen.proof.tee.errors import ForgedQuoteError, MalformedQuoteError

REPORT_BYTES: Final = 1184

SIGNED_BYTES: Final = 0x2A0

ARKS: Final = frozenset(
    {
        bytes.fromhex("69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"),
        bytes.fromhex("4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"),
    }
)
"""SHA-256 of AMD's root certificates for Milan and Genoa (and Siena)."""

_SCALAR_BYTES, _ORDER_BYTES = 72, 48
_DEBUG, _RESERVED = 1 << 19, 1 << 17
_ECDSA_P384_SHA384 = 1
_VCEK = 0
_ALGORITHM = bytes.fromhex("300a06082a8648ce3d040303")
_CHIP_ID = "1.3.6.1.4.1.3704.1.4"
_VERSIONS: Final = (
    (0, "1.3.6.1.4.1.3704.1.3.1"),
    (1, "1.3.6.1.4.1.3704.1.3.2"),
    (6, "1.3.6.1.4.1.3704.1.3.3"),
    (7, "1.3.6.1.4.1.3704.1.3.8"),
)
"""Where in eight bytes the versions of boot loader, TEE, SNP and microcode are, and where in a
certificate."""


def examine(quote: Quote, trust: Trust, at: int) -> Quoted:
    """Check a report, and say what is in it.

    Args:
        quote: Bytes from anywhere.
        trust: The trusted roots, and the floor of the firmware's versions.
        at: The reader's time, in seconds since 1970, UTC.

    Raises:
        TeeError: The report is malformed, or no trusted root stands behind it at that time.
    """
    if not 3 <= len(quote.endorsements) <= 4:
        raise MalformedQuoteError("SEV-SNP quote", "VCEK, ASK and ARK should go with the report")
    report = quote.document
    _check_form(report)
    chain = [read_certificate(raw) for raw in quote.endorsements[:3]]
    # The cheap checks first: whose key it is comes after.
    _check_chip(report, chain[0])
    _check_signature(report, chain[0])
    root = follow(chain, roots=trust.roots, at=at)
    if len(quote.endorsements) == 4:
        check_not_revoked(quote.endorsements[3], chain[2], chain[:2], at=at)
    versions = _versions(report[0x180:0x188])
    is_open = int.from_bytes(report[0x08:0x10], "little") & _DEBUG
    return Quoted(
        Launch(
            "snp",
            (
                Register("measurement", report[0x90:0xC0]),
                Register("host data", report[0xC0:0xE0]),
                Register("policy", report[0x08:0x10]),
                Register("vmpl", report[0x30:0x34]),
                Register("guest svn", report[0x04:0x08]),
            ),
        ),
        report[0x50:0x90],
        _rate(versions, trust.floor),
        root,
        "its policy allows debugging" if is_open else "",
    )


def _check_form(report: bytes) -> None:
    if len(report) != REPORT_BYTES:
        raise MalformedQuoteError("SEV-SNP report", f"{len(report)} bytes, not {REPORT_BYTES}")
    version = int.from_bytes(report[:4], "little")
    if version not in (2, 3):
        raise MalformedQuoteError("SEV-SNP report", f"version {version}")
    if int.from_bytes(report[0x34:0x38], "little") != _ECDSA_P384_SHA384:
        raise MalformedQuoteError("SEV-SNP report", "not signed by ECDSA on P-384")
    policy, flags = report[0x08:0x10], int.from_bytes(report[0x48:0x4C], "little")
    if not int.from_bytes(policy, "little") & _RESERVED:
        raise MalformedQuoteError("SEV-SNP report", "a policy without the bit that is always set")
    if flags >> 2 & 7 != _VCEK:
        raise MalformedQuoteError("SEV-SNP report", "not signed by the chip's own key")


def _check_chip(report: bytes, vcek: Certificate) -> None:
    stated_chip = report[0x1A0:0x1E0]
    # An owner may have its chips leave their names out; the key is one chip's all the same.
    if any(stated_chip) and stated_chip != vcek.extensions.get(_CHIP_ID):
        raise ForgedQuoteError("the report is of another chip than the certificate")
    for position, name in _VERSIONS:
        stated = der.read(vcek.extensions.get(name, b""), der.INTEGER).content
        if int.from_bytes(stated, "big") != report[0x180 + position]:
            raise ForgedQuoteError("the report is of other firmware than the certificate")


def _check_signature(report: bytes, vcek: Certificate) -> None:
    key = load_key(vcek.key)
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp384r1":
        raise ForgedQuoteError("the chip's key is not on P-384")
    middle, end = SIGNED_BYTES + _SCALAR_BYTES, SIGNED_BYTES + 2 * _SCALAR_BYTES
    scalars = report[SIGNED_BYTES:middle], report[middle:end]
    if any(report[end:]) or any(any(scalar[_ORDER_BYTES:]) for scalar in scalars):
        raise MalformedQuoteError("SEV-SNP report", "bytes that should be zero are not")
    r, s = (int.from_bytes(scalar, "little") for scalar in scalars)
    signature = utils.encode_dss_signature(r, s)
    verify(vcek.key, _ALGORITHM, report[:SIGNED_BYTES], signature, "the report")


def _versions(packed: bytes) -> tuple[int, ...]:
    return tuple(packed[position] for position, _ in _VERSIONS)


def _rate(versions: tuple[int, ...], floor: tuple[int, ...] | None) -> Tcb:
    if floor is None:
        return Tcb.UNRATED
    is_above = len(floor) == len(versions) and all(
        found >= least for found, least in zip(versions, floor, strict=True)
    )
    return Tcb.UP_TO_DATE if is_above else Tcb.OUT_OF_DATE
