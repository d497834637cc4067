"""Quotes: trusted hardware says which code it launched, and what that code has to report.

A reader believes a quote of a claim when the hardware's maker vouches for the key that signed it,
the machine is not open to its owner (no debugging, firmware not outdated), the code launched is
code that the reader knows, and what it reports is the digest of measurement, claim and nonce.

    QuoteError
    ├── DistrustError        the reader does not trust this hardware, or not in this state
    └── OtherQuoteError      the quote is about another launch, or reports something else
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from numen.base.codec import digest
from numen.base.crypto import Hash32
from numen.base.errors import NumenError

DOCUMENT_MAX_BYTES = 1 << 15
"""Longest document that hardware signed."""

ENDORSEMENT_MAX_BYTES = 1 << 16
"""Longest certificate, list or collateral that goes with it."""

ENDORSEMENTS_MAX = 8
"""Most of them."""

REPORT_BYTES = 64
"""Bytes that an enclave may report; shorter reports are filled with zeros."""

Platform: TypeAlias = Literal["sgx", "tdx", "snp", "nitro", "tpm"]
"""Makers' technologies: Intel SGX and TDX, AMD SEV-SNP, AWS Nitro Enclaves, TPM 2.0."""


class Tcb(IntEnum):
    """How well the firmware below an enclave is kept, from worst to best.

    ``UNRATED``: its maker publishes no rating, and the reader named no floor.
    """

    REVOKED = 0
    OUT_OF_DATE = 1
    UNRATED = 2
    CONFIGURATION_NEEDED = 3
    HARDENING_NEEDED = 4
    UP_TO_DATE = 5


class Quote(msgspec.Struct, frozen=True, array_like=True, tag="quote/1"):
    """A document that hardware signed.

    Attributes:
        platform: Whose hardware.
        document: What it signed, and its signature, in the maker's own format.
        endorsements: What the document does not carry itself; which, the platform's file in
            `proof/tee/` says.
    """

    platform: Platform
    document: Annotated[bytes, Meta(max_length=DOCUMENT_MAX_BYTES)]
    endorsements: Annotated[
        tuple[Annotated[bytes, Meta(max_length=ENDORSEMENT_MAX_BYTES)], ...],
        Meta(max_length=ENDORSEMENTS_MAX),
    ] = ()


class Register(msgspec.Struct, frozen=True, array_like=True):
    """What hardware measured.

    Attributes:
        name: The maker's name of it.
        value: Its value.
    """

    name: Annotated[str, Meta(max_length=32)]
    value: Annotated[bytes, Meta(max_length=64)]


class Launch(msgspec.Struct, frozen=True, array_like=True):
    """What was launched: everything that decides which code can make the report.

    Attributes:
        platform: On whose hardware.
        registers: What it measured.
    """

    platform: Platform
    registers: Annotated[tuple[Register, ...], Meta(max_length=32)]

    @property
    def identity(self) -> bytes:
        """Digest by which a reader names the launch; 32 bytes."""
        return digest("numen/launch/1", self)


class Quoted(msgspec.Struct, frozen=True):
    """What a genuine quote says.

    Attributes:
        launch: What was launched.
        report: What the launched code reports, at most `REPORT_BYTES`.
        tcb: How well the firmware is kept.
        root: Name of the root of trust that vouches for it, as `Trust.roots` has it.
        open_because: Why the machine's owner can look into the enclave; empty if it is shut.
        advisories: The maker's advisories that concern it.
    """

    launch: Launch
    report: bytes
    tcb: Tcb
    root: bytes
    open_because: str = ""
    advisories: tuple[str, ...] = ()


class Trust(msgspec.Struct, frozen=True):
    """Under which conditions one platform is trusted.

    Attributes:
        roots: SHA-256 of the roots' certificates; of TPMs, names of attestation keys.
        tcb_min: The worst state of its firmware that is still accepted.
        floor: Least security versions of the firmware, where the maker rates none (AMD: boot
            loader, TEE, SNP and microcode).
    """

    roots: frozenset[bytes]
    tcb_min: Tcb = Tcb.UP_TO_DATE
    floor: tuple[int, ...] | None = None


class QuoteRule(msgspec.Struct, frozen=True):
    """Which quotes the reader believes.

    Attributes:
        program: The program that the measured code is of.
        measurement: Of the code, from a `Manifest`.
        nonce: 32 bytes that the reader chose for this quote, so that no old one serves.
        launches: Identities of launches that load code only after measuring it.
        trusted: The conditions for each platform; a platform without any is not trusted.
        at: The reader's time, in seconds since 1970, UTC.
        examine: Takes a quote, the conditions and the time; gives what it says, or raises
            `NumenError` when it is not genuine.
    """

    program: bytes
    measurement: bytes
    nonce: bytes
    launches: frozenset[bytes]
    trusted: Mapping[str, Trust]
    at: int
    examine: Callable[[Quote, Trust, int], Quoted]


class Binding(msgspec.Struct, frozen=True, array_like=True):
    """What a report is the digest of.

    Attributes:
        measurement: Of the code that ran.
        claim: Digest of the claim: program, inputs, output, work and diff.
        nonce: Of the reader.
    """

    measurement: Hash32
    claim: Hash32
    nonce: Hash32


class QuoteError(NumenError):
    """Root of why a genuine quote does not suffice."""


class DistrustError(QuoteError):
    """The reader does not trust this hardware, or not in this state.

    Attributes:
        reason: Why.
    """

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(f"this hardware is not trusted: {reason}", hint=hint)
        self.reason = reason


class OtherQuoteError(QuoteError):
    """The quote is about something else.

    Attributes:
        what: What is another one.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"the quote is about another {what}")
        self.what = what


def bind(measurement: bytes, claim: bytes, nonce: bytes) -> bytes:
    """Give what a quote has to report; 32 bytes.

    Args:
        measurement: Of the code that ran; 32 bytes.
        claim: Digest of the claim; 32 bytes.
        nonce: Of the reader; 32 bytes.

    Raises:
        CodecError: One of them is of another length.
    """
    return digest("numen/quote/1", Binding(measurement, claim, nonce))


def accept(quoted: Quoted, trust: Trust) -> None:
    """Check that the state of the hardware is one that the reader accepts.

    Raises:
        DistrustError: It is not.
    """
    if quoted.open_because:
        raise DistrustError(quoted.open_because)
    if quoted.tcb < trust.tcb_min:
        raise DistrustError(
            f"its firmware is {quoted.tcb.name.lower()}, {trust.tcb_min.name.lower()} is asked for",
            hint=f"advisories: {', '.join(quoted.advisories)}" if quoted.advisories else "",
        )


def check_quote(quote: Quote, rule: QuoteRule, claim: bytes) -> Quoted:
    """Check that a quote carries a claim about the rule's program.

    Args:
        quote: Bytes from anywhere.
        rule: What the reader believes.
        claim: Digest of the claim.

    Returns:
        What the quote says.

    Raises:
        DistrustError: The platform or its state is not trusted.
        OtherQuoteError: Another launch, or another measurement, claim or nonce.
        NumenError: The quote is not genuine: what ``rule.examine`` raises.
    """
    trust = rule.trusted.get(quote.platform)
    if trust is None:
        raise DistrustError(f"no {quote.platform} hardware is")
    quoted = rule.examine(quote, trust, rule.at)
    if quoted.root not in trust.roots:
        raise DistrustError(f"nobody here trusts the root {quoted.root.hex()}")
    accept(quoted, trust)
    if quoted.launch.platform != quote.platform or quoted.launch.identity not in rule.launches:
        raise OtherQuoteError("launch")
    wanted = bind(rule.measurement, claim, rule.nonce)
    if quoted.report.ljust(REPORT_BYTES, b"\0") != wanted.ljust(REPORT_BYTES, b"\0"):
        raise OtherQuoteError("measurement, input, output or nonce")
    return quoted
