"""What a board can show: a market as somebody in it sees it, a market's log, a ledger."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from numen.base.errors import NumenError
from numen.market.events import Event
from numen.market.turn import Market
from numen.node.ledger.node import LedgerNode
from numen.trust.kernel import Kernel
from numen.watch import market as shown
from numen.watch import metrics, trust
from numen.watch.ledger import Chronicle
from numen.watch.market import About
from numen.watch.story import Story, Task
from numen.watch.traffic import Traffic


class NothingShownError(NumenError):
    """A board does not show what it is asked for."""


class MarketSource:
    """A market: a `board.Source`.

    Args:
        about: Says who watches.
        traffic: Of its channels, where it has some.

    Attributes:
        story: What happened.
        state: Gives the market's state, where it is known.
        queues: Gives how much waits, by queue.
        streams: Gives how many pages are open.
        web: What a web of trust says, and whose it is; shown in place of the verdicts.
    """

    def __init__(self, about: Callable[[], About], traffic: Traffic | None = None) -> None:
        self._about = about
        self.story = Story()
        self._traffic = traffic
        self.state: Callable[[], Market | None] = lambda: None
        self.queues: Callable[[], Mapping[str, float]] = dict
        self.streams: Callable[[], int] = lambda: 0
        self.web: tuple[Kernel, int] | None = None

    def hear(self, happened: Iterable[Event]) -> list[Task]:
        """Take what happened; the tasks that ended with it."""
        return self.story.hear(happened)

    def sections(self) -> Mapping[str, Any]:
        found = shown.sections(self.story, self._about(), self.state())
        if self.web is not None:
            found["trust"] = trust.of_kernel(*self.web)
        return found

    async def explained(self, identity: str) -> list[str]:
        return shown.explained(self.story, self._about(), identity)

    async def tree(self, identity: str) -> Mapping[str, Any]:
        raise NothingShownError(f"a market has no messages of a ledger, such as {identity[:16]}")

    def metrics(self) -> bytes:
        return metrics.text(
            [
                *metrics.of_market(self.story, self.state()),
                *metrics.of_process(self._traffic, self.queues(), self.streams()),
            ]
        )


class LedgerSource:
    """A ledger: a `board.Source`.

    Args:
        about: Who watches.
        node: The ledger's node.

    Attributes:
        streams: Gives how many pages are open.
    """

    def __init__(self, about: About, node: LedgerNode) -> None:
        self.streams: Callable[[], int] = lambda: 0
        self._about = about
        self._chronicle = Chronicle(node)

    def sections(self) -> Mapping[str, Any]:
        self._chronicle.catch_up()
        return self._chronicle.sections(self._about)

    async def explained(self, identity: str) -> list[str]:
        return self._chronicle.explained(identity)

    async def tree(self, identity: str) -> Mapping[str, Any]:
        return self._chronicle.found(identity)

    def metrics(self) -> bytes:
        self._chronicle.catch_up()
        return metrics.text(
            [*metrics.of_ledger(self._chronicle), *metrics.of_process(None, {}, self.streams())]
        )
