"""An errand: one message that somebody hands in, again if it is lost, until the market shows it.

ErrandError       the market refuses the message, or what it is about is not there
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.market import exchange
from numen.market.actor import Act, Do, Parcel
from numen.market.events import Refused
from numen.market.exchange import Post
from numen.market.job import Job
from numen.market.message import Body, Buy, Cancel, Ramp, Request, message_id, sign
from numen.market.resale import Entry, find
from numen.market.task import Policy
from numen.market.turn import Checker, Market

AGAIN_MS: Final = 2_000
"""After how long a message of which nothing is seen is handed in again."""

PREFIX_MIN: Final = 4
"""Fewest hexadecimal digits that name a task."""


class ErrandError(NumenError):
    """The market refuses what was asked, or what it is about is not there."""


class Errand:
    """One message, until the market shows that it was taken.

    Args:
        key: Whose message.
        body: The message.
        is_taken: Tells from the market whether it was.
    """

    def __init__(self, key: SigningKey, body: Body, is_taken: Callable[[Market], bool]) -> None:
        self._key, self._signed, self.is_taken = key, sign(key, body), is_taken
        self._asked_ms = -AGAIN_MS

    def check(self, market: Market, now_ms: int, checker: Checker) -> None:
        """See whether the market would take it now.

        Raises:
            ErrandError: It would not, and why.
        """
        after, happened = exchange.step(market, Post(self._signed), now_ms, checker)
        if after is market:
            reasons = [event.reason for event in happened if isinstance(event, Refused)]
            raise ErrandError(f"the market refuses it: {', '.join(reasons)}")

    def wake(self, market: Market, now_ms: int) -> Iterator[Act]:
        if not self.is_taken(market) and now_ms - self._asked_ms >= AGAIN_MS:
            self._asked_ms = now_ms
            yield Do(Post(self._signed), 0)


def find_task(market: Market, prefix: str) -> Job:
    """Find a living task by its id in hexadecimal, or the beginning of it.

    Raises:
        ErrandError: There is none, or there are several.
    """
    wanted = prefix.lower().removeprefix("0x")
    fits = [job for name, job in market.jobs.items() if name.hex().startswith(wanted)]
    if len(wanted) < PREFIX_MIN or len(fits) != 1:
        raise ErrandError(
            f"{len(fits)} living tasks begin with {wanted[:64]!r}",
            hint=f"`numen market book` lists them; name {PREFIX_MIN} digits or more",
        )
    return fits[0]


def cancelling(key: SigningKey, job: Job) -> Errand:
    """Take a task back."""

    def is_taken(market: Market) -> bool:
        living = market.jobs.get(job.identity)
        return living is None or living.withdrawn_ms is not None

    return Errand(key, Cancel(key.address, job.identity), is_taken)


def raising(key: SigningKey, job: Job, bid: int, ramp: Ramp | None) -> Errand:
    """Raise the bid of a task; the nonce is the next one."""
    request = Request(job.task, bid, job.request.nonce + 1, ramp)
    name = message_id(request)

    def is_taken(market: Market) -> bool:
        living = market.jobs.get(job.identity)
        return living is None or name in living.requests

    return Errand(key, request, is_taken)


class Purchase:
    """An answer that is bought again.

    It is asked for once the buyer's calls are through, as calls and purchases are counted together.

    Args:
        key: Who buys.
        entry: What is for sale, by the market as the buyer knows it.
        policy: What evidence it wants.

    Attributes:
        entry: The same.
    """

    def __init__(self, key: SigningKey, entry: Entry, policy: Policy) -> None:
        self.entry = entry
        self._key, self._policy = key, policy
        self._errand: Errand | None = None

    def is_made(self, market: Market) -> bool:
        """Tell whether the market shows that it was bought."""
        return self._errand is not None and self._errand.is_taken(market)

    def is_lost(self, market: Market, now_ms: int) -> bool:
        """Tell whether it cannot be bought any more, for no more than this."""
        task = self.entry.task
        found = find(market.store, task.program, task.inputs, self._policy, now_ms)
        is_there = found is not None and found.price <= self.entry.price
        return not is_there and not self.is_made(market)

    def check(self, market: Market, now_ms: int, checker: Checker) -> None:
        """See whether the market would sell it now.

        Raises:
            ErrandError: It would not, and why.
        """
        self._ask(market).check(market, now_ms, checker)

    def wake(self, market: Market, now_ms: int) -> Iterator[Act]:
        if self._errand is None:
            self._errand = self._ask(market)
        return self._errand.wake(market, now_ms)

    def _ask(self, market: Market) -> Errand:
        task, nonce = self.entry.task, market.nonces.get(self._key.address, 0)
        who, price = self._key.address, self.entry.price
        body = Buy(market.identity, who, nonce, task.program, task.inputs, self._policy, price)
        return Errand(self._key, body, lambda m: m.nonces.get(who, 0) > nonce)


class Visitor:
    """Who comes to a market for errands alone: a `numen.node.market.follower.Player`.

    Args:
        address: Its account.

    Attributes:
        address: The same.
        errands: What it came for.
    """

    def __init__(self, address: bytes) -> None:
        self.address = address
        self.errands: list[Errand] = []

    def lacks(self, replica: object) -> Iterable[bytes]:  # noqa: ARG002 - it runs nothing
        return ()

    def bring(self, raw: bytes) -> None:
        """It asks for nothing."""

    def made(self) -> Iterable[bytes]:
        return ()

    @property
    def is_quick(self) -> bool:
        """It runs nothing."""
        return True

    def listen(self, told: Callable[[], None]) -> None:
        """Nothing happens to it behind its back."""

    def watch(self, market: Market) -> None:
        """It sees what it came for when it is woken."""

    def wake(self, market: Market, now_ms: int) -> Iterator[Act]:
        for errand in self.errands:
            yield from errand.wake(market, now_ms)

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:  # noqa: ARG002
        return ()
