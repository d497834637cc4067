"""Whom to trust: the plain rule of the article, and the safe one.

*Plain*: whoever a path of good edges leads to. A single sleeper, a node whose own evidence is
forged, so that everyone vouches for it, can vouch for any liar.

*Majority*: whoever more of the trusted attesters find trustworthy than not. Every fresh verdict is
one vote: weighed by D, whose powers of two let the latest outweigh all others, the vote would be
the latest attester's alone, and a fifth of sleepers would have a fifth of the elections. Those who
vote are reached by paths over nodes that pass the same vote: the trusted set is the end of

    T₀ = plain,    Tₙ₊₁ = nodes reached over nodes that a majority of Tₙ's votes is for,

cut off after `ROUNDS_MAX`. With a fifth of the nodes sleeping, false trust stays near 1 %, where
the plain rule trusts nine liars in ten. One bad report is a vote and no veto: a veto would let any
sleeper frame anybody.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.trust.web import Mask, Nodes, Web

ROUNDS_MAX: Final = 8

OBSERVERS_MAX: Final = 64
"""Most observers for whom trust is found together: the bits of a word."""

_EVERYBODY: Final = np.uint64(2**64 - 1)

Bits = NDArray[np.uint64]
"""For each node the observers to which something applies, a bit for each."""


class Rule(StrEnum):
    """How to come from verdicts to trust."""

    PLAIN = "plain"
    MAJORITY = "majority"


class Vote(msgspec.Struct, frozen=True):
    """What one trusted attester says of a node.

    Attributes:
        attester: Who.
        weight: D of its verdict.
        is_for: Whether it finds the node trustworthy.
    """

    attester: int
    weight: int
    is_for: bool


class Judgement(msgspec.Struct, frozen=True):
    """Why an observer trusts a node, or does not.

    Attributes:
        rule: By which rule.
        is_trusted: The result.
        is_reached: Whether a path of good edges leads there over trusted nodes.
        votes: Of the trusted attesters, by attester.
        votes_for: How many are for it.
        votes_against: How many are against it.
    """

    rule: Rule
    is_trusted: bool
    is_reached: bool
    votes: tuple[Vote, ...]
    votes_for: int
    votes_against: int


def trusted(web: Web, observer: int, rule: Rule = Rule.MAJORITY) -> Mask:
    """Everybody whom an observer trusts, itself among them.

    Cost: linear in the edges, up to `ROUNDS_MAX` times.
    """
    found = web.reachable(observer)
    if rule is Rule.PLAIN:
        return found
    for _ in range(ROUNDS_MAX):
        elected = _elected(web, found)
        elected[observer] = True
        after = web.reachable(observer, elected)
        if (after == found).all():
            break
        found = after
    return found


def trusted_by_each(web: Web, observers: Nodes, rule: Rule = Rule.MAJORITY) -> Mask:
    """Whom each of some observers trusts: a row for each, as `trusted` finds it alone.

    Args:
        web: What is known.
        observers: At most `OBSERVERS_MAX`, none twice.
        rule: How verdicts become trust.

    Cost: one pass over the edges for each step of the longest path, up to `ROUNDS_MAX` times, for
    all of them together, since they mostly trust the same nodes.
    """
    assert len(observers) <= OBSERVERS_MAX
    bits = np.uint64(1) << np.arange(len(observers), dtype=np.uint64)
    ways = _Ways(web)
    own = np.zeros(web.count, np.uint64)
    own[observers] = bits
    found = ways.reached(own, np.full(web.count, _EVERYBODY))
    for _ in range(ROUNDS_MAX if rule is Rule.MAJORITY else 0):
        allowed = own.copy()
        for circle, members in _alike(found, bits):
            allowed[_elected(web, circle)] |= members
        after = ways.reached(own, allowed)
        if (after == found).all():
            break
        found = after
    circles: Mask = (found[None, :] & bits[:, None]) != 0
    return circles


class _Ways:
    """Good edges by their targets, along which many observers search at once: a bit for each."""

    def __init__(self, web: Web) -> None:
        order = web.into.order[web.is_good[web.into.order]]
        self._source = web.source[order]
        self._targets, self._starts = np.unique(web.target[order], return_index=True)

    def reached(self, own: Bits, allowed: Bits) -> Bits:
        """By whom each node is reached over nodes that it allows itself."""
        found = own.copy()
        while len(self._targets):
            told = np.bitwise_or.reduceat(found[self._source], self._starts)
            fresh = told & allowed[self._targets] & ~found[self._targets]
            if not fresh.any():
                break
            found[self._targets] |= fresh
        return found


def _alike(found: Bits, bits: Bits) -> Iterator[tuple[Mask, np.uint64]]:
    """Circles, each once, and the bits of all observers who have it."""
    groups: dict[bytes, tuple[Mask, np.uint64]] = {}
    for bit in bits:
        circle = (found & bit) != 0
        name = np.packbits(circle).tobytes()
        before = groups[name][1] if name in groups else np.uint64(0)
        groups[name] = (circle, before | bit)
    yield from groups.values()


def judge(web: Web, observer: int, node: int, rule: Rule = Rule.MAJORITY) -> Judgement:
    """Say whether an observer trusts a node, and what that rests on."""
    circle = trusted(web, observer, rule)
    edges = web.into.edges(np.array([node]))
    voting = edges[circle[web.source[edges]] & (web.source[edges] != node)]
    votes = tuple(
        Vote(int(web.source[edge]), int(web.weight[edge]), bool(web.is_good[edge]))
        for edge in voting[np.argsort(web.source[voting], kind="stable")]
    )
    return Judgement(
        rule=rule,
        is_trusted=bool(circle[node]),
        is_reached=any(vote.is_for for vote in votes),
        votes=votes,
        votes_for=sum(vote.is_for for vote in votes),
        votes_against=sum(not vote.is_for for vote in votes),
    )


def _elected(web: Web, voters: Mask) -> Mask:
    """Nodes that more of the voters are for than against."""
    voting = voters[web.source]
    votes = np.where(web.is_good, 1, -1)[voting]
    sums = np.bincount(web.target[voting], weights=votes, minlength=web.count)
    elected: Mask = sums > 0
    return elected
