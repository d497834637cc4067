"""A node that runs: its step, its body, and one event after the other."""

from collections import deque
from collections.abc import Iterator
from typing import Protocol

from numen.node.replica.body import Work
from numen.node.replica.events import Effect, Event, Outgoing
from numen.node.replica.packet import Proposal
from numen.node.replica.plan import Plan
from numen.node.replica.step import begin, step
from numen.node.replica.turn import Replica


class Carrier(Protocol):
    """Carries effects out, as `numen.node.replica.body.Body` does."""

    plan: Plan

    def restore(self) -> tuple[Replica, Proposal | None]:
        """The node as its disk has it, and the last block that it made."""
        ...

    def perform(self, effect: Work, now_ms: int) -> Event | None:
        """Carry out an effect, and tell what came of it."""
        ...


class Node:
    """A node.

    Args:
        body: Carries out what the step wants.

    Attributes:
        replica: The node's state.
    """

    def __init__(self, body: Carrier) -> None:
        self._body = body
        self.replica, self._proposal = body.restore()

    def begin(self, now_ms: int) -> Iterator[Outgoing]:
        """Begin with what is on the disk; as `handle` otherwise."""
        self.replica, effects = begin(self.replica, self._proposal, self._body.plan, now_ms)
        return self._run(deque(), deque(effects), now_ms)

    def handle(self, event: Event, now_ms: int) -> Iterator[Outgoing]:
        """Deal with an event and all that follows from it here.

        Yields:
            What is to be sent, appended, read and noted. What the step wanted before is carried out
            by then: a vote is on the disk before it leaves. Whoever stops asking stops the node in
            between.

        Raises:
            StorageError: The disk refuses: the node has to stop.
        """
        return self._run(deque([event]), deque(), now_ms)

    def _run(self, events: deque[Event], effects: deque[Effect], now_ms: int) -> Iterator[Outgoing]:
        plan = self._body.plan
        while effects or events:
            while effects:
                effect = effects.popleft()
                if isinstance(effect, Outgoing):
                    yield effect
                    continue
                outcome = self._body.perform(effect, now_ms)
                if outcome is not None:
                    events.append(outcome)
            if events:
                self.replica, wanted = step(self.replica, events.popleft(), plan, now_ms)
                effects.extend(wanted)
