"""Honest nodes, liars and sleepers: what they attest of each other, and whom that makes trusted.

A *liar* serves wrong answers, and whoever honest looks at it finds that. A *sleeper* has forged
evidence: it looks honest to all, and says whatever helps liars. It vouches for them, and, where it
*frames*, reports honest nodes as bad. Both are spread by chance.

*False trust* is the share of pairs of an honest observer and a liar in which the liar is trusted;
*false distrust* the share of pairs of honest nodes in which the other is not.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.sim.graphs import small_world
from numen.trust.history import NOW
from numen.trust.judgement import OBSERVERS_MAX, Rule, trusted_by_each
from numen.trust.web import Web

HONEST: Final = 0
LIAR: Final = 1
SLEEPER: Final = 2

Roles = NDArray[np.int64]


class Society(msgspec.Struct, frozen=True):
    """Who lives in the network.

    Attributes:
        nodes: How many.
        degree: Mean number of others that a node attests, even.
        liars: Share of liars, from 0 to 1.
        sleepers: Share of sleepers.
        frames: Whether sleepers report honest nodes as bad.
    """

    nodes: int
    degree: int = 24
    liars: float = 0.1
    sleepers: float = 0.2
    frames: bool = True


class Errors(msgspec.Struct, frozen=True):
    """How often a rule is wrong.

    Attributes:
        false_trust: Share of liars trusted by honest observers.
        false_distrust: Share of honest nodes not trusted by them.
        observers: How many honest observers were asked about everybody.
    """

    false_trust: float
    false_distrust: float
    observers: int


def roles_of(society: Society, chance: np.random.Generator) -> Roles:
    """Spread the roles by chance, in the shares that are asked for."""
    roles = np.zeros(society.nodes, np.int64)
    liars, sleepers = (round(share * society.nodes) for share in (society.liars, society.sleepers))
    shuffled = chance.permutation(society.nodes)
    roles[shuffled[:liars]] = LIAR
    roles[shuffled[liars : liars + sleepers]] = SLEEPER
    return roles


def attested(society: Society, roles: Roles, chance: np.random.Generator) -> Web:
    """The web after every node has attested each of its neighbours in turn."""
    source, target = small_world(society.nodes, society.degree, chance)
    starts = np.searchsorted(source, np.arange(society.nodes))
    counts = np.bincount(source, minlength=society.nodes)
    # A node's turn began with its first neighbour: the later ones have the fresher verdicts.
    turn = np.arange(len(source)) - starts[source]
    weight = NOW >> np.minimum(counts[source] - 1 - turn, 31)
    truth = roles[target] != LIAR
    by_sleeper = np.where(roles[target] == HONEST, not society.frames, True)
    is_good = np.where(roles[source] == HONEST, truth, by_sleeper)
    return Web(society.nodes, source, target, weight, is_good.astype(bool))


def errors(
    web: Web, roles: Roles, rule: Rule, observers: int, chance: np.random.Generator
) -> Errors:
    """Ask honest observers, drawn by chance, about everybody."""
    honest = np.flatnonzero(roles == HONEST)
    asked = chance.permutation(honest)[:observers]
    liars = roles == LIAR
    wrong_trust = wrong_distrust = 0
    for first in range(0, len(asked), OBSERVERS_MAX):
        circles = trusted_by_each(web, asked[first : first + OBSERVERS_MAX], rule)
        wrong_trust += int((circles & liars).sum())
        wrong_distrust += int((~circles & (roles == HONEST)).sum())
    return Errors(
        wrong_trust / max(1, len(asked) * int(liars.sum())),
        wrong_distrust / max(1, len(asked) * (len(honest) - 1)),
        len(asked),
    )
