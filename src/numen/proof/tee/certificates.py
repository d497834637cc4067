"""X.509 certificates and revocation lists: read strictly, and followed to a root at a given time.

Why not a library's certificates: makers of processors number theirs with zero, which libraries
mean to refuse, and nothing here may depend on a clock. What is signed is checked by
`cryptography`; what is read here is only where things are. Source: RFC 5280, sections 4, 5 and 6.
"""

import hashlib
from calendar import timegm
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from numen.proof.tee import der
from numen.proof.tee.der import Value
from numen.proof.tee.errors import (
    ExpiredQuoteError,
    ForgedQuoteError,
    MalformedQuoteError,
    RevokedQuoteError,
)

CHAIN_MAX: Final = 8
"""Most certificates from a key to its root."""

_VERSION, _EXTENSIONS, _LIST_EXTENSIONS = 0xA0, 0xA3, 0xA0
_V3 = bytes.fromhex("020102")
_BASIC_CONSTRAINTS, _KEY_USAGE = "2.5.29.19", "2.5.29.15"
_UNDERSTOOD = {_BASIC_CONSTRAINTS, _KEY_USAGE}
_SIGNS_CERTIFICATES, _SIGNS_LISTS = 0x04, 0x02

_ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_ECDSA_SHA384 = bytes.fromhex("300a06082a8648ce3d040303")
_PSS_SHA384 = bytes.fromhex(
    "304606092a864886f70d01010a3039a00f300d06096086480165030402020500a11c301a06092a864886f70d010108"
    "300d06096086480165030402020500a203020130a303020101"
)
"""The algorithms that signatures may be of, each in its one spelling."""

Key = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
"""A public key that may sign."""


class Certificate(msgspec.Struct, frozen=True):
    """A certificate.

    Attributes:
        raw: Its bytes.
        signed: The part that is signed.
        algorithm: What its signature is of.
        signature: Its signature, by the issuer.
        serial: Its number.
        issuer: The issuer's name, in DER.
        subject: Its own name, in DER.
        begins: First second at which it is valid, since 1970, UTC.
        ends: The last one.
        key: Its public key, in DER.
        extensions: By their dotted numbers, in DER.
        critical: Those that a reader must understand.
    """

    raw: bytes
    signed: bytes
    algorithm: bytes
    signature: bytes
    serial: int
    issuer: bytes
    subject: bytes
    begins: int
    ends: int
    key: bytes
    extensions: Mapping[str, bytes]
    critical: frozenset[str]

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of its bytes."""
        return hashlib.sha256(self.raw).digest()

    @property
    def name(self) -> str:
        """Its common name, or its number."""
        return _common_name(self.subject) or f"certificate {self.serial:x}"


def read_certificate(raw: bytes) -> Certificate:
    """Read a certificate of version 3.

    Raises:
        MalformedQuoteError: It is none.
    """
    whole = der.fields(der.read(raw, der.SEQUENCE), der.SEQUENCE, der.SEQUENCE, der.BIT_STRING)
    parts = der.children(whole[0])
    if len(parts) != 8 or (parts[0].tag, parts[0].content) != (_VERSION, _V3):
        raise MalformedQuoteError("certificate", "not of version 3 with extensions")
    number, algorithm, issuer, validity, subject, key, wrapped = parts[1:]
    if algorithm.raw != whole[1].raw:
        raise MalformedQuoteError("certificate", "two different algorithms of one signature")
    times = der.children(der.expect(validity, der.SEQUENCE))
    if len(times) != 2:
        raise MalformedQuoteError("certificate", f"{len(times)} times of validity")
    extensions, critical = _extensions(der.expect(wrapped, _EXTENSIONS))
    return Certificate(
        raw,
        whole[0].raw,
        algorithm.raw,
        bits(whole[2]),
        int.from_bytes(der.expect(number, der.INTEGER).content, "big", signed=True),
        issuer.raw,
        subject.raw,
        _seconds(times[0]),
        _seconds(times[1]),
        der.expect(key, der.SEQUENCE).raw,
        extensions,
        critical,
    )


def follow(chain: Sequence[Certificate], *, roots: Iterable[bytes], at: int) -> bytes:
    """Check a chain from a key's certificate up to a root that the reader trusts.

    Args:
        chain: The key's certificate first, the root last; at most `CHAIN_MAX`.
        roots: SHA-256 of the trusted roots.
        at: The reader's time, in seconds since 1970, UTC.

    Returns:
        The fingerprint of the root.

    Raises:
        ForgedQuoteError: The root is none of them, a signature is false, or a certificate may not
            vouch for others.
        ExpiredQuoteError: A certificate is not valid at that time.
    """
    if not 2 <= len(chain) <= CHAIN_MAX:
        raise ForgedQuoteError(f"a chain of {len(chain)} certificates")
    root = chain[-1]
    if root.fingerprint not in frozenset(roots):
        raise ForgedQuoteError(f"the root {root.fingerprint.hex()} ({root.name}) is not trusted")
    for below, (child, issuer) in enumerate(zip(chain, [*chain[1:], root], strict=True)):
        _check_period(child.name, child.begins, child.ends, at)
        if not child.critical <= _UNDERSTOOD:
            raise ForgedQuoteError(f"{child.name} has critical extensions that are not known")
        if child.issuer != issuer.subject:
            raise ForgedQuoteError(f"{child.name} was not issued by {issuer.name}")
        # The root is its own issuer, and does not count among those below it.
        _check_may_sign(issuer, min(below, len(chain) - 2), _SIGNS_CERTIFICATES)
        verify(issuer.key, child.algorithm, child.signed, child.signature, child.name)
    return root.fingerprint


def check_not_revoked(
    raw: bytes, issuer: Certificate, suspects: Iterable[Certificate], *, at: int
) -> None:
    """Check that a revocation list of an issuer, valid now, names none of some certificates.

    Args:
        raw: The list, in DER.
        issuer: Whose it must be, already followed to a root.
        suspects: Certificates of that issuer.
        at: The reader's time, in seconds since 1970, UTC.

    Raises:
        MalformedQuoteError: It is no list.
        ForgedQuoteError: The issuer did not sign it.
        ExpiredQuoteError: There should be a newer one.
        RevokedQuoteError: It names one of them.
    """
    whole = der.fields(der.read(raw, der.SEQUENCE), der.SEQUENCE, der.SEQUENCE, der.BIT_STRING)
    parts = der.children(whole[0])
    if len(parts) < 5 or parts[1].raw != whole[1].raw:
        raise MalformedQuoteError("revocation list", "not of version 2")
    if parts[2].raw != issuer.subject:
        raise ForgedQuoteError(f"the revocation list is not {issuer.name}'s")
    _check_may_sign(issuer, 0, _SIGNS_LISTS)
    verify(issuer.key, whole[1].raw, whole[0].raw, bits(whole[2]), "the revocation list")
    _check_period(
        f"the revocation list of {issuer.name}", _seconds(parts[3]), _seconds(parts[4]), at
    )
    revoked = {number for part in parts[5:] for number in _revoked(part)}
    for suspect in suspects:
        if suspect.issuer == issuer.subject and suspect.serial in revoked:
            raise RevokedQuoteError(f"{suspect.name} was revoked by {issuer.name}")


def verify(key: bytes, algorithm: bytes, signed: bytes, signature: bytes, what: str) -> None:
    """Check a signature by one of the known algorithms.

    Args:
        key: Of the signer, in DER.
        algorithm: An AlgorithmIdentifier, in DER.
        signed: What is signed.
        signature: By which it is.
        what: What to call it in errors.

    Raises:
        ForgedQuoteError: The algorithm or key is not known, or the signature is false.
    """
    public = load_key(key)
    try:
        if isinstance(public, rsa.RSAPublicKey):
            if algorithm != _PSS_SHA384:
                raise ForgedQuoteError(f"the signature of {what} is of an unknown algorithm")
            pss = padding.PSS(padding.MGF1(hashes.SHA384()), salt_length=48)
            public.verify(signature, signed, pss, hashes.SHA384())
            return
        hashed = {_ECDSA_SHA256: hashes.SHA256(), _ECDSA_SHA384: hashes.SHA384()}.get(algorithm)
        if hashed is None:
            raise ForgedQuoteError(f"the signature of {what} is of an unknown algorithm")
        public.verify(signature, signed, ec.ECDSA(hashed))
    except InvalidSignature:
        raise ForgedQuoteError(f"the signature of {what} is false") from None


def load_key(key: bytes) -> Key:
    """Read a public key on P-256 or P-384, or of RSA of 3,072 to 8,192 bits.

    Raises:
        ForgedQuoteError: It is none.
    """
    try:
        public = serialization.load_der_public_key(key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ForgedQuoteError("a public key that cannot be read") from None
    if isinstance(public, rsa.RSAPublicKey) and 3072 <= public.key_size <= 8192:
        return public
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in (
        "secp256r1", "secp384r1",
    ):  # fmt: skip
        return public
    raise ForgedQuoteError("a public key of a kind that is not trusted")


def show_time(seconds: int) -> str:
    """Write a time as people read it; seconds since 1970, UTC."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


def bits(value: Value) -> bytes:
    """The whole bytes of a bit string.

    Raises:
        MalformedQuoteError: Its last byte is a part of one.
    """
    if value.content[:1] != b"\0":
        raise MalformedQuoteError("DER", "a bit string of parts of bytes")
    return value.content[1:]


def _extensions(wrapped: Value) -> tuple[dict[str, bytes], frozenset[str]]:
    found: dict[str, bytes] = {}
    critical = set()
    (listed,) = der.fields(wrapped, der.SEQUENCE)
    for one in der.children(listed):
        parts = der.children(der.expect(one, der.SEQUENCE))
        is_critical = len(parts) == 3
        if is_critical and parts[1].raw != b"\x01\x01\xff":
            raise MalformedQuoteError(
                "certificate", "an extension that is neither critical nor not"
            )
        if len(parts) not in (2, 3) or parts[-1].tag != der.OCTET_STRING:
            raise MalformedQuoteError("certificate", "an extension of another form")
        name = _dotted(der.expect(parts[0], der.OID).content)
        if name in found:
            raise MalformedQuoteError("certificate", f"two extensions {name}")
        found[name] = parts[-1].content
        if is_critical:
            critical.add(name)
    return found, frozenset(critical)


def _check_may_sign(issuer: Certificate, below: int, use: int) -> None:
    constraints = issuer.extensions.get(_BASIC_CONSTRAINTS)
    usage = issuer.extensions.get(_KEY_USAGE)
    if constraints is None or usage is None:
        raise ForgedQuoteError(f"{issuer.name} does not say what it may vouch for")
    parts = der.children(der.read(constraints, der.SEQUENCE))
    if not parts or parts[0].raw != b"\x01\x01\xff":
        raise ForgedQuoteError(f"{issuer.name} may not vouch for certificates")
    if len(parts) > 1 and int.from_bytes(parts[1].content, "big") < below:
        raise ForgedQuoteError(f"{issuer.name} may not vouch for so long a chain")
    allowed = der.read(usage, der.BIT_STRING).content
    if len(allowed) < 2 or not allowed[1] & use:
        raise ForgedQuoteError(f"{issuer.name} may not sign this")


def _check_period(what: str, begins: int, ends: int, at: int) -> None:
    if at < begins:
        raise ExpiredQuoteError(what, f"is not valid before {show_time(begins)}")
    if at > ends:
        raise ExpiredQuoteError(what, f"expired at {show_time(ends)}")


def _revoked(part: Value) -> set[int]:
    if part.tag != der.SEQUENCE:
        return set()  # the list's own extensions
    numbers = [der.children(one)[:1] for one in der.children(part)]
    return {int.from_bytes(n.content, "big", signed=True) for (n,) in numbers}


def _seconds(value: Value) -> int:
    text = value.content.decode("ascii", "replace")
    digits, year_digits = text[:-1], {der.UTC_TIME: 2, der.GENERALIZED_TIME: 4}.get(value.tag, 0)
    if len(digits) != year_digits + 10 or not digits.isdecimal() or text[-1:] != "Z":
        raise MalformedQuoteError("certificate", "a time that is none")
    year = int(digits[:year_digits])
    if year_digits == 2:
        year += 2000 if year < 50 else 1900
    rest = digits[year_digits:]
    month, day, hour, minute, second = (int(rest[i : i + 2]) for i in range(0, 10, 2))
    try:
        return timegm(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timetuple())
    except ValueError:
        raise MalformedQuoteError("certificate", "a time that is none") from None


def _dotted(content: bytes) -> str:
    numbers, number = [], 0
    for byte in content:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    if not numbers or content[-1] & 0x80 or number:
        raise MalformedQuoteError("DER", "an object identifier that is cut off")
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def _common_name(subject: bytes) -> str:
    for group in der.children(der.read(subject, der.SEQUENCE)):
        for pair in der.children(group):
            parts = der.children(pair)
            if len(parts) == 2 and _dotted(parts[0].content) == "2.5.4.3":
                return parts[1].content.decode("utf-8", "replace")
    return ""
