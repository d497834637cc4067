"""What shows that a node lied, so that everybody who gets it can check it and nobody need believe.

NumenError
└── EvidenceError      it shows nothing: no honest node accuses by it
    └── UnfitError         it cannot be judged here
        └── NotYetError        it cannot be judged here, yet
"""

from functools import lru_cache
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from numen.base.codec import encode
from numen.base.crypto import keccak256
from numen.base.errors import NumenError
from numen.ledger.order.slashing import Evidence
from numen.node.replica.packet import RawBlock
from numen.trust.attestation import Contradiction

WORDS_MAX: Final = 400
"""Longest sentence about a lie."""

_DOMAIN: Final = b"\x0bnumen/lie/1"
_BYTES_MAX: Final = 1 << 21
_NAMED_MAX: Final = 64


class EvidenceError(NumenError):
    """Evidence that shows nothing."""


class UnfitError(EvidenceError):
    """Evidence that cannot be judged here, and may be true all the same."""


class NotYetError(UnfitError):
    """Evidence about what this node has not come to."""


class FalseBlock(msgspec.Struct, frozen=True, array_like=True, tag="false-block/1"):
    """A block that its maker signed, and that is not what its transactions come to.

    Whoever has the state before it can carry it out and see.
    """

    block: RawBlock


class TwoStories(msgspec.Struct, frozen=True, array_like=True, tag="two-stories/1"):
    """Two sheets of one step, or a sheet and a ticket that it denies, of one attester."""

    contradiction: Contradiction


class TwoVotes(msgspec.Struct, frozen=True, array_like=True, tag="two-votes/1"):
    """Two votes for one height, or two certificates."""

    evidence: Evidence


Case: TypeAlias = FalseBlock | TwoStories | TwoVotes


class Lie(msgspec.Struct, frozen=True, array_like=True):
    """Evidence as it is written down."""

    case: Case


class Guilt(msgspec.Struct, frozen=True, array_like=True):
    """What a node keeps of somebody who lied.

    Attributes:
        lie: What shows it.
        words: What is wrong, in words.
    """

    lie: Lie
    words: Annotated[str, Meta(max_length=WORDS_MAX)]


@lru_cache(_NAMED_MAX)
def name(lie: Lie) -> bytes:
    """By which nodes ask each other for evidence; 32 bytes.

    Cost: linear in the evidence, the first time: what is kept is asked for with every message.
    """
    return keccak256(_DOMAIN, encode(lie, size_max=_BYTES_MAX))
