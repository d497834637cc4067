"""A node of a ledger of several, as a page shows it: its blocks, whom it trusts, and all bonds.

The node works in a thread of its own, which may be busy with a block. What is shown is read there
now and then, between what the node does for others, and kept here until it is asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from msgspec import structs

from numen.ledger.stakes import Stakes, Standing
from numen.node.ledger.follower import Follower
from numen.node.trust.report import report, told
from numen.trust.errors import UnknownNodeError
from numen.watch import metrics, trust
from numen.watch.ledger import Chronicle
from numen.watch.market import WORDS_MAX, About

REST_S: Final = 0.5
"""How long the node is left alone between two readings."""

VALUE: Final = 0
"""Coins of the diff whose treatment is explained."""


def of_stakes(found: Stakes | None, height: int) -> dict[str, Any]:
    """The bonds of nodes as they are drawn, those that were taken first, the latest of them on top.

    Args:
        found: All bonds, or None where the ledger has none.
        height: Of the block after which they are so.

    Returns:
        `left`, `rewarded` and `burnt`, in coins of the ledger, as numbers; `bonds`, each with `id`,
        `pledged`, `left`, whether it `votes`, and its `loss`: `height`, `offence`, `lie` (its
        digest), `reporter`, `rewarded`, `burnt`; or None.
    """
    if found is None:
        return {"left": 0, "rewarded": 0, "burnt": 0, "bonds": []}
    order = sorted(
        found.standings(height),
        key=lambda each: (-each.loss.height if each.loss else 0, each.bond.node),
    )
    return {
        "left": found.left,
        "rewarded": sum(loss.rewarded for loss in found.losses),
        "burnt": found.burnt,
        "bonds": [_bond(each) for each in order],
    }


def _bond(found: Standing) -> dict[str, Any]:
    loss = found.loss
    return {
        "id": found.bond.node.hex(),
        "pledged": found.bond.member.stake,
        "left": found.left,
        "votes": found.votes,
        "loss": loss
        and {
            "height": loss.height,
            "offence": loss.offence.value,
            "lie": loss.lie.hex(),
            "reporter": loss.reporter.hex(),
            "rewarded": loss.rewarded,
            "burnt": loss.burnt,
        },
    }


class Look(Protocol):
    """Gives what is found of a node, in its own thread."""

    def __call__(self, work: Callable[[Follower], Any], /) -> Awaitable[Any]: ...


class ReplicaSource:
    """A node of a ledger of several: a `board.Source`.

    Args:
        about: Who watches.
        look: How the node is looked at.

    Attributes:
        streams: Gives how many pages are open.
    """

    def __init__(self, about: About, look: Look) -> None:
        self.streams: Callable[[], int] = lambda: 0
        self._about, self._look = about, look
        self._chronicle: Chronicle | None = None
        self._shown: tuple[Mapping[str, Any], bytes] = ({}, b"")

    async def follow(self) -> None:
        """Read again and again, until it is cancelled."""
        while True:
            self._shown = await self._look(self._read)
            await asyncio.sleep(REST_S)

    def sections(self) -> Mapping[str, Any]:
        return self._shown[0]

    async def explained(self, identity: str) -> list[str]:
        found: list[str] = await self._look(lambda node: self._why(node, identity))
        return [sentence[:WORDS_MAX] for sentence in found]

    async def tree(self, identity: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._look(lambda node: self._of(node).found(identity))
        return found

    def metrics(self) -> bytes:
        return self._shown[1]

    def _of(self, node: Follower) -> Chronicle:
        """The chronicle, of the node as it is now."""
        if self._chronicle is None:
            self._chronicle = Chronicle(node)
        self._chronicle.node = node
        return self._chronicle

    def _read(self, node: Follower) -> tuple[Mapping[str, Any], bytes]:
        chronicle = self._of(node)
        chronicle.catch_up()
        members = node.watch.members.roster.members
        names = {address.hex(): name for address, name in zip(members, node.members, strict=True)}
        about = structs.replace(self._about, names=names)
        graph = trust.of_kernel(node.watch.kernel, node.watch.me)
        bonds = of_stakes(node.world.stakes(), node.ledger.height)
        text = metrics.text(
            [
                *metrics.of_ledger(chronicle),
                *metrics.of_bonds(bonds),
                *metrics.of_trust(graph),
                *metrics.of_process(None, {}, self.streams()),
            ]
        )
        return {**chronicle.sections(about), "trust": graph, "bonds": bonds}, text

    def _why(self, node: Follower, identity: str) -> list[str]:
        try:
            number = node.number(identity)
        except UnknownNodeError:
            return self._of(node).explained(identity)
        return list(told(report(node.watch, number, VALUE), node.plan.policy, node.members))
