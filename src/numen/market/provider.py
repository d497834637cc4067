"""A job provider: posts tasks, raises bids while they wait, and pays with tickets."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.market.actor import Act, Bill, Do, Parcel, Payment, Send
from numen.market.dice import Dice
from numen.market.escrow import deposit_of
from numen.market.exchange import Post
from numen.market.job import Job, Phase
from numen.market.message import Ramp, Request, sign
from numen.market.payer import Limits, Purse, check_quote, pay
from numen.market.task import Snark, Stark, Task, task_id
from numen.market.turn import Market

PATIENCE_MS = 2_000
"""How long a provider waits for a first seat before it raises its bid."""

PROOF_PATIENCE_MS = 20_000
"""How long it waits where workers have to prove before they offer."""

BILLS_MAX = 4096
"""Bills that may wait for their answers to be settled."""

RAISE_PERMILLE = 250
"""By how much it raises, in thousandths of the bid."""


class Wanted(msgspec.Struct, frozen=True):
    """A task that a provider is going to post.

    Attributes:
        task: The task.
        bid: The first bid.
        at_ms: When to post it.
        ramp: How the bid rises by itself; without one the provider raises it.
    """

    task: Task
    bid: int
    at_ms: int
    ramp: Ramp | None = None


class Provider:
    """A job provider that means what it says.

    Args:
        key: Its key.
        wanted: What it is going to post.
        dice: Delays of its messages.
        limits: Most that it pays in tickets at a time.
    """

    def __init__(
        self, key: SigningKey, wanted: Sequence[Wanted], dice: Dice, limits: Limits
    ) -> None:
        self._key = key
        self._waiting = sorted(wanted, key=lambda w: w.at_ms)
        self._dice = dice
        self._limits = limits
        self._asked_ms: dict[bytes, int] = {}
        self._unpaid: dict[tuple[bytes, bytes], Bill] = {}

    @property
    def address(self) -> bytes:
        return self._key.address

    def wake(self, market: Market, now_ms: int) -> Iterator[Act]:
        while self._waiting and self._waiting[0].at_ms <= now_ms:
            wanted = self._waiting.pop(0)
            self._asked_ms[task_id(wanted.task)] = now_ms
            yield self._do(Request(wanted.task, wanted.bid, 0, wanted.ramp))
        for job in market.jobs.values():
            if job.task.provider == self.address:
                yield from self._raise(job, now_ms)
        for bill in list(self._unpaid.values()):
            if bill.task not in market.jobs or market.jobs[bill.task].is_over:
                del self._unpaid[bill.task, bill.worker]
                yield from self.receive(bill, market, now_ms)

    def want(self, wanted: Wanted) -> None:
        """Post one more task."""
        self._waiting = sorted([*self._waiting, wanted], key=lambda w: w.at_ms)

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:
        """Pay a bill for an accepted answer of one's own task, if the tickets fit the limits.

        One that is ahead of the answer it is for, whose verifier foresees that it will be settled,
        waits for that.
        """
        if not isinstance(parcel, Bill):
            return
        job = market.jobs.get(parcel.task)
        seat = None if job is None else job.seats.get(parcel.worker)
        if job is None or seat is None or job.task.provider != self.address:
            return
        if (parcel.price, parcel.quote) != (seat.ticketable, seat.offer.quote):
            return
        if job.phase is Phase.SETTLED:
            yield from self._pay(parcel, job, market, now_ms)
        elif job.phase is not Phase.FAILED and len(self._unpaid) < BILLS_MAX:
            self._unpaid[parcel.task, parcel.worker] = parcel

    def _pay(self, bill: Bill, job: Job, market: Market, now_ms: int) -> Iterator[Act]:
        held = market.coins.balance(deposit_of(self.address))
        try:
            check_quote(bill.quote, self._limits, held, now_ms)
            _, tickets = pay(
                Purse(bill.quote), self._key, market.escrow.domain, bill.price, self._limits
            )
        except NumenError:
            return  # the verifier then closes the seat with coins from the escrow
        payment = Payment(bill.task, bill.worker, tickets)
        yield Send(job.task.verifier, payment, self._dice.between(5, 40))

    def _raise(self, job: Job, now_ms: int) -> Iterator[Act]:
        since = self._asked_ms.setdefault(job.identity, now_ms)
        is_idle = job.phase is Phase.SEEKING and not job.open_seats() and not job.answers()
        bid = job.request.bid
        if not is_idle or job.request.ramp is not None or bid >= job.task.price_max:
            return
        is_proof = isinstance(job.task.policy, Snark | Stark)
        patience_ms = PROOF_PATIENCE_MS if is_proof else PATIENCE_MS
        if now_ms - since < patience_ms or now_ms > job.seeks_until_ms:
            return
        step = max(bid * RAISE_PERMILLE // 1000, 1)
        self._asked_ms[job.identity] = now_ms
        bid = min(bid + step, job.task.price_max)
        yield self._do(Request(job.task, bid, len(job.requests)))

    def _do(self, request: Request) -> Do:
        return Do(Post(sign(self._key, request)), self._dice.between(5, 40))
