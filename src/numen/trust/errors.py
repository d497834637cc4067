"""What can be wrong with what others say of each other.

TrustError
├── RosterError            no list of members
├── AttestationError       a ticket or a sheet that is not what its attester may say
│   └── ContradictionError     two of them do not contradict each other
├── GossipError            a message of gossip that no honest node sends
└── UnknownNodeError       a node that is not in the roster, or a name that fits several
"""

from numen.base.errors import NumenError


class TrustError(NumenError):
    """Root of what attestations from outside can be wrong about."""


class RosterError(TrustError):
    """The members are not ordered, not distinct, or too many."""


class AttestationError(TrustError):
    """A ticket or a sheet is malformed, unsigned, or of a stranger."""


class ContradictionError(AttestationError):
    """What is said to be a contradiction is none."""


class GossipError(TrustError):
    """A message of gossip is out of its bounds or out of turn."""


class UnknownNodeError(TrustError):
    """Nobody, or more than one, has this name."""
