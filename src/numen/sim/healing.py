"""What is left of an overlay after most of its nodes are gone, and how it grows together again.

Every node is a real `numen.trust.overlay.Overlay`. Messages arrive in the order in which they were
sent; whose receiver is gone comes back to its sender, as a broken connection does.
"""

from collections import deque
from collections.abc import Iterable
from random import Random
from typing import Final

import msgspec

from numen.trust.overlay import Message, Overlay

SHUFFLES: Final = 30
"""Rounds of shuffling in which a new overlay finds its shape."""

MESSAGES_MAX: Final = 400
"""Messages a node, in a round, after which a network is said never to be quiet."""


class Healing(msgspec.Struct, frozen=True):
    """How an overlay survived.

    Attributes:
        nodes: How many there were.
        removed: How many of them vanished at once.
        before: Share of the survivors in their largest component, right after that.
        after: The same after each round.
        links: Mean number of links of a survivor at the end.
    """

    nodes: int
    removed: int
    before: float
    after: tuple[float, ...]
    links: float


class Town:
    """Overlays of many nodes, and the messages between them.

    Args:
        nodes: How many.
        seed: What everything follows from.
    """

    def __init__(self, nodes: int, seed: int) -> None:
        self.chance = Random(seed)  # noqa: S311 - a simulation has to replay
        self.alive = {index: Overlay(index, self.chance.randrange) for index in range(nodes)}
        self.messages: deque[tuple[int, int, Message]] = deque()
        for index in range(1, nodes):
            self.send(index, self.alive[index].join(self.chance.randrange(index)))
            self.settle()
        for _ in range(SHUFFLES):
            self.round()

    def send(self, sender: int, out: Iterable[tuple[int, Message]]) -> None:
        """Put messages on their way."""
        self.messages.extend((sender, to, message) for to, message in out)

    def round(self) -> None:
        """Every node shuffles once, in an order by chance, and all messages arrive."""
        for index in self.chance.sample(sorted(self.alive), len(self.alive)):
            node = self.alive[index]
            # A node probes its links: who is gone is noticed.
            for gone in [other for other in node.active if other not in self.alive]:
                self.send(index, node.lost(gone))
            self.send(index, node.shuffle())
        self.settle()

    def settle(self) -> None:
        """Deliver until nothing is on its way."""
        for _ in range(MESSAGES_MAX * (len(self.alive) + 1)):
            if not self.messages:
                return
            sender, to, message = self.messages.popleft()
            if to in self.alive:
                self.send(to, self.alive[to].receive(sender, message))
            elif sender in self.alive:
                self.send(sender, self.alive[sender].lost(to))
        raise AssertionError("the network is never quiet")

    def remove(self, share: float) -> int:
        """Let a share of the nodes vanish, by chance, and say how many."""
        gone = self.chance.sample(sorted(self.alive), round(share * len(self.alive)))
        for index in gone:
            del self.alive[index]
        return len(gone)

    def connected(self) -> float:
        """Share of the nodes that are in the largest component."""
        left, largest = set(self.alive), 0
        while left:
            component = self._component(left.pop())
            left -= component
            largest = max(largest, len(component))
        return largest / len(self.alive)

    def links(self) -> float:
        """Mean number of links to nodes that are alive."""
        counts = [sum(at in self.alive for at in node.active) for node in self.alive.values()]
        return sum(counts) / len(counts)

    def _component(self, start: int) -> set[int]:
        found, queue = {start}, [start]
        while queue:
            for other in self.alive[queue.pop()].active:
                if other in self.alive and other not in found:
                    found.add(other)
                    queue.append(other)
        return found


def heal(nodes: int, share: float, rounds: int, seed: int) -> Healing:
    """Build an overlay, let a share of it vanish, and watch the rest.

    Cost: some milliseconds a node.
    """
    town = Town(nodes, seed)
    removed = town.remove(share)
    before, after = town.connected(), []
    for _ in range(rounds):
        town.round()
        after.append(town.connected())
    return Healing(nodes, removed, before, tuple(after), town.links())
