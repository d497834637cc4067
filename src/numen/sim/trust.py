"""A network of trust under one seed: how word spreads, whom it makes trusted, what it survives."""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from numen.base.crypto import SigningKey
from numen.sim.graphs import small_world
from numen.sim.healing import Healing, heal
from numen.sim.roles import Errors, Society, attested, errors, roles_of
from numen.sim.spreading import Mode, Spread, spread
from numen.trust.attestation import Ticket, sign_sheet
from numen.trust.attester import Attester
from numen.trust.judgement import Rule
from numen.trust.kernel import Kernel
from numen.trust.roster import Members

ROUNDS: Final = 30
OBSERVERS: Final = 40

SLEEPERS: Final = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
"""Shares of sleepers for which the rules are compared."""

HEALED_MAX: Final = 2000
"""Nodes of an overlay that is built node by node."""

SIGNED_MAX: Final = 10_000
"""Most nodes whose sheets are signed for a snapshot."""

HEAL_ROUNDS: Final = 4
REMOVED: Final = 0.9

_NOTHING: Final = bytes(32)
"""Digest of the evidence of a simulated attestation: there is none."""

Told = Callable[[str], None]
"""Is told what is being done."""


class Wrong(msgspec.Struct, frozen=True):
    """How often both rules are wrong at one share of sleepers."""

    sleepers: float
    plain: Errors
    majority: Errors


class Report(msgspec.Struct, frozen=True):
    """What a simulation found.

    Attributes:
        nodes, degree, seed: What was asked for.
        spreads: The modes of gossip, each at the same graph.
        wrong: The rules, over shares of sleepers.
        healing: What is left when nine in ten vanish, of at most `HEALED_MAX` nodes.
    """

    nodes: int
    degree: int
    seed: int
    spreads: tuple[Spread, ...]
    wrong: tuple[Wrong, ...]
    healing: Healing


def simulate(society: Society, seed: int, told: Told = lambda _: None) -> Report:
    """Run the three experiments; everything follows from the seed.

    Args:
        society: How many nodes, and how they attest; its share of sleepers is among those
            compared.
        seed: From 0.
        told: Is told of each part as it begins.
    """
    ends = small_world(society.nodes, society.degree, np.random.default_rng(seed))
    spreads = []
    for mode in Mode:
        told(f"gossip, {mode.value}")
        chance = np.random.default_rng(seed)
        spreads.append(spread(ends, society.nodes, mode, ROUNDS, chance))
    wrong = []
    for share in sorted({*SLEEPERS, society.sleepers}):
        told(f"trust, {share:.0%} sleepers")
        wrong.append(_compare(msgspec.structs.replace(society, sleepers=share), seed))
    told("healing")
    healing = heal(min(society.nodes, HEALED_MAX), REMOVED, HEAL_ROUNDS, seed)
    return Report(society.nodes, society.degree, seed, tuple(spreads), tuple(wrong), healing)


def kernel_of(society: Society, seed: int) -> Kernel:
    """The kernel that all nodes of a simulated network end with, every sheet signed.

    Args:
        society: Of at most `SIGNED_MAX` nodes.
        seed: The same as of `simulate`.
    """
    assert society.nodes <= SIGNED_MAX
    chance = np.random.default_rng(seed)
    roles = roles_of(society, chance)
    web = attested(society, roles, chance)
    keys = [SigningKey.from_seed(b"%d of %d" % (node, seed)) for node in range(society.nodes)]
    members = Members.of(1, seed, [key.address for key in keys])
    by_index = {members.index(key.address): key for key in keys}
    kernel = Kernel(members)
    last = 2 * society.degree
    kernel.advance(last)
    for node in range(society.nodes):
        edges = web.out.edges(np.array([node]))
        verdicts = dict(zip(web.target[edges].tolist(), web.is_good[edges].tolist(), strict=True))
        attester = _attested(node, verdicts, last)
        kernel.put(sign_sheet(attester.sheet(), members, by_index[node]))
    return kernel


def _attested(node: int, verdicts: dict[int, bool], last: int) -> Attester:
    """An attester that has looked at its neighbours, one a step, up to the last step."""
    attester = Attester(node, tuple(verdicts))
    for step in range(last + 1):
        attester.advance(step)
        target = attester.target(step)
        if target is not None:
            attester.record(Ticket(node, target, step, verdicts[target], _NOTHING, _NOTHING))
    return attester


def _compare(society: Society, seed: int) -> Wrong:
    chance = np.random.default_rng(seed)
    roles = roles_of(society, chance)
    web = attested(society, roles, chance)
    plain, majority = (
        errors(web, roles, rule, OBSERVERS, np.random.default_rng(seed)) for rule in Rule
    )
    return Wrong(society.sleepers, plain, majority)
