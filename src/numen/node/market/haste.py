"""Who has to hear at once what happened: those who may act on it, and whoever waits for it.

Everybody is told everything in the same order. To whom it is all one, it can come a little later,
with more in one message: each message wakes a process, and all of them wake every process.
"""

from collections.abc import Iterable
from typing import Final

from numen.market import events
from numen.market.events import Event
from numen.market.stake import Role
from numen.market.turn import JOBS_MAX, Market

LINGER_S: Final = 0.02
"""How much later the others are told."""


class Haste:
    """Remembers whose the tasks are, as what ends one does not say so."""

    def __init__(self) -> None:
        self._providers: dict[str, bytes] = {}

    def of(self, happened: Iterable[Event], market: Market) -> frozenset[bytes] | None:
        """Name the accounts that have to hear at once; None where everybody has to.

        Args:
            happened: What happened, in order.
            market: The market after that, or later.
        """
        found: set[bytes] = set()
        for event in happened:
            named = self._of(event, market)
            if named is None:
                return None
            found.update(named)
        return frozenset(found)

    def _of(self, event: Event, market: Market) -> Iterable[bytes] | None:
        match event:
            case events.Posted(task=task, provider=provider):
                if len(self._providers) >= JOBS_MAX:
                    self._providers.clear()
                self._providers[task] = bytes.fromhex(provider)
                return None
            case events.Closed(task=task):
                provider_ = self._providers.pop(task, None)
                return None if provider_ is None else (provider_,)
            case events.Matched(worker=worker):
                return (bytes.fromhex(worker),)
            case events.Redeemed(recipient=worker) | events.Unredeemed(recipient=worker):
                return (bytes.fromhex(worker),)
            case events.Answered() | events.Disputed() | events.Voted() | events.Assented():
                return (
                    v for v in market.stakes.stakers if market.stakes.is_active(v, Role.VERIFIER)
                )
            case events.Offered(task=task) | events.Executed(task=task) | events.Settled(task=task):
                return _of_job(event, market, bytes.fromhex(task))
            case events.Revealed() | events.Judged() | events.Scored():
                return ()
            case _:
                return None


def _of_job(event: Event, market: Market, task: bytes) -> Iterable[bytes]:
    """Of a task that lives: its verifier gives seats and judges, its provider pays."""
    job = market.jobs.get(task)
    if job is None:
        return ()
    if isinstance(event, events.Executed):
        seats = job.open_seats()
        is_bound = all(seat.has_executed for seat in seats.values())
        return seats if is_bound else ()
    if isinstance(event, events.Settled):
        return (job.task.verifier, job.task.provider)
    return (job.task.verifier,)
