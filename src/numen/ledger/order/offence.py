"""What a verifier signs about another: that it lied, in what, and by which evidence."""

from enum import Enum
from typing import Final

import msgspec

from numen.base.codec import U64, digest
from numen.base.crypto import Hash32
from numen.ledger.order.bls import BlsSignature, PublicKey

_DOMAIN: Final = "numen/verdict/1"


class Offence(Enum):
    """What costs a verifier its bond; its value is written."""

    TWO_VOTES = "two votes"
    """Two votes for one stage of one view of a height."""
    TWO_CERTIFICATES = "two certificates"
    """The same, seen in two certificates."""
    FALSE_BLOCK = "a false block"
    """A block that it signed, and that is not what its transactions come to."""
    TWO_STORIES = "two stories"
    """Two attestations of one step, or one that denies its own ticket."""


class Verdict(msgspec.Struct, frozen=True, array_like=True):
    """What is signed: the owner of this key lied.

    Attributes:
        chain: Which ledger.
        guilty: Its key for votes.
        offence: What it did.
        lie: Digest of the evidence, by which nodes ask each other for it.
    """

    chain: U64
    guilty: PublicKey
    offence: Offence
    lie: Hash32


class SignedVerdict(msgspec.Struct, frozen=True, array_like=True):
    """A verdict and whose it is."""

    verdict: Verdict
    key: PublicKey
    signature: BlsSignature


def verdict_digest(verdict: Verdict) -> bytes:
    """What is signed; 32 bytes."""
    return digest(_DOMAIN, verdict)
