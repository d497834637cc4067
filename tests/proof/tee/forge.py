"""Hardware of our own: documents in the makers' formats, under roots that only tests trust.

What no vector can show is a quote that reports the digest of our own claim; these do. They go
through the same readers as the real ones.
"""

from datetime import UTC, datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding

from numen.proof.quote import Quote, Tcb, Trust
from numen.proof.tee import cbor, nitro
from numen.proof.tee.certificates import read_certificate

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = BEGINS + timedelta(days=100)
NOW = int((BEGINS + timedelta(days=10)).timestamp())

LAUNCHED = bytes(range(48))
CHIP = bytes(range(64))
VERSIONS = (3, 1, 8, 115)
_SNP_VERSIONS = tuple(f"1.3.6.1.4.1.3704.1.3.{i}" for i in (1, 2, 3, 8))


class Authority(msgspec.Struct, frozen=True):
    """A root, an intermediate authority and a key of a chip, with their certificates in DER."""

    keys: tuple[ec.EllipticCurvePrivateKey, ...]
    chain: tuple[bytes, ...]

    @property
    def roots(self) -> frozenset[bytes]:
        return frozenset({read_certificate(self.chain[-1]).fingerprint})

    def revoke(self, *numbers: int, signer: int = 2, ends: datetime = ENDS) -> bytes:
        """A revocation list of the root, or of another link."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(_name(signer))
        builder = builder.last_update(BEGINS).next_update(ends)
        for number in numbers:
            one = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(BEGINS)
            builder = builder.add_revoked_certificate(one.build())
        return builder.sign(self.keys[signer], hashes.SHA384()).public_bytes(Encoding.DER)


def authority(
    *,
    leaf_signs: bool = False,
    middle_vouches: bool = True,
    depth: int = 0,
    begins: datetime = BEGINS,
) -> Authority:
    """Make keys and certificates: 0 is the chip's, 1 the intermediate's, 2 the root's."""
    keys = tuple(ec.generate_private_key(ec.SECP384R1()) for _ in range(3))
    chain = []
    for i, issuer in ((0, 1), (1, 2), (2, 2)):
        builder = x509.CertificateBuilder().subject_name(_name(i)).issuer_name(_name(issuer))
        builder = builder.public_key(keys[i].public_key()).serial_number(10 + i)
        builder = builder.not_valid_before(begins).not_valid_after(begins + (ENDS - BEGINS))
        vouches = {0: leaf_signs, 1: middle_vouches, 2: True}[i]
        limit = {0: 0, 1: depth, 2: None}[i] if vouches else None
        builder = builder.add_extension(x509.BasicConstraints(vouches, limit), critical=True)
        builder = builder.add_extension(_usage(vouches), critical=True)
        if i == 0:
            for name, number in zip(_SNP_VERSIONS, VERSIONS, strict=True):
                value = x509.UnrecognizedExtension(
                    x509.ObjectIdentifier(name), bytes([2, 1, number])
                )
                builder = builder.add_extension(value, critical=False)
            chip = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.3704.1.4"), CHIP)
            builder = builder.add_extension(chip, critical=False)
        chain.append(builder.sign(keys[issuer], hashes.SHA384()).public_bytes(Encoding.DER))
    return Authority(keys, tuple(chain))


def vouched_by_chip(of: Authority) -> bytes:
    """A certificate that the chip's own key signs, as if it were an authority."""
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    builder = x509.CertificateBuilder().subject_name(_name(1)).issuer_name(_name(0))
    builder = builder.public_key(key).serial_number(9).not_valid_before(BEGINS)
    builder = builder.not_valid_after(ENDS).add_extension(_usage(False), critical=True)
    return builder.sign(of.keys[0], hashes.SHA384()).public_bytes(Encoding.DER)


def snp(of: Authority, report: bytes, *, policy: int = 1 << 17, **fields: bytes) -> Quote:
    """A report in AMD's format; ``fields`` overwrite bytes at ``at_OFFSET``."""
    body = bytearray(1184)
    body[0:4], body[0x34:0x38] = (2).to_bytes(4, "little"), (1).to_bytes(4, "little")
    body[0x08:0x10] = policy.to_bytes(8, "little")
    body[0x50 : 0x50 + len(report)] = report
    body[0x90:0xC0], body[0x1A0:0x1E0] = LAUNCHED, CHIP
    for position, number in zip((0, 1, 6, 7), VERSIONS, strict=True):
        body[0x180 + position] = number
    for name, value in fields.items():
        at = int(name.removeprefix("at_"), 16)
        body[at : at + len(value)] = value
    r, s = _signed(of, bytes(body[:0x2A0]))
    body[0x2A0:0x2E8], body[0x2E8:0x330] = r.to_bytes(72, "little"), s.to_bytes(72, "little")
    return Quote("snp", bytes(body), of.chain)


def nitro_document(
    of: Authority, report: bytes | None, *, pcr0: bytes = LAUNCHED, at: int = NOW
) -> Quote:
    """A document in AWS's format."""
    pcrs = {i: pcr0 if i == 0 else bytes([i]) * 48 for i in range(16)}
    pairs = (
        ("module_id", cbor.text_string("i-test")),
        ("digest", cbor.text_string("SHA384")),
        ("timestamp", b"\x1b" + (at * 1000).to_bytes(8, "big")),
        (
            "pcrs",
            cbor.head(5, 16)
            + b"".join(cbor.head(0, i) + cbor.byte_string(v) for i, v in pcrs.items()),
        ),
        ("certificate", cbor.byte_string(of.chain[0])),
        ("cabundle", cbor.head(4, 2) + b"".join(map(cbor.byte_string, of.chain[:0:-1]))),
        ("public_key", b"\xf6"),
        ("user_data", b"\xf6" if report is None else cbor.byte_string(report)),
        ("nonce", b"\xf6"),
    )
    payload = cbor.head(5, len(pairs)) + b"".join(cbor.text_string(k) + v for k, v in pairs)
    r, s = _signed(of, nitro.signed(payload))
    signature = r.to_bytes(48, "big") + s.to_bytes(48, "big")
    parts = (cbor.byte_string(b"\xa1\x01\x38\x22"), b"\xa0", cbor.byte_string(payload))
    return Quote("nitro", cbor.head(4, 4) + b"".join(parts) + cbor.byte_string(signature))


def trust(of: Authority) -> Trust:
    return Trust(of.roots, Tcb.UNRATED)


def _signed(of: Authority, message: bytes) -> tuple[int, int]:
    return utils.decode_dss_signature(of.keys[0].sign(message, ec.ECDSA(hashes.SHA384())))


def _name(i: int) -> x509.Name:
    names = ("Chip", "Authority", "Root")
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[i])])


def _usage(vouches: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not vouches, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=vouches, crl_sign=vouches,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
