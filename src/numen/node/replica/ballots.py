"""The votes that a node has heard, of those heights that are not final yet.

A vote comes from its own voter only, so that nobody can spoil another's by sending a false one
first. Whether it is signed is looked at when there are enough. Two different ones of one voter for
one height are evidence, and both count: two certificates need many who do that.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from numen.ledger.order.slashing import DoubleVote
from numen.ledger.order.vote import SignedVote

WINDOW: Final = 8
"""Heights after the last final one whose votes are kept."""


class Ballots(msgspec.Struct, frozen=True):
    """Votes by height and voter: one, or the first two that contradict each other."""

    heard: Mapping[tuple[int, bytes], tuple[SignedVote, ...]] = MappingProxyType({})


def hear(ballots: Ballots, signed: SignedVote) -> tuple[Ballots, DoubleVote | None]:
    """Take a vote from its voter, and find whether it contradicts itself."""
    place = (signed.vote.height, signed.key)
    before = ballots.heard.get(place, ())
    if any(each.vote == signed.vote for each in before) or len(before) == 2:
        return ballots, None
    heard = Ballots({**ballots.heard, place: (*before, signed)})
    return heard, DoubleVote(before[0], signed) if before else None


def votes_for(ballots: Ballots, height: int, block: bytes) -> tuple[SignedVote, ...]:
    """Those that a block has."""
    return tuple(
        signed
        for (at, _), votes in ballots.heard.items()
        for signed in votes
        if at == height and signed.vote.block == block
    )


def without(ballots: Ballots, false: Iterable[SignedVote]) -> Ballots:
    """Forget votes that nobody signed, so that true ones can come."""
    gone = frozenset(false)
    left = {
        place: tuple(signed for signed in votes if signed not in gone)
        for place, votes in ballots.heard.items()
    }
    return Ballots({place: votes for place, votes in left.items() if votes})


def after(ballots: Ballots, height: int) -> Ballots:
    """Forget what is final."""
    return Ballots({place: votes for place, votes in ballots.heard.items() if place[0] > height})
