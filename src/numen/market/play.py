"""A whole market in one process: actors, their delays, and the log of what happened.

One seed gives one run, event for event. Messages take time, arrive out of order, and meet a
market that has changed meanwhile; the market step is the same that a network would drive.

    PlayError              the run did not come to rest within its bound
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.market import exchange
from numen.market.actor import Act, Actor, Do, Parcel, Say, Send
from numen.market.dice import Dice
from numen.market.events import Event
from numen.market.exchange import Judge, Post, Submission, Tick, Verb
from numen.market.message import Call, Verdict, sign
from numen.market.receipt import Receipt
from numen.market.turn import Checker, Market

TICK_MS = 250
"""How often time is told to the market and to everyone in it."""

STEPS_MAX = 1_000_000
"""Most things that may happen in one run."""

QUIET_MS = 2_000
"""A run is over when no task lives and nothing has been on its way for so long."""

Thing: TypeAlias = Do | Send | Tick


class PlayError(NumenError):
    """The run did not come to rest within its bound."""


class Play:
    """A run of a market.

    Attributes:
        market: State of the market so far.
        now_ms: Logical time.
        log: Everything that happened so far, in order.
        steps: Things that happened, refused ones included.
        receipts: Receipts of all seats that were judged, by their ids.

    Args:
        market: The state to begin with.
        actors: Everyone in it.
        checker: Checks proofs for the market.
    """

    def __init__(self, market: Market, actors: Sequence[Actor], checker: Checker) -> None:
        self.market = market
        self.now_ms = 0
        self.log: list[Event] = []
        self.steps = 0
        self.receipts: dict[bytes, Receipt] = {}
        self._actors = {actor.address: actor for actor in actors}
        self._checker = checker
        self._queue: list[tuple[int, int, Thing]] = []
        self._sent = 0

    def run(self, *, until_ms: int = 3_600_000) -> Iterator[Event]:
        """Let everything happen, and give the events one by one as they do.

        Args:
            until_ms: Logical time at which the run is given up.

        Raises:
            PlayError: Tasks are still alive at ``until_ms``, or after `STEPS_MAX` things.
        """
        quiet_since = 0
        self._put(Tick(), 0)
        while self._queue and self.now_ms - quiet_since <= QUIET_MS:
            self.now_ms, _, thing = heapq.heappop(self._queue)
            self.steps += 1
            if self.now_ms > until_ms or self.steps > STEPS_MAX:
                raise PlayError(f"{len(self.market.jobs)} tasks live at {self.now_ms} ms")
            yield from self._happen(thing)
            if self.market.jobs or any(not isinstance(t, Tick) for *_, t in self._queue):
                quiet_since = self.now_ms

    def _happen(self, thing: Thing) -> Iterator[Event]:
        match thing:
            case Tick():
                yield from self._submit(thing)
                self._put(thing, TICK_MS)
                yield from self._wake_all()
            case Do(submission):
                yield from self._submit(submission)
                yield from self._wake_all()
            case Send(to, parcel):
                yield from self._deliver(to, parcel)

    def _submit(self, submission: Submission) -> Iterator[Event]:
        before = self.market
        self.market, happened = exchange.step(before, submission, self.now_ms, self._checker)
        if isinstance(submission, Judge) and self.market is not before:
            receipt = receipt_of(before, submission)
            self.receipts[receipt.identity] = receipt
        yield from self._record(happened)

    def _wake_all(self) -> Iterator[Event]:
        for actor in self._actors.values():
            yield from self._act(actor.wake(self.market, self.now_ms))

    def _deliver(self, to: bytes, parcel: Parcel) -> Iterator[Event]:
        actor = self._actors.get(to)
        if actor is not None:
            yield from self._act(actor.receive(parcel, self.market, self.now_ms))

    def _act(self, acts: Iterable[Act]) -> Iterator[Event]:
        for act in acts:
            if isinstance(act, Say):
                yield from self._record((act.event,))
            else:
                self._put(act, act.delay_ms)

    def _record(self, happened: Iterable[Event]) -> Iterator[Event]:
        for event in happened:
            self.log.append(event)
            yield event

    def _put(self, thing: Thing, delay_ms: int) -> None:
        self._sent += 1  # breaks ties in the order of sending
        heapq.heappush(self._queue, (self.now_ms + delay_ms, self._sent, thing))


class Opening:
    """Sets a market up: everyone calls what it needs before the first task.

    Attributes:
        market: The state so far.
        events: What happened so far.
    """

    def __init__(self, market: Market, checker: Checker) -> None:
        self.market = market
        self.events: list[Event] = []
        self._checker = checker

    def call(self, key: SigningKey, verb: Verb, amount: int) -> None:
        """Make a call for its owner.

        Raises:
            PlayError: The market refuses it.
        """
        nonce = self.market.nonces.get(key.address, 0)
        signed = sign(key, Call(self.market.identity, key.address, nonce, verb.value, amount))
        before = self.market
        self.market, happened = exchange.step(before, Post(signed), 0, self._checker)
        if self.market == before:
            raise PlayError(f"{verb.value} of {amount} coins is refused: {happened[0]}")
        self.events += happened


def receipt_of(market: Market, judged: Judge) -> Receipt:
    """Put the receipt of a verdict together that the market is about to accept."""
    verdict = judged.signed.body
    assert isinstance(verdict, Verdict)
    seat = market.jobs[verdict.task].seats[verdict.worker]
    return Receipt((*seat.chain, judged.signed))


def dice_of(seed: int, name: str) -> Dice:
    """Give an actor dice of its own, so that one actor's rolls do not move another's."""
    return Dice(f"{seed}/{name}".encode())


def key_of(seed: int, name: str) -> SigningKey:
    """Give an actor the key that belongs to its name under a seed."""
    return SigningKey.from_seed(f"{seed}/{name}".encode())
