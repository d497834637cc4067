"""The log in a simulation: one order for all, and answers that get lost."""

from typing import Protocol

from numen.node.replica.events import Append, Event, Follow, Ordered, Overtaken
from numen.sim.network import DELAY_MS, LATE_MS, Action, Network


class Reader(Protocol):
    """Who reads and writes the log."""

    def hear(self, event: Event, life: int) -> None:
        """Something comes of what was asked for in a life."""
        ...


class Log:
    """Entries by their place, from 1; see `numen.ledger.order.sequencer`.

    Args:
        network: Delays and loses what is asked, and what is answered.

    Attributes:
        entries: What was accepted, in order.
        refused: How often something else was first.
    """

    def __init__(self, network: Network) -> None:
        self.entries: list[bytes] = []
        self.refused = 0
        self._network = network
        self._waiting: list[tuple[int, Reader, int]] = []

    def ask(self, reader: Reader, effect: Append | Follow, life: int) -> None:
        """Take what a node wants of the log."""
        if isinstance(effect, Follow):
            self._plan(lambda: self._follow(reader, effect.position, life))
            return
        copies = 0 if self._network.happens(self._network.faults.lost) else 1
        if self._network.happens(self._network.faults.twice):
            copies += 1
        for _ in range(copies):
            self._plan(lambda: self._append(reader, effect, life))

    def _append(self, reader: Reader, effect: Append, life: int) -> None:
        place = effect.position + 1
        if len(self.entries) == effect.position:
            self.entries.append(effect.raw)
            ready = [each for each in self._waiting if each[0] == place]
            self._waiting = [each for each in self._waiting if each[0] != place]
            for position, who, of in ready:
                self._follow(who, position, of)
        elif self.entries[place - 1 : place] != [effect.raw]:
            self.refused += 1
            if not self._network.happens(self._network.faults.lost):
                self._plan(lambda: reader.hear(Overtaken(), life))

    def _follow(self, reader: Reader, position: int, life: int) -> None:
        if position > len(self.entries):
            self._waiting.append((position, reader, life))
        else:
            ordered = Ordered(position, self.entries[position - 1])
            self._plan(lambda: reader.hear(ordered, life))

    def _plan(self, action: Action) -> None:
        late = self._network.happens(self._network.faults.late)
        self._network.plan(self._network.dice.randint(*(LATE_MS if late else DELAY_MS)), action)
