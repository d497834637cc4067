"""A network that loses, repeats, reorders and cuts, in a time of its own.

Everything that happens is an action at a moment; actions of one moment happen in the order in which
they were planned. All chance comes from one seed.
"""

import heapq
from collections.abc import Callable
from random import Random
from typing import Final, TypeAlias

import msgspec

Action: TypeAlias = Callable[[], None]

DELAY_MS: Final = (1, 40)
"""How long a packet takes."""

LATE_MS: Final = (40, 600)
"""How long one takes that was held up."""


class Faults(msgspec.Struct, frozen=True):
    """How often what goes wrong, in thousandths.

    Attributes:
        lost: A packet is lost.
        twice: A packet arrives twice.
        late: A packet is held up, so that others overtake it.
        crash: A node stops before or after something that it wants done.
        cut: A tick of the network parts it in two for a while.
    """

    lost: int = 100
    twice: int = 250
    late: int = 300
    crash: int = 3
    cut: int = 40


NO_FAULTS: Final = Faults(0, 0, 0, 0, 0)


class Count(msgspec.Struct):
    """What went wrong so far.

    Attributes:
        lost: Packets that were lost.
        twice: Packets that arrived twice.
        reordered: Packets that arrived after one that was sent later, from and to the same.
        crashes: Nodes that stopped.
        cut: Packets that the parted network did not carry.
    """

    lost: int = 0
    twice: int = 0
    reordered: int = 0
    crashes: int = 0
    cut: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.lost + self.twice + self.reordered + self.crashes + self.cut


class Network:
    """Packets between places, and a clock.

    Args:
        seed: Of all chance.
        faults: What goes wrong; may be changed as the run goes on.

    Attributes:
        now_ms: The present moment.
        count: What went wrong so far.
        dice: The chance of this run.
    """

    def __init__(self, seed: int, faults: Faults) -> None:
        self.dice = Random(seed)  # noqa: S311 - it has to replay
        self.faults = faults
        self.now_ms = 1_000
        self.count = Count()
        self._planned: list[tuple[int, int, Action]] = []
        self._number = 0
        self._latest: dict[tuple[bytes, bytes], int] = {}
        self._due: dict[tuple[bytes, bytes], int] = {}
        self._side: dict[bytes, int] = {}

    def happens(self, permille: int) -> bool:
        """Throw dice."""
        return permille > 0 and self.dice.randrange(1000) < permille

    def plan(self, in_ms: int, action: Action) -> None:
        """Let something happen later."""
        self._number += 1
        heapq.heappush(self._planned, (self.now_ms + in_ms, self._number, action))

    def advance(self) -> bool:
        """Let the next thing happen; False when nothing is planned."""
        if not self._planned:
            return False
        self.now_ms, _, action = heapq.heappop(self._planned)
        action()
        return True

    def part(self, places: list[bytes], for_ms: int) -> None:
        """Part the network: places of one side do not hear those of the other for a while."""
        self._side = {place: self.dice.randrange(2) for place in places}
        self.plan(for_ms, self.join)

    def is_parted(self, one: bytes, other: bytes) -> bool:
        """Whether two places do not hear each other now."""
        return self._side.get(one, 0) != self._side.get(other, 0)

    def join(self) -> None:
        """Make the network whole."""
        self._side = {}

    def carry(self, source: bytes, target: bytes, deliver: Action) -> None:
        """Bring a packet from one place to another, or not."""
        if self.is_parted(source, target):
            self.count.cut += 1
            return
        if self.happens(self.faults.lost):
            self.count.lost += 1
            return
        copies = 1
        if self.happens(self.faults.twice):
            self.count.twice += 1
            copies = 2
        self._number += 1
        number = self._number
        for _ in range(copies):
            if self.happens(self.faults.late):
                delay = self.dice.randint(*LATE_MS)
            else:  # in its turn
                in_turn = self._due.get((source, target), 0) - self.now_ms
                delay = max(self.dice.randint(*DELAY_MS), in_turn)
                self._due[source, target] = self.now_ms + delay
            self.plan(delay, lambda: self._arrive(source, target, number, deliver))

    def _arrive(self, source: bytes, target: bytes, number: int, deliver: Action) -> None:
        latest = self._latest.get((source, target), 0)
        if number < latest:
            self.count.reordered += 1
        self._latest[source, target] = max(latest, number)
        deliver()
