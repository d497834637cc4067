"""TPM 2.0: quotes over registers that software extends before it runs something.

The document is a TPMS_ATTEST; the endorsements are the signature (TPMT_SIGNATURE) and the public
area of the attestation key (TPMT_PUBLIC). A reader trusts a key by its Name, which is the digest
of that area. The key has to be restricted: such a key signs what the TPM itself says, and
nothing that only looks like it.

What was launched is the selection of registers and the digest of their values. Registers 16 and
23 can be reset by whoever uses the TPM, so a quote over one of them proves nothing to a reader.
A TPM has no calendar: a quote is as fresh as the reader's nonce. What it proves is as good as the
chain of measurements before ours; firmware and boot loader are in registers 0 to 9.
Source: TCG, "TPM 2.0 Library", part 2, sections 8.3, 10.12, 11.2.4 and 12.2; "PC Client Platform
TPM Profile", section 4.6.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from numen.proof.quote import Launch, Quote, Quoted, Register, Tcb, Trust
from numen.proof.tee.errors import ForgedQuoteError, MalformedQuoteError

PCR_BYTES: Final = 32
"""Of a register in the bank of SHA-256."""

PCRS: Final = 24

RESETTABLE: Final = frozenset({16, 23})
"""Registers that can be reset without a reboot."""

_GENERATED, _QUOTED = 0xFF544347, 0x8018
_SHA256, _ECDSA, _ECC, _NULL, _P256 = 0x000B, 0x0018, 0x0023, 0x0010, 0x0003
_FIXED_TPM, _FIXED_PARENT, _SENSITIVE_ORIGIN = 1 << 1, 1 << 4, 1 << 5
_RESTRICTED, _DECRYPTS, _SIGNS = 1 << 16, 1 << 17, 1 << 18
_NEEDED = _FIXED_TPM | _FIXED_PARENT | _SENSITIVE_ORIGIN | _RESTRICTED | _SIGNS


def extended(*measurements: bytes) -> bytes:
    """Give a register's value after it was extended from zero by some measurements.

    Args:
        measurements: 32 bytes each, in order.
    """
    value = bytes(PCR_BYTES)
    for measurement in measurements:
        value = hashlib.sha256(value + measurement).digest()
    return value


def launch_of(registers: Mapping[int, bytes]) -> Launch:
    """Name a launch by the values of registers, at least one.

    Args:
        registers: 32 bytes each, by their number below `PCRS`.
    """
    values = b"".join(registers[i] for i in sorted(registers))
    return _launch(_select(registers), hashlib.sha256(values).digest())


def name_of(public: bytes) -> bytes:
    """Give the Name of a key, by which readers trust it: 34 bytes, from its TPMT_PUBLIC."""
    return _SHA256.to_bytes(2, "big") + hashlib.sha256(public).digest()


def examine(quote: Quote, trust: Trust, at: int) -> Quoted:  # noqa: ARG001 - a TPM has no calendar
    """Check a quote, and say what is in it.

    Args:
        quote: Bytes from anywhere.
        trust: Names of the attestation keys that the reader trusts.
        at: Not used: a quote has no date.

    Raises:
        TeeError: The quote is malformed, or no trusted key signed it.
    """
    if len(quote.endorsements) != 2:
        raise MalformedQuoteError("TPM quote", "a signature and a public key should go with it")
    signature, public = quote.endorsements
    name = name_of(public)
    if name not in trust.roots:
        raise ForgedQuoteError(f"the attestation key {name.hex()} is not trusted")
    _check_signature(quote.document, signature, _read_key(public))
    report, selection, digest = _read(quote.document)
    reset = sorted(RESETTABLE & _selected(selection))
    return Quoted(
        _launch(selection, digest),
        report,
        Tcb.UNRATED,
        name,
        f"register {reset[0]} can be reset at any time" if reset else "",
    )


def _launch(selection: bytes, digest: bytes) -> Launch:
    return Launch("tpm", (Register("selection", selection), Register("digest", digest)))


def _select(registers: Mapping[int, bytes]) -> bytes:
    number = sum(1 << i for i in registers)
    return number.to_bytes(PCRS // 8, "little")


def _selected(selection: bytes) -> set[int]:
    number = int.from_bytes(selection, "little")
    return {i for i in range(PCRS) if number >> i & 1}


def _read(document: bytes) -> tuple[bytes, bytes, bytes]:
    """Report, selection of registers, and the digest of their values."""
    reader = _Reader(document)
    if (reader.number(4), reader.number(2)) != (_GENERATED, _QUOTED):
        raise MalformedQuoteError("TPM quote", "not a quote of a TPM")
    reader.sized(2 + 64)  # the Name of the signer, qualified by its parents
    report = reader.sized(2 + 64)
    reader.take(8 + 4 + 4 + 1 + 8)  # clock, resets, restarts, whether it is sure; firmware
    if (reader.number(4), reader.number(2), reader.number(1)) != (1, _SHA256, PCRS // 8):
        raise MalformedQuoteError("TPM quote", "not one bank of SHA-256 with 24 registers")
    selection = reader.take(PCRS // 8)
    digest = reader.sized(PCR_BYTES)
    reader.end()
    return report, selection, digest


def _read_key(public: bytes) -> ec.EllipticCurvePublicKey:
    reader = _Reader(public)
    if (reader.number(2), reader.number(2)) != (_ECC, _SHA256):
        raise ForgedQuoteError("the attestation key is not one on P-256, named by SHA-256")
    attributes = reader.number(4)
    if attributes & _NEEDED != _NEEDED or attributes & _DECRYPTS:
        raise ForgedQuoteError(
            "the attestation key may sign what no TPM says: it is not restricted"
        )
    reader.sized(PCR_BYTES)  # its policy
    scheme = tuple(reader.number(2) for _ in range(5))
    if scheme != (_NULL, _ECDSA, _SHA256, _P256, _NULL):
        raise ForgedQuoteError("the attestation key is not of ECDSA with SHA-256 on P-256")
    x, y = (int.from_bytes(reader.sized(32), "big") for _ in range(2))
    reader.end()
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise ForgedQuoteError("the attestation key is not a point") from None


def _check_signature(document: bytes, raw: bytes, key: ec.EllipticCurvePublicKey) -> None:
    reader = _Reader(raw)
    if (reader.number(2), reader.number(2)) != (_ECDSA, _SHA256):
        raise ForgedQuoteError("the quote is not signed by ECDSA with SHA-256")
    r, s = (int.from_bytes(reader.sized(32), "big") for _ in range(2))
    reader.end()
    try:
        key.verify(utils.encode_dss_signature(r, s), document, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise ForgedQuoteError("the signature of the quote is false") from None


class _Reader:
    """Reads a TPM's structures: numbers with the most significant byte first, sized buffers."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, count: int) -> bytes:
        taken = self._data[self._position : self._position + count]
        if len(taken) != count:
            raise MalformedQuoteError("TPM structure", "it is cut off")
        self._position += count
        return taken

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def sized(self, size_max: int) -> bytes:
        size = self.number(2)
        if size > size_max:
            raise MalformedQuoteError("TPM structure", f"a buffer of {size} bytes")
        return self.take(size)

    def end(self) -> None:
        if self._position != len(self._data):
            raise MalformedQuoteError("TPM structure", "bytes follow it")
