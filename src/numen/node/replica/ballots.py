"""The votes that a node has heard, of those heights that are not final yet.

A vote comes from its own voter only, so that nobody can spoil another's by sending a false one
first. Whether it is signed is looked at when there are enough. Two different ones of one voter for
one stage of a view are evidence, and both count: two certificates need many who do that.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from numen.ledger.order.slashing import DoubleVote
from numen.ledger.order.vote import SignedVote, Vote
from numen.ledger.stakes import NOTICE

WINDOW: Final = NOTICE
"""Heights after the last final one whose votes are kept: those of which it is known who votes."""


PLACES_MAX: Final = 8
"""Most stages of views of one height of which a voter's votes are kept: the last ones."""

Place: TypeAlias = tuple[int, bytes, int, bool]
"""A height, a voter, a view, and whether to commit."""


class Ballots(msgspec.Struct, frozen=True):
    """Votes by their places: one, or the first two that contradict each other."""

    heard: Mapping[Place, tuple[SignedVote, ...]] = MappingProxyType({})


def hear(ballots: Ballots, signed: SignedVote) -> tuple[Ballots, DoubleVote | None]:
    """Take a vote from its voter, and find whether it contradicts itself."""
    vote = signed.vote
    place = (vote.height, signed.key, vote.view, vote.is_commit)
    before = ballots.heard.get(place, ())
    if any(each.vote == vote for each in before) or len(before) == 2:
        return ballots, None
    heard = {**ballots.heard, place: (*before, signed)}
    own = sorted(each for each in heard if each[:2] == place[:2])
    for old in own[:-PLACES_MAX]:
        del heard[old]
    return Ballots(heard), DoubleVote(before[0], signed) if before else None


def votes_for(ballots: Ballots, vote: Vote) -> tuple[SignedVote, ...]:
    """Those that say the same as one."""
    place = (vote.height, vote.view, vote.is_commit)
    return tuple(
        signed
        for (height, _, view, is_commit), votes in ballots.heard.items()
        for signed in votes
        if (height, view, is_commit) == place and signed.vote.block == vote.block
    )


def commits(ballots: Ballots, height: int, block: bytes) -> tuple[Vote, ...]:
    """What votes to commit a block say that were heard, of the latest view first."""
    found = {
        signed.vote
        for votes in ballots.heard.values()
        for signed in votes
        if signed.vote.height == height and signed.vote.block == block and signed.vote.is_commit
    }
    return tuple(sorted(found, key=lambda vote: -vote.view))


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
