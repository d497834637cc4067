"""What a node has seen of the others: in the present step, and in all.

When a step ends, each node that something was seen of gets one ticket: bad if anything was, or if
the node was ever shown to lie; else good. Who was silent gets none, since silence may be the
network's: trust in it fades by itself.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import digest
from numen.base.crypto import Hash32, SigningKey
from numen.trust.attestation import Index, SignedTicket, Ticket, sign_ticket
from numen.trust.roster import Members

SIGHTS_MAX: Final = 16
"""Most sights of one node in a step that its ticket is about."""

_DOMAIN: Final = "numen/sights/1"
_NOTHING: Final = bytes(32)


class Sight(msgspec.Struct, frozen=True, array_like=True):
    """Something that a node saw of another.

    Attributes:
        what: In a few words.
        subject: Digest of what it is about: a block's id, a question's nonce, the name of a lie.
        is_good: Whether it speaks for the other.
    """

    what: Annotated[str, Meta(max_length=100)]
    subject: Hash32
    is_good: bool


class Found(msgspec.Struct, frozen=True, array_like=True):
    """A ticket, and the sights that it is about: its evidence is their digest."""

    ticket: SignedTicket
    sights: Annotated[tuple[Sight, ...], Meta(max_length=SIGHTS_MAX)]


class _Sights(msgspec.Struct, frozen=True, array_like=True):
    sights: tuple[Sight, ...]


class Findings:
    """What is seen, by the numbers of nodes.

    Args:
        me: The node's own number.
        members: All nodes.
        key: Signs tickets.
    """

    def __init__(self, me: int, members: Members, key: SigningKey) -> None:
        self._me, self._members, self._key = me, members, key
        self._seen: dict[Index, list[Sight]] = {}

    def saw(self, node: int, sight: Sight) -> None:
        """Note something; what is bad is never left out for what is good."""
        if node == self._me:
            return
        sights = self._seen.setdefault(node, [])
        if sight in sights:
            return
        if len(sights) == SIGHTS_MAX:
            del sights[0 if sights[0].is_good else -1]
        sights.insert(len(sights) if sight.is_good else 0, sight)

    def close(self, step: int) -> tuple[Found, ...]:
        """Sum up a step that has ended, and forget it."""
        seen, self._seen = self._seen, {}
        return tuple(
            self._found(step, node, tuple(sights)) for node, sights in sorted(seen.items())
        )

    def _found(self, step: int, node: int, sights: tuple[Sight, ...]) -> Found:
        is_trusted = all(sight.is_good for sight in sights)
        evidence = digest(_DOMAIN, _Sights(sights))
        ticket = Ticket(self._me, node, step, is_trusted, evidence, _NOTHING)
        return Found(sign_ticket(ticket, self._members, self._key), sights)
