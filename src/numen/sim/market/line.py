"""A line between a member and the hall: in order and once, until it breaks; as TLS has it.

A packet that is lost takes the line with it, and so does a network that is parted. Both ends notice
after a while, and whatever was under way is gone. What a member hands in may arrive twice: as
from one that dialled again and does not know how far it had come.
"""

from typing import Final

from numen.sim.network import DELAY_MS, LATE_MS, Action, Network

BROKEN_MS: Final = 300
"""After how long both ends know that a line is broken."""

HALL: Final = b"hall"
"""Where the hall is, as the network has it."""


class Line:
    """One visit of a member to the hall.

    Args:
        network: Carries it.
        member: Who visits.
        broken: Told when it is known to be broken.

    Attributes:
        member: The same.
        is_whole: Whether anything still arrives.
    """

    def __init__(self, network: Network, member: bytes, broken: Action) -> None:
        self.member = member
        self.is_whole = True
        self._network, self._broken = network, broken
        self._due = {True: 0, False: 0}

    def carry(self, deliver: Action, *, to_hall: bool, may_repeat: bool = False) -> None:
        """Bring a message to the other end, or lose it and the line."""
        network = self._network
        if not self.is_whole:
            return
        if network.is_parted(self.member, HALL):
            network.count.cut += 1
            self.cut()
            return
        if network.happens(network.faults.lost):
            network.count.lost += 1
            self.cut()
            return
        is_late = network.happens(network.faults.late)
        delay = network.dice.randint(*(LATE_MS if is_late else DELAY_MS))
        due = max(network.now_ms + delay, self._due[to_hall])
        self._due[to_hall] = due
        network.plan(due - network.now_ms, lambda: self._arrive(deliver))
        if may_repeat and network.happens(network.faults.twice):
            network.count.twice += 1
            late = network.dice.randint(*LATE_MS)
            network.plan(due - network.now_ms + late, lambda: self._arrive(deliver))

    def cut(self) -> None:
        """Break it."""
        if self.is_whole:
            self.is_whole = False
            self._network.plan(BROKEN_MS, self._broken)

    def _arrive(self, deliver: Action) -> None:
        if self.is_whole:
            deliver()
